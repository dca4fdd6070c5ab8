"""FusionClassifier: emotion from voice and face together, from the clip table."""

from numbers import Real

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import Interval

from savee_mm.classifiers._table_base import TableNetworkClassifier, check_ndim
from savee_mm.classifiers.audio_cnn import AudioCNNClassifier
from savee_mm.classifiers.convlstm import ConvLSTMClassifier
from savee_mm.features import FaceFrameSampler, MFCCImage

_BRANCHES = {ConvLSTMClassifier: "video_branch", AudioCNNClassifier: "audio_branch"}


class FusionClassifier(TableNetworkClassifier):
    """One network with a ConvLSTM branch for the face and a CNN branch for the voice.

    Reads the clip table: the extractors are part of the estimator, so that cross-validation and grid search
    split clips, and whatever an extractor learns comes from the training fold.

    A table without the column ``video`` or without ``audio`` is predicted by the other branch; so is a clip whose face
    or sound cannot be used, where its extractor has ``on_error="fill"``.

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
    modality_dropout : float, default=0.2
        Share of training clips from which the face is left out, and of those from which the voice is, so that each
        learns to do without the other.
    pretrained : list of FrozenEstimator, default=None
        A fitted :class:`ConvLSTMClassifier`, a fitted :class:`AudioCNNClassifier` on one image or both, each in a
        :class:`~sklearn.frozen.FrozenEstimator`: training starts from the weights of their branches. No clip that is
        tested may have been among those that they were trained on.
    cache : "memory", path-like or None, default="memory"
        Where the arrays of a clip are kept. It is handed to all extractors, in place of a cache of their own.
    filters : int, default=24
        Filters of each branch.
    n_units : int, default=64
        Units of the dense layer of the MFCC images; that of the features has four times as many.
    epochs : int, default=60
        Passes over the training clips, at most; the learning rate falls to zero over them (half a cosine).
    batch_size : int, default=16
        Clips per step.
    learning_rate : float, default=2e-3
        Adam's rate at the first step.
    l2 : float, default=1e-3
        Weight of the squared kernels in the loss.
    dropout : float, default=0.4
        Share of units of each branch left out of a training step.
    max_norm : float, default=None
        Largest norm of the weights that enter one unit.
    class_weight : "balanced", dict or None, default="balanced"
        Weights of the classes in the loss.
    label_smoothing : float, default=0.1
        Share of a training clip's label that is spread evenly over all classes.
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

    See Also
    --------
    LateFusionClassifier : Any classifiers, each trained by itself, and what they say combined.

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
    _columns = ("audio", "video")
    _spares_columns = True
    _instead = "; FaceFrameSampler with ConvLSTMClassifier works on video alone"
    _part_title = "modality"

    _parameter_constraints = {
        **TableNetworkClassifier._parameter_constraints,
        "audio": "no_validation",  # an extractor, or None
        "video": "no_validation",
        "features": "no_validation",
        "augment_frames": ["boolean"],
        "modality_dropout": [Interval(Real, 0, 1, closed="left")],
        "pretrained": [list, None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        audio=None,
        video=None,
        features=None,
        augment=None,
        augment_frames=True,
        modality_dropout=0.2,
        pretrained=None,
        cache="memory",
        filters=24,
        n_units=64,
        epochs=60,
        batch_size=16,
        learning_rate=2e-3,
        l2=1e-3,
        dropout=0.4,
        max_norm=None,
        class_weight="balanced",
        label_smoothing=0.1,
        early_stopping=False,
        patience=10,
        inner_groups="clip_id",
        validation_fraction=0.15,
        random_state=None,
        verbose=False,
    ):
        self.audio = audio
        self.video = video
        self.features = features
        self.augment = augment
        self.augment_frames = augment_frames
        self.modality_dropout = modality_dropout
        self.pretrained = pretrained
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
        self.label_smoothing = label_smoothing
        self.early_stopping = early_stopping
        self.patience = patience
        self.inner_groups = inner_groups
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.verbose = verbose

    def _make_part(self, name):
        part = super()._make_part(name)
        # A network must not meet raw Hz beside raw shares.
        return make_pipeline(part, StandardScaler()) if name == "features" and part is not None else part

    def _check_arrays(self, arrays):
        check_ndim("video", arrays["video"], 5, FaceFrameSampler)
        check_ndim("audio", arrays["audio"], 4, MFCCImage)

    def _build(self, shapes, n_classes, rules):
        from savee_mm.networks import build_fusion

        model = build_fusion(
            *shapes[:2],
            shapes[2][0] if len(shapes) > 2 else None,
            n_classes,
            filters=self.filters,
            n_units=self.n_units,
            modality_dropout=self.modality_dropout,
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
                f"{type(network).__name__} in pretrained does not fit: {error}. Train it with the same filters and "
                "n_units, without features, on extractors with the same parameters."
            ) from None

    def _trainer(self, rules):
        import keras

        if not self.augment_frames:
            return super()._trainer(rules)
        frames, *others = (keras.Input(tensor.shape[1:]) for tensor in self.model_.inputs)
        changed = ConvLSTMClassifier()._random_frames(rules.next_seed())(frames)
        return keras.Model([frames, *others], self.model_([changed, *others]))

    def _predict_network(self, inputs):
        p = super()._predict_network(inputs)
        if not self.augment_frames:
            return p
        frames, *others = inputs
        return (p + super()._predict_network((frames[..., ::-1, :], *others))) / 2
