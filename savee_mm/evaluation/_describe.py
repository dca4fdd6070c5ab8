"""Describe an estimator as plain data, equal in all processes for estimators with equal results."""

import functools
import inspect
import json
import os
import pickle

import joblib
import numpy as np
from sklearn.base import clone

# Parameters that do not change results.
_NEUTRAL = frozenset({"cache", "memory", "n_jobs", "verbose"})


def describe(estimator):
    """Return class and parameters of an estimator as plain data.

    Parameters
    ----------
    estimator : estimator
        Fitted or not; fitted attributes are ignored.

    Returns
    -------
    description : dict
        Dicts, lists, strings, numbers and None, ready for JSON. Nested estimators are described in the same way,
        arrays by a hash of their content, functions by name, code and closure (functions that they call by their
        names), classes by name. Estimators that read pretrained files also have the SHA-256 of each. ``cache``,
        ``memory``, ``n_jobs`` and ``verbose`` are left out.

    Raises
    ------
    ValueError
        For a parameter that has no description common to all processes.
    """
    estimator = clone(estimator)
    # get_params also lists the parameters of a default part for which None is passed. Setting one of them to its own
    # value creates the part, so that the default and the same part passed explicitly have equal descriptions.
    nested = {name: value for name, value in estimator.get_params().items() if "__" in name}
    return describe_value(estimator.set_params(**nested))


def describe_value(value):
    """Return the value of a parameter as plain data, see :func:`describe`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.bool_ | np.integer):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple | set | frozenset | dict):
        return _describe_container(value)
    if inspect.isclass(value):
        return {"class": _name(value)}
    return _describe_object(value)


def _describe_container(value):
    if isinstance(value, list | tuple):
        return [describe_value(item) for item in value]
    # Pairs, because JSON would turn every key into a string.
    items = [describe_value(item) for item in (value.items() if isinstance(value, dict) else value)]
    return sorted(items, key=json.dumps)


def _describe_object(value):
    if hasattr(value, "get_params"):
        described = {"class": _name(type(value)), "params": _describe_params(value)}
        files = pretrained_files(value)
        return described | {"files": [file.sha256 for file in files]} if files else described
    if isinstance(value, functools.partial):
        return {"partial": [describe_value(part) for part in (value.func, value.args, value.keywords)]}
    if inspect.isfunction(value):
        return {"function": _name(value), "code": _describe_function(value)}
    return {"class": _name(type(value)), "hash": _hash(value)}


def pretrained_files(estimator):
    """Return the pretrained files that an estimator reads, as LocalWeights; none where they are missing.

    A file that is missing or invalid is an error of ``fit``, which gives the remedy.
    """
    if not hasattr(estimator, "_pretrained_files"):
        return ()
    try:
        return estimator._pretrained_files()
    except (OSError, ValueError, ImportError):
        return ()


def _describe_params(estimator):
    return {
        name: _describe_detector(value) if name == "detector" else describe_value(value)
        for name, value in sorted(estimator.get_params(deep=False).items())
        if name not in _NEUTRAL
    }


def _describe_detector(value):
    """Describe the detector that "auto" resolves to, which depends on the weights on this machine."""
    from savee_mm.vision import resolve_detector

    return resolve_detector(value) if isinstance(value, str) and value == "auto" else describe_value(value)


def _name(thing):
    return f"{thing.__module__}.{thing.__qualname__}"


def _describe_function(function):
    closure = [cell.cell_contents for cell in function.__closure__ or ()]
    return [
        _describe_code(function.__code__),
        describe_value([function.__defaults__, function.__kwdefaults__, closure]),
    ]


def _describe_code(code):
    constants = [_describe_code(c) if inspect.iscode(c) else describe_value(c) for c in code.co_consts]
    return [code.co_code.hex(), list(code.co_names), constants]


def _hash(value):
    try:
        return joblib.hash(value)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ValueError(
            f"Finished folds are identified by the parameters of the estimator, and one of them, a "
            f"{type(value).__name__}, cannot be described ({error}). Pass a named function or a picklable object, or "
            "evaluate without a folder."
        ) from error
