"""Ask a model about one clip, and about what it can do without."""

import pandas as pd

from savee_mm._composition import parts, rebuild
from savee_mm._validation import ClipError
from savee_mm.classifiers import LateFusionClassifier
from savee_mm.classifiers._reads import columns_read

MODALITIES = {"audio": "sound", "video": "pictures"}
"""What a recording has for each of these columns of a clip table."""


def check_model(model, owner):
    """Refuse a model without probabilities.

    Parameters
    ----------
    model : estimator
        Fitted.
    owner : str
        Who needs them, for the error.

    Raises
    ------
    TypeError
        Where it has no ``predict_proba``.
    """
    if not hasattr(model, "predict_proba"):
        raise TypeError(
            f"{owner} needs a classifier with predict_proba, got {type(model).__name__}; wrap one without in "
            "sklearn.calibration.CalibratedClassifierCV."
        )


def modalities_read(model):
    """Return what a model reads of a recording.

    Parameters
    ----------
    model : estimator
        Classifier over the clip table.

    Returns
    -------
    columns : list of str
        ``"audio"``, ``"video"`` or both; both where its parts do not say.
    """
    return _named(model) or list(MODALITIES)


def does_without(model):
    """Whether a model predicts clips that lack sound or pictures by the other.

    Parameters
    ----------
    model : estimator
        Classifier over the clip table.

    Returns
    -------
    answer : bool
        True also of a model whose parts do not say what they read.
    """
    return not _named(model) or any(
        isinstance(part, LateFusionClassifier) or getattr(part, "_spares_columns", False) for part in parts(model)
    )


def _named(model):
    return [column for column in columns_read(model) if column in MODALITIES]


def without_memory(model):
    """Copy a model for clips that do not come again: no cache, no worker processes, no progress bars.

    Parameters
    ----------
    model : estimator
        Fitted; not changed, and its arrays and networks are shared.

    Returns
    -------
    copy : estimator
    """
    fleeting = {"cache": None, "n_jobs": None, "verbose": False}
    return rebuild(model, lambda name, value: fleeting.get(name, value))


def ask(model, clip):
    """Return what a model says of one clip.

    Parameters
    ----------
    model : estimator
        Fitted classifier over the clip table.
    clip : dict of str to str
        ``clip_id``, and paths by modality; one that is not there is left out.

    Returns
    -------
    probabilities : Series of float
        By class, in the order of ``classes_``.
    lacking : str
        What the model did without, and why; empty where it lacked nothing.

    Raises
    ------
    ClipError
        Where the model cannot use the clip, nor what is left of it.
    """
    try:
        return _predict(model, clip), ""
    except ClipError as error:
        there = [name for name in MODALITIES if name in clip]
        for name in reversed(there) if len(there) > 1 and does_without(model) else ():
            rest = {key: value for key, value in clip.items() if key != name}
            try:
                return _predict(model, rest), f"without its {MODALITIES[name]}: {error.reason}"
            except ClipError:
                continue
        raise


def _predict(model, clip):
    p = model.predict_proba(pd.DataFrame([clip]))[0]
    return pd.Series(p, index=[str(label) for label in model.classes_])
