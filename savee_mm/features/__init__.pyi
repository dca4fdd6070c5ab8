"""The public names, loaded on first use."""

from .audio import AudioFeatures
from .coral import CORAL
from .encoders import FaceEmbedding, SpeechEmbedding
from .extract import extract_features, open_features
from .faces import FaceDescriptor, FaceFrameSampler
from .functionals import VoiceFunctionals
from .mel_image import MelImage
from .mfcc_image import MFCCImage
from .prosody import ProsodyFeatures
from .speaker_normalizer import SpeakerNormalizer
from .spectral import SpectralFeatures
from .yamnet import YAMNetEmbedding

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
