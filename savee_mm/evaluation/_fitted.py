"""Whether an estimator, or one that it is made of, has been fitted already."""

import inspect

from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from savee_mm._composition import held
from savee_mm.evaluation.leakage_report import Finding


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
