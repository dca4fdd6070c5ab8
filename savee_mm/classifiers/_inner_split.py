"""The inner split of a table-in estimator: what belongs together stays on one side."""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from savee_mm.model_selection import SpeakerOrClipKFold
from savee_mm.model_selection._shuffle import shuffled_groups


def inner_split(table, y, *, column, fraction, seed):
    """Split training clips into those that are trained on and those that are watched, or calibrated by.

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
    groups, n_groups = _group_codes(table, column)
    for training, watched in _folds(y, groups, n_groups, fraction, seed):
        if len(watched) and set(y[training]) == set(y):
            return training, watched
    raise ValueError(
        f"There is no inner split by {column!r} ({n_groups} groups in {len(y)} clips) that leaves clips of every class "
        "in training; choose other groups, or do without early stopping and calibration."
    )


def inner_folds(table, y, *, column, n_splits, groups=None):
    """Deal the training clips out to folds, to predict each by an estimator that was trained on the others.

    Parameters
    ----------
    table : DataFrame
        The training clips.
    y : ndarray of shape (n_clips,)
        Class labels; the shares of the classes are kept as far as the groups allow.
    column : str
        Column whose values are not torn apart; of "speaker" the folds are those of
        :class:`~savee_mm.model_selection.SpeakerOrClipKFold`.
    n_splits : int
        Number of folds, at most: there are no more than groups, or than clips of the largest class.
    groups : array-like of shape (n_clips,), default=None
        Taken in place of the column.

    Returns
    -------
    folds : ndarray of int of shape (n_clips,)
        The fold of each clip, the same in every call.

    Raises
    ------
    ValueError
        Where the table has no such column, misses values in it, or allows no two folds.
    """
    if column == "speaker" and groups is None:
        _group_codes(table, column)
        splits = SpeakerOrClipKFold(n_splits).split(table, y)
    else:
        splits = _folds_of_groups(table, y, column, n_splits, groups)
    folds = np.empty(len(y), dtype=int)
    for fold, (_, held_out) in enumerate(splits):
        folds[held_out] = fold
    return folds


def parts_groups(folds, groups):
    """Whether some group has clips in several folds: then nobody is new in them.

    Parameters
    ----------
    folds : ndarray of int of shape (n_clips,)
        As :func:`inner_folds` returns them.
    groups : ndarray of shape (n_clips,)
        The group of each clip; what is missing belongs to none.

    Returns
    -------
    answer : bool
    """
    return bool((pd.Series(folds).groupby(groups).nunique() > 1).any())


def _folds_of_groups(table, y, column, n_splits, groups):
    if groups is not None:
        table, column = pd.DataFrame({"groups": np.asarray(groups)}), "groups"
    codes, n_groups = _group_codes(table, column)
    n_splits = min(n_splits, n_groups, np.unique(y, return_counts=True)[1].max())
    if n_splits < 2:
        raise ValueError(
            f"No inner folds by {column!r}: {n_groups} groups in {len(y)} clips, of which no two can be kept apart. "
            "Add clips of other groups, or choose other inner_groups."
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        yield from StratifiedGroupKFold(n_splits).split(y, y, codes)


def _group_codes(table, column):
    """Return a number for the group of every clip, and how many groups there are."""
    if column not in table.columns:
        raise ValueError(
            f"The inner groups {column!r} are not a column of the clip table; its columns are {list(table.columns)}."
        )
    groups, names = pd.factorize(table[column])
    if (groups < 0).any():
        missing = [str(label) for label in table.index[groups < 0][:3]]
        raise ValueError(
            f"The inner groups {column!r}: the column is empty in {(groups < 0).sum()} of {len(table)} rows, such as "
            f"{', '.join(missing)}; fill it."
        )
    return groups, len(names)


def _folds(y, groups, n_groups, fraction, seed):
    """Yield stratified folds by group of about the asked size; none where there are too few groups or clips."""
    largest_class = np.unique(y, return_counts=True)[1].max()
    n_splits = min(max(round(1 / fraction), 2), n_groups, largest_class)
    if n_splits < 2:
        return
    groups = shuffled_groups(groups, seed)
    with warnings.catch_warnings():
        # A rare class is spread over fewer folds; the first fold that leaves it in training is taken.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        yield from StratifiedGroupKFold(n_splits).split(y, y, groups)
