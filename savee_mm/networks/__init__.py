"""Keras graphs: builders take shapes and sizes and return a model that is not yet trained.

Importing this room loads Keras and TensorFlow, so the estimators do it inside ``fit`` and ``predict``.
"""

from savee_mm.networks._batches import ShuffledBatches
from savee_mm.networks._layers import Regularization
from savee_mm.networks.augment import RandomFrames
from savee_mm.networks.convlstm import build_convlstm
from savee_mm.networks.fusion import build_fusion

__all__ = ["RandomFrames", "Regularization", "ShuffledBatches", "build_convlstm", "build_fusion"]
