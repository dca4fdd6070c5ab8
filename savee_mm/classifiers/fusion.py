"""FusionClassifier: emotion from voice and face together, from the clip table."""

from savee_mm.classifiers._table_base import TableNetworkClassifier, check_ndim
from savee_mm.features import FaceFrameSampler, MFCCImage


class FusionClassifier(TableNetworkClassifier):
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
    augment : AudioAugmenter, default=None
        Makes altered copies of the training clips, never of the inner validation clips: any object with
        ``fit_resample(table, y) -> (table, y)``. It gets this estimator's seed where it has none.
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

    # In the order of the network's inputs.
    _parts = {"video": FaceFrameSampler, "audio": MFCCImage}
    _columns = ("audio", "video")
    _instead = "; FaceFrameSampler with ConvLSTMClassifier works on video alone"
    _part_title = "modality"

    _parameter_constraints = {
        **TableNetworkClassifier._parameter_constraints,
        "audio": "no_validation",  # an extractor, or None
        "video": "no_validation",
    }

    def __init__(
        self,
        *,
        audio=None,
        video=None,
        augment=None,
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
        self.augment = augment
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

    def _build(self, shapes, n_classes, rules):
        from savee_mm.networks import build_fusion

        return build_fusion(*shapes, n_classes, filters=self.filters, n_units=self.n_units, rules=rules)

    def _check_arrays(self, arrays):
        check_ndim("video", arrays["video"], 5, FaceFrameSampler)
        check_ndim("audio", arrays["audio"], 4, MFCCImage)
