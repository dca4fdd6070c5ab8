"""Late fusion: classifiers over the clip table, each fitted by itself, and the combination of their probabilities."""

from savee_mm.classifiers.late_fusion._combination import Combination
from savee_mm.classifiers.late_fusion.late_fusion import LateFusionClassifier

__all__ = ["Combination", "LateFusionClassifier"]
