"""Face detectors by name, behind one interface: ``detector.detect(image) -> Faces``."""

from functools import lru_cache

from savee_mm._weights import find_weights, require_weights
from savee_mm.vision.lbp import LBPDetector
from savee_mm.vision.ssd import SSDDetector
from savee_mm.vision.yunet import YuNetDetector

# The lowest score that counts as a face: a probability, a probability, a number of agreeing windows.
THRESHOLDS = {"yunet": 0.6, "ssd": 0.5, "lbp": 4}
# Best first: what "auto" looks for.
_CLASSES = {"yunet": YuNetDetector, "ssd": SSDDetector, "lbp": LBPDetector}
_NEEDS_WEIGHTS = {"yunet", "ssd"}


def available_detectors():
    """Return the names of the detectors that can be used here and now, the best first.

    Returns
    -------
    names : list of str
        ``"yunet"`` and ``"ssd"`` where their weights are found, and always ``"lbp"``.
    """
    return [name for name in _CLASSES if name not in _NEEDS_WEIGHTS or find_weights(name) is not None]


def resolve_detector(name):
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


def make_detector(name):
    """Return the detector of that name, built once in each process.

    Parameters
    ----------
    name : {"auto", "yunet", "ssd", "lbp"}
        See :func:`resolve_detector`.

    Returns
    -------
    detector : object
        With ``name``, and ``detect(image)`` that takes a picture ``(height, width, 3)`` of uint8 RGB and
        returns :class:`savee_mm.vision.Faces`. Threads may share it; a pickle holds no more than its name,
        and finds the weights anew where it is loaded.

    Raises
    ------
    ValueError
        For an unknown name, or weights that OpenCV cannot read.
    FileNotFoundError
        Where its weights are missing; says how to get them.
    """
    name = resolve_detector(name)
    return _build(name, require_weights(name) if name in _NEEDS_WEIGHTS else ())


@lru_cache(maxsize=8)
def _build(name, paths):
    return _CLASSES[name](*paths, threshold=THRESHOLDS[name])
