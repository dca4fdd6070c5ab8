"""The names that ``savee_mm`` loads on first use, for type checkers and editors."""

from savee_mm import systems as systems
from savee_mm._validation import ClipError, ClipWarning
from savee_mm._version import __version__
from savee_mm._weights import fetch_weights
from savee_mm.augmentation import AudioAugmenter
from savee_mm.classifiers import (
    AudioCNNClassifier,
    ConvLSTMClassifier,
    DenseClassifier,
    FusionClassifier,
    KernelRidgeClassifier,
    LateFusionClassifier,
    TransferClassifier,
)
from savee_mm.datasets import load_crema_d, load_ravdess, load_savee, load_table, make_talking_faces
from savee_mm.evaluation import EvaluationReport, LeakageError, LeakageReport, LeakageWarning, check_leakage, evaluate
from savee_mm.features import (
    AudioFeatures,
    FaceDescriptor,
    FaceFrameSampler,
    MelImage,
    MFCCImage,
    ProsodyFeatures,
    SpeakerNormalizer,
    SpectralFeatures,
    VoiceFunctionals,
    YAMNetEmbedding,
)
from savee_mm.inference import (
    EmotionTimeline,
    Explanation,
    WindowPrediction,
    explain,
    group_importance,
    plot_timeline,
    predict_file,
    predict_stream,
)
from savee_mm.media import read_audio, read_frames
from savee_mm.model_selection import ClipGroupKFold, LeaveOneSpeakerOut, SentenceGroupKFold, SpeakerSentenceKFold
from savee_mm.persistence import ModelCard, load_card, load_model, make_card, save_model
from savee_mm.selection import PCACorrSelector

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
    "FaceFrameSampler",
    "FusionClassifier",
    "KernelRidgeClassifier",
    "LateFusionClassifier",
    "LeakageError",
    "LeakageReport",
    "LeakageWarning",
    "LeaveOneSpeakerOut",
    "MFCCImage",
    "MelImage",
    "ModelCard",
    "PCACorrSelector",
    "ProsodyFeatures",
    "SentenceGroupKFold",
    "SpeakerNormalizer",
    "SpeakerSentenceKFold",
    "SpectralFeatures",
    "TransferClassifier",
    "VoiceFunctionals",
    "WindowPrediction",
    "YAMNetEmbedding",
    "__version__",
    "check_leakage",
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
]
