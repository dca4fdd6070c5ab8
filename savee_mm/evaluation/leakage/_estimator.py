"""Whether an estimator, or one that it is made of, has been fitted already."""

import inspect

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing

from savee_mm._composition import held
from savee_mm.evaluation.leakage.report import Finding


def fitted_findings(estimator):
    """Find what of an estimator has been fitted.

    Parameters
    ----------
    estimator : estimator or None
        See :func:`fitted_parts`.

    Returns
    -------
    findings : list of Finding
        One of kind "fitted", or none.
    """
    parts = [] if estimator is None else fitted_parts(estimator)
    if not parts:
        return []
    names = ", ".join(dict.fromkeys(name for name, _ in parts))
    kept = any(survives for _, survives in parts)
    what_then = (
        "clones keep what it has learnt, and nobody can tell whether it was from test clips"
        if kept
        else "what it has learnt may be of test clips, and a clone forgets it"
    )
    return [Finding("fitted", f"{names} is fitted already: {what_then}; pass an estimator that is not fitted")]


def fitted_parts(estimator):
    """Name the parts of an estimator that are fitted.

    Parameters
    ----------
    estimator : estimator
        Is looked for in its parameters: steps of a Pipeline, wrapped estimators, grids of a search, and functions that
        are methods of an estimator.

    Returns
    -------
    parts : list of (str, bool)
        ``"StandardScaler"`` or ``"StandardScaler (steps)"``, named for the parameter that it came with, and whether it
        stays fitted in the clones that cross-validation trains. An estimator that is fitted because its parts are is
        not named itself.
    """
    return list(_walk(estimator, "", False, set()))


def _walk(value, where, survives, seen):
    if id(value) in seen or inspect.isclass(value):
        return
    if hasattr(value, "get_params") or hasattr(value, "fit"):
        seen.add(id(value))
        yield from _walk_estimator(value, where, survives, seen)
    else:
        # A clone clones what a container holds, and copies anything else with all that it holds.
        survives = survives or not isinstance(value, dict | list | tuple | set)
        for part in held(value):
            seen.add(id(value))
            yield from _walk(part, where, survives, seen)


def _walk_estimator(estimator, where, survives, seen):
    frozen = survives or isinstance(estimator, FrozenEstimator)
    params = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    inner = [part for name, value in params.items() for part in _walk(value, name, frozen, seen)]
    yield from inner
    if not inner and not isinstance(estimator, FrozenEstimator) and _is_fitted(estimator):
        yield type(estimator).__name__ + (f" ({where})" if where else ""), survives


def _is_fitted(estimator):
    if any(name.endswith("_") and not name.startswith("_") for name in getattr(estimator, "__dict__", ())):
        return True
    if not hasattr(type(estimator), "__sklearn_is_fitted__"):
        return False
    # Transformers without a state call themselves fitted from the start.
    return bool(estimator.__sklearn_is_fitted__()) and not clone(estimator).__sklearn_is_fitted__()


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
