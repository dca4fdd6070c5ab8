"""A run with shuffled classes: whoever is still right knows the test clips."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from savee_mm.evaluation.leakage_report import Finding

# Rearrangements that chance is told by, and the probability below which it was none.
_N_CHANCE = 1999
_ALPHA = 0.001


def permutation_findings(estimator, data, y, folds, recordings, *, n_runs, rng):
    """Cross-validate with shuffled classes.

    Parameters
    ----------
    estimator : estimator
        Is cloned.
    data : DataFrame, ndarray or list
        The clips.
    y : ndarray of shape (n_rows,)
        The classes.
    folds : list of (ndarray, ndarray)
        Positions of training and test rows.
    recordings : ndarray of int, shape (n_rows,)
        Rows of one code are copies, and keep one class when classes are shuffled.
    n_runs : int
        Number of shufflings.
    rng : RandomState
        What they are drawn from.

    Returns
    -------
    findings : list of Finding
        One of kind "permutation" where more test rows are right than chance explains.
    notes : list of str
        The accuracy at which the run was.
    """
    units = _units(y, recordings)
    tested = np.concatenate([test for _, test in folds])
    right, chance = 0, np.zeros(_N_CHANCE, dtype=int)
    for _ in range(n_runs):
        shuffled = _shuffled(y, units, rng)
        predicted = np.concatenate([_predict(estimator, data, shuffled, *fold) for fold in folds])
        right += np.count_nonzero(predicted == shuffled[tested])
        chance += [np.count_nonzero(predicted == _shuffled(shuffled, units, rng)[tested]) for _ in range(_N_CHANCE)]
    n = n_runs * len(tested)
    probability = (1 + np.count_nonzero(chance >= right)) / (1 + _N_CHANCE)
    by_chance = chance.mean() / n
    text = f"with shuffled classes {right / n:.3f} of the test rows are right, where chance gives {by_chance:.3f}"
    if probability > _ALPHA:
        return [], [f"{text} (probability {probability:.3f})"]
    message = f"{text} (probability {probability:.4f}): test clips, or copies of them, are known from training"
    rows = tuple(np.unique(tested).astype(int).tolist())
    return [Finding("permutation", message, rows, tuple(range(len(folds))))], []


def _units(y, recordings):
    """Return codes of the rows whose class is shuffled as one; rows of several classes are shuffled one by one."""
    codes = np.unique(recordings, return_inverse=True)[1]
    first = np.unique(codes, return_index=True)[1]
    mixed = np.unique(codes[y != y[first[codes]]])
    alone = np.isin(codes, mixed)
    codes = np.where(alone, codes.max() + 1 + np.arange(len(codes)), codes)
    return np.unique(codes, return_inverse=True)[1]


def _shuffled(y, units, rng):
    first = np.unique(units, return_index=True)[1]
    return y[first][rng.permutation(len(first))][units]


def _predict(estimator, data, y, train, test):
    fitted = clone(estimator).fit(_safe_indexing(data, train), y[train])
    return np.asarray(fitted.predict(_safe_indexing(data, test)))
