"""The inner split of a table-in estimator: what belongs together stays on one side."""

import warnings

import numpy as np
import pandas as pd
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
        Where the table has no such column, misses values in it, or allows no such split.
    """
    if column not in table.columns:
        raise ValueError(
            f"inner_groups={column!r} is not a column of the clip table; its columns are {list(table.columns)}."
        )
    groups, names = pd.factorize(table[column])
    if (groups < 0).any():
        missing = [str(label) for label in table.index[groups < 0][:3]]
        raise ValueError(
            f"inner_groups={column!r}: the column is empty in {(groups < 0).sum()} of {len(table)} rows, such as "
            f"{', '.join(missing)}; fill it."
        )
    for training, watched in _folds(y, groups, len(names), fraction, seed):
        if len(watched) and set(y[training]) == set(y):
            return training, watched
    raise ValueError(
        f"Early stopping found no split by {column!r} ({len(names)} groups in {len(y)} clips) that leaves clips of "
        "every class in training; choose other inner_groups, or early_stopping=False."
    )


def _folds(y, groups, n_groups, fraction, seed):
    """Yield stratified folds by group of about the asked size; none where there are too few groups or clips."""
    largest_class = np.unique(y, return_counts=True)[1].max()
    n_splits = min(max(round(1 / fraction), 2), n_groups, largest_class)
    if n_splits < 2:
        return
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A rare class is spread over fewer folds; the first fold that leaves it in training is taken.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        yield from splitter.split(y, y, groups)
