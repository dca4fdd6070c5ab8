"""Names of classes in model files: their public import path, whatever module defines them."""

import json

_PUBLIC = {
    "savee_mm": (
        "AudioAugmenter",
        "AudioCNNClassifier",
        "AudioFeatures",
        "CORAL",
        "ClipGroupKFold",
        "ConvLSTMClassifier",
        "DenseClassifier",
        "FaceDescriptor",
        "FaceEmbedding",
        "FaceFrameSampler",
        "FusionClassifier",
        "KernelRidgeClassifier",
        "LateFusionClassifier",
        "LeaveOneCorpusOut",
        "LeaveOneSpeakerOut",
        "MFCCImage",
        "MelImage",
        "PCACorrSelector",
        "ProsodyFeatures",
        "SentenceGroupKFold",
        "SpeakerNormalizer",
        "SpeakerSentenceKFold",
        "SpectralFeatures",
        "SpeechEmbedding",
        "TransferClassifier",
        "UnseenCorpusClassifier",
        "VoiceFunctionals",
        "YAMNetEmbedding",
    ),
    "savee_mm.classifiers.late_fusion": ("Combination",),
    "savee_mm.model_selection": ("ClipGridSearchCV", "SpeakerOrClipKFold"),
}
# Files of formats 1 and 2 name the defining module of that time. The table is complete: it never grows.
_BEFORE_FORMAT_3 = {
    "savee_mm.augmentation.audio": ("AudioAugmenter",),
    "savee_mm.classifiers._combination": ("Combination",),
    "savee_mm.classifiers.audio_cnn": ("AudioCNNClassifier",),
    "savee_mm.classifiers.convlstm": ("ConvLSTMClassifier",),
    "savee_mm.classifiers.dense": ("DenseClassifier",),
    "savee_mm.classifiers.fusion": ("FusionClassifier",),
    "savee_mm.classifiers.kernel_ridge": ("KernelRidgeClassifier",),
    "savee_mm.classifiers.late_fusion": ("LateFusionClassifier",),
    "savee_mm.classifiers.transfer": ("TransferClassifier",),
    "savee_mm.features.audio": ("AudioFeatures",),
    "savee_mm.features.face_descriptor": ("FaceDescriptor",),
    "savee_mm.features.face_frames": ("FaceFrameSampler",),
    "savee_mm.features.functionals": ("VoiceFunctionals",),
    "savee_mm.features.mel_image": ("MelImage",),
    "savee_mm.features.mfcc_image": ("MFCCImage",),
    "savee_mm.features.prosody": ("ProsodyFeatures",),
    "savee_mm.features.speaker_normalizer": ("SpeakerNormalizer",),
    "savee_mm.features.spectral": ("SpectralFeatures",),
    "savee_mm.features.yamnet": ("YAMNetEmbedding",),
    "savee_mm.model_selection.clip_search": ("ClipGridSearchCV",),
    "savee_mm.model_selection.speaker_or_clip": ("SpeakerOrClipKFold",),
    "savee_mm.model_selection.splitters": (
        "ClipGroupKFold",
        "LeaveOneSpeakerOut",
        "SentenceGroupKFold",
        "SpeakerSentenceKFold",
    ),
    "savee_mm.selection.pca_corr": ("PCACorrSelector",),
}
_PUBLIC_MODULE = {name: module for module, names in _PUBLIC.items() for name in names}

OURS = frozenset(f"{module}.{name}" for name, module in _PUBLIC_MODULE.items())
"""Public paths of the classes of this library that a model file may name."""


def with_public_names(schema):
    """Return the description of a skops archive with public import paths in place of defining modules.

    Parameters
    ----------
    schema : bytes
        ``schema.json`` as skops writes it.

    Returns
    -------
    schema : bytes
    """
    return _renamed(schema, _public_module)


def with_current_names(schema):
    """Return the description of a skops archive with public import paths in place of names of older formats.

    Parameters
    ----------
    schema : bytes
        ``schema.json`` of a model file. Names that are in no table stay as they are.

    Returns
    -------
    schema : bytes

    Raises
    ------
    ValueError
        If it is not JSON.
    """
    return _renamed(schema, _module_of_old_name)


def _public_module(module, name):
    return _PUBLIC_MODULE.get(name, module) if module.startswith("savee_mm.") else module


def _module_of_old_name(module, name):
    return _PUBLIC_MODULE[name] if name in _BEFORE_FORMAT_3.get(module, ()) else module


def _renamed(schema, public_module):
    schema = json.loads(schema)
    for node in _nodes(schema):
        node["__module__"] = public_module(node["__module__"], node["__class__"])
    return json.dumps(schema).encode()


def _nodes(schema):
    """Yield the descriptions of objects within a description, at any depth."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(node.get("__module__"), str) and isinstance(node.get("__class__"), str):
                yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
