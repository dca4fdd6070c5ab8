"""Checks of fitted values that compiled code uses as addresses without checking them."""

import sys

import numpy as np
from scipy.sparse import issparse

# Modules and names of classes. A module that is not imported has no instances, and need not be imported.
_TREE = "sklearn.tree._tree", "Tree"
_INTERPOLATION = "scipy.interpolate", "interp1d"
_SVM = "sklearn.svm._base", "BaseLibSVM"
_BOOSTING = "sklearn.ensemble._gb", "BaseGradientBoosting"
_HISTOGRAM_BOOSTING = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting", "BaseHistGradientBoosting"

_LEAF = -1
_N_CATEGORIES = 256  # bits of a set of categories in histogram boosting


def check_compiled(things):
    """Refuse values that would lead compiled code out of its arrays, or into endless loops.

    Parameters
    ----------
    things : iterable of object
        All parts of an estimator that has not predicted yet.

    Raises
    ------
    ValueError
        If a node of a tree names a node or feature that does not exist, if the arrays of a support vector machine do
        not fit each other, if a sparse matrix has indices outside of it, or if an interpolation is not linear.
    """
    for thing in things:
        if _is(thing, _TREE):
            _check_tree(thing, thing.n_features)
        elif issparse(thing):
            # Only the formats of scikit-learn's estimators can be checked.
            thing.check_format(full_check=True)
        elif _is(thing, _INTERPOLATION) and getattr(thing, "_kind", None) != "linear":
            raise ValueError("an interpolation in it is not linear")
        elif _is(thing, _SVM) and hasattr(thing, "support_vectors_"):
            _check_svm(thing)
        elif _is(thing, _BOOSTING) and hasattr(thing, "estimators_"):
            _check_boosting(thing)
        elif _is(thing, _HISTOGRAM_BOOSTING) and hasattr(thing, "_predictors"):
            _check_histogram_boosting(thing)
        tree = getattr(thing, "__dict__", {}).get("tree_")
        if _is(tree, _TREE):
            _check_tree(tree, thing.n_features_in_)


def _is(thing, named):
    """Return whether something is an instance of a class that is named by its module and name."""
    module, name = named
    return module in sys.modules and isinstance(thing, getattr(sys.modules[module], name))


def _check_tree(tree, n_features):
    inner = tree.children_left != _LEAF
    ends = (tree.children_right == _LEAF) == ~inner
    if tree.n_features != n_features or not ends.all():
        raise _no_tree()
    _check_nodes(inner, (tree.children_left, tree.children_right), tree.feature, n_features)


def _check_boosting(boosting):
    # Its loop calls each tree without the check of the tree, and writes a column of the result for each in a row.
    stages = boosting.estimators_
    if np.ndim(stages) != 2 or stages.shape[1] != boosting.n_trees_per_iteration_:
        raise _no_tree()
    for stage in stages.ravel():
        _check_tree(stage.tree_, boosting.n_features_in_)
        if stage.tree_.value.shape[1:] != (1, 1):
            raise _no_tree()


def _check_histogram_boosting(boosting):
    n_features = boosting.n_features_in_
    for predictor in (predictor for row in boosting._predictors for predictor in row):
        _check_predictor(predictor, n_features)
    mapper = boosting._bin_mapper
    is_categorical = np.asarray(mapper.is_categorical_)
    if is_categorical.shape != (n_features,) or len(mapper.bin_thresholds_) != n_features:
        raise _no_tree()
    for feature in np.flatnonzero(is_categorical):
        categories = np.asarray(mapper.bin_thresholds_[feature], dtype=np.float64)
        if not ((categories >= 0) & (categories < _N_CATEGORIES)).all():
            raise _no_tree()


def _check_predictor(predictor, n_features):
    nodes = predictor.nodes
    inner = nodes["is_leaf"] == 0
    _check_nodes(inner, (nodes["left"], nodes["right"]), nodes["feature_idx"], n_features)
    by_category = inner & (nodes["is_categorical"] != 0)
    n_sets = min(len(predictor.raw_left_cat_bitsets), len(predictor.binned_left_cat_bitsets))
    if (nodes["bitset_idx"][by_category] >= n_sets).any():
        raise _no_tree()


def _check_nodes(inner, children, feature, n_features):
    """Check that children come after their parents, so that there are no circles, and that features exist."""
    places, n_nodes = np.flatnonzero(inner), len(inner)
    for child in children:
        child = child[inner].astype(np.int64)
        if (child <= places).any() or (child >= n_nodes).any():
            raise _no_tree()
    feature = feature[inner].astype(np.int64)
    if not n_nodes or (feature < 0).any() or (feature >= n_features).any():
        raise _no_tree()


def _no_tree():
    return ValueError("a decision tree in it names nodes or features that do not exist")


def _check_svm(svm):
    """Check the sizes that libsvm takes for granted."""
    is_classifier = svm._impl in ("c_svc", "nu_svc")
    # Regression and one-class machines count as two classes.
    n_classes = len(svm.classes_) if is_classifier else 2
    n_vectors, n_pairs = len(svm.support_), n_classes * (n_classes - 1) // 2
    is_precomputed = svm.kernel == "precomputed"
    expected = [
        (svm._n_support, (n_classes,)),
        (svm.support_vectors_, (0, 0) if is_precomputed else (n_vectors, svm.n_features_in_)),
        (svm.support_, (n_vectors,)),
        (svm._dual_coef_, (n_classes - 1, n_vectors)),
        (svm._intercept_, (n_pairs,)),
        *((p, (n_pairs,)) for p in (svm._probA, svm._probB) if np.size(p)),
    ]
    fits = all(np.shape(values) == shape for values, shape in expected)
    if fits and issparse(svm._dual_coef_):
        fits = svm._dual_coef_.nnz == (n_classes - 1) * n_vectors
    counts, places = np.asarray(svm._n_support), np.asarray(svm.support_)
    if is_classifier:
        fits = fits and counts.sum() == n_vectors
    if is_precomputed:
        fits = fits and (places < svm.n_features_in_).all()
    if not fits or (counts < 0).any() or (places < 0).any():
        raise ValueError("the arrays of a support vector machine in it do not fit each other")
