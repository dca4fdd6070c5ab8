"""Check of class labels, shared by networks, fusions and searches."""

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
        Name of the classifier, for error messages.

    Returns
    -------
    y : ndarray of shape (n_clips,)

    Raises
    ------
    ValueError
        For no labels, missing or continuous labels, or only one class.
    """
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None.")
    y = column_or_1d(y, warn=True)
    if not len(y):
        raise ValueError(f"{owner} needs at least two training clips of two classes, got 0 clips.")
    if pd.isna(y).any():
        raise ValueError(f"y is missing for the clips {np.flatnonzero(pd.isna(y))[:5].tolist()}; leave them out.")
    check_classification_targets(y)
    if len(np.unique(y)) < 2:
        raise ValueError(f"{owner} needs clips of at least two classes, got {len(y)} clips of one class, {y[0]!s}.")
    return y
