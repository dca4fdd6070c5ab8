"""PCACorrSelector: properties of the method. Conventions of scikit-learn are in ``tests/estimator_checks``."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.feature_selection import f_classif, f_regression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from savee_mm.selection import PCACorrSelector

EMOTIONS = np.array(["anger", "fear", "happiness", "neutral"])


def make_features(*, n_clips=80, n_scalars=6, n_contours=2, n_frames=20, random_state=0):
    """Return features with the names of an extractor, scalars in several units and contours, and classes."""
    rng = np.random.default_rng(random_state)
    y = EMOTIONS[rng.permutation(np.arange(n_clips) % len(EMOTIONS))]
    level = np.searchsorted(EMOTIONS, y)
    data = {}
    for k in range(n_scalars):
        data[f"scalar{k}"] = 10.0 ** (3 - k) * (5 + rng.normal(size=n_clips) + 0.2 * k * level)
    for k in range(n_contours):
        t = np.linspace(0, 1, n_frames)
        shapes = np.stack([np.ones(n_frames), t, np.sin(np.pi * t), np.cos(3 * np.pi * t), t**3])
        loads = rng.normal(size=(n_clips, len(shapes))) * [20, 10, 5, 2.5, 1]
        contour = 150 + loads @ shapes + rng.normal(scale=0.1, size=(n_clips, n_frames))
        data.update({f"f{k}__t{frame:03d}": contour[:, frame] for frame in range(n_frames)})
    return pd.DataFrame(data), y


def make_noise(n_clips=60, n_columns=8, random_state=0):
    rng = np.random.default_rng(random_state)
    return rng.normal(size=(n_clips, n_columns)), EMOTIONS[np.arange(n_clips) % 4]


def kept_names(selector):
    return set(selector.get_feature_names_out())


# ---- the PCA of each contour


def test_contour_scores_are_those_of_a_separate_pca():
    X, y = make_features()
    selector = PCACorrSelector(n_features=None, threshold=1).set_output(transform="pandas").fit(X, y)
    scores = selector.transform(X)
    for contour in ("f0", "f1"):
        columns = [c for c in X if c.startswith(contour + "__")]
        reference = PCA(4).fit_transform(X[columns].to_numpy())
        ours = scores[[f"{contour}__pc{k}" for k in range(4)]].to_numpy()
        # Signs of components are arbitrary; values are up to 200, with rounding errors below 1e-9.
        np.testing.assert_allclose(np.abs(ours), np.abs(reference), atol=1e-9)


def test_scalars_are_not_changed():
    X, y = make_features()
    out = PCACorrSelector(n_features=None, threshold=1).set_output(transform="pandas").fit_transform(X, y)
    scalars = [c for c in X if c.startswith("scalar")]
    pd.testing.assert_frame_equal(out[scalars], X[scalars])


def test_sixteen_columns_of_ten_contours_and_scalars_are_kept():
    X, y = make_features(n_contours=10, n_scalars=5)
    selector = PCACorrSelector().fit(X, y)
    assert len(selector.feature_names_after_pca_) == 10 * 4 + 5
    assert selector.correlation_.shape == (45, 45)
    assert selector.relevance_.shape == selector.support_.shape == (45,)
    assert selector.transform(X).shape == (80, 16)


def test_names_after_the_pca_are_at_the_place_of_the_first_column():
    X = pd.DataFrame(
        np.random.default_rng(0).normal(size=(30, 6)),
        columns=["rms", "a__f0__t000", "jitter", "a__f0__t001", "a__f0__t002", "hnr__tilt"],
    )
    selector = PCACorrSelector(n_components=2, threshold=1).fit(X, np.arange(30) % 2)
    expected = ["rms", "a__f0__pc0", "a__f0__pc1", "jitter", "hnr__tilt"]
    assert selector.feature_names_after_pca_.tolist() == expected
    assert selector.get_feature_names_out().tolist() == expected
    assert selector.contours_["a__f0"].tolist() == [1, 3, 4]


def test_columns_of_an_array_are_scalars_with_auto():
    X, y = make_features()
    selector = PCACorrSelector(n_features=None, threshold=1).fit(X.to_numpy(), y)
    assert selector.pcas_ == {}
    assert len(selector.support_) == X.shape[1]
    assert PCACorrSelector(contours=None).fit(X, y).pcas_ == {}


@pytest.mark.parametrize("as_names", [False, True])
def test_listed_contours_are_equivalent_to_auto(as_names):
    X, y = make_features()
    groups = [[i for i, c in enumerate(X) if c.startswith(f"f{k}__")] for k in range(2)]
    if as_names:
        listed = PCACorrSelector(contours=[[X.columns[i] for i in g] for g in groups]).fit(X, y)
        got = listed.transform(X)
    else:
        listed = PCACorrSelector(contours=groups).fit(X.to_numpy(), y)
        got = listed.transform(X.to_numpy())
    np.testing.assert_array_equal(got, PCACorrSelector().fit(X, y).transform(X))
    assert "contour0__pc0" in listed.feature_names_after_pca_


def test_components_are_capped_by_columns_and_clips():
    X, y = make_features(n_clips=4, n_contours=1)
    assert PCACorrSelector(n_components=10).fit(X, y).pcas_["f0"].n_components_ == 3
    X, y = make_features(n_contours=1, n_frames=2)
    assert PCACorrSelector(n_components=10).fit(X, y).pcas_["f0"].n_components_ == 2


# ---- selection


def test_duplicates_are_removed_without_a_limit_on_columns():
    X, y = make_noise()
    doubled = np.column_stack([X, 1000 * X + 5, -X])
    support = PCACorrSelector().fit(doubled, y).support_
    assert support.tolist() == [True] * 8 + [False] * 16


@pytest.mark.parametrize("relevant_first", [True, False])
def test_the_more_relevant_column_of_a_pair_is_kept(relevant_first):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 50)
    relevant = y + rng.normal(scale=0.3, size=100)
    blurred = relevant + rng.normal(scale=0.1, size=100)
    assert np.corrcoef(relevant, blurred)[0, 1] > 0.9
    pair = [relevant, blurred] if relevant_first else [blurred, relevant]
    support = PCACorrSelector().fit(np.column_stack([*pair, rng.normal(size=100)]), y).support_
    assert support.tolist() == [relevant_first, not relevant_first, True]


def test_no_pair_above_the_threshold_is_kept():
    X, y = make_noise(n_columns=5)
    mixed = X @ np.random.default_rng(1).normal(size=(5, 30))
    for threshold in (0.3, 0.6, 0.9):
        selector = PCACorrSelector(n_features=None, threshold=threshold).fit(mixed, y)
        r = np.abs(np.corrcoef(selector.transform(mixed), rowvar=False))
        assert np.all(r[~np.eye(len(r), dtype=bool)] <= threshold)


@pytest.mark.parametrize("n_features", [1, 3, 16])
def test_n_features_is_a_maximum(n_features):
    X, y = make_features(n_contours=6)
    assert PCACorrSelector(n_features=n_features).fit(X, y).transform(X).shape == (80, n_features)


def test_fewer_uncorrelated_columns_than_the_maximum_are_all_kept():
    X, y = make_noise(n_columns=5)
    selector = PCACorrSelector().fit(X, y)
    assert selector.support_.all()
    np.testing.assert_array_equal(selector.transform(X), X)


def test_agrees_with_the_plain_method_on_random_matrices():
    """Compare with the method of the docstring, with a search of the whole matrix in each round."""

    def plain(r, relevance, threshold, n_features):
        alive = list(range(len(r)))
        while len(alive) > 1:
            pairs = [(abs(r[a, b]), -a, -b) for a in alive for b in alive if a < b]
            size, a, b = max(pairs)
            if size <= threshold and len(alive) <= n_features:
                break
            alive.remove(-a if relevance[-a] < relevance[-b] else -b)
        return alive

    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(40, 25)) @ rng.normal(size=(25, 25))
        y = rng.integers(3, size=40)
        selector = PCACorrSelector(n_features=10, threshold=0.5).fit(X, y)
        expected = plain(selector.correlation_, selector.relevance_, 0.5, 10)
        assert selector.get_support(indices=True).tolist() == expected


def test_correlation_and_relevance_agree_with_the_reference_tools():
    X, y = make_noise(n_columns=6)
    X[:, 0] += EMOTIONS.searchsorted(y)
    selector = PCACorrSelector().fit(X, y)
    # Rounding errors of 60 summands.
    np.testing.assert_allclose(selector.correlation_, np.corrcoef(X, rowvar=False), atol=1e-12)
    eta2 = selector.relevance_
    n, k = len(X), 4
    np.testing.assert_allclose(eta2 / (1 - eta2) * (n - k) / (k - 1), f_classif(X, y)[0], rtol=1e-9)
    target = X[:, 1] + np.random.default_rng(1).normal(size=n)
    r2 = PCACorrSelector().fit(X, target).relevance_
    np.testing.assert_allclose(r2 / (1 - r2) * (n - 2), f_regression(X, target)[0], rtol=1e-9)


def test_column_that_separates_the_classes_has_relevance_one():
    X, y = make_noise()
    X[:, 3] = EMOTIONS.searchsorted(y)
    selector = PCACorrSelector(n_features=1).fit(X, y)
    assert selector.relevance_[3] == pytest.approx(1, abs=1e-12)  # rounding
    assert selector.relevance_.argmax() == 3


# ---- constant columns


def test_constant_columns_are_removed_without_nan():
    X, y = make_noise(n_columns=4)
    X = np.column_stack([np.full(60, 0.1), X, np.full(60, 1e6), np.zeros(60)])
    selector = PCACorrSelector().fit(X, y)
    assert selector.support_.tolist() == [False] + [True] * 4 + [False] * 2
    assert np.isfinite(selector.correlation_).all()
    assert np.isfinite(selector.relevance_).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scores_without_variance_are_removed(dtype):
    X, y = make_noise(n_columns=2)
    slope = np.outer(X[:, 0], np.linspace(0, 1, 12))  # rank one: three of four scores are rounding errors
    X = np.column_stack([X[:, 1], 150 + slope, np.full((60, 10), 0.1)]).astype(dtype)
    selector = PCACorrSelector(contours=[range(1, 13), range(13, 23)]).fit(X, y)
    assert kept_names(selector) == {"x0", "contour0__pc0"}


def test_float32_is_preserved_and_selects_the_same():
    X, y = make_features()
    wide = PCACorrSelector().fit(X, y)
    narrow = PCACorrSelector().fit(X.astype(np.float32), y)
    assert narrow.transform(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_array_equal(wide.support_, narrow.support_)


# ---- invariances


def test_units_do_not_matter():
    X, y = make_features(n_scalars=12, n_contours=3)
    factors = {}
    for k, column in enumerate(X):
        feature = column.split("__")[0]  # a contour has one unit
        factors.setdefault(feature, (-1) ** k * 10.0 ** (k % 7 - 3))
    scaled = X * [factors[c.split("__")[0]] for c in X]
    np.testing.assert_array_equal(
        PCACorrSelector(threshold=0.5).fit(X, y).support_,
        PCACorrSelector(threshold=0.5).fit(scaled, y).support_,
    )


def test_order_of_columns_and_of_clips_does_not_matter():
    X, y = make_features(n_scalars=12, n_contours=3)
    expected = kept_names(PCACorrSelector(threshold=0.5).fit(X, y))
    rng = np.random.default_rng(0)
    columns, rows = rng.permutation(X.shape[1]), rng.permutation(len(X))
    assert kept_names(PCACorrSelector(threshold=0.5).fit(X.iloc[:, columns], y)) == expected
    assert kept_names(PCACorrSelector(threshold=0.5).fit(X.iloc[rows], y[rows])) == expected


def test_fits_are_reproducible():
    X, y = make_features()
    first, second = (PCACorrSelector().fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(first.transform(X), second.transform(X))


def test_class_names_do_not_matter():
    X, y = make_features(n_contours=6)
    by_name = PCACorrSelector().fit(X, y)
    by_number = PCACorrSelector().fit(X, EMOTIONS.searchsorted(y))
    as_float = PCACorrSelector().fit(X, EMOTIONS.searchsorted(y).astype(float))
    np.testing.assert_array_equal(by_name.relevance_, by_number.relevance_)
    np.testing.assert_array_equal(by_name.relevance_, as_float.relevance_)


# ---- with tools of scikit-learn


def test_test_fold_does_not_affect_the_selection():
    """In a pipeline the selector is fitted on the training fold, and clips are transformed independently."""
    X, y = make_features(n_contours=6)
    train, test = next(StratifiedKFold(4).split(X, y))
    selector = PCACorrSelector().fit(X.iloc[train], y[train])
    together = selector.transform(X.iloc[test])
    alone = np.vstack([selector.transform(X.iloc[[i]]) for i in test])
    np.testing.assert_allclose(together, alone, rtol=1e-9)  # the order of sums in BLAS depends on the number of rows

    pipeline = make_pipeline(PCACorrSelector(), StandardScaler(), SVC())
    changed = X.copy()
    changed.iloc[test] = 1e6 * np.random.default_rng(0).normal(size=(len(test), X.shape[1]))
    inside = [cross_val_score(pipeline, table, y, cv=[(train, train)], error_score="raise") for table in (X, changed)]
    np.testing.assert_array_equal(*inside)


def test_grid_search_over_a_pipeline():
    # Two uncorrelated columns separate the four classes, each of them two pairs; the others are noisy copies.
    rng = np.random.default_rng(0)
    level = np.arange(80) % 4
    relevant = np.column_stack([level // 2, level % 2]) + rng.normal(scale=0.1, size=(80, 2))
    X = np.column_stack([relevant + rng.normal(scale=0.2, size=(80, 2)) for _ in range(3)] + [relevant])
    search = GridSearchCV(
        make_pipeline(PCACorrSelector(), StandardScaler(), SVC()),
        {"pcacorrselector__n_features": [1, 2]},
        cv=4,
        error_score="raise",
    ).fit(X, EMOTIONS[level])
    assert search.best_params_ == {"pcacorrselector__n_features": 2}
    assert search.best_score_ > 0.9  # the signal-to-noise ratio is at least 5
    assert search.best_estimator_[0].get_support(indices=True).tolist() == [6, 7]


def test_clone_keeps_the_parameters_and_is_independent():
    X, y = make_features()
    selector = PCACorrSelector(n_features=3, contours=[[0, 1]], n_components=1, threshold=0.7).fit(X, y)
    copy = clone(selector)
    assert copy.get_params() == selector.get_params()
    assert not hasattr(copy, "support_")


# ---- bad input


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_features": 0}, "n_features"),
        ({"threshold": 1.5}, "threshold"),
        ({"n_components": 0.5}, "n_components"),
        ({"contours": "f0"}, "contours"),
        ({"contours": [[0, 1], [1, 2]]}, r"\[1\] come more than once"),
        ({"contours": [[0, 99]]}, "positions from 0 to 7"),
        ({"contours": [[-1, 0]]}, "positions from 0 to 7"),
        ({"contours": [[]]}, "non-empty lists"),
        ({"contours": [0, 1]}, "non-empty lists"),
        ({"contours": [["f0__t000"]]}, "no columns named"),
    ],
)
def test_bad_parameters(params, message):
    X, y = make_noise()
    with pytest.raises(ValueError, match=message):
        PCACorrSelector(**params).fit(X, y)


def test_single_class_is_refused():
    X, y = make_noise()
    with pytest.raises(ValueError, match="one value only, 'anger'"):
        PCACorrSelector().fit(X, np.full(len(y), "anger"))


def test_constant_columns_only_are_refused():
    _, y = make_noise()
    with pytest.raises(ValueError, match="constant over the 60 training clips"):
        PCACorrSelector().fit(np.ones((60, 3)), y)


def test_y_is_required():
    X, _ = make_noise()
    with pytest.raises(ValueError, match="requires y"):
        PCACorrSelector().fit(X, None)


def test_missing_values_are_refused():
    X, y = make_noise()
    X[3, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        PCACorrSelector().fit(X, y)
