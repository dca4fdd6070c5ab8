"""scikit-learn classifiers around the networks: arrays in, or the clip table in."""

from savee_mm.classifiers.convlstm import ConvLSTMClassifier
from savee_mm.classifiers.fusion import FusionClassifier

__all__ = ["ConvLSTMClassifier", "FusionClassifier"]
