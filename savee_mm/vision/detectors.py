"""Face detectors by name, behind one interface: ``detector.detect(image) -> Faces``."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from savee_mm._weights import find_weights, require_weights
from savee_mm.vision._base import FaceDetector
from savee_mm.vision.lbp import LBPDetector
from savee_mm.vision.ssd import SSDDetector
from savee_mm.vision.yunet import YuNetDetector

# The lowest score that counts as a face: a probability (yunet, ssd), a number of overlapping windows (lbp).
THRESHOLDS = {"yunet": 0.6, "ssd": 0.5, "lbp": 4}
# In the order in which "auto" tries them.
_CLASSES = {"yunet": YuNetDetector, "ssd": SSDDetector, "lbp": LBPDetector}
# Detectors whose faces have landmarks.
WITH_LANDMARKS = ("yunet",)
# Files of weights.
_FILES = {"yunet": "one file (.onnx)", "ssd": "a network (.pb) and its description (.pbtxt), or one file (.onnx)"}


def available_detectors() -> list[str]:
    """Return the names of the available detectors, the best first.

    Returns
    -------
    names : list of str
        ``"yunet"`` and ``"ssd"`` if their weights are found and OpenCV can read them, and always ``"lbp"``.
    """
    return [name for name in _CLASSES if name not in _FILES or _is_available(name)]


def _is_available(name):
    paths = find_weights(name)
    return paths is not None and _CLASSES[name].can_read(paths)


def resolve_detector(name: str) -> str:
    """Return the name of the detector, with "auto" replaced by the best available one.

    Parameters
    ----------
    name : {"auto", "yunet", "ssd", "lbp"}
        ``"auto"`` is YuNet if its weights are found, else the SSD, else scikit-image's LBP cascade.

    Returns
    -------
    name : {"yunet", "ssd", "lbp"}

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> from savee_mm.vision import resolve_detector
    >>> resolve_detector("ssd")
    'ssd'
    """
    if name == "auto":
        return available_detectors()[0]
    if name not in _CLASSES:
        choices = ", ".join(repr(choice) for choice in ("auto", *_CLASSES))
        raise ValueError(f"Unknown face detector {name!r}; choose one of {choices}.")
    return name


def detector_files(
    name: str,
    weights: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
) -> tuple[Path, ...]:
    """Return the paths of the weights of a detector.

    Parameters
    ----------
    name : {"yunet", "ssd", "lbp"}
        Name of a detector.
    weights : path-like or sequence of path-like, default=None
        Files to use instead of those in the weights folder, see :func:`make_detector`.

    Returns
    -------
    paths : tuple of Path
        Empty for ``"lbp"``, whose cascade is part of scikit-image.

    Raises
    ------
    ValueError
        If ``weights`` has the wrong number of files.
    FileNotFoundError
        If a file is missing. The message says how to get it.
    """
    if weights is None:
        return require_weights(name) if name in _FILES else ()
    if name not in _FILES:
        raise ValueError(
            f"The detector {name!r} takes no weights, got {weights!r}; detectors with weights are "
            f"{', '.join(map(repr, _FILES))}."
        )
    paths = tuple(Path(path) for path in ((weights,) if isinstance(weights, (str, os.PathLike)) else weights))
    single = name == "yunet" or (len(paths) == 1 and paths[0].suffix.lower() == ".onnx")
    if len(paths) != (1 if single else 2):
        raise ValueError(f"The detector {name!r} expects {_FILES[name]}, got the weights {weights!r}.")
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"No weights file {path}; check the path, or call fetch_weights({name!r}).")
    return paths


def make_detector(
    name: str,
    weights: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
) -> FaceDetector:
    """Return the detector of that name. It is built once in each process.

    Parameters
    ----------
    name : {"auto", "yunet", "ssd", "lbp"}
        See :func:`resolve_detector`.
    weights : path-like or sequence of path-like, default=None
        Weights files; None for those that ``fetch_weights`` stores in the folder ``SAVEE_MM_WEIGHTS``. For
        ``"yunet"`` an ``.onnx``; for ``"ssd"`` an ``.onnx``, or the network and its description: ``.pb`` and
        ``.pbtxt`` (not with OpenCV 5.1), or with OpenCV 4 ``.caffemodel`` and ``.prototxt``.

    Returns
    -------
    detector : object
        With an attribute ``name`` and a method ``detect(image, landmarks=True)`` that takes an image
        ``(height, width, 3)`` of uint8 RGB and returns :class:`savee_mm.vision.Faces`. With ``landmarks=False``
        landmarks may be less exact and detection faster. Threads can share a detector. A pickle contains only the name
        and the paths in ``weights``; weights are loaded again when it is unpickled.

    Raises
    ------
    ValueError
        If the name is unknown or OpenCV cannot read the weights.
    FileNotFoundError
        If its weights are missing. The message says how to get them.
    """
    name = resolve_detector(name)
    paths = detector_files(name, weights)
    return _build(name, paths, None if weights is None else tuple(map(str, paths)))


@lru_cache(maxsize=8)
def _build(name, paths, own_weights):
    detector = _CLASSES[name](*paths, threshold=THRESHOLDS[name])
    detector.factory = make_detector, (name,) if own_weights is None else (name, own_weights)
    return detector
