"""Names of the systems, their published accuracies, and how each is made."""

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
    """A system: the function that makes it, what it reads and is, and its published accuracy on SAVEE by clip.

    ``make`` takes ``speaker_normalized`` where the system can be normalised by speaker, and nothing otherwise.
    """

    make: Callable
    reads: str
    what: str
    published: float = float("nan")
    speaker_normalized: bool = True


SYSTEMS = {
    "logreg": System(
        audio.logreg, "audio", "prosody and PCA of contours, 16 selected features, logistic regression", 0.385
    ),
    "svm": System(audio.svm, "audio", "the same features, RBF support vector machine", 0.447),
    "rf": System(audio.rf, "audio", "the same features, random forest", 0.464),
    "knn": System(audio.knn, "audio", "mean and deviation of 40 MFCC, nearest neighbours", 0.397),
    "cnn": System(audio.cnn, "audio", "CNN on the MFCC image, kernels 5 x 15 and 3 x 9", 0.505),
    "dual_cnn": System(audio.dual_cnn, "audio", "CNN with one branch for the MFCC image and one for log-mels", 0.422),
    "cnn_plus": System(audio.cnn_plus, "audio", "CNN on the MFCC image with hand-made features", 0.552),
    "vgg19": System(audio.vgg19, "audio", "frozen ImageNet VGG19 on the MFCC image, dense head", 0.389),
    "yamnet": System(audio.yamnet, "audio", "YAMNet embeddings of the waveform, dense head", 0.210),
    "vgg19_random": System(audio.vgg19_random, "audio", "vgg19 with random weights: the share of the architecture"),
    "vgg16_mfcc": System(audio.vgg16_mfcc, "audio", "as vgg19, with ImageNet VGG16"),
    "vgg16_mfcc_tuned": System(audio.vgg16_mfcc_tuned, "audio", "as vgg16_mfcc, with the last block trained"),
    "mobilenet": System(audio.mobilenet, "audio", "as vgg19, with a quantised ImageNet MobileNet"),
    "encoder_audio": System(audio.encoder_audio, "audio", "blocks of a speech encoder, kernel ridge classifier"),
    "best_audio": System(
        audio.best_audio, "audio", "functionals of the voice, a speech encoder if one is available, kernel ridge"
    ),
    "corpus_audio": System(
        audio.corpus_audio,
        "audio",
        "for unseen corpora: training corpora choose speaker normalisation or alignment",
        speaker_normalized=False,
    ),
    "vgg16": System(face.vgg16, "video", "frozen ImageNet VGG16 on six faces, mean over time, dense head", 0.73, False),
    "vgg16_tuned": System(face.vgg16_tuned, "video", "as vgg16, with the last block trained", speaker_normalized=False),
    "convlstm": System(face.convlstm, "video", "ConvLSTM on six faces", 0.833, False),
    "vgg16_random": System(
        face.vgg16_random, "video", "vgg16 with random weights: the share of the architecture", speaker_normalized=False
    ),
    "mobilenet_face": System(
        face.mobilenet_face, "video", "as vgg16, with a quantised ImageNet MobileNet", speaker_normalized=False
    ),
    "face_svm": System(face.face_svm, "video", "edges of the face at the apex and their change, SVM"),
    "best_face": System(face.best_face, "video", "the same descriptors; inner folds choose statistics and classifier"),
    "fusion": System(
        fusion.fusion, "audio+video", "ConvLSTM on six faces and CNN on MFCC with functionals, joined", 0.966, False
    ),
    "best_fusion": System(fusion.best_fusion, "audio+video", "late fusion of best_audio and best_face"),
}


def available() -> pd.DataFrame:
    """List the systems.

    Returns
    -------
    systems : DataFrame
        By name: ``published`` (accuracy on SAVEE by clip that the reference reports, NaN where it reports none; those
        of systems that read one modality come from a single test split), ``reads`` (audio, video or audio+video),
        ``speaker_normalized`` (whether :func:`make` can normalise its features by speaker) and ``what``.

    Examples
    --------
    >>> from savee_mm import systems
    >>> float(systems.available().loc["svm", "published"])
    0.447
    """
    columns = ["published", "reads", "speaker_normalized", "what"]
    rows = {name: [getattr(system, column) for column in columns] for name, system in SYSTEMS.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("system")


def make(
    name: str,
    *,
    speaker_normalized: bool = False,
    random_state: int | np.random.RandomState | None = None,
    cache: str | os.PathLike[str] | None = "memory",
) -> BaseEstimator:
    """Return a system by its name: an estimator over the clip table, not fitted.

    Parameters
    ----------
    name : str
        One of :func:`available`.
    speaker_normalized : bool, default=False
        Whether to normalise the features by speaker, see :class:`~savee_mm.SpeakerNormalizer`. The statistics of an
        unseen speaker come from the speaker's clips in the table that is predicted: such results are transductive.
    random_state : int, RandomState instance or None, default=None
        Seed of every random step.
    cache : "memory", path-like or None, default="memory"
        Where the extractors keep the arrays of a clip.

    Returns
    -------
    system : estimator
        A classifier with ``predict_proba``, or a Pipeline that ends in one.

    Raises
    ------
    ValueError
        For an unknown name, and for ``speaker_normalized`` of a system that cannot be normalised.

    Examples
    --------
    >>> from savee_mm import systems
    >>> systems.make("knn")[-1]
    KNeighborsClassifier(weights='distance')
    """
    if name not in SYSTEMS:
        raise ValueError(f"There is no system {name!r}; the systems are {', '.join(SYSTEMS)}.")
    system = SYSTEMS[name]
    if speaker_normalized and not system.speaker_normalized:
        raise ValueError(f"The system {name!r} has no speaker-normalised form; leave speaker_normalized out.")
    estimator = system.make(speaker_normalized=bool(speaker_normalized)) if system.speaker_normalized else system.make()
    return set_everywhere(estimator, random_state=random_state, cache=cache)
