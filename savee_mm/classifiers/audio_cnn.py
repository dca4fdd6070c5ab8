"""AudioCNNClassifier: emotion from pictures of the voice, and from features beside them."""

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
    """CNN over one or two pictures of a clip's sound, with hand-made features beside them on request.

    Reads the clip table: the extractors are part of the estimator, so that cross-validation and grid search
    split clips, and whatever an extractor learns comes from the training fold.

    ===================================================================  ===========================
    ``AudioCNNClassifier()``                                             the reference's CNN on MFCC
    ``AudioCNNClassifier(second_image=MelImage(normalize="training"))``  dual CNN
    ``AudioCNNClassifier(features=AudioFeatures())``                     CNN + other features
    ===================================================================  ===========================

    Parameters
    ----------
    image : transformer, default=None
        Clip table -> (n_clips, n_rows, n_frames, 1); a fresh ``MFCCImage(normalize="training")`` when None, whose
        parameters are shown and can be set as ``image__n_mfcc`` and so on. Its coefficients are standardised over
        the training clips, so that loud stays loud and bright stays bright.
    second_image : transformer, default=None
        Another such picture, for a CNN branch of its own; none when None.
    features : transformer, default=None
        Clip table -> (n_clips, n_features), or a Pipeline of one, for a dense layer; none when None. Its columns
        are standardised by their mean and deviation over the training clips.
    augment : AudioAugmenter, default=None
        Makes altered copies of the training clips, never of the inner validation clips: any object with
        ``fit_resample(table, y) -> (table, y)``. It gets this estimator's seed where it has none.
    cache : "memory", path-like or None, default="memory"
        Where the arrays of a clip are kept. It is handed to all extractors, wrapped ones included, in place of a
        cache of their own.
    kernels : sequence of two pairs of int, default=((5, 15), (3, 9))
        Rows and frames that the two convolutions of a picture see at once.
    n_filters : int, default=32
        Filters of the second convolution of each branch; the first has half as many.
    n_units : int, default=64
        Units of the dense layer of each picture; that of the features has four times as many.
    epochs : int, default=20
        Number of passes over the training clips, at most. The learning rate decays to zero over them (half a cosine).
    %(batch_size)s
    learning_rate : float, default=1e-3
        Initial learning rate of Adam.
    l2 : float, default=1e-4
        Weight of the squared kernels in the loss.
    dropout : float, default=0.5
        Share of units left out of a training step, ahead of the dense layer of a picture and ahead of the
        last layer.
    %(max_norm)s
    %(class_weight)s
    early_stopping : bool, default=False
        Whether to split off inner validation clips, stop when their loss has not fallen for ``patience`` epochs,
        and go back to the best one.
    patience : int, default=10
        Epochs to wait.
    inner_groups : str, default="clip_id"
        Column of the table whose values stay on one side of the inner split: ``"speaker"`` watches the loss on
        speakers that training has not met.
    validation_fraction : float, default=0.15
        About this share of the training clips is split off for early stopping.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, dropout, order and inner split. The same seed gives the same probabilities at an equal
        number of threads.
    verbose : bool or int, default=False
        Whether to show a progress bar over the epochs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    image_, second_image_ : transformer
        The fitted extractors of the pictures; ``second_image_`` is None where there is none.
    features_ : Pipeline or None
        The fitted extractor of the features, then the :class:`~sklearn.preprocessing.StandardScaler`.
    model_ : keras.Model
        The trained network.
    history_ : dict of list
        Loss and accuracy per epoch, also on the inner validation clips where there are any.
    n_epochs_ : int
        Epochs that were trained.
    report_ : DataFrame
        ``part``, ``clip_id``, ``path`` and ``reason`` of what could not be used in the last call.

    See Also
    --------
    FusionClassifier : The same branch beside one for the face.

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
        # StandardScaler has seen to the features.
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
