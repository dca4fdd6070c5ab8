"""The types that a model file may name, beyond those that skops knows of scikit-learn, numpy and scipy."""

import inspect
import sys
from importlib import import_module

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
# Parts of scikit-learn whose classes are not part of its list of estimators.
_NOT_SEARCHED = {"tests", "externals", "setup", "conftest", "experimental", "estimator_checks"}
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

    named = skops.io.get_untrusted_types(data=payload)
    return [name for name in named if name not in KNOWN and not _is_sklearn_estimator(name)]


def import_skops():
    """Import skops without its list of all estimators of scikit-learn, for which it imports all of scikit-learn.

    In this process, skops then regards these estimators as types to be named, and :func:`unknown_types` knows them.
    For processes that open one model file and end; has no effect if skops is imported already.
    """
    if "skops.io" in sys.modules:
        return
    # First, because skops looks for each function of scipy.special in all modules, in the order of their import.
    import_module("scipy.special")
    import sklearn.utils

    all_estimators = sklearn.utils.all_estimators
    sklearn.utils.all_estimators = list
    try:
        import_module("skops.io")
    finally:
        sklearn.utils.all_estimators = all_estimators


def _is_sklearn_estimator(name):
    """Return whether a name is that of a public estimator of scikit-learn, which skops trusts by itself."""
    from sklearn.base import BaseEstimator

    path, _, own = name.rpartition(".")
    package, *inner = path.split(".")
    if package != "sklearn" or own.startswith("_") or not _NOT_SEARCHED.isdisjoint(inner):
        return False
    try:
        found = getattr(import_module(path), own, None)
    except ImportError:
        return False
    is_estimator = inspect.isclass(found) and issubclass(found, BaseEstimator) and found is not BaseEstimator
    return is_estimator and not inspect.isabstract(found) and found.__module__ == path


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
