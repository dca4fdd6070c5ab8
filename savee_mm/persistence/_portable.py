"""Estimators without paths of the machine that they were fitted on."""

import os
from pathlib import Path

import numpy as np

from savee_mm._composition import parts, rebuild
from savee_mm._weights import WEIGHTS_VARIABLE

# Reports of an extractor's last call, which name clips of the training machine.
_REPORTS = ("_failures", "_heard", "_top")
# Parameters that name files of weights.
_WEIGHTS = ("weights", "model")


def portable(estimator):
    """Copy an estimator without paths of this machine.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator; not changed. Its arrays and networks are shared.

    Returns
    -------
    copy : estimator
        Cache folders become ``"memory"`` (None for a Pipeline's), paths of weights their file names, and reports of the
        last call are empty.
    """
    return rebuild(estimator, _without_path)


def resolve_weights(estimator):
    """Replace file names of weights in a loaded model by paths in the weights folder.

    Parameters
    ----------
    estimator : estimator
        Loaded estimator, changed in place. File names that the folder does not contain are kept.

    Returns
    -------
    estimator : estimator
    """
    folder = os.environ.get(WEIGHTS_VARIABLE)
    for part in parts(estimator) if folder else ():
        for name in _WEIGHTS:
            weights = getattr(part, "__dict__", {}).get(name)
            if isinstance(weights, str) and Path(weights).suffix:
                setattr(part, name, _in_folder(weights, Path(folder)))
            elif isinstance(weights, tuple):
                setattr(part, name, tuple(_in_folder(file, Path(folder)) for file in weights))
    return estimator


def _without_path(name, value):
    # Parameters of nested estimators are named by path, as in a grid.
    end = str(name).rpartition("__")[2]
    if name in _REPORTS:
        return []
    if end == "cache":
        return _each(value, lambda cache: cache if cache in (None, "memory") else "memory")
    if end in _WEIGHTS:
        return _each(value, lambda weights: Path(weights).name if _is_path(weights) else weights)
    if end == "memory" and (_is_path(value) or hasattr(value, "cachedir") or hasattr(value, "store_backend")):
        return None
    return value


def _each(value, change):
    """Apply a change to a value, or to each value of a list, a tuple or an array of objects."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        changed = value.copy()
        plain = np.asarray(changed)  # the data of a masked array; the mask is kept
        for place, item in np.ndenumerate(plain):
            plain[place] = _each(item, change)
        return changed
    if isinstance(value, (list, tuple)):
        return type(value)(_each(item, change) for item in value)
    return change(value) if value is None or isinstance(value, (str, os.PathLike)) else value


def _is_path(value):
    return isinstance(value, os.PathLike) or (isinstance(value, str) and ("/" in value or "\\" in value))


def _in_folder(name, folder):
    path = folder / name
    return str(path) if not _is_path(name) and path.is_file() else name
