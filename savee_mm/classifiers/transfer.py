"""TransferClassifier: a network pretrained on ImageNet, with a new head."""

import os
from functools import partial
from numbers import Integral
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from tqdm.auto import tqdm

from savee_mm._cache import content_key, open_store
from savee_mm._docstrings import shared_docs
from savee_mm._version import __version__
from savee_mm._weights import identify_weights, require_weights
from savee_mm.classifiers._keras_base import NetworkClassifier, check_finite
from savee_mm.model_selection._labels import check_labels

# Part of every cache key; to be increased when the output of the frozen part changes.
_FEATURE_VERSION = 1
# Learning rate of the trainable blocks, as a factor of the head's.
_SLOWER = 0.1
# Images between two updates of the progress bar, and its delay (s).
_CHUNK, _BAR_DELAY = 64, 2


@shared_docs
class TransferClassifier(NetworkClassifier):
    """Network pretrained on ImageNet, with a new dense head.

    The frozen part of the network runs once per image, and its output is cached. Only the head and the trainable blocks
    are trained on it and stored with the classifier.

    Each image is scaled from its own minimum and maximum to [0, 255], resized to a square, repeated to three channels,
    and normalised as in the training of the network. This discards the level of an image, and one outlier reduces the
    contrast of the rest. Images of sound should be normalised row by row, as by :class:`~savee_mm.MFCCImage`.

    If a clip has several frames, the features are averaged over them, after the trainable blocks if there are any.

    Parameters
    ----------
    backbone : {"vgg19", "vgg16", "mobilenet"}, default="vgg19"
        The pretrained network. ``"mobilenet"`` (v1, quantised to 8 bits) is always frozen. It needs 0.6 billion
        multiplications per image, VGG19 at 64 x 64 pixels 1.6 billion.
    weights : "imagenet", path-like or None, default="imagenet"
        ``"imagenet"`` for the file that ``fetch_weights(backbone)`` stores in the folder ``SAVEE_MM_WEIGHTS``; the path
        of such a file; or None for random weights (VGG only). VGG is also read from an ``.npz`` file with the arrays
        ``block1_conv1/kernel`` and ``block1_conv1/bias`` to ``block5_conv3/bias`` in Keras's layout.
    size : int, default=64
        Side (pixels, 32 to 224) of the resized images. MobileNet always uses 224.
    trainable_layers : int, default=0
        Number of VGG's five convolutional blocks, counted from the last, that are also trained, at a tenth of the
        learning rate.
    n_units : int, default=128
        Number of units of the dense layer.
    epochs : int, default=40
        Number of passes over the training clips, at most. The learning rate decays to zero over them (half a cosine).
    %(batch_size)s
    learning_rate : float, default=1e-3
        Initial learning rate of Adam for the head.
    l2 : float, default=1e-4
        Weight of the squared kernels of the head in the loss.
    dropout : float, default=0.3
        Fraction of the units dropped in a training step, after the dense layer.
    max_norm : float, default=None
        Maximum norm of the incoming weights of a unit of the head.
    %(class_weight)s
    %(early_stopping)s
    cache : "memory", path-like or None, default="memory"
        Where to keep the output of the frozen part for each image: in this process, in a folder, or not at all.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, dropout and order. Probabilities are reproducible for a given seed and number of threads.
    verbose : bool or int, default=False
        Whether to show progress bars over the images and over the epochs.

    Attributes
    ----------
    %(trained_network)s
    weights_sha256_ : str or None
        SHA-256 of the file of weights. Prediction needs the same file.
    base_seed_ : int or None
        Seed of the frozen part, if ``weights`` is None.
    input_shape_ : tuple of int
        ``(height, width, channels)`` or ``(n_frames, height, width, channels)`` of the training clips.

    See Also
    --------
    MFCCImage : Extract such images from sounds.
    FaceFrameSampler : Extract such frames from videos.

    References
    ----------
    K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015.
    A. Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from savee_mm import MFCCImage, TransferClassifier
    >>> clf = make_pipeline(MFCCImage(), TransferClassifier(random_state=0))
    >>> clf.fit(savee.data, savee.target)  # doctest: +SKIP
    """

    _parameter_constraints = {
        **NetworkClassifier._parameter_constraints,
        "backbone": [StrOptions({"vgg16", "vgg19", "mobilenet"})],
        "weights": [str, os.PathLike, None],
        "size": [Interval(Integral, 32, 224, closed="both")],
        "trainable_layers": [Interval(Integral, 0, 5, closed="both")],
        "cache": [None, str, os.PathLike],
    }

    def __init__(
        self,
        *,
        backbone: Literal["vgg19", "vgg16", "mobilenet"] = "vgg19",
        weights: str | os.PathLike[str] | None = "imagenet",
        size: int = 64,
        trainable_layers: int = 0,
        n_units: int = 128,
        epochs: int = 40,
        batch_size: int = 16,
        learning_rate: float = 1e-3,
        l2: float = 1e-4,
        dropout: float = 0.3,
        max_norm: float | None = None,
        class_weight: Literal["balanced"] | dict | None = "balanced",
        early_stopping: bool = False,
        patience: int = 10,
        cache: str | os.PathLike[str] | None = "memory",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.size = size
        self.trainable_layers = trainable_layers
        self.n_units = n_units
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.l2 = l2
        self.dropout = dropout
        self.max_norm = max_norm
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.patience = patience
        self.cache = cache
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
        """Train the head and the trainable blocks.

        Parameters
        ----------
        X : array-like of shape (n_clips, height, width, channels) or (n_clips, n_frames, height, width, channels)
            Images or frames with 1 or 3 channels.
        y : array-like of shape (n_clips,)
            Class labels.
        %(network_fit)s

        Returns
        -------
        self : object

        Raises
        ------
        FileNotFoundError
            If the weights are not found; the message says how to obtain them.
        ValueError
            If arrays have other shapes, contain NaN or differ in length, if labels are invalid, if training diverges,
            if parameters are not supported by ``"mobilenet"``, or if ``early_stopping`` is set without
            ``validation_data``.
        """
        self._validate_params()
        X = _check_images(X)
        y = check_labels(y, type(self).__name__)
        check_consistent_length(X, y, sample_weight)
        self.input_shape_ = X.shape[1:]
        validation = self._check_validation(validation_data, partial(_check_images, shape=self.input_shape_))
        self._set_base()
        if validation is not None:
            (watched,), labels = validation
            validation = (self._features(watched),), labels
        self._fit_network((self._features(X),), y, sample_weight, validation)
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_clips, height, width, channels) or (n_clips, n_frames, height, width, channels)
            Images or frames, as in fit.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self._predict_network((self._features(_check_images(X, self.input_shape_)),))

    def _set_base(self):
        """Set the identity of the frozen part: the hash of a file, or a seed."""
        if self.backbone == "mobilenet" and (self.weights is None or self.trainable_layers):
            raise ValueError(
                "backbone='mobilenet' is quantised to 8 bits and cannot be trained: it needs weights and "
                f"trainable_layers=0, got weights={self.weights!r} and trainable_layers={self.trainable_layers}."
            )
        self.base_seed_ = self.weights_sha256_ = None
        if self.weights is None:
            self.base_seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        else:
            self.weights_sha256_ = self._local_weights().sha256

    def _pretrained_files(self):
        return () if self.weights is None else (self._local_weights(),)

    def _local_weights(self):
        return identify_weights(require_weights(self.backbone)[0] if self.weights == "imagenet" else self.weights)

    def _base(self):
        """Return the Backbone of the fit."""
        from savee_mm.networks.transfer import MOBILENET_SIDE, Backbone

        weights = None if self.weights_sha256_ is None else self._local_weights()
        if weights is not None and weights.sha256 != self.weights_sha256_:
            raise ValueError(
                f"The weights in {weights.path} are not those of the fit (SHA-256 {weights.sha256}, not "
                f"{self.weights_sha256_}); restore that file, or fit again."
            )
        size = MOBILENET_SIDE if self.backbone == "mobilenet" else self.size
        return Backbone(self.backbone, size, weights, self.base_seed_, self.trainable_layers)

    def _features(self, X):
        """Return the output of the frozen part for each clip, averaged over its frames if all blocks are frozen."""
        if X.ndim == 4:
            return self._image_features(X)
        frames = self._image_features(X.reshape(-1, *X.shape[2:]))
        frames = frames.reshape(*X.shape[:2], *frames.shape[1:])
        return frames if self.trainable_layers else frames.mean(axis=1)

    def _image_features(self, X):
        """Return the output of the frozen part for each image, from the cache if it is there."""
        from savee_mm.networks.transfer import frozen_features

        base, store = self._base(), open_store(self.cache)
        parameters = f"{__version__}.{_FEATURE_VERSION} {base!r}"
        keys = [content_key(image, parameters) for image in X]
        features = {key: store.get(key) for key in dict.fromkeys(keys)}
        missing = [i for i, key in enumerate(keys) if features[key] is None]
        starts = range(0, len(missing), _CHUNK)
        for start in tqdm(starts, desc=self.backbone, unit="chunk", delay=_BAR_DELAY, disable=not self.verbose):
            chunk = missing[start : start + _CHUNK]
            for i, feature in zip(chunk, frozen_features(base, X[chunk]), strict=True):
                features[keys[i]] = feature
                store.put(keys[i], feature)
        return np.stack([features[key] for key in keys])

    def _build(self, shapes, n_classes, rules):
        from savee_mm.networks.transfer import build_transfer

        return build_transfer(self._base(), shapes[0], n_classes, n_units=self.n_units, rules=rules)

    def _compiled(self, trainer, n_steps):
        from savee_mm.networks.transfer import slow_down_blocks

        trainer = super()._compiled(trainer, n_steps)
        if self.trainable_layers:
            trainer.optimizer = slow_down_blocks(trainer, trainer.optimizer, _SLOWER)
        return trainer

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


def _check_images(X, shape=None):
    """Return X as float32 of shape (n_clips, height, width, channels) or (n_clips, n_frames, ...)."""
    X = np.asarray(X)
    expected = "(n_clips, [n_frames,] height, width, 1 or 3)"
    fits = X.ndim in (4, 5) and X.shape[-1] in (1, 3)
    if shape is not None:
        expected, fits = f"(n_clips, {', '.join(map(str, shape))})", X.shape[1:] == tuple(shape)
    if not fits or X.dtype.kind not in "fiub" or not X[:1].size:
        raise ValueError(
            f"Expected at least one clip of images of shape {expected}, got an array of shape {X.shape} and type "
            f"{X.dtype}. MFCCImage and FaceFrameSampler extract such arrays from a clip table."
        )
    X = X.astype(np.float32, copy=False)
    check_finite(X)
    return X
