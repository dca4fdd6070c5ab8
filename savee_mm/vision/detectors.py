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

# The lowest score that counts as a face: a probability, a probability, a number of agreeing windows.
THRESHOLDS = {"yunet": 0.6, "ssd": 0.5, "lbp": 4}
# Best first: what "auto" looks for.
_CLASSES = {"yunet": YuNetDetector, "ssd": SSDDetector, "lbp": LBPDetector}
# Whose faces have landmarks.
WITH_LANDMARKS = ("yunet",)
# What the two that need weights are made of.
_FILES = {"yunet": ("one file (.onnx)",), "ssd": ("a network (.pb)", "its description (.pbtxt)")}


def available_detectors() -> list[str]:
    """Return the names of the detectors that can be used here and now, the best first.

    Returns
    -------
    names : list of str
        ``"yunet"`` and ``"ssd"`` where their weights are found, and always ``"lbp"``.
    """
    return [name for name in _CLASSES if name not in _FILES or find_weights(name) is not None]


def resolve_detector(name: str) -> str:
    """Return the name of the detector that ``name`` stands for.

    Parameters
    ----------
    name : {"auto", "yunet", "ssd", "lbp"}
        ``"auto"`` is YuNet where its weights are found, else the SSD, else scikit-image's LBP cascade.

    Returns
    -------
    name : {"yunet", "ssd", "lbp"}

    Raises
    ------
    ValueError
        For any other name.

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
    """Return the files of weights that a detector is made of.

    Parameters
    ----------
    name : {"yunet", "ssd", "lbp"}
        A detector.
    weights : path-like or sequence of path-like, default=None
        Its own files instead of those in the folder of weights, see :func:`make_detector`.

    Returns
    -------
    paths : tuple of Path
        None for ``"lbp"``, whose cascade comes with scikit-image.

    Raises
    ------
    ValueError
        Where ``weights`` are not as many files as the detector has.
    FileNotFoundError
        Where a file is missing; says how to get it.
    """
    if weights is None:
        return require_weights(name) if name in _FILES else ()
    if name not in _FILES:
        raise ValueError(
            f"The detector {name!r} takes no weights of your own, got {weights!r}; name one of "
            f"{', '.join(map(repr, _FILES))} with them."
        )
    paths = tuple(Path(path) for path in ((weights,) if isinstance(weights, (str, os.PathLike)) else weights))
    if len(paths) != len(_FILES[name]):
        raise ValueError(f"The detector {name!r} is made of {' and '.join(_FILES[name])}, got the weights {weights!r}.")
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"No file of weights at {path}; check the path, or fetch_weights({name!r}).")
    return paths


def make_detector(
    name: str,
    weights: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
) -> FaceDetector:
    """Return the detector of that name, built once in each process.

    Parameters
    ----------
    name : {"auto", "yunet", "ssd", "lbp"}
        See :func:`resolve_detector`.
    weights : path-like or sequence of path-like, default=None
        Files of your own; those that ``fetch_weights`` puts into the folder ``SAVEE_MM_WEIGHTS`` when None. For
        ``"yunet"`` an ``.onnx``; for ``"ssd"`` the network and its description: ``.pb`` and ``.pbtxt``, or with
        OpenCV 4 ``.caffemodel`` and ``.prototxt``.

    Returns
    -------
    detector : object
        With ``name``, and ``detect(image, landmarks=True)`` that takes a picture ``(height, width, 3)`` of uint8 RGB
        and returns :class:`savee_mm.vision.Faces`, sooner where landmarks need not be exact. Threads may share it; a
        pickle holds no more than its name and the paths of weights of your own, and finds the weights anew where it is
        loaded.

    Raises
    ------
    ValueError
        For an unknown name, or weights that OpenCV cannot read.
    FileNotFoundError
        Where its weights are missing; says how to get them.
    """
    name = resolve_detector(name)
    paths = detector_files(name, weights)
    return _build(name, paths, None if weights is None else tuple(map(str, paths)))


@lru_cache(maxsize=8)
def _build(name, paths, own_weights):
    detector = _CLASSES[name](*paths, threshold=THRESHOLDS[name])
    detector.weights = own_weights
    return detector
