"""Extractors around pretrained encoders in ONNX files, run by onnxruntime."""

from savee_mm.features.encoders.face import FaceEmbedding
from savee_mm.features.encoders.presets import ENCODERS
from savee_mm.features.encoders.speech import SpeechEmbedding

__all__ = ["ENCODERS", "FaceEmbedding", "SpeechEmbedding"]
