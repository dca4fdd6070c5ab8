"""Decision trees from a file: scikit-learn follows the numbers of their nodes without looking, so we look."""

import numpy as np
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.tree._tree import Tree

_LEAF = -1


def check_trees(things):
    """Refuse decision trees that lead out of themselves, in circles, or to features that there are not.

    Parameters
    ----------
    things : iterable of object
        All parts of an estimator; nothing of it has predicted yet.

    Raises
    ------
    ValueError
        Where a node names a node or a feature that does not exist.
    """
    for thing in things:
        tree = getattr(thing, "__dict__", {}).get("tree_")
        if isinstance(tree, Tree):
            _check_tree(tree, thing.n_features_in_)
        if isinstance(thing, BaseGradientBoosting):
            # Its own loop asks each tree, past the tree's own check.
            for stage in np.ravel(thing.estimators_):
                _check_tree(stage.tree_, thing.n_features_in_)
        if isinstance(thing, BaseHistGradientBoosting):
            for predictor in np.ravel(thing._predictors):
                _check_predictor(predictor, thing.n_features_in_)


def _check_tree(tree, n_features):
    inner = tree.children_left != _LEAF
    ends = (tree.children_right == _LEAF) == ~inner
    if tree.n_features != n_features or not ends.all():
        raise _tampered()
    _check_nodes(inner, (tree.children_left, tree.children_right), tree.feature, n_features)


def _check_predictor(predictor, n_features):
    nodes = predictor.nodes
    inner = nodes["is_leaf"] == 0
    _check_nodes(inner, (nodes["left"], nodes["right"]), nodes["feature_idx"], n_features)
    by_category = inner & (nodes["is_categorical"] != 0)
    n_sets = min(len(predictor.raw_left_cat_bitsets), len(predictor.binned_left_cat_bitsets))
    if (nodes["bitset_idx"][by_category] >= n_sets).any():
        raise _tampered()


def _check_nodes(inner, children, feature, n_features):
    """Check the nodes that have children, which come behind them: so no way leads back."""
    places, n_nodes = np.flatnonzero(inner), len(inner)
    for child in children:
        child = child[inner].astype(np.int64)
        if (child <= places).any() or (child >= n_nodes).any():
            raise _tampered()
    feature = feature[inner].astype(np.int64)
    if not n_nodes or (feature < 0).any() or (feature >= n_features).any():
        raise _tampered()


def _tampered():
    return ValueError("a decision tree in it names nodes or features that do not exist")
