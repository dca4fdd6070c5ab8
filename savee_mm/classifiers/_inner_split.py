"""Inner splits of the training clips by group, for early stopping, calibration and out-of-fold predictions."""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from savee_mm.model_selection import SpeakerOrClipKFold
from savee_mm.model_selection.splitters import shuffled_groups


def inner_split(table, y, *, column, fraction, seed):
    """Split clips into a training and a validation part, for early stopping or calibration.

    Parameters
    ----------
    table : DataFrame
        The training clips.
    y : ndarray of shape (n_clips,)
        Class labels; their proportions are kept as far as the groups allow.
    column : str
        Column of the groups; the clips of a group stay together.
    fraction : float
        Approximate share of the validation clips.
    seed : int
        Seed of the random choice.

    Returns
    -------
    training, validation : ndarray of int
        Row positions.

    Raises
    ------
    ValueError
        Where the column is missing or has missing values, or the groups allow no such split.
    """
    groups, n_groups = _group_codes(table, column)
    for training, validation in _folds(y, groups, n_groups, fraction, seed):
        if len(validation) and set(y[training]) == set(y):
            return training, validation
    raise ValueError(
        f"There is no inner split by {column!r} ({n_groups} groups in {len(y)} clips) that leaves clips of every class "
        "in training; choose other groups, or switch off early stopping and calibration."
    )


def inner_folds(table, y, *, column, n_splits, groups=None):
    """Divide the training clips into folds, for out-of-fold predictions.

    Parameters
    ----------
    table : DataFrame
        The training clips.
    y : ndarray of shape (n_clips,)
        Class labels; their proportions are kept as far as the groups allow.
    column : str or None
        Column of the groups; the clips of a group stay together. For "speaker" the folds are those of
        :class:`~savee_mm.model_selection.SpeakerOrClipKFold`. None is the same for tables that may lack speakers.
    n_splits : int
        Maximum number of folds: there are at most as many as groups, or as clips of the largest class.
    groups : array-like of shape (n_clips,), default=None
        Used in place of the column.

    Returns
    -------
    folds : ndarray of int of shape (n_clips,)
        The fold of each clip; deterministic.

    Raises
    ------
    ValueError
        Where the column is missing or has missing values, or the groups allow no two folds.
    """
    if column in ("speaker", None) and groups is None:
        if column is not None:
            _group_codes(table, column)
        splits = SpeakerOrClipKFold(n_splits).split(table, y)
    else:
        splits = _folds_of_groups(table, y, column, n_splits, groups)
    folds = np.empty(len(y), dtype=int)
    for fold, (_, held_out) in enumerate(splits):
        folds[held_out] = fold
    return folds


def splits_groups(folds, groups):
    """Return whether some group has clips in several folds, so that it is not unseen in any of them.

    Parameters
    ----------
    folds : ndarray of int of shape (n_clips,)
        As :func:`inner_folds` returns them.
    groups : ndarray of shape (n_clips,)
        The group of each clip; missing for a clip without one.

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
            f"No inner folds by {column!r}: {n_groups} groups in {len(y)} clips, too few to divide. Add clips of other "
            "groups, or choose other inner_groups."
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
    """Yield stratified folds by group of about the requested size; none for too few groups or clips."""
    largest_class = np.unique(y, return_counts=True)[1].max()
    n_splits = min(max(round(1 / fraction), 2), n_groups, largest_class)
    if n_splits < 2:
        return
    groups = shuffled_groups(groups, seed)
    with warnings.catch_warnings():
        # A rare class is in fewer folds; the caller takes the first split that leaves it in training.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        yield from StratifiedGroupKFold(n_splits).split(y, y, groups)
