"""ConvLSTMClassifier: emotion from a few frames of a face."""

from functools import partial
from numbers import Integral, Real
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from savee_mm.classifiers._keras_base import NetworkClassifier
from savee_mm.model_selection._labels import check_labels


class ConvLSTMClassifier(NetworkClassifier):
    """ConvLSTM over short sequences of pictures.

    Parameters
    ----------
    augment : bool, default=True
        Whether training changes every clip at random, all its frames alike, by the six parameters that follow.
        Prediction never does.
    flip : bool, default=True
        Whether to mirror half of the training clips left to right. Prediction is then the mean over a clip and its
        mirror image. Leave it out where left and right have a meaning.
    shift : float, default=0.06
        Largest shift, as a share of the picture's height and width.
    rotation : float, default=6
        Largest turn (degrees).
    zoom : float, default=0.08
        Largest change of size, as a share of it.
    brightness : float, default=0.2
        Largest change of contrast, as a share of it, and of light, in standard deviations of the clip's grey pixels: of
        the whole picture, and from one side to the other.
    occlusion : float, default=0.25
        Side of a square that hides part of every second clip, as a share of the picture's sides.
    filters : int, default=24
        Filters of the strided convolution and of the ConvLSTM behind it.
    n_units : int or None, default=None
        Units of a dense layer ahead of the last; None leaves it out.
    epochs : int, default=120
        Passes over the training clips, at most; the learning rate falls to zero over them (half a cosine).
    batch_size : int, default=16
        Clips per step.
    learning_rate : float, default=2e-3
        Adam's rate at the first step.
    l2 : float, default=1e-3
        Weight of the squared kernels in the loss.
    dropout : float, default=0.4
        Share of units left out of a training step, ahead of the dense layers.
    max_norm : float, default=None
        Largest norm of the weights that enter one unit.
    class_weight : "balanced", dict or None, default="balanced"
        Weights of the classes in the loss.
    label_smoothing : float, default=0.1
        Share of a training clip's label that is spread evenly over all classes.
    early_stopping : bool, default=False
        Whether to stop when the loss on ``validation_data`` has not fallen for ``patience`` epochs, and go back
        to the best one.
    patience : int, default=10
        Epochs to wait.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, dropout and order. The same seed gives the same probabilities at an equal number of
        threads.
    verbose : bool or int, default=False
        Whether to show a progress bar over the epochs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    model_ : keras.Model
        The trained network.
    history_ : dict of list
        Loss and accuracy per epoch, also on the validation clips where there are any.
    n_epochs_ : int
        Epochs that were trained.
    input_shape_ : tuple of int
        ``(n_frames, height, width, channels)`` of the training clips.
    mirrors_ : bool
        Whether prediction is the mean over a clip and its mirror image.

    See Also
    --------
    FaceFrameSampler : Makes such sequences of videos.
    FusionClassifier : The same branch beside one for the voice.

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
    >>> clf = ConvLSTMClassifier(filters=4, n_units=8, epochs=30, random_state=0).fit(X, y)
    >>> clf.predict(X[[0, -1]]).tolist()
    ['brighter', 'darker']
    """

    _parameter_constraints = {
        **NetworkClassifier._parameter_constraints,
        "augment": ["boolean"],
        "flip": ["boolean"],
        "shift": [Interval(Real, 0, 1, closed="left")],
        "rotation": [Interval(Real, 0, 180, closed="both")],
        "zoom": [Interval(Real, 0, 1, closed="left")],
        "brightness": [Interval(Real, 0, 1, closed="left")],
        "occlusion": [Interval(Real, 0, 1, closed="left")],
        "n_units": [Interval(Integral, 1, None, closed="left"), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        augment: bool = True,
        flip: bool = True,
        shift: float = 0.06,
        rotation: float = 6,
        zoom: float = 0.08,
        brightness: float = 0.2,
        occlusion: float = 0.25,
        filters: int = 24,
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
        self.augment = augment
        self.flip = flip
        self.shift = shift
        self.rotation = rotation
        self.zoom = zoom
        self.brightness = brightness
        self.occlusion = occlusion
        self.filters = filters
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
            Pixels in [0, 1].
        y : array-like of shape (n_clips,)
            Class labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weight of each clip in the loss.
        validation_data : tuple (X, y), default=None
            Clips that early stopping watches. They come from whoever knows which clips belong together; no
            training clip, nor a copy of one, may be among them.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For arrays of other shapes, NaN, unequal lengths, bad labels, a training that diverges, or
            ``early_stopping`` without ``validation_data``.
        """
        self._validate_params()
        X = _check_sequences(X)
        y = check_labels(y, type(self).__name__)
        check_consistent_length(X, y, sample_weight)
        self.input_shape_ = X.shape[1:]
        self.mirrors_ = self.augment and self.flip
        validation = self._check_validation(validation_data, partial(_check_sequences, shape=self.input_shape_))
        self._fit_network((X,), y, sample_weight, validation)
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return class probabilities.

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
        if not self.mirrors_:
            return self._predict_network((X,))
        both = self._predict_network((np.concatenate([X, X[..., ::-1, :]]),))
        return (both[: len(X)] + both[len(X) :]) / 2

    def _build(self, shapes, n_classes, rules):
        from savee_mm.networks import build_convlstm

        return build_convlstm(shapes[0], n_classes, filters=self.filters, n_units=self.n_units, rules=rules)

    def _trainer(self, rules):
        import keras

        if not self.augment:
            return super()._trainer(rules)
        frames = keras.Input(self.input_shape_)
        return keras.Model(frames, self.model_(self._changed(frames, rules.next_seed())))

    def _changed(self, frames, seed):
        """Return a tensor of training clips changed at random, by the parameters that say how much."""
        from keras import ops

        from savee_mm.networks import RandomFrames

        amounts = ("flip", "shift", "rotation", "zoom", "brightness", "occlusion")
        change = RandomFrames(**{name: getattr(self, name) for name in amounts}, seed=seed)
        # The network averages the channels anyway, and one is changed in a third of the time of three.
        grey = ops.mean(frames, axis=-1, keepdims=True)
        return ops.repeat(change(grey), frames.shape[-1], axis=-1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


def _check_sequences(X, shape=None):
    """Return X as float32 of shape (n_clips, n_frames, height, width, channels)."""
    X = np.asarray(X)
    expected = "(n_clips, n_frames, height, width, channels)" if shape is None else f"(n_clips, {shape})"
    if X.ndim != 5 or X.dtype.kind not in "fiub" or (shape is not None and X.shape[1:] != tuple(shape)):
        raise ValueError(
            f"Expected frames of shape {expected}, got an array of shape {X.shape} and type {X.dtype}. "
            "FaceFrameSampler makes such arrays from a clip table."
        )
    if not len(X):
        raise ValueError(f"Expected at least one clip, got an array of shape {X.shape}.")
    X = X.astype(np.float32, copy=False)
    if not np.isfinite(X).all():
        bad = np.flatnonzero(~np.isfinite(X).all(axis=(1, 2, 3, 4)))
        raise ValueError(f"Clips {bad[:5].tolist()} hold NaN or infinite pixels; leave them out or fill them.")
    return X
