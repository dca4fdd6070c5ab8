"""One file in, the probabilities of the emotions out."""

from pathlib import Path

import pandas as pd


def predict_file(model, path):
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

    Examples
    --------
    >>> from savee_mm import load_model, predict_file
    >>> model = load_model("fusion.savee")  # doctest: +SKIP
    >>> predict_file(model, "clip.mp4").head(1)  # doctest: +SKIP
    """
    if not hasattr(model, "predict_proba"):
        raise TypeError(
            f"predict_file needs a classifier with predict_proba, got {type(model).__name__}; wrap one without in "
            "sklearn.calibration.CalibratedClassifierCV."
        )
    path = str(path)
    table = pd.DataFrame({"audio": [path], "video": [path], "clip_id": [Path(path).stem]})
    probabilities = pd.Series(model.predict_proba(table)[0], index=model.classes_, name=Path(path).name)
    return probabilities.sort_values(ascending=False, kind="stable")
