"""FusionClassifier: emotion from voice and face together, from the clip table."""

from numbers import Real

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from savee_mm.classifiers._inner_split import inner_split
from savee_mm.classifiers._keras_base import NetworkClassifier, check_labels
from savee_mm.features import FaceFrameSampler, MFCCImage

_DEFAULT_PARTS = {"audio": MFCCImage, "video": FaceFrameSampler}


class FusionClassifier(NetworkClassifier):
    """One network with a ConvLSTM branch for the face and a CNN branch for the voice.

    Reads the clip table: the extractors are part of the estimator, so that cross-validation and grid search
    split clips, and whatever an extractor learns comes from the training fold.

    Parameters
    ----------
    audio : transformer, default=None
        Clip table -> (n_clips, n_mfcc, n_frames, 1); a fresh :class:`MFCCImage` when None, whose parameters are
        shown and can be set as ``audio__n_mfcc`` and so on.
    video : transformer, default=None
        Clip table -> (n_clips, n_frames, height, width, 3); a fresh :class:`FaceFrameSampler` when None.
    cache : "memory", path-like or None, default="memory"
        Where the arrays of a clip are kept. It is handed to both extractors, in place of a cache of their own.
    filters : int, default=32
        Filters of each branch.
    n_units : int, default=64
        Units of the dense layer of each branch and of the joint one.
    epochs : int, default=40
        Passes over the training clips, at most; the learning rate falls to zero over them (half a cosine).
    batch_size : int, default=16
        Clips per step.
    learning_rate : float, default=1e-3
        Adam's rate at the first step.
    l2 : float, default=1e-4
        Weight of the squared kernels in the loss.
    dropout : float, default=0.3
        Share of units left out of a training step, ahead of and behind the dense layers.
    max_norm : float, default=None
        Largest norm of the weights that enter one unit.
    class_weight : "balanced", dict or None, default="balanced"
        Weights of the classes in the loss.
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
    audio_, video_ : transformer
        The fitted extractors.
    model_ : keras.Model
        The trained network.
    history_ : dict of list
        Loss and accuracy per epoch, also on the inner validation clips where there are any.
    n_epochs_ : int
        Epochs that were trained.
    report_ : DataFrame
        ``modality``, ``clip_id``, ``path`` and ``reason`` of what could not be used in the last call.

    Examples
    --------
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> from savee_mm import FusionClassifier, load_savee
    >>> savee = load_savee("SAVEE/")  # doctest: +SKIP
    >>> clf = FusionClassifier(random_state=0)
    >>> cross_val_score(
    ...     clf, savee.data, savee.target, groups=savee.groups, cv=GroupKFold(4), error_score="raise"
    ... )  # doctest: +SKIP
    """

    _parameter_constraints = {
        **NetworkClassifier._parameter_constraints,
        "audio": "no_validation",  # an extractor, or None
        "video": "no_validation",
        "cache": "no_validation",  # the extractors check it
        "inner_groups": [str],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        *,
        audio=None,
        video=None,
        cache="memory",
        filters=32,
        n_units=64,
        epochs=40,
        batch_size=16,
        learning_rate=1e-3,
        l2=1e-4,
        dropout=0.3,
        max_norm=None,
        class_weight="balanced",
        early_stopping=False,
        patience=10,
        inner_groups="clip_id",
        validation_fraction=0.15,
        random_state=None,
        verbose=False,
    ):
        self.audio = audio
        self.video = video
        self.cache = cache
        self.filters = filters
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

    def get_params(self, deep=True):
        """Return the parameters, those of the default extractors included.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of the extractors.

        Returns
        -------
        params : dict
        """
        params = super().get_params(deep=deep)
        if deep:
            for part, default in _DEFAULT_PARTS.items():
                if getattr(self, part) is None:
                    params |= {f"{part}__{name}": value for name, value in default().get_params().items()}
        return params

    def set_params(self, **params):
        """Set parameters; one of a default extractor puts that extractor in place of None.

        Parameters
        ----------
        **params : dict
            Estimator parameters, ``audio__<parameter>`` and ``video__<parameter>`` included.

        Returns
        -------
        self : object
        """
        for part, default in _DEFAULT_PARTS.items():
            nested = any(name.startswith(f"{part}__") for name in params)
            if nested and params.get(part, getattr(self, part)) is None:
                params = {**params, part: default()}
        return super().set_params(**params)

    def fit(self, X, y, *, sample_weight=None):
        """Extract both modalities and train the network.

        Parameters
        ----------
        X : DataFrame
            Clip table with the columns ``audio`` and ``video`` (and ``inner_groups`` for early stopping).
        y : array-like of shape (n_clips,)
            Class labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weight of each clip in the loss.

        Returns
        -------
        self : object

        Raises
        ------
        ClipError
            On a clip that cannot be used, unless its extractor has ``on_error="fill"``.
        ValueError
            For an X that is not such a table, extractors that do not give such arrays, unequal lengths, bad labels
        (missing, continuous, a single class), or a training that diverges.
        """
        self._validate_params()
        _check_table(X)
        y = check_labels(y, type(self).__name__)
        check_consistent_length(X, y, sample_weight)
        training, watched = self._split(X, y)
        self.audio_, self.video_ = self._make_part("audio"), self._make_part("video")
        inputs = tuple(part.fit_transform(X.iloc[training]) for part in (self.video_, self.audio_))
        _check_inputs(*inputs)
        self._failures = self._part_failures()
        validation = None
        if watched is not None:
            validation = self._extract(X.iloc[watched]), y[watched]
            self._failures += self._part_failures()
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight)[training]
        self._fit_network(inputs, y[training], sample_weight, validation)
        return self

    def predict_proba(self, X):
        """Return class probabilities.

        Parameters
        ----------
        X : DataFrame
            Clip table with the columns ``audio`` and ``video``.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            Columns in the order of ``classes_``.

        Raises
        ------
        ClipError
            On a clip that cannot be used, unless its extractor has ``on_error="fill"``.
        """
        check_is_fitted(self)
        inputs = self._extract(_check_table(X))
        self._failures = self._part_failures()
        return self._predict_network(inputs)

    @property
    def report_(self):
        """The clips of the last call that could not be used: ``modality``, ``clip_id``, ``path`` and ``reason``."""
        check_is_fitted(self)
        return pd.DataFrame(self._failures, columns=["modality", "clip_id", "path", "reason"], dtype=object)

    def _make_part(self, name):
        """Return a fresh extractor with this estimator's cache."""
        extractor = getattr(self, name)
        extractor = _DEFAULT_PARTS[name]() if extractor is None else clone(extractor)
        if "cache" in extractor.get_params(deep=False):
            extractor.set_params(cache=self.cache)
        return extractor

    def _extract(self, X):
        return self.video_.transform(X), self.audio_.transform(X)

    def _part_failures(self):
        """Return what the extractors could not use in their last call."""
        parts = {"audio": self.audio_, "video": self.video_}
        return [
            (name, *failure)
            for name, part in parts.items()
            if hasattr(part, "report_")
            for failure in part.report_.itertuples(index=False, name=None)
        ]

    def _split(self, X, y):
        """Return the positions of training and of inner validation clips (None without early stopping)."""
        if not self.early_stopping:
            return np.arange(len(X)), None
        return inner_split(
            X,
            y,
            column=self.inner_groups,
            fraction=self.validation_fraction,
            seed=check_random_state(self.random_state).randint(2**31 - 1),
        )

    def _build(self, shapes, n_classes, rules):
        from savee_mm.networks import build_fusion

        return build_fusion(*shapes, n_classes, filters=self.filters, n_units=self.n_units, rules=rules)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _check_table(X):
    missing = [] if not isinstance(X, pd.DataFrame) else [c for c in _DEFAULT_PARTS if c not in X.columns]
    if not isinstance(X, pd.DataFrame) or missing:
        came = f"a DataFrame without {missing}" if missing else type(X).__name__
        raise ValueError(
            f"FusionClassifier reads a clip table: a DataFrame with the columns 'audio' and 'video' (paths), got "
            f"{came}. load_savee and load_table make one; FaceFrameSampler with ConvLSTMClassifier works on "
            "video alone."
        )
    return X


def _check_inputs(video, audio):
    """Refuse what the two branches cannot read."""
    for name, array, ndim, example in (("video", video, 5, FaceFrameSampler), ("audio", audio, 4, MFCCImage)):
        if np.ndim(array) != ndim:
            raise ValueError(
                f"The {name} extractor must give {ndim}-D arrays, as {example.__name__} does; it gave an array of "
                f"shape {np.shape(array)}."
            )
