"""Save and load a fitted estimator as one zip file: a JSON card and a skops archive."""

import importlib.metadata
import json
import platform
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

from sklearn.utils.validation import check_is_fitted

from savee_mm._files import write_atomically
from savee_mm._version import __version__

FORMAT = 1
_CARD, _ESTIMATOR = "card.json", "estimator.skops"
_LIBRARIES = ("numpy", "scikit-learn", "keras", "tensorflow", "skops", "opencv-python")
# Types of ours that a model file may name, by the rooms they live in.
_OUR_ROOMS = tuple(
    f"savee_mm.{room}." for room in ("augmentation", "classifiers", "features", "model_selection", "selection")
)
# Types of others, none of which runs anything: of paths, and of what :mod:`savee_mm.systems` makes.
_OTHERS = (
    "imblearn.pipeline.Pipeline",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
    "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath",
)


def save_model(estimator, path):
    """Write a fitted estimator to one file.

    Parameters
    ----------
    estimator : estimator
        Any fitted estimator of this library, or a scikit-learn Pipeline of them.
    path : path-like
        File to write, its folder made where it is missing; one that is there is replaced once the new one is whole.

    Returns
    -------
    path : Path
        The file written.

    Raises
    ------
    NotFittedError
        Where the estimator is not fitted.
    ValueError
        Where it holds types that :func:`load_model` would refuse, as the trees of a random forest; nothing is written.

    Notes
    -----
    The file is a zip archive: ``card.json`` (format, versions of the libraries, date, classes) and
    ``estimator.skops`` (parameters and fitted arrays; a network is a ``.keras`` archive inside).

    Examples
    --------
    >>> from savee_mm import load_model, save_model
    >>> save_model(clf, "fusion.savee")  # doctest: +SKIP
    >>> load_model("fusion.savee").predict(table)  # doctest: +SKIP
    """
    import skops.io

    check_is_fitted(estimator)
    path, payload = Path(path), skops.io.dumps(estimator)
    if unknown := _unknown_types(payload):
        raise ValueError(
            f"{type(estimator).__name__} holds types that load_model does not open: {', '.join(unknown)}. Keep it by "
            "pickle, among people who trust each other, or choose another classifier."
        )
    with write_atomically(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_CARD, json.dumps(_card(estimator), indent=2))
        archive.writestr(_ESTIMATOR, payload)
    return path


def load_model(path):
    """Read an estimator that :func:`save_model` wrote.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    estimator : estimator
        Fitted, as it was saved.

    Raises
    ------
    FileNotFoundError
        Where there is no such file.
    ValueError
        Where the file is not a model file, was written by a newer format, or names types that this library does
        not know; nothing of it has been run then.
    """
    import skops.io

    card, payload = _read(Path(path))
    if card["format"] > FORMAT:
        raise ValueError(
            f"{path}: written in format {card['format']} by savee_mm {card['savee_mm']}; this is savee_mm "
            f"{__version__}, which reads up to format {FORMAT}. Install that version or a newer one."
        )
    if unknown := _unknown_types(payload):
        raise ValueError(
            f"{path}: names types that savee_mm does not know: {', '.join(unknown)}. Nothing was loaded. If you "
            "trust where it comes from, load its estimator.skops with skops.io.load and name them there."
        )
    return skops.io.loads(payload, trusted=skops.io.get_untrusted_types(data=payload))


def _unknown_types(payload):
    """Return the types in a skops archive that are neither skops's to trust nor ours."""
    import skops.io

    named = skops.io.get_untrusted_types(data=payload)
    return [name for name in named if not name.startswith(_OUR_ROOMS) and name not in _OTHERS]


def _read(path):
    """Return the card and the skops archive of a model file."""
    try:
        with zipfile.ZipFile(path) as archive:
            card = json.loads(archive.read(_CARD))
            return {"format": int(card["format"]), "savee_mm": str(card["savee_mm"])}, archive.read(_ESTIMATOR)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: not a model file of savee_mm, or damaged ({error}); save_model writes one."
        ) from error


def _card(estimator):
    return {
        "format": FORMAT,
        "savee_mm": __version__,
        "estimator": type(estimator).__name__,
        "classes": [str(name) for name in getattr(estimator, "classes_", ())],
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "libraries": {name: _installed(name) for name in _LIBRARIES},
    }


def _installed(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
