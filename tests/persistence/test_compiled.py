"""Values that compiled code uses as addresses are checked before the first prediction."""

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.sparse import csr_array
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.svm import SVC, SVR, NuSVC, OneClassSVM
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


def test_tree_without_an_owner_is_checked_wherever_it_is():
    tree = DecisionTreeClassifier(random_state=0).fit(X, Y).tree_
    tampered_tree = DecisionTreeClassifier(random_state=0).fit(X, Y).tree_
    state = tampered_tree.__getstate__()
    state["nodes"]["left_child"][0] = 999
    tampered_tree.__setstate__(state)
    check_compiled(parts([{tree}]))
    with pytest.raises(ValueError, match="do not exist"):
        check_compiled(parts({"a": [{tampered_tree}]}))


def test_boosting_with_more_columns_than_classes_is_refused():
    boosting = GradientBoostingClassifier(n_estimators=2, random_state=0).fit(X, Y)
    boosting.estimators_ = np.hstack([boosting.estimators_] * 3)
    with pytest.raises(ValueError, match="do not exist"):
        check_compiled(parts(boosting))


@pytest.mark.parametrize("value", [256, -1, 1e9])
def test_category_outside_of_its_set_is_refused(value):
    table = X.copy()
    table[:, 2] = np.arange(len(X)) % 4
    boosting = HistGradientBoostingClassifier(max_iter=1, categorical_features=[2]).fit(table, Y)
    mapper = boosting._bin_mapper  # has the features with categories first
    check_compiled(parts(boosting))
    mapper.bin_thresholds_[np.flatnonzero(mapper.is_categorical_)[0]][0] = value
    with pytest.raises(ValueError, match="do not exist"):
        check_compiled(parts(boosting))


MACHINES = {
    "classes": SVC(),
    "nu": NuSVC(),
    "regression": SVR(),
    "one class": OneClassSVM(),
    "linear": SVC(kernel="linear"),
}


@pytest.mark.parametrize("name", MACHINES)
def test_support_vector_machines_pass(name):
    check_compiled(parts(MACHINES[name].fit(X, Y)))


def test_support_vector_machines_on_other_inputs_pass():
    check_compiled(parts(SVC().fit(csr_array(X), Y)))
    check_compiled(parts(SVC(kernel="precomputed").fit(X @ X.T, Y)))
    check_compiled(parts(SVC().fit(X, np.arange(len(X)) % 4)))


def first_half(array):
    return array[: len(array) // 2]


@pytest.mark.parametrize(
    ("attribute", "change"),
    [
        ("_n_support", lambda counts: counts * 100),
        ("_n_support", lambda counts: np.append(counts, 0).astype(np.int32)),
        ("_n_support", lambda counts: np.array([-5, counts.sum() + 5], np.int32)),
        ("_dual_coef_", lambda coefficients: coefficients[:, :3]),
        ("_intercept_", lambda intercept: intercept[:0]),
        ("support_", first_half),
        ("support_vectors_", first_half),
        ("support_vectors_", lambda vectors: vectors[:, :1]),
        ("_probA", lambda _: np.zeros(7)),
        ("classes_", lambda _: np.arange(9)),
    ],
)
def test_support_vector_machine_whose_arrays_do_not_fit_is_refused(attribute, change):
    svm = SVC().fit(X, Y)
    setattr(svm, attribute, change(getattr(svm, attribute)))
    with pytest.raises(ValueError, match="arrays of a support vector machine in it do not fit"):
        check_compiled(parts([svm]))


def test_places_of_a_precomputed_kernel_are_checked():
    svm = SVC(kernel="precomputed").fit(X @ X.T, Y)
    svm.support_ = svm.support_ + len(X)
    with pytest.raises(ValueError, match="do not fit"):
        check_compiled([svm])


def test_sparse_matrix_with_indices_outside_is_refused():
    matrix = csr_array(X)
    check_compiled([matrix])
    matrix.indices[0] = 1000
    # SciPy's own message: "indices", in earlier versions "index values".
    with pytest.raises(ValueError, match=r"indices|index"):
        check_compiled([matrix])


def test_interpolation_is_linear():
    check_compiled([interp1d([0.0, 1, 2, 3], [0.0, 1, 2, 3])])
    with pytest.raises(ValueError, match="not linear"):
        check_compiled([interp1d([0.0, 1, 2, 3], [0.0, 1, 2, 3], kind="cubic")])
