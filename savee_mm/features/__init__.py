"""Clip table -> array: scikit-learn transformers that read each clip once and keep what they computed."""

from savee_mm.features.audio import AudioFeatures
from savee_mm.features.face_frames import FaceFrameSampler
from savee_mm.features.mfcc_image import MFCCImage
from savee_mm.features.prosody import ProsodyFeatures
from savee_mm.features.spectral import SpectralFeatures

__all__ = ["AudioFeatures", "FaceFrameSampler", "MFCCImage", "ProsodyFeatures", "SpectralFeatures"]
