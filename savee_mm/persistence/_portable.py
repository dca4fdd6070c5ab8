"""What a model file leaves behind: places on the machine of the training, and the names of its files."""

import os
from pathlib import Path

import numpy as np

from savee_mm._composition import parts, rebuild
from savee_mm._weights import WEIGHTS_VARIABLE

# What an extractor could not use, or heard, in its last call: clips of the training machine.
_REPORTS = ("_failures", "_heard", "_top")
# Parameters that name files of weights.
_WEIGHTS = ("weights", "model")


def portable(estimator):
    """Copy an estimator without places on this machine.

    Parameters
    ----------
    estimator : estimator
        Fitted; not changed, and its arrays and networks are shared.

    Returns
    -------
    copy : estimator
        Folders of caches are ``"memory"`` (of a Pipeline's, None), weights of the user's own are their file's name,
        and reports of the last call are empty.
    """
    return rebuild(estimator, _without_place)


def bring_home(estimator):
    """Point weights that a model file knows by their name to the file of that name in the weights folder.

    Parameters
    ----------
    estimator : estimator
        Just loaded; changed in place. Weights that the folder has not keep their bare name.

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


def _without_place(name, value):
    # Parameters of a part are named by their path, as in a grid.
    end = str(name).rpartition("__")[2]
    if name in _REPORTS:
        return []
    if end == "cache":
        return _each(value, lambda cache: cache if cache in (None, "memory") else "memory")
    if end in _WEIGHTS:
        return _each(value, lambda weights: Path(weights).name if _is_place(weights) else weights)
    if end == "memory" and (_is_place(value) or hasattr(value, "cachedir") or hasattr(value, "store_backend")):
        return None
    return value


def _each(value, change):
    """Apply a change to a value, or to each value of a list, a tuple or an array of objects."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        changed = value.copy()
        plain = np.asarray(changed)  # of a masked array what is under the mask: the mask stays
        for place, item in np.ndenumerate(plain):
            plain[place] = _each(item, change)
        return changed
    if isinstance(value, (list, tuple)):
        return type(value)(_each(item, change) for item in value)
    return change(value) if value is None or isinstance(value, (str, os.PathLike)) else value


def _is_place(value):
    return isinstance(value, os.PathLike) or (isinstance(value, str) and ("/" in value or "\\" in value))


def _in_folder(name, folder):
    path = folder / name
    return str(path) if not _is_place(name) and path.is_file() else name
