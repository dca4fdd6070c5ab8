"""The inner split of a table-in estimator: what belongs together stays on one side."""

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold


def inner_split(table, y, *, column, fraction, seed):
    """Split training clips into those that are trained on and those that early stopping watches.

    Parameters
    ----------
    table : DataFrame
        The training clips.
    y : ndarray of shape (n_clips,)
        Class labels; the shares of the classes are kept as far as the groups allow.
    column : str
        Column whose values are not torn apart.
    fraction : float
        About this share of the clips is watched.
    seed : int
        Seed of the choice.

    Returns
    -------
    training, watched : ndarray of int
        Positions of rows.

    Raises
    ------
    ValueError
        Where the table has no such column, or a single group in it.
    """
    if column not in table.columns:
        raise ValueError(
            f"inner_groups={column!r} is not a column of the clip table; its columns are {list(table.columns)}."
        )
    groups = table[column].to_numpy()
    n_groups = len(np.unique(groups.astype(str)))
    if n_groups < 2:
        raise ValueError(
            f"Early stopping needs clips of at least two groups of {column!r} in training, got {n_groups}; choose "
            "other inner_groups, or early_stopping=False."
        )
    n_splits = min(max(round(1 / fraction), 2), n_groups, np.unique(y, return_counts=True)[1].max())
    folds = StratifiedGroupKFold(max(n_splits, 2), shuffle=True, random_state=seed).split(y, y, groups.astype(str))
    return next(folds)
