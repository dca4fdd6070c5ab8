"""The public names, loaded on first use."""

from .audio_cnn import AudioCNNClassifier
from .columns import ColumnBranch
from .convlstm import ConvLSTMClassifier
from .dense import DenseClassifier
from .fusion import FusionClassifier
from .kernel_ridge import KernelRidgeClassifier
from .late_fusion import LateFusionClassifier
from .transfer import TransferClassifier
from .unseen_corpus import UnseenCorpusClassifier

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
