"""ConvLSTMClassifier: emotion from a few frames of a face."""

from functools import partial
from numbers import Integral, Real
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from savee_mm._docstrings import shared_docs
from savee_mm._rows import RowFile
from savee_mm.classifiers._keras_base import NetworkClassifier, check_finite
from savee_mm.model_selection._labels import check_labels

# Parameters of networks.random_frames.
FRAME_AUGMENTATION: dict = {
    "flip": ["boolean"],
    "shift": [Interval(Real, 0, 1, closed="left")],
    "rotation": [Interval(Real, 0, 180, closed="both")],
    "zoom": [Interval(Real, 0, 1, closed="left")],
    "brightness": [Interval(Real, 0, 1, closed="left")],
    "occlusion": [Interval(Real, 0, 1, closed="left")],
}


@shared_docs
class ConvLSTMClassifier(NetworkClassifier):
    """ConvLSTM network over short sequences of images.

    Parameters
    ----------
    %(frame_augmentation)s
    n_filters : int, default=24
        Number of filters of the strided convolution and of the ConvLSTM.
    n_units : int or None, default=None
        Number of units of a dense layer before the output layer; None for no such layer.
    epochs : int, default=120
        Number of passes over the training clips, at most. The learning rate decays to zero over them (half a cosine).
    %(batch_size)s
    learning_rate : float, default=2e-3
        Initial learning rate of Adam.
    l2 : float, default=1e-3
        Weight of the squared kernels in the loss.
    dropout : float, default=0.4
        Fraction of the units dropped in a training step, before the dense layers.
    %(max_norm)s
    %(class_weight)s
    %(label_smoothing)s
    %(early_stopping)s
    %(network_state)s

    Attributes
    ----------
    %(trained_network)s
    input_shape_ : tuple of int
        ``(n_frames, height, width, channels)`` of the training clips.
    mirrors_ : bool
        Whether the prediction is the mean over a clip and its mirror image.

    See Also
    --------
    FaceFrameSampler : Extract such sequences from videos.
    FusionClassifier : The same branch combined with one for the voice.

    References
    ----------
    X. Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting",
    NeurIPS 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import ConvLSTMClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["brighter", "darker"], 8)
    >>> ramp = np.linspace(0, 1, 4)[:, np.newaxis, np.newaxis, np.newaxis]
    >>> X = np.stack([ramp if label == "brighter" else ramp[::-1] for label in y]) * rng.random((16, 1, 16, 16, 3))
    >>> clf = ConvLSTMClassifier(n_filters=4, n_units=8, epochs=30, random_state=0).fit(X, y)
    >>> clf.predict(X[[0, -1]]).tolist()
    ['brighter', 'darker']
    """

    _parameter_constraints = {
        **NetworkClassifier._parameter_constraints,
        **FRAME_AUGMENTATION,
        "augment_frames": ["boolean"],
        "n_units": [Interval(Integral, 1, None, closed="left"), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        augment_frames: bool = True,
        flip: bool = True,
        shift: float = 0.06,
        rotation: float = 6,
        zoom: float = 0.08,
        brightness: float = 0.2,
        occlusion: float = 0.25,
        n_filters: int = 24,
        n_units: int | None = None,
        epochs: int = 120,
        batch_size: int = 16,
        learning_rate: float = 2e-3,
        l2: float = 1e-3,
        dropout: float = 0.4,
        max_norm: float | None = None,
        class_weight: Literal["balanced"] | dict | None = "balanced",
        label_smoothing: float = 0.1,
        early_stopping: bool = False,
        patience: int = 10,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.augment_frames = augment_frames
        self.flip = flip
        self.shift = shift
        self.rotation = rotation
        self.zoom = zoom
        self.brightness = brightness
        self.occlusion = occlusion
        self.n_filters = n_filters
        self.n_units = n_units
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.l2 = l2
        self.dropout = dropout
        self.max_norm = max_norm
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.early_stopping = early_stopping
        self.patience = patience
        self.random_state = random_state
        self.verbose = verbose

    @shared_docs
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_frames, height, width, channels)
            Pixels in [0, 1]. An array of :func:`~savee_mm.open_features` may be larger than memory.
        y : array-like of shape (n_clips,)
            Class labels.
        %(network_fit)s

        Returns
        -------
        self : object

        Raises
        ------
        %(network_fit_raises)s
        """
        self._validate_params()
        X = _check_sequences(X)
        y = check_labels(y, type(self).__name__)
        check_consistent_length(X, y, sample_weight)
        self.input_shape_ = X.shape[1:]
        self.mirrors_ = self.augment_frames and self.flip
        validation = self._check_validation(validation_data, partial(_check_sequences, shape=self.input_shape_))
        self._fit_network((X,), y, sample_weight, validation)
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_frames, height, width, channels)
            Pixels in [0, 1].

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        X = _check_sequences(X, self.input_shape_)
        views = [False, True] if self.mirrors_ else [False]
        return np.mean([self._predict_network((X,), mirror=mirror) for mirror in views], axis=0)

    def _build(self, shapes, n_classes, rules):
        from savee_mm.networks import build_convlstm

        return build_convlstm(shapes[0], n_classes, n_filters=self.n_filters, n_units=self.n_units, rules=rules)

    def _trainer(self, model, rules):
        import keras

        from savee_mm.networks import random_frames

        if not self.augment_frames:
            return super()._trainer(model, rules)
        frames = keras.Input(model.input_shape[1:])
        augmented = random_frames(frames, **frame_augmentation(self), seed=rules.next_seed())
        return keras.Model(frames, model(augmented))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


def frame_augmentation(estimator):
    """Return the parameters of an estimator that :func:`~savee_mm.networks.random_frames` takes."""
    return {name: getattr(estimator, name) for name in FRAME_AUGMENTATION}


def _check_sequences(X, shape=None):
    """Return X as float32 of shape (n_clips, n_frames, height, width, channels)."""
    X = X if isinstance(X, RowFile) else np.asarray(X)
    expected = "(n_clips, n_frames, height, width, channels)" if shape is None else f"(n_clips, {shape})"
    if X.ndim != 5 or X.dtype.kind not in "fiub" or (shape is not None and X.shape[1:] != tuple(shape)):
        raise ValueError(
            f"Expected frames of shape {expected}, got an array of shape {X.shape} and type {X.dtype}. "
            "FaceFrameSampler extracts such arrays from a clip table."
        )
    if not len(X):
        raise ValueError(f"Expected at least one clip, got an array of shape {X.shape}.")
    if not isinstance(X, RowFile):
        X = X.astype(np.float32, copy=False)
    check_finite(X)
    return X
