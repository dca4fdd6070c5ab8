"""Names of systems, what was published of them, and how each is made."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from savee_mm._composition import set_everywhere
from savee_mm.systems import audio, face, fusion


@dataclass(frozen=True)
class System:
    """One system: how it is made, what it reads, what it is, and its published accuracy on SAVEE by clip."""

    make: Callable
    reads: str
    what: str
    published: float = float("nan")


SYSTEMS = {
    "logreg": System(
        audio.logreg, "audio", "prosody and PCA contours, 16 selected features, logistic regression", 0.385
    ),
    "svm": System(audio.svm, "audio", "the same features, RBF support vector machine", 0.447),
    "rf": System(audio.rf, "audio", "the same features, random forest", 0.464),
    "knn": System(audio.knn, "audio", "mean and deviation of 40 MFCC, nearest neighbours", 0.397),
    "cnn": System(audio.cnn, "audio", "CNN on the MFCC image, kernels 5 x 15 and 3 x 9", 0.505),
    "dual_cnn": System(audio.dual_cnn, "audio", "CNN with a branch for the MFCC image and one for log-mels", 0.422),
    "cnn_plus": System(audio.cnn_plus, "audio", "CNN on the MFCC image beside hand-made features", 0.552),
    "vgg19": System(audio.vgg19, "audio", "MFCC image as a picture, frozen ImageNet VGG19, dense head", 0.389),
    "yamnet": System(audio.yamnet, "audio", "YAMNet embeddings of the waveform, dense head", 0.210),
    "vgg19_random": System(audio.vgg19_random, "audio", "vgg19 with random weights: what the architecture alone gives"),
    "mobilenet": System(audio.mobilenet, "audio", "as vgg19, with a quantised ImageNet MobileNet"),
    "best_audio": System(audio.best_audio, "audio", "functionals of the voice, kernel ridge classifier"),
    "vgg16": System(
        face.vgg16, "video", "six faces as pictures, frozen ImageNet VGG16, mean over time, dense head", 0.73
    ),
    "convlstm": System(face.convlstm, "video", "ConvLSTM on six faces", 0.833),
    "vgg16_random": System(face.vgg16_random, "video", "vgg16 with random weights: what the architecture alone gives"),
    "mobilenet_face": System(face.mobilenet_face, "video", "as vgg16, with a quantised ImageNet MobileNet"),
    "face_svm": System(face.face_svm, "video", "edges of the face at the apex and their change, SVM"),
    "best_face": System(face.best_face, "video", "the same descriptors, statistics and classifier chosen in training"),
    "fusion": System(
        fusion.fusion, "audio+video", "ConvLSTM on six faces, CNN on MFCC and functionals of the voice, joined", 0.966
    ),
    "best_fusion": System(fusion.best_fusion, "audio+video", "best_audio and best_face, combined late"),
}


def available() -> pd.DataFrame:
    """List the systems.

    Returns
    -------
    systems : DataFrame
        By name: ``published`` (accuracy that the reference reports on SAVEE by clip, NaN where it has none; those that
        read one of voice and face come from one test split), ``reads`` (audio, video, or audio+video) and ``what``.

    Examples
    --------
    >>> from savee_mm import systems
    >>> float(systems.available().loc["svm", "published"])
    0.447
    """
    rows = {name: (system.published, system.reads, system.what) for name, system in SYSTEMS.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["published", "reads", "what"]).rename_axis("system")


def make(
    name: str,
    *,
    speaker_normalized: bool = False,
    random_state: int | np.random.RandomState | None = None,
    cache: str | os.PathLike[str] | None = "memory",
) -> BaseEstimator:
    """Return a system by its name: an estimator over the clip table, not yet fitted.

    Parameters
    ----------
    name : str
        One of :func:`available`.
    speaker_normalized : bool, default=False
        Whether features are normalised by speaker, see :class:`~savee_mm.SpeakerNormalizer`: of speakers who are not in
        training by their clips in the table that is predicted. Figures so obtained are transductive.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random in it.
    cache : "memory", path-like or None, default="memory"
        Where the extractors keep the arrays of a clip.

    Returns
    -------
    system : estimator
        A classifier with ``predict_proba``, or a Pipeline that ends in one.

    Raises
    ------
    ValueError
        For an unknown name, and for ``speaker_normalized`` of a system that cannot be.

    Examples
    --------
    >>> from savee_mm import systems
    >>> systems.make("knn")[-1]
    KNeighborsClassifier(weights='distance')
    """
    if name not in SYSTEMS:
        raise ValueError(f"There is no system {name!r}; the systems are {', '.join(SYSTEMS)}.")
    system = SYSTEMS[name].make(speaker_normalized=bool(speaker_normalized))
    return set_everywhere(system, random_state=random_state, cache=cache)
