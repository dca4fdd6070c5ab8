"""Values that compiled code uses as addresses are checked before the first prediction."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from savee_mm._composition import parts
from savee_mm.persistence._compiled import check_compiled

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)


def tampered(tree, field, value):
    """Change the first inner node of a Tree."""
    state = tree.__getstate__()
    state["nodes"][field][0] = value
    tree.__setstate__(state)


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(5, random_state=0),
        GradientBoostingClassifier(n_estimators=5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5, categorical_features=[2]),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_whole_trees_pass(estimator):
    table = X.copy()
    table[:, 2] = RNG.integers(0, 4, len(X))
    check_compiled(parts(estimator.fit(table, Y)))


@pytest.mark.parametrize(("field", "value"), [("left_child", 999), ("right_child", 0), ("feature", 3), ("feature", -5)])
def test_nodes_that_lead_elsewhere_are_refused(field, value):
    tree = DecisionTreeClassifier(random_state=0).fit(X, Y)
    tampered(tree.tree_, field, value)
    with pytest.raises(ValueError, match="do not exist"):
        check_compiled([tree])


def test_tree_of_more_features_than_its_owner_says_is_refused():
    boosting = GradientBoostingClassifier(n_estimators=2, random_state=0).fit(X, Y)
    wider = GradientBoostingClassifier(n_estimators=2, random_state=0).fit(np.hstack([X, X]), Y)
    boosting.estimators_ = wider.estimators_
    with pytest.raises(ValueError, match="do not exist"):
        check_compiled(parts(boosting))


@pytest.mark.parametrize(("field", "value"), [("left", 999), ("right", 0), ("feature_idx", 7)])
def test_nodes_of_histogram_boosting_likewise(field, value):
    boosting = HistGradientBoostingClassifier(max_iter=2).fit(X, Y)
    boosting._predictors[0][0].nodes[field][0] = value
    with pytest.raises(ValueError, match="do not exist"):
        check_compiled(parts(boosting))
