"""scikit-learn classifiers around the networks: arrays in, or the clip table in."""

from savee_mm.classifiers.audio_cnn import AudioCNNClassifier
from savee_mm.classifiers.columns import ColumnBranch
from savee_mm.classifiers.convlstm import ConvLSTMClassifier
from savee_mm.classifiers.dense import DenseClassifier
from savee_mm.classifiers.fusion import FusionClassifier
from savee_mm.classifiers.kernel_ridge import KernelRidgeClassifier
from savee_mm.classifiers.late_fusion import LateFusionClassifier
from savee_mm.classifiers.transfer import TransferClassifier
from savee_mm.classifiers.unseen_corpus import UnseenCorpusClassifier

__all__ = [
    "AudioCNNClassifier",
    "ColumnBranch",
    "ConvLSTMClassifier",
    "DenseClassifier",
    "FusionClassifier",
    "KernelRidgeClassifier",
    "LateFusionClassifier",
    "TransferClassifier",
    "UnseenCorpusClassifier",
]
