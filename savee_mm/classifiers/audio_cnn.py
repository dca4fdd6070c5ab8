"""AudioCNNClassifier: emotion from images of the sound and from features."""

import os
from collections.abc import Sequence
from functools import partial
from numbers import Integral
from typing import Literal

import numpy as np
from sklearn.base import BaseEstimator

from savee_mm._docstrings import shared_docs
from savee_mm.classifiers._table_base import TableNetworkClassifier, check_ndim
from savee_mm.features import MFCCImage


@shared_docs
class AudioCNNClassifier(TableNetworkClassifier):
    """CNN over one or two images of the sound of a clip, optionally with hand-crafted features.

    Reads the clip table. The extractors are part of the estimator, so that cross-validation and grid search split
    clips, and extractors are fitted on the training clips only.

    ===================================================================  ===========================
    ``AudioCNNClassifier()``                                             the reference's CNN on MFCC
    ``AudioCNNClassifier(second_image=MelImage(normalize="training"))``  dual CNN
    ``AudioCNNClassifier(features=AudioFeatures())``                     CNN + other features
    ===================================================================  ===========================

    Parameters
    ----------
    image : transformer, default=None
        Clip table -> (n_clips, n_rows, n_frames, 1); a new ``MFCCImage(normalize="training")`` when None, whose
        parameters are shown and can be set as ``image__n_mfcc`` etc. Its coefficients are standardised over the
        training clips, which keeps differences in level and brightness between clips.
    second_image : transformer, default=None
        Another such image, for a second CNN branch.
    features : transformer, default=None
        Clip table -> (n_clips, n_features), or a Pipeline, for a dense layer. The features are standardised over the
        training clips.
    %(augment)s
    cache : "memory", path-like or None, default="memory"
        Where to keep the arrays of each clip. It replaces the cache of all extractors, including nested ones.
        Arrays of all clips that exceed 16 MiB are in a temporary file, in this folder if it is one.
    kernels : sequence of two pairs of int, default=((5, 15), (3, 9))
        Rows and frames of the kernels of the two convolutions of an image.
    n_filters : int, default=32
        Number of filters of the second convolution of each branch; the first has half as many.
    n_units : int, default=64
        Number of units of the dense layer of each image; the dense layer of the features has four times as many.
    epochs : int, default=20
        Number of passes over the training clips, at most. The learning rate decays to zero over them (half a cosine).
    %(batch_size)s
    learning_rate : float, default=1e-3
        Initial learning rate of Adam.
    l2 : float, default=1e-4
        Weight of the squared kernels in the loss.
    dropout : float, default=0.5
        Fraction of the units dropped in a training step, before the dense layer of an image and before the output
        layer.
    %(max_norm)s
    %(class_weight)s
    %(inner_split)s
    %(network_state)s

    Attributes
    ----------
    %(trained_network)s
    image_, second_image_ : transformer
        Fitted extractors of the images; ``second_image_`` is None without ``second_image``.
    features_ : Pipeline or None
        Fitted extractor of the features, followed by a :class:`~sklearn.preprocessing.StandardScaler`.
    failed_clips_ : DataFrame
        ``part``, ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used.

    See Also
    --------
    FusionClassifier : The same branch combined with one for the face.

    Examples
    --------
    >>> from savee_mm import AudioCNNClassifier, ClipGroupKFold, load_savee
    >>> from sklearn.model_selection import cross_val_score
    >>> savee = load_savee("SAVEE/")  # doctest: +SKIP
    >>> clf = AudioCNNClassifier(random_state=0)
    >>> cross_val_score(clf, savee.data, savee.target, cv=ClipGroupKFold(4), error_score="raise")  # doctest: +SKIP
    """

    # In the order of the network's inputs.
    _parts = {"image": partial(MFCCImage, normalize="training"), "second_image": None, "features": None}

    _parameter_constraints = {
        **TableNetworkClassifier._parameter_constraints,
        "image": "no_validation",  # an extractor, or None
        "second_image": "no_validation",
        "features": "no_validation",
        "kernels": [tuple, list],
    }

    def __init__(
        self,
        *,
        image: BaseEstimator | None = None,
        second_image: BaseEstimator | None = None,
        features: BaseEstimator | None = None,
        augment: BaseEstimator | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        kernels: Sequence[tuple[int, int]] = ((5, 15), (3, 9)),
        n_filters: int = 32,
        n_units: int = 64,
        epochs: int = 20,
        batch_size: int = 16,
        learning_rate: float = 1e-3,
        l2: float = 1e-4,
        dropout: float = 0.5,
        max_norm: float | None = None,
        class_weight: Literal["balanced"] | dict | None = "balanced",
        early_stopping: bool = False,
        patience: int = 10,
        inner_groups: str = "clip_id",
        validation_fraction: float = 0.15,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.image = image
        self.second_image = second_image
        self.features = features
        self.augment = augment
        self.cache = cache
        self.kernels = kernels
        self.n_filters = n_filters
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
        self.inner_groups = inner_groups
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.verbose = verbose

    def _validate_params(self):
        super()._validate_params()
        if len(self.kernels) != 2 or not all(_is_pair(kernel) for kernel in self.kernels):
            raise ValueError(f"kernels must be two pairs (rows, frames) of integers from 1, got {self.kernels!r}.")

    def _check_arrays(self, arrays):
        # StandardScaler checks the features.
        for name in arrays.keys() - {"features"}:
            check_ndim(name, arrays[name], 4, MFCCImage)

    def _build(self, shapes, n_classes, rules):
        from savee_mm.networks.audio_cnn import build_audio_cnn

        images = [shape for shape in shapes if len(shape) == 3]
        n_features = None if len(images) == len(shapes) else shapes[-1][0]
        return build_audio_cnn(
            images,
            n_features,
            n_classes,
            kernels=[tuple(kernel) for kernel in self.kernels],
            n_filters=self.n_filters,
            n_units=self.n_units,
            rules=rules,
        )


def _is_pair(value):
    return (
        isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(n, Integral) and n > 0 for n in value)
    )
