"""Feature extractors: scikit-learn transformers from a clip table to an array, with a cache for each clip."""

from savee_mm.features.audio import AudioFeatures
from savee_mm.features.coral import CORAL
from savee_mm.features.encoders import FaceEmbedding, SpeechEmbedding
from savee_mm.features.extract import extract_features, open_features
from savee_mm.features.faces import FaceDescriptor, FaceFrameSampler
from savee_mm.features.functionals import VoiceFunctionals
from savee_mm.features.mel_image import MelImage
from savee_mm.features.mfcc_image import MFCCImage
from savee_mm.features.prosody import ProsodyFeatures
from savee_mm.features.speaker_normalizer import SpeakerNormalizer
from savee_mm.features.spectral import SpectralFeatures
from savee_mm.features.yamnet import YAMNetEmbedding

__all__ = [
    "CORAL",
    "AudioFeatures",
    "FaceDescriptor",
    "FaceEmbedding",
    "FaceFrameSampler",
    "MFCCImage",
    "MelImage",
    "ProsodyFeatures",
    "SpeakerNormalizer",
    "SpectralFeatures",
    "SpeechEmbedding",
    "VoiceFunctionals",
    "YAMNetEmbedding",
    "extract_features",
    "open_features",
]
