"""Scikit-learn estimators that tell which emotion a speaker displays, from voice and face together.

Every public name is importable from here and is loaded on first use, so that importing the library loads
neither TensorFlow nor OpenCV nor librosa.
"""

import importlib

from savee_mm._version import __version__

_ROOMS = {
    "_validation": ("ClipError", "ClipWarning"),
    "_weights": ("fetch_weights",),
    "augmentation": ("AudioAugmenter",),
    "classifiers": (
        "AudioCNNClassifier",
        "ConvLSTMClassifier",
        "DenseClassifier",
        "FusionClassifier",
        "KernelRidgeClassifier",
        "LateFusionClassifier",
        "TransferClassifier",
    ),
    "datasets": ("load_crema_d", "load_ravdess", "load_savee", "load_table", "make_talking_faces"),
    "evaluation": (
        "EvaluationReport",
        "LeakageError",
        "LeakageReport",
        "LeakageWarning",
        "check_leakage",
        "evaluate",
    ),
    "features": (
        "AudioFeatures",
        "FaceDescriptor",
        "FaceFrameSampler",
        "MFCCImage",
        "MelImage",
        "ProsodyFeatures",
        "SpeakerNormalizer",
        "SpectralFeatures",
        "VoiceFunctionals",
        "YAMNetEmbedding",
    ),
    "inference": (
        "EmotionTimeline",
        "Explanation",
        "WindowPrediction",
        "explain",
        "group_importance",
        "plot_timeline",
        "predict_file",
        "predict_stream",
    ),
    "media": ("read_audio", "read_frames"),
    "model_selection": ("ClipGroupKFold", "LeaveOneSpeakerOut", "SentenceGroupKFold", "SpeakerSentenceKFold"),
    "persistence": ("ModelCard", "load_card", "load_model", "make_card", "save_model"),
    "selection": ("PCACorrSelector",),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = ["__version__", *sorted(_ROOM_OF)]


def __getattr__(name):
    if name == "systems":
        return importlib.import_module("savee_mm.systems")
    if name in _ROOM_OF:
        value = getattr(importlib.import_module(f"savee_mm.{_ROOM_OF[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'savee_mm' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
