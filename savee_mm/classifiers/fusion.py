"""FusionClassifier: emotion from voice and face, in one network."""

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

from savee_mm._composition import columns_read, failures
from savee_mm._docstrings import shared_docs
from savee_mm._missing import fill_missing
from savee_mm._rows import map_rows, spread_rows
from savee_mm._validation import ClipError, clip_names, names_in
from savee_mm.classifiers._inner_split import inner_folds, splits_groups
from savee_mm.classifiers._missing_branches import missing_values, warn_of_missing
from savee_mm.classifiers._table_base import TableNetworkClassifier, check_ndim
from savee_mm.classifiers.audio_cnn import AudioCNNClassifier
from savee_mm.classifiers.convlstm import FRAME_AUGMENTATION, ConvLSTMClassifier, frame_augmentation
from savee_mm.classifiers.late_fusion._clips import clips_present
from savee_mm.classifiers.late_fusion._combination import Combination, OutOfFold, combine, fit_pools
from savee_mm.features import FaceFrameSampler, MFCCImage

_CALIBRATION_FOLDS = 3
# Combinations for clips with face, voice or both: the plain sum of the evidence.
_PLAIN_SUMS = [([i for i in (0, 1) if own[i]], Combination(np.array(own, float))) for own in ((1, 0), (0, 1), (1, 1))]
_BRANCHES = {ConvLSTMClassifier: "video_branch", AudioCNNClassifier: "audio_branch"}


@shared_docs
class FusionClassifier(TableNetworkClassifier):
    """Network with a ConvLSTM branch for the face and a CNN branch for the voice.

    Reads the clip table. The extractors are part of the estimator, so that cross-validation and grid search split
    clips, and extractors are fitted on the training clips only.

    A clip without a face or without a voice is predicted by the other branch: if its column or value is missing, if its
    file holds nothing (digital silence, a muted track, black frames), or if it cannot be used and the extractor has
    ``on_error="fill"``. ``failed_clips_`` lists such clips, and a warning names a branch that predicts no clip of a
    table. A clip without both raises an error.

    Parameters
    ----------
    audio : transformer, default=None
        Clip table -> (n_clips, n_mfcc, n_frames, 1); a new :class:`MFCCImage` when None, whose parameters are shown
        and can be set as ``audio__n_mfcc`` etc.
    video : transformer, default=None
        Clip table -> (n_clips, n_frames, height, width, 3); a new :class:`FaceFrameSampler` when None.
    features : transformer, default=None
        Clip table -> (n_clips, n_features): hand-crafted features of the voice in addition to its image. They are
        standardised.
    %(augment)s
    %(frame_augmentation)s
    modality_dropout : float, default=1/3
        Probability that the face is left out in training, and probability that the voice is, so that each branch also
        learns to predict alone; at most 1/2. It is not sampled: the loss is the expected value.
    pretrained : list of FrozenEstimator, default=None
        A fitted :class:`ConvLSTMClassifier`, a fitted :class:`AudioCNNClassifier` on one image or both, each in a
        :class:`~sklearn.frozen.FrozenEstimator`. Training starts from the weights of their branches. No test clip may
        have been among their training clips.
    calibration_groups : str, default=None
        Column of the table, such as ``"speaker"``. The groups in it are held out in turn, in three folds at most, to
        choose the weight and the temperature of each branch for unseen groups, see Notes. The networks of these folds
        train for half of the epochs; the final one uses all clips. Clips of seen groups are predicted by the plain sum.
        A fit takes about twice the time.
    cache : "memory", path-like or None, default="memory"
        Where to keep the arrays of each clip. It replaces the cache of all extractors.
        Arrays of all clips that exceed 16 MiB are in a temporary file, in this folder if it is one.
    n_filters : int, default=24
        Number of filters of each branch.
    n_units : int, default=64
        Number of units of the dense layer of the MFCC images; the dense layer of the features has four times as many.
    epochs : int, default=120
        Number of passes over the training clips, at most. The learning rate decays to zero over them (half a cosine).
    %(batch_size)s
    learning_rate : float, default=2e-3
        Initial learning rate of Adam.
    l2 : float, default=1e-3
        Weight of the squared kernels in the loss.
    dropout : float, default=0.4
        Fraction of the units of each branch dropped in a training step.
    %(max_norm)s
    %(class_weight)s
    %(label_smoothing)s
    %(inner_split)s
    %(network_state)s

    Attributes
    ----------
    %(trained_network)s
    audio_, video_, features_ : transformer
        Fitted extractors; ``features_`` is None without ``features``.
    mirrors_ : bool
        Whether the prediction is the mean over a clip and its mirror image.
    failed_clips_ : DataFrame
        ``modality``, ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used.
    branch_weights_ : dict of str to float
        Weights of the evidence of ``"video"`` and ``"audio"`` for clips of unseen groups that have both; ones without
        ``calibration_groups``.

    See Also
    --------
    LateFusionClassifier : Combine any classifiers that are trained independently.

    Notes
    -----
    Without modality dropout, the branch that fits the training clips first leaves no error for the other to learn from
    (Neverova et al., "ModDrop", IEEE Transactions on Pattern Analysis and Machine Intelligence 38, 2016).

    Both branches fit the training clips almost perfectly, so these cannot show which branch is better on unseen
    speakers. The weights of the branches are therefore chosen on held-out groups: among those with at least the
    accuracy of the better branch alone, the weights with the smallest log loss, at the best temperature of the networks
    of these folds. They apply to unseen groups. If the table to predict has the column ``calibration_groups`` and the
    value of a clip was in training, the plain sum is used. With too few speakers, the folds are by clip, and the
    weights apply to all clips.

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

    # savee_mm.networks.fusion.EVIDENCE, without its import of Keras.
    _outputs = ("video_evidence", "audio_evidence")
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
        """Weights of the evidence of face and voice for clips of unseen groups."""
        check_is_fitted(self)
        _, pool = self._pools[-1]
        return dict(zip(("video", "audio"), pool.weights.tolist(), strict=True))

    def _prepare(self, table, y, sample_weight, training):
        """Fit the weights of face and voice for unseen groups, if there are ``calibration_groups``."""
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
        if not splits_groups(folds, groups):
            trained = np.unique(groups[training][weights[training] > 0])
            self._seen_groups = (column, trained.tolist())

    def _fit_pools(self, X, y, weights, folds):
        """Fit the weights of face and voice to the out-of-fold predictions of all clips."""
        classes = np.unique(y)
        scores = np.full((2, len(X), len(classes)), np.nan)
        for fold in np.unique(folds):
            held_out = folds == fold
            if lost := set(y[held_out]) - set(y[~held_out]):
                raise ValueError(
                    f"All clips of {', '.join(map(str, sorted(lost)))} are in one of the folds by "
                    f"{self.calibration_groups!r}; choose other calibration_groups, or set None."
                )
            clf = clone(self).set_params(calibration_groups=None, pretrained=None, epochs=-(-self.epochs // 2))
            clf.fit(X.iloc[~held_out], y[~held_out], sample_weight=weights[~held_out])
            scores[:, held_out] = clf._branch_scores(clf._extract(X.iloc[held_out])[0])
        complete = ~np.isnan(scores).any(axis=(0, 2)) & (weights > 0)
        if not complete.any():
            raise ValueError("No clip has both face and voice; set calibration_groups to None.")
        return fit_pools(OutOfFold(scores, np.searchsorted(classes, y), folds, weights).take(complete))

    def _branch_scores(self, inputs, mirror=False):
        """Return log-probabilities by face and by voice, (2, n_clips, n_classes), NaN for a missing modality."""
        scores = log_softmax(self._forward(inputs, mirror=mirror).transpose(1, 0, 2), axis=2)
        scores[_absent(inputs)] = np.nan
        return scores

    def _read_part(self, name, part, table, y):
        """Return the array of a part, zeros for clips without what it reads or that it cannot use, and these clips."""
        columns = columns_read(part, table)
        present = clips_present(table, columns)
        failed = missing_values(name, table.iloc[~present], columns, clip_names(table.iloc[~present]))
        if not present.any():
            if name not in self._shapes:
                raise ValueError(
                    f"No training clip has a value in every column that {name!r} reads: {', '.join(columns)}."
                )
            return self._new_rows((len(table), *self._shapes[name])), failed
        with fill_missing():
            own = self._output(name, part, table.iloc[present], None if y is None else y[present])
        unusable = failures(part)
        names = {clip_id for clip_id, *_ in unusable}
        for column in columns if names else ():
            own[np.flatnonzero(pd.Index(clip_names(table.iloc[present], column)).isin(names))] = 0
        failed += [(name, *failure) for failure in unusable]
        return (own if present.all() else spread_rows(own, present, self._new_rows)), failed

    def _compact(self, name, array):
        # The branch of the face averages the channels first. Models of earlier versions do so in the network.
        gray = name == "video" and array.ndim == 5 and self._shapes.get(name, (1,))[-1] == 1
        return super()._compact(name, array.mean(axis=-1, keepdims=True) if gray else array)

    def _check_clips(self, table, arrays, failed):
        neither = _absent(arrays).all(axis=0)
        if neither.any():
            row = int(neither.argmax())
            columns = [column for column in self._table_columns if column in table.columns]
            names = [clip_names(table.iloc[[row]], column)[0] for column in (*columns, None)]
            reasons = "; ".join(f"{part}: {reason}" for part, clip_id, _, reason in failed if clip_id in names)
            raise ClipError(
                f"neither its face nor its voice can be used; leave the clip out ({reasons})", clip_id=names[0]
            )
        # What reads the sound fails with it.
        own = [failure for failure in failed if ("audio", *failure[1:]) not in failed or failure[0] == "audio"]
        warn_of_missing(own, len(table), stacklevel=4)

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
        """Copy the weights of a fitted network of one modality into its branch."""
        from savee_mm.networks.fusion import start_branch

        network = frozen.estimator if isinstance(frozen, FrozenEstimator) else None
        if type(network) not in _BRANCHES or not hasattr(network, "model_"):
            raise ValueError(
                "pretrained must be a list of fitted networks, FrozenEstimator(ConvLSTMClassifier) and "
                f"FrozenEstimator(AudioCNNClassifier), got {frozen!r}."
            )
        try:
            start_branch(model, _BRANCHES[type(network)], network.model_)
        except ValueError as error:
            raise ValueError(
                f"{type(network).__name__} in pretrained does not fit: {error}. Train it with the same n_filters and "
                "n_units, without features, on extractors with the same parameters."
            ) from None

    def _trainer(self, model, rules):
        import keras

        from savee_mm.networks import random_frames
        from savee_mm.networks.fusion import three_predictions

        trainer = three_predictions(model)
        if not self.augment_frames:
            return trainer
        frames, *others = (keras.Input(tensor.shape[1:]) for tensor in model.inputs)
        augmented = random_frames(frames, **frame_augmentation(self), seed=rules.next_seed())
        return keras.Model([frames, *others], trainer([augmented, *others]))

    def _loss(self):
        from savee_mm.networks.fusion import modality_dropout_loss

        return modality_dropout_loss(self.modality_dropout, self.label_smoothing)

    def _accuracy(self):
        from savee_mm.networks.fusion import accuracy

        return accuracy

    def branch_proba(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict class probabilities by face and by voice separately.

        Parameters
        ----------
        X : DataFrame
            Clip table, as for :meth:`predict_proba`.

        Returns
        -------
        probabilities : DataFrame of shape (n_clips, 3 * n_classes)
            Columns ("video", class) and ("audio", class) with the prediction by one modality, NaN if it is missing, and
            ("combined", class) with that of :meth:`predict_proba`; rows as in X.
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
        """Return the scores of clips, and of their mirror images if training had both."""
        mirrored = [False, True] if self.mirrors_ else [False]
        return [self._branch_scores(inputs, mirror) for mirror in mirrored]

    def _combined(self, views, seen):
        """Return the probabilities by all branches, averaged over views."""
        log_p = [np.where(seen[:, np.newaxis], combine(_PLAIN_SUMS, own), combine(self._pools, own)) for own in views]
        return np.exp(log_p).mean(axis=0)


def _absent(inputs):
    """Return which clips lack the face and which the voice, (2, n_clips): a missing modality is an all-zero array."""
    return np.array([map_rows(lambda rows: ~rows.reshape(len(rows), -1).any(axis=1), array) for array in inputs[:2]])


def _alone(scores, branch):
    """Return the scores with NaN for the other branch."""
    return np.where(np.arange(len(scores))[:, np.newaxis, np.newaxis] == branch, scores, np.nan)
