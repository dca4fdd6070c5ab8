"""Find leaks of an estimator: parts that are fitted, and accuracy above chance with shuffled classes."""

import inspect

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing

from savee_mm._composition import held
from savee_mm.evaluation.leakage.report import Finding


def fitted_findings(estimator):
    """Find the parts of an estimator that are fitted.

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
        "its clones remain fitted, possibly to test clips"
        if kept
        else "possibly to test clips; its clones are not fitted"
    )
    return [Finding("fitted", f"{names} is fitted: {what_then}; pass an estimator that is not fitted")]


def fitted_parts(estimator):
    """Name the parts of an estimator that are fitted.

    Parameters
    ----------
    estimator : estimator
        Its parameters are searched: steps of a Pipeline, wrapped estimators, grids of a search, and functions that are
        methods of an estimator.

    Returns
    -------
    parts : list of (str, bool)
        ``"StandardScaler"`` or ``"StandardScaler (steps)"``, with the parameter that holds it, and whether its clones
        in cross-validation remain fitted. An estimator that is fitted because its parts are is not listed.
    """
    return list(_walk(estimator, "", False, set()))


def _walk(value, where, survives, seen):
    if id(value) in seen or inspect.isclass(value):
        return
    if hasattr(value, "get_params") or hasattr(value, "fit"):
        seen.add(id(value))
        yield from _walk_estimator(value, where, survives, seen)
    else:
        # clone() clones the items of a container, and copies any other object with its contents.
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
    # Stateless transformers are fitted from the start.
    return _says_fitted(estimator) and not _says_fitted(clone(estimator))


def _says_fitted(estimator):
    if not hasattr(type(estimator), "__sklearn_is_fitted__"):
        return False
    try:
        return bool(estimator.__sklearn_is_fitted__())
    except NotFittedError:  # FeatureUnion raises
        return False


# Number of permutations for the chance level, and the significance level.
_N_CHANCE = 1999
_ALPHA = 0.001


def permutation_findings(estimator, data, y, folds, recordings, *, n_runs, rng):
    """Cross-validate with shuffled classes.

    Parameters
    ----------
    estimator : estimator
        It is cloned.
    data : DataFrame, ndarray or list
        The clips.
    y : ndarray of shape (n_rows,)
        The classes.
    folds : list of (ndarray, ndarray)
        Positions of training and test rows.
    recordings : ndarray of int, shape (n_rows,)
        Rows of one code are copies, and keep a common class when classes are shuffled.
    n_runs : int
        Number of cross-validations.
    rng : RandomState
        Generator of the permutations.

    Returns
    -------
    findings : list of Finding
        One of kind "permutation" if more test rows are correct than by chance.
    notes : list of str
        The accuracy of the run.
    """
    units = _units(y, recordings)
    tested = np.concatenate([test for _, test in folds])
    correct, chance = 0, np.zeros(_N_CHANCE, dtype=int)
    for _ in range(n_runs):
        shuffled = _shuffled(y, units, rng)
        predicted = np.concatenate([_predict(estimator, data, shuffled, *fold) for fold in folds])
        correct += np.count_nonzero(predicted == shuffled[tested])
        chance += [np.count_nonzero(predicted == _shuffled(shuffled, units, rng)[tested]) for _ in range(_N_CHANCE)]
    n = n_runs * len(tested)
    probability = (1 + np.count_nonzero(chance >= correct)) / (1 + _N_CHANCE)
    by_chance = chance.mean() / n
    text = f"with shuffled classes {correct / n:.3f} of the test rows are correct, and {by_chance:.3f} by chance"
    if probability > _ALPHA:
        return [], [f"{text} (probability {probability:.3f})"]
    message = f"{text} (probability {probability:.4f}): test clips or copies of them are in training"
    rows = tuple(np.unique(tested).astype(int).tolist())
    return [Finding("permutation", message, rows, tuple(range(len(folds))))], []


def _units(y, recordings):
    """Return codes of rows that keep a common class: the copies of one recording, if all have the same class."""
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
