"""The public names, loaded on first use; the single source for the library, type checkers and editors."""

from . import systems
from ._validation import ClipError, ClipWarning, Segment
from ._version import __version__
from ._weights import fetch_weights
from .augmentation import AudioAugmenter
from .classifiers import (
    AudioCNNClassifier,
    ConvLSTMClassifier,
    DenseClassifier,
    FusionClassifier,
    KernelRidgeClassifier,
    LateFusionClassifier,
    TransferClassifier,
)
from .datasets import concat_corpora, load_crema_d, load_ravdess, load_savee, load_table, make_talking_faces
from .evaluation import (
    EvaluationReport,
    LeakageError,
    LeakageReport,
    LeakageWarning,
    check_leakage,
    check_split,
    evaluate,
)
from .features import (
    AudioFeatures,
    FaceDescriptor,
    FaceEmbedding,
    FaceFrameSampler,
    MelImage,
    MFCCImage,
    ProsodyFeatures,
    SpeakerNormalizer,
    SpectralFeatures,
    SpeechEmbedding,
    VoiceFunctionals,
    YAMNetEmbedding,
)
from .inference import (
    EmotionTimeline,
    Explanation,
    WindowPrediction,
    explain,
    group_importance,
    plot_timeline,
    predict_file,
    predict_stream,
)
from .media import read_audio, read_frames
from .model_selection import (
    ClipGroupKFold,
    LeaveOneCorpusOut,
    LeaveOneSpeakerOut,
    SentenceGroupKFold,
    SpeakerSentenceKFold,
)
from .persistence import ModelCard, load_card, load_model, make_card, save_model
from .selection import PCACorrSelector

__all__ = [
    "AudioAugmenter",
    "AudioCNNClassifier",
    "AudioFeatures",
    "ClipError",
    "ClipGroupKFold",
    "ClipWarning",
    "ConvLSTMClassifier",
    "DenseClassifier",
    "EmotionTimeline",
    "EvaluationReport",
    "Explanation",
    "FaceDescriptor",
    "FaceEmbedding",
    "FaceFrameSampler",
    "FusionClassifier",
    "KernelRidgeClassifier",
    "LateFusionClassifier",
    "LeakageError",
    "LeakageReport",
    "LeakageWarning",
    "LeaveOneCorpusOut",
    "LeaveOneSpeakerOut",
    "MFCCImage",
    "MelImage",
    "ModelCard",
    "PCACorrSelector",
    "ProsodyFeatures",
    "Segment",
    "SentenceGroupKFold",
    "SpeakerNormalizer",
    "SpeakerSentenceKFold",
    "SpectralFeatures",
    "SpeechEmbedding",
    "TransferClassifier",
    "VoiceFunctionals",
    "WindowPrediction",
    "YAMNetEmbedding",
    "__version__",
    "check_leakage",
    "check_split",
    "concat_corpora",
    "evaluate",
    "explain",
    "fetch_weights",
    "group_importance",
    "load_card",
    "load_crema_d",
    "load_model",
    "load_ravdess",
    "load_savee",
    "load_table",
    "make_card",
    "make_talking_faces",
    "plot_timeline",
    "predict_file",
    "predict_stream",
    "read_audio",
    "read_frames",
    "save_model",
    "systems",
]
