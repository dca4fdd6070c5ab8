"""FusionClassifier: emotion from voice and face together, from the clip table."""

import os
from numbers import Real
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from savee_mm._validation import ClipError, clip_names, names_in
from savee_mm.classifiers._inner_split import inner_folds, parts_groups
from savee_mm.classifiers._table_base import TableNetworkClassifier, check_ndim
from savee_mm.classifiers.audio_cnn import AudioCNNClassifier
from savee_mm.classifiers.convlstm import FRAME_AUGMENTATION, ConvLSTMClassifier, frame_augmentation
from savee_mm.classifiers.late_fusion._combination import Combination, InnerClips, combine, fit_pools
from savee_mm.features import FaceFrameSampler, MFCCImage

_CALIBRATION_FOLDS = 3
# Of face and voice, by what a clip has: the network's own sum.
_PLAIN_SUMS = [([i for i in (0, 1) if own[i]], Combination(np.array(own, float))) for own in ((1, 0), (0, 1), (1, 1))]
_BRANCHES = {ConvLSTMClassifier: "video_branch", AudioCNNClassifier: "audio_branch"}


class FusionClassifier(TableNetworkClassifier):
    """One network with a ConvLSTM branch for the face and a CNN branch for the voice.

    Reads the clip table: the extractors are part of the estimator, so that cross-validation and grid search
    split clips, and whatever an extractor learns comes from the training fold.

    A table without the column ``video`` or without ``audio`` is predicted by the other branch; so is a clip whose face
    or sound cannot be used, where its extractor has ``on_error="fill"``. One that has neither is an error.

    Parameters
    ----------
    audio : transformer, default=None
        Clip table -> (n_clips, n_mfcc, n_frames, 1); a fresh :class:`MFCCImage` when None, whose parameters are
        shown and can be set as ``audio__n_mfcc`` and so on.
    video : transformer, default=None
        Clip table -> (n_clips, n_frames, height, width, 3); a fresh :class:`FaceFrameSampler` when None.
    features : transformer, default=None
        Clip table -> (n_clips, n_features): hand-made features of the voice beside its image, which are standardised;
        none when None.
    augment : AudioAugmenter, default=None
        Makes altered copies of the training clips, never of the inner validation clips: any object with
        ``fit_resample(table, y) -> (table, y)``. It gets this estimator's seed where it has none.
    augment_frames : bool, default=True
        Whether training changes the faces of every clip at random, as :class:`ConvLSTMClassifier` does by default, and
        prediction is the mean over a clip and its mirror image.
    modality_dropout : float, default=1/3
        Share of the training in which the face is left out, and of that in which the voice is, so that each learns to
        do without the other; at most a half. It is not drawn: every clip counts all three ways, by these shares.
    pretrained : list of FrozenEstimator, default=None
        A fitted :class:`ConvLSTMClassifier`, a fitted :class:`AudioCNNClassifier` on one image or both, each in a
        :class:`~sklearn.frozen.FrozenEstimator`: training starts from the weights of their branches. No clip that is
        tested may have been among those that they were trained on.
    calibration_groups : str, default=None
        Column of the table whose groups are held out in turn, in three folds at most, ``"speaker"`` for people who are
        not in training: networks of the others, which train half as long, tell of them what each branch is worth and
        how sure it may be, see Notes. Then all clips are trained on. A clip of a group that is in training is predicted
        by the plain sum. It takes about twice the time; None leaves it out.
    cache : "memory", path-like or None, default="memory"
        Where the arrays of a clip are kept. It is handed to all extractors, in place of a cache of their own.
    n_filters : int, default=24
        Filters of each branch.
    n_units : int, default=64
        Units of the dense layer of the MFCC images; that of the features has four times as many.
    epochs : int, default=120
        Number of passes over the training clips, at most. The learning rate decays to zero over them (half a cosine).
    %(batch_size)s
    learning_rate : float, default=2e-3
        Initial learning rate of Adam.
    l2 : float, default=1e-3
        Weight of the squared kernels in the loss.
    dropout : float, default=0.4
        Share of units of each branch left out of a training step.
    %(max_norm)s
    %(class_weight)s
    %(label_smoothing)s
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
    audio_, video_, features_ : transformer
        The fitted extractors; ``features_`` is None without ``features``.
    model_ : keras.Model
        The trained network.
    history_ : dict of list
        Loss and accuracy per epoch, also on the inner validation clips where there are any.
    n_epochs_ : int
        Epochs that were trained.
    report_ : DataFrame
        ``modality``, ``clip_id``, ``path`` and ``reason`` of what could not be used in the last call.
    branch_weights_ : dict of str to float
        What the evidence of ``"video"`` and ``"audio"`` is multiplied with where a clip has both and its group was not
        in training; ones without ``calibration_groups``.

    See Also
    --------
    LateFusionClassifier : Any classifiers, each trained by itself, and what they say combined.

    Notes
    -----
    Left to themselves, the branch that learns the training clips first leaves the other nothing to learn; hence the
    modality dropout (Neverova et al., "ModDrop", IEEE Transactions on Pattern Analysis and Machine Intelligence 38,
    2016). Both learn the training clips by heart, so that training cannot tell which of them is to be trusted with
    somebody new. On the clips held out for it, of the weights of their evidence that are at least as often right as the
    better branch alone, those with the least log loss are taken, at the best temperature for the networks of these
    folds. They are for groups that the network has not met: where the table that is predicted has the column
    ``calibration_groups`` and a clip's value was in training, its evidence is summed as it is. Only of too few speakers
    the folds are of clips, and the weights for everybody.

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

    # In the order of the network's inputs.
    _parts = {"video": FaceFrameSampler, "audio": MFCCImage, "features": None}
    _table_columns = ("audio", "video")
    _allows_missing_columns = True
    _instead = "; FaceFrameSampler with ConvLSTMClassifier works on video alone"
    _part_title = "modality"

    _parameter_constraints = {
        **TableNetworkClassifier._parameter_constraints,
        **FRAME_AUGMENTATION,
        "audio": "no_validation",  # an extractor, or None
        "video": "no_validation",
        "features": "no_validation",
        "augment_frames": ["boolean"],
        "modality_dropout": [Interval(Real, 0, 0.5, closed="both")],
        "pretrained": [list, None],
        "calibration_groups": [str, None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }
    _former_names = {**TableNetworkClassifier._former_names, "_met_groups": "_seen_groups"}

    def __init__(
        self,
        *,
        audio: BaseEstimator | None = None,
        video: BaseEstimator | None = None,
        features: BaseEstimator | None = None,
        augment: BaseEstimator | None = None,
        augment_frames: bool = True,
        flip: bool = True,
        shift: float = 0.06,
        rotation: float = 6,
        zoom: float = 0.08,
        brightness: float = 0.2,
        occlusion: float = 0.25,
        modality_dropout: float = 1 / 3,
        pretrained: list[FrozenEstimator] | None = None,
        calibration_groups: str | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        n_filters: int = 24,
        n_units: int = 64,
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
        inner_groups: str = "clip_id",
        validation_fraction: float = 0.15,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.audio = audio
        self.video = video
        self.features = features
        self.augment = augment
        self.augment_frames = augment_frames
        self.flip = flip
        self.shift = shift
        self.rotation = rotation
        self.zoom = zoom
        self.brightness = brightness
        self.occlusion = occlusion
        self.modality_dropout = modality_dropout
        self.pretrained = pretrained
        self.calibration_groups = calibration_groups
        self.cache = cache
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
        self.inner_groups = inner_groups
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.verbose = verbose

    @property
    def branch_weights_(self):
        """What the evidence of face and voice of a clip is multiplied with whose group was not in training."""
        check_is_fitted(self)
        _, pool = self._pools[-1]
        return dict(zip(("video", "audio"), pool.weights.tolist(), strict=True))

    def _prepare(self, table, y, sample_weight, training):
        """Learn how to weigh face and voice of groups that are not in training, where that is asked for."""
        self.mirrors_ = self.augment_frames and self.flip
        self._pools, self._seen_groups = _PLAIN_SUMS, (None, [])
        column = self.calibration_groups
        if column is None:
            return
        weights = np.ones(len(table)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        folds = inner_folds(table, y, column=column, n_splits=_CALIBRATION_FOLDS)
        self._pools = self._fit_pools(table, y, weights, folds)
        groups = names_in(table, column)
        # With too few speakers, the folds are by clip, and the pools are fitted to seen groups.
        if not parts_groups(folds, groups):
            trained = np.unique(groups[training][weights[training] > 0])
            self._seen_groups = (column, trained.tolist())

    def _fit_pools(self, X, y, weights, folds):
        """Return how face and voice are weighed, by what networks of the other folds tell of all clips."""
        classes = np.unique(y)
        scores = np.full((2, len(X), len(classes)), np.nan)
        for fold in np.unique(folds):
            held_out = folds == fold
            if lost := set(y[held_out]) - set(y[~held_out]):
                raise ValueError(
                    f"All clips of {', '.join(map(str, sorted(lost)))} are in one of the folds by "
                    f"{self.calibration_groups!r}; choose other calibration_groups, or leave them out."
                )
            clf = clone(self).set_params(calibration_groups=None, pretrained=None, epochs=-(-self.epochs // 2))
            clf.fit(X.iloc[~held_out], y[~held_out], sample_weight=weights[~held_out])
            scores[:, held_out] = clf._branch_scores(clf._extract(X.iloc[held_out]))
        there = ~np.isnan(scores).any(axis=(0, 2)) & (weights > 0)
        if not there.any():
            raise ValueError("No clip has both face and voice; leave calibration_groups out.")
        return fit_pools(InnerClips(scores, np.searchsorted(classes, y), folds, weights).of(there))

    def _branch_scores(self, inputs):
        """Return log-probabilities by face and by voice, (2, n_clips, n_classes), NaN of what a clip has not."""
        scores = log_softmax(self._forward(inputs).transpose(1, 0, 2), axis=2)
        scores[_absent(inputs)] = np.nan
        return scores

    def _inputs(self, X):
        inputs = super()._inputs(X)
        neither = _absent(inputs).all(axis=0)
        if neither.any():
            column = next(column for column in self._table_columns if column in X.columns)
            name = clip_names(X, column)[int(neither.argmax())]
            raise ClipError("neither its face nor its voice can be used; leave the clip out", clip_id=name)
        return inputs

    def _output_network(self):
        from savee_mm.networks.fusion import branch_evidence

        return branch_evidence(self.model_)

    def _check_arrays(self, arrays):
        check_ndim("video", arrays["video"], 5, FaceFrameSampler)
        check_ndim("audio", arrays["audio"], 4, MFCCImage)

    def _build(self, shapes, n_classes, rules):
        from savee_mm.networks import build_fusion

        model = build_fusion(
            *shapes[:2],
            shapes[2][0] if len(shapes) > 2 else None,
            n_classes,
            n_filters=self.n_filters,
            n_units=self.n_units,
            rules=rules,
        )
        for frozen in self.pretrained or ():
            self._start_from(frozen, model)
        return model

    def _start_from(self, frozen, model):
        """Give the branch of a fitted single-modality network its weights."""
        from savee_mm.networks.fusion import start_branch

        network = frozen.estimator if isinstance(frozen, FrozenEstimator) else None
        if type(network) not in _BRANCHES or not hasattr(network, "model_"):
            raise ValueError(
                "pretrained is a list of fitted networks, FrozenEstimator(ConvLSTMClassifier) and "
                f"FrozenEstimator(AudioCNNClassifier), got {frozen!r}."
            )
        try:
            start_branch(model, _BRANCHES[type(network)], network.model_)
        except ValueError as error:
            raise ValueError(
                f"{type(network).__name__} in pretrained does not fit: {error}. Train it with the same n_filters and "
                "n_units, without features, on extractors with the same parameters."
            ) from None

    def _trainer(self, rules):
        import keras

        from savee_mm.networks import random_frames
        from savee_mm.networks.fusion import three_predictions

        trainer = three_predictions(self.model_)
        if not self.augment_frames:
            return trainer
        frames, *others = (keras.Input(tensor.shape[1:]) for tensor in self.model_.inputs)
        augmented = random_frames(frames, **frame_augmentation(self), seed=rules.next_seed())
        return keras.Model([frames, *others], trainer([augmented, *others]))

    def _loss(self):
        from savee_mm.networks.fusion import modality_dropout_loss

        return modality_dropout_loss(self.modality_dropout, self.label_smoothing)

    def _accuracy(self):
        from savee_mm.networks.fusion import accuracy

        return accuracy

    def branch_proba(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return what face and voice each say of every clip.

        Parameters
        ----------
        X : DataFrame
            Clip table, as for :meth:`predict_proba`.

        Returns
        -------
        probabilities : DataFrame of shape (n_clips, 3 * n_classes)
            Columns ("video", class) and ("audio", class) with what is told of the clip without the other, NaN where it
            has no such part, and ("combined", class) with those of :meth:`predict_proba`; rows as in X.
        """
        views, seen = self._views(self._inputs(X)), self._seen(X)
        tables = {"combined": self._combined(views, seen)}
        for branch, name in enumerate(("video", "audio")):
            tables[name] = self._combined([_alone(scores, branch) for scores in views], seen)
        frames = {name: pd.DataFrame(tables[name], index=X.index, columns=self.classes_) for name in sorted(tables)}
        return pd.concat(frames, axis=1)

    def _predict_arrays(self, table, arrays):
        return self._combined(self._views(arrays), self._seen(table))

    def _seen(self, table):
        """Return which clips belong to a calibration group of the training clips, compared by name as text."""
        column, groups = self._seen_groups
        return np.array([name in groups for name in names_in(table, column)])

    def _views(self, inputs):
        """Return the scores of clips, and of their mirror images where training had both."""
        views = [inputs]
        if self.mirrors_:
            views.append((inputs[0][..., ::-1, :], *inputs[1:]))
        return [self._branch_scores(view) for view in views]

    def __setstate__(self, state):
        if "model_" in state:
            # Older model files mirror whenever they augment.
            state = {"mirrors_": state["augment_frames"], **state}
        super().__setstate__(state)

    def _combined(self, views, seen):
        """Return the probabilities by all branches, averaged over views."""
        log_p = [np.where(seen[:, np.newaxis], combine(_PLAIN_SUMS, own), combine(self._pools, own)) for own in views]
        return np.exp(log_p).mean(axis=0)


def _absent(inputs):
    """Return which clips lack the face and which the voice, (2, n_clips): nothing but noughts stands for them."""
    return np.array([(array == 0).all(axis=tuple(range(1, array.ndim))) for array in inputs[:2]])


def _alone(scores, branch):
    """Return the scores without those of the other branch."""
    return np.where(np.arange(len(scores))[:, np.newaxis, np.newaxis] == branch, scores, np.nan)
