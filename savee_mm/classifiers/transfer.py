"""TransferClassifier: a network that was trained on ImageNet, with a new head."""

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
from savee_mm._version import __version__
from savee_mm._weights import identify_weights, require_weights
from savee_mm.classifiers._keras_base import NetworkClassifier
from savee_mm.model_selection._labels import check_labels

# Part of every cache key: to be raised when the frozen part changes what it returns.
_FEATURE_VERSION = 1
# Unfrozen blocks know something already: they learn at this share of the head's rate.
_SLOWER = 0.1
# Pictures between two steps of the progress bar, and seconds below which none is shown.
_CHUNK, _BAR_DELAY = 64, 2


class TransferClassifier(NetworkClassifier):
    """Network trained on ImageNet, under a new dense head.

    The frozen part of the network runs once per picture and its output is kept in the cache; only the head, and the
    blocks that are unfrozen, are trained on it and stored with the classifier.

    Every picture is stretched from its own least and greatest value to [0, 255], resized to a square, given three
    channels, and shifted as the network was trained. The level of a picture is lost in that, and one outlier flattens
    the rest: pictures of sound are best normalised row by row, as :class:`~savee_mm.MFCCImage` does.

    Of a clip of several frames each is a picture, and the mean of the frozen part's output over them stands for the
    clip.

    Parameters
    ----------
    backbone : {"vgg19", "vgg16", "mobilenet"}, default="vgg19"
        The network. ``"mobilenet"`` (v1, in 8 bits) is always frozen. A picture takes it 0.6 billion multiplications,
        VGG19 at 64 pixels a side 1.6.
    weights : "imagenet", path-like or None, default="imagenet"
        ``"imagenet"`` for the file in the folder that ``SAVEE_MM_WEIGHTS`` names, put there by
        ``fetch_weights(backbone)``; the path of such a file; or None for random weights (VGG only).
    size : int, default=64
        Side (pixels, 32 to 224) to which pictures are resized. MobileNet knows 224 alone, and takes it whatever
        ``size`` is.
    n_unfrozen : int, default=0
        How many of VGG's five convolutional blocks, from the last one, are trained too, at a tenth of the
        learning rate.
    n_units : int, default=128
        Units of the dense layer.
    epochs : int, default=40
        Passes over the training clips, at most; the learning rate falls to zero over them (half a cosine).
    batch_size : int, default=16
        Clips per step.
    learning_rate : float, default=1e-3
        Adam's rate at the first step, for the head.
    l2 : float, default=1e-4
        Weight of the squared kernels of the head in the loss.
    dropout : float, default=0.3
        Share of units left out of a training step, behind the dense layer.
    max_norm : float, default=None
        Largest norm of the weights that enter one unit of the head.
    class_weight : "balanced", dict or None, default="balanced"
        Weights of the classes in the loss.
    early_stopping : bool, default=False
        Whether to stop when the loss on ``validation_data`` has not fallen for ``patience`` epochs, and go back
        to the best one.
    patience : int, default=10
        Epochs to wait.
    cache : "memory", path-like or None, default="memory"
        Where the frozen part's output for a picture is kept: in this process, in a folder, or not at all.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, dropout and order. The same seed gives the same probabilities at an equal number of
        threads.
    verbose : bool or int, default=False
        Whether to show progress bars, over the pictures and over the epochs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    model_ : keras.Model
        The trained part of the network.
    weights_sha256_ : str or None
        Digest of the file of weights, which prediction needs too; with another one it is refused.
    base_seed_ : int or None
        Seed of the frozen part, with ``weights=None``.
    history_ : dict of list
        Loss and accuracy per epoch, also on the validation clips where there are any.
    n_epochs_ : int
        Epochs that were trained.
    input_shape_ : tuple of int
        ``(height, width, channels)`` of the training pictures, with ``n_frames`` ahead for clips of frames.

    See Also
    --------
    MFCCImage : Makes such pictures of sounds.
    FaceFrameSampler : Makes such frames of videos.

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
        "n_unfrozen": [Interval(Integral, 0, 5, closed="both")],
        "cache": [None, str, os.PathLike],
    }

    def __init__(
        self,
        *,
        backbone: Literal["vgg19", "vgg16", "mobilenet"] = "vgg19",
        weights: str | os.PathLike[str] | None = "imagenet",
        size: int = 64,
        n_unfrozen: int = 0,
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
        self.n_unfrozen = n_unfrozen
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

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> Self:
        """Train the head, and the unfrozen blocks.

        Parameters
        ----------
        X : array-like of shape (n_clips, height, width, channels) or (n_clips, n_frames, height, width, channels)
            Pictures of 1 or 3 channels, or frames.
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
        FileNotFoundError
            Where the weights are not there: says how to get them.
        ValueError
            For arrays of other shapes, NaN, unequal lengths, bad labels, a training that diverges, parameters that
            ``"mobilenet"`` does not allow, ``n_unfrozen`` with clips of frames, or ``early_stopping`` without
            ``validation_data``.
        """
        self._validate_params()
        X = _check_pictures(X)
        y = check_labels(y, type(self).__name__)
        check_consistent_length(X, y, sample_weight)
        self.input_shape_ = X.shape[1:]
        validation = self._check_validation(validation_data, partial(_check_pictures, shape=self.input_shape_))
        if X.ndim == 5 and self.n_unfrozen:
            raise ValueError(
                f"Frames are summed up behind a network that is frozen: clips of frames need n_unfrozen=0, got "
                f"n_unfrozen={self.n_unfrozen}."
            )
        self._settle_base()
        if validation is not None:
            (watched,), labels = validation
            validation = (self._features(watched),), labels
        self._fit_network((self._features(X),), y, sample_weight, validation)
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_clips, height, width, channels) or (n_clips, n_frames, height, width, channels)
            Pictures, or frames, as in fit.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self._predict_network((self._features(_check_pictures(X, self.input_shape_)),))

    def _settle_base(self):
        """Settle what the frozen part is: the content of a file, or a seed."""
        if self.backbone == "mobilenet" and (self.weights is None or self.n_unfrozen):
            raise ValueError(
                "backbone='mobilenet' is a network in 8 bits, which is not trained: it needs weights and n_unfrozen=0, "
                f"got weights={self.weights!r} and n_unfrozen={self.n_unfrozen}."
            )
        self.base_seed_ = self.weights_sha256_ = None
        if self.weights is None:
            self.base_seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        else:
            self.weights_sha256_ = self._local_weights().sha256

    def _local_weights(self):
        return identify_weights(require_weights(self.backbone)[0] if self.weights == "imagenet" else self.weights)

    def _base(self):
        """Return the Backbone of the fit."""
        from savee_mm.networks.transfer import MOBILENET_SIDE, Backbone

        weights = None if self.weights_sha256_ is None else self._local_weights()
        if weights is not None and weights.sha256 != self.weights_sha256_:
            raise ValueError(
                f"The weights in {weights.path} are not those of the fit (SHA-256 {weights.sha256}, not "
                f"{self.weights_sha256_}); bring those back, or fit again."
            )
        size = MOBILENET_SIDE if self.backbone == "mobilenet" else self.size
        return Backbone(self.backbone, size, weights, self.base_seed_, self.n_unfrozen)

    def _features(self, X):
        """Return the frozen part's output for every clip, of frames their mean."""
        if X.ndim == 4:
            return self._picture_features(X)
        frames = self._picture_features(X.reshape(-1, *X.shape[2:]))
        return frames.reshape(*X.shape[:2], -1).mean(axis=1)

    def _picture_features(self, X):
        """Return the frozen part's output for every picture, from the cache where it has the picture."""
        from savee_mm.networks.transfer import frozen_features

        base, store = self._base(), open_store(self.cache)
        parameters = f"{__version__}.{_FEATURE_VERSION} {base!r}"
        keys = [content_key(picture, parameters) for picture in X]
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

    def _compiled(self, n_steps, rules):
        from savee_mm.networks.transfer import slow_down_blocks

        trainer = super()._compiled(n_steps, rules)
        if self.n_unfrozen:
            trainer.optimizer = slow_down_blocks(trainer, trainer.optimizer, _SLOWER)
        return trainer

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


def _check_pictures(X, shape=None):
    """Return X as float32 of shape (n_clips, height, width, channels), or with n_frames behind n_clips."""
    X = np.asarray(X)
    expected = "(n_clips, [n_frames,] height, width, 1 or 3)"
    fits = X.ndim in (4, 5) and X.shape[-1] in (1, 3)
    if shape is not None:
        expected, fits = f"(n_clips, {', '.join(map(str, shape))})", X.shape[1:] == tuple(shape)
    if not fits or X.dtype.kind not in "fiub" or not X[:1].size:
        raise ValueError(
            f"Expected pictures of shape {expected}, at least one, got an array of shape {X.shape} and type {X.dtype}. "
            "MFCCImage makes such arrays from a clip table, and FaceFrameSampler those of frames."
        )
    X = X.astype(np.float32, copy=False)
    if not np.isfinite(X).all():
        bad = np.flatnonzero(~np.isfinite(X.reshape(len(X), -1)).all(axis=1))
        raise ValueError(f"Clips {bad[:5].tolist()} hold NaN or infinite pixels; leave them out or fill them.")
    return X
