"""Keras networks: builders take shapes and sizes and return an untrained model.

Importing this package loads Keras and TensorFlow, so the estimators import it inside ``fit`` and ``predict``.
"""

try:
    import keras  # noqa: F401
    import tensorflow  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"Keras with TensorFlow trains networks, and {error.name} is not installed. Install savee-mm instead of "
        "savee-mm-light."
    ) from error

from savee_mm.networks.augment import random_frames
from savee_mm.networks.convlstm import build_convlstm
from savee_mm.networks.fusion import build_fusion
from savee_mm.networks.regularization import Regularization
from savee_mm.networks.training import Batches

__all__ = ["Batches", "Regularization", "build_convlstm", "build_fusion", "random_frames"]
