"""The types that a model file may name, beyond those that skops knows of scikit-learn, numpy and scipy."""

from savee_mm.persistence._names import OURS

# Inner types of others, and functions that estimators take as parameters; none of them runs what a file says. Trees
# are looked at before they predict.
_OTHERS = {
    "imblearn.pipeline": ("Pipeline",),
    "numpy": ("dtype", "mean", "median"),
    "pathlib": ("PosixPath", "WindowsPath"),
    "pathlib._local": ("PosixPath", "WindowsPath"),
    "scipy.interpolate._interpolate": ("interp1d",),
    "sklearn.calibration": ("_CalibratedClassifier", "_SigmoidCalibration", "_TemperatureScaling"),
    "sklearn.compose._column_transformer": ("make_column_selector",),
    "sklearn.ensemble._hist_gradient_boosting.predictor": ("TreePredictor",),
    "sklearn.feature_selection._mutual_info": ("mutual_info_classif",),
    "sklearn.feature_selection._univariate_selection": ("chi2", "f_classif"),
    "sklearn.gaussian_process._gpc": ("_BinaryGaussianProcessClassifierLaplace",),
    "sklearn.gaussian_process.kernels": ("ConstantKernel", "Matern", "Product", "RBF", "Sum", "WhiteKernel"),
    "sklearn.metrics._classification": ("accuracy_score", "balanced_accuracy_score", "f1_score", "log_loss"),
    "sklearn.metrics._scorer": ("_CurveScorer", "_PassthroughScorer", "_Scorer"),
    "sklearn.model_selection._search_successive_halving": ("HalvingGridSearchCV", "HalvingRandomSearchCV"),
    "sklearn.model_selection._split": (
        "GroupKFold",
        "KFold",
        "LeaveOneGroupOut",
        "StratifiedGroupKFold",
        "StratifiedKFold",
    ),
    "sklearn.multiclass": ("_ConstantPredictor",),
    "sklearn.neural_network._stochastic_optimizers": ("AdamOptimizer", "SGDOptimizer"),
    "sklearn.tree._tree": ("Tree",),
    "sklearn.utils._bunch": ("Bunch",),
    "sklearn.utils._metadata_requests": ("MetadataRequest", "MethodMetadataRequest"),
}
_REMEDIES = {
    "sklearn.neighbors._kd_tree.KDTree": 'set algorithm="brute" in the nearest neighbours',
    "sklearn.neighbors._ball_tree.BallTree": 'set algorithm="brute" in the nearest neighbours',
}
_BY_PICKLE = "keep it by pickle, among people who trust each other, or choose another part"

KNOWN = OURS | {f"{module}.{name}" for module, names in _OTHERS.items() for name in names}
"""All types that :func:`savee_mm.load_model` opens beyond those that skops trusts by itself."""


def unknown_types(payload):
    """Return the types in a skops archive that are neither skops's to trust nor known here.

    Parameters
    ----------
    payload : bytes
        The archive; nothing in it is run.

    Returns
    -------
    names : list of str
        Sorted.
    """
    import skops.io

    return [name for name in skops.io.get_untrusted_types(data=payload) if name not in KNOWN]


def remedy(names):
    """Return what can be done about types that a model file cannot hold.

    Parameters
    ----------
    names : list of str
        As of :func:`unknown_types`.

    Returns
    -------
    text : str
        Without a full stop.
    """
    known = list(dict.fromkeys(_REMEDIES[name] for name in names if name in _REMEDIES))
    return "; ".join(known) if known else _BY_PICKLE
