"""One file in, the probabilities of the emotions out."""

import os
import warnings
from pathlib import Path

import pandas as pd
from sklearn.base import BaseEstimator

from savee_mm._validation import ClipWarning
from savee_mm.inference._asking import ask, check_model


def predict_file(model: BaseEstimator, path: str | os.PathLike[str]) -> pd.Series:
    """Tell which emotion the speaker of one file displays.

    Parameters
    ----------
    model : estimator
        A fitted classifier over the clip table, with ``predict_proba``: a :class:`~savee_mm.FusionClassifier`,
        or a Pipeline that begins with an extractor.
    path : path-like
        A sound file, a video, or a video with sound: whatever the model reads.

    Returns
    -------
    probabilities : Series of float
        By emotion, the likeliest first; they sum to 1. Its name is the file's.

    Raises
    ------
    ClipError
        Where the file cannot be read, or has not what the model needs (a face, a sound).
    TypeError
        Where the model gives no probabilities.

    Warns
    -----
    ClipWarning
        Where a :class:`~savee_mm.LateFusionClassifier` had to do without the file's sound, or without its pictures.

    Examples
    --------
    >>> from savee_mm import load_model, predict_file
    >>> model = load_model("fusion.savee")  # doctest: +SKIP
    >>> predict_file(model, "clip.mp4").head(1)  # doctest: +SKIP
    """
    probabilities, lacking = ask_file(model, path)
    if lacking:
        warnings.warn(f"clip {Path(path).stem!r} ({path}): predicted {lacking}", ClipWarning, stacklevel=2)
    return probabilities


def ask_file(model, path):
    """Return what a model says of one file, and what it did without.

    Parameters
    ----------
    model, path
        As of :func:`predict_file`.

    Returns
    -------
    probabilities : Series of float
        As of :func:`predict_file`.
    lacking : str
        What the model did without, and why; empty where it lacked nothing.

    Raises
    ------
    ClipError, TypeError
        As :func:`predict_file`.
    """
    check_model(model, "predict_file")
    path = Path(path)
    probabilities, lacking = ask(model, {"audio": str(path), "video": str(path), "clip_id": path.stem})
    return probabilities.rename(path.name).sort_values(ascending=False, kind="stable"), lacking
