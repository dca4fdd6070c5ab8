"""The check of class labels that networks, fusions and searches share."""

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d


def check_labels(y, owner):
    """Return class labels as an array.

    Parameters
    ----------
    y : array-like of shape (n_clips,)
        Labels.
    owner : str
        Name of the classifier, for its errors.

    Returns
    -------
    y : ndarray of shape (n_clips,)

    Raises
    ------
    ValueError
        Where there are no labels, missing ones, continuous ones, or only one class.
    """
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None.")
    y = column_or_1d(y, warn=True)
    if not len(y):
        raise ValueError(f"{owner} needs clips to be fitted to: at least two, of two classes, got 0 clips.")
    if pd.isna(y).any():
        raise ValueError(f"y is missing for the clips {np.flatnonzero(pd.isna(y))[:5].tolist()}; leave them out.")
    check_classification_targets(y)
    if len(np.unique(y)) < 2:
        raise ValueError(f"{owner} needs clips of at least two classes, got {len(y)} clips of the one class {y[0]!s}.")
    return y
