"""Predict one clip, also where one of its modalities is missing."""

import os
import warnings

import pandas as pd
from sklearn.base import BaseEstimator

from savee_mm._composition import columns_read, failures, parts, rebuild
from savee_mm._missing import SILENT, is_silent, missing_reason
from savee_mm._validation import ClipError, ClipWarning, Segment, path_of
from savee_mm.inference._events import check_sound
from savee_mm.media import read_audio
from savee_mm.media._container import check_source

MODALITIES = ("audio", "video")
"""Columns of the clip table with files."""


def predict_file(model: BaseEstimator, path: str | os.PathLike[str] | Segment) -> pd.Series:
    """Predict the emotion that the speaker of one file displays.

    Parameters
    ----------
    model : estimator
        A fitted classifier over the clip table, with ``predict_proba``: a :class:`~savee_mm.FusionClassifier`,
        or a Pipeline that begins with an extractor.
    path : path-like or Segment
        A sound file, a video, or a video with sound, or a part of one.

    Returns
    -------
    probabilities : Series of float
        By emotion, the most probable first; they sum to 1. Its name is the file's name, for a segment with its
        times.

    Raises
    ------
    ClipError
        If the file cannot be read, or lacks what the model needs (a face, a sound).
    TypeError
        If the model has no ``predict_proba``.

    Warns
    -----
    ClipWarning
        If a :class:`~savee_mm.LateFusionClassifier` predicted without the audio or without the video of the file.

    Examples
    --------
    >>> from savee_mm import load_model, predict_file
    >>> model = load_model("fusion.savee")  # doctest: +SKIP
    >>> predict_file(model, "clip.mp4").head(1)  # doctest: +SKIP
    """
    probabilities, note = predict_file_with_note(model, path)
    if note:
        warnings.warn(str(ClipError(note, path=check_source(path)[0])), ClipWarning, stacklevel=2)
    return probabilities


def predict_file_with_note(model, path):
    """Predict one file, and describe what the model predicted without.

    Parameters
    ----------
    model, path
        As in :func:`predict_file`.

    Returns
    -------
    probabilities : Series of float
        As in :func:`predict_file`.
    note : str
        The missing modality and the reason; empty if nothing was missing.

    Raises
    ------
    ClipError, TypeError
        As :func:`predict_file`.
    """
    check_model(model, "predict_file")
    file, segment = check_source(path)
    source = str(file) if segment is None else segment
    clip = {"audio": source, "video": source, "clip_id": file.stem if segment is None else segment.name}
    is_muted = "audio" in modalities_read(model) and _is_muted(source)
    if is_muted:
        if not (allows_missing(model) and "video" in modalities_read(model)):
            raise ClipError(SILENT, path=file)
        del clip["audio"]
    try:
        probabilities, note = predict_clip(model, clip)
    except ClipError as error:
        reasons = [missing_note("audio", SILENT), error.reason] if is_muted else [error.reason]
        raise ClipError("; ".join(reasons), path=file) from error
    note = missing_note("audio", SILENT) if is_muted else note
    name = file.name if segment is None else segment.name
    return probabilities.rename(name).sort_values(ascending=False, kind="stable"), note and f"predicted {note}"


def _is_muted(source):
    """Return whether the audio of a file or Segment is silent; other errors are raised by the model."""
    try:
        if isinstance(source, Segment):
            return is_silent(read_audio(source)[0])
        check_sound(source)
    except ClipError as error:
        return error.reason == SILENT
    return False


def predict_clip(model, clip):
    """Predict one clip.

    Parameters
    ----------
    model : estimator
        Fitted classifier over the clip table.
    clip : dict of str to (str or Segment)
        ``clip_id``, and the file of each modality; a missing modality is left out.

    Returns
    -------
    probabilities : Series of float
        By class, in the order of ``classes_``.
    note : str
        The modality that the model predicted without, and the reason; empty if it used all of them.

    Raises
    ------
    ClipError
        If the model can use neither the clip nor one of its modalities alone.
    """
    try:
        return _predict_checked(model, clip)
    except ClipError as error:
        present = [name for name in MODALITIES if name in clip]
        for name in reversed(present) if len(present) > 1 and allows_missing(model) else ():
            rest = {key: value for key, value in clip.items() if key != name}
            try:
                return _predict_checked(model, rest)[0], missing_note(name, error.reason)
            except ClipError:
                continue
        raise


def _predict(model, clip):
    with warnings.catch_warnings():
        # The note has these reasons.
        warnings.filterwarnings("ignore", r".*clips are missing for branch", ClipWarning)
        # As objects: pandas refuses strings with surrogates, which names that are not UTF-8 have.
        p = model.predict_proba(pd.DataFrame([clip], dtype=object))[0]
    return pd.Series(p, index=[str(label) for label in model.classes_])


def _predict_checked(model, clip):
    """Return probabilities and a note; raise ClipError if they come from values that replace a missing modality."""
    probabilities = _predict(model, clip)
    reasons = [failure[-1] for failure in failures(model)]
    if reasons and not allows_missing(model):
        paths = [path_of(clip[name]) for name in MODALITIES if name in clip]
        raise ClipError(reasons[0], path=paths[0], clip_id=clip["clip_id"])
    for name in MODALITIES:
        for reason in reasons if name in clip else ():
            if reason.startswith(missing_reason(name, "")):
                return probabilities, missing_note(name, reason)
    return probabilities, ""


def missing_note(modality, reason):
    """Return the note of a prediction without a modality.

    Parameters
    ----------
    modality : {"audio", "video"}
        The missing one.
    reason : str
        Reason of the ClipError. Its remedy is left out.

    Returns
    -------
    note : str
    """
    return f"without its {modality}: {reason.removeprefix(missing_reason(modality, '')).partition(';')[0]}"


def check_model(model, owner):
    """Raise if a model has no probabilities.

    Parameters
    ----------
    model : estimator
        Fitted.
    owner : str
        The function or class that needs them, for the error message.

    Raises
    ------
    TypeError
        If the model has no ``predict_proba``.
    """
    if not hasattr(model, "predict_proba"):
        raise TypeError(
            f"{owner} needs a classifier with predict_proba, got {type(model).__name__}; wrap it in "
            "sklearn.calibration.CalibratedClassifierCV."
        )


def modalities_read(model):
    """Return the modalities that a model reads.

    Parameters
    ----------
    model : estimator
        Classifier over the clip table.

    Returns
    -------
    columns : list of str
        ``"audio"``, ``"video"`` or both; both if the parts of the model do not declare it.
    """
    return _declared(model) or list(MODALITIES)


def allows_missing(model):
    """Return whether a model predicts clips in which one modality is missing.

    Parameters
    ----------
    model : estimator
        Classifier over the clip table.

    Returns
    -------
    allowed : bool
        Also True if the parts of the model do not declare what they read.
    """
    return not _declared(model) or any(getattr(part, "_allows_missing_columns", False) for part in parts(model))


def _declared(model):
    return [column for column in columns_read(model) if column in MODALITIES]


def without_cache(model):
    """Copy a model for clips that are read once: no cache, no worker processes, no progress bars.

    Parameters
    ----------
    model : estimator
        Fitted; not changed. Its arrays and networks are shared.

    Returns
    -------
    copy : estimator
    """
    settings = {"cache": None, "n_jobs": None, "verbose": False}
    return rebuild(model, lambda name, value: settings.get(name, value))
