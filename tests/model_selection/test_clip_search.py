"""ClipGridSearchCV agrees with GridSearchCV, uses the training table only, and reads each clip once."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from savee_mm import KernelRidgeClassifier, LeaveOneSpeakerOut, load_model, save_model
from savee_mm.model_selection import ClipGridSearchCV, SpeakerOrClipKFold


class Columns(TransformerMixin, BaseEstimator):
    """Extractor of the columns with a prefix that counts its calls."""

    calls = 0

    def __init__(self, *, start="x"):
        self.start = start

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        Columns.calls += 1
        return X[[name for name in X if name.startswith(self.start)]].to_numpy()


def make_table(*, n_speakers=3, n_clips=30, random_state=0):
    """A table with columns ``x*``, which depend on emotion and speaker, and random columns ``z*``."""
    rng = np.random.default_rng(random_state)
    y = np.tile(["anger", "fear", "joy"], n_speakers * n_clips // 3)
    speakers = np.repeat([f"S{s}" for s in range(n_speakers)], n_clips)
    centres = {emotion: rng.normal(size=4) for emotion in ("anger", "fear", "joy")}
    offsets = {speaker: rng.normal(size=4) for speaker in np.unique(speakers)}
    x = np.array([centres[e] + offsets[s] for e, s in zip(y, speakers, strict=True)]) + rng.normal(size=(len(y), 4))
    table = pd.DataFrame(x, columns=list("abcd")).add_prefix("x")
    table[["za", "zb"]] = rng.normal(size=(len(y), 2))
    table["speaker"] = speakers
    table["clip_id"] = [f"c{i}" for i in range(len(y))]
    order = rng.permutation(len(y))
    return table.iloc[order], y[order]


GRID = {
    "columns__start": ["z", "x", ("x", "z")],
    "kernelridgeclassifier__gamma": [0.1, 0.5, 2.0],
    "kernelridgeclassifier__alpha": [0.03, 1.0],
}


def make_search(grid=GRID, **settings):
    return ClipGridSearchCV(make_pipeline(Columns(), StandardScaler(), KernelRidgeClassifier()), grid, **settings)


def test_result_is_that_of_grid_search_cv():
    X, y = make_table()
    search = make_search().fit(X, y)
    reference = GridSearchCV(search.estimator, GRID, cv=LeaveOneSpeakerOut(), scoring="accuracy").fit(X, y)
    found = {str(sorted(params.items())): i for i, params in enumerate(reference.cv_results_["params"])}
    rows = [found[str(sorted(params.items()))] for params in search.cv_results_["params"]]
    assert sorted(rows) == list(range(18))
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_allclose(search.cv_results_[name], reference.cv_results_[name][rows])
    assert search.best_params_ == reference.best_params_
    assert search.best_score_ == pytest.approx(reference.best_score_)
    assert search.n_splits_ == 3
    np.testing.assert_array_equal(search.predict_proba(X), reference.predict_proba(X))
    np.testing.assert_array_equal(search.decision_function(X), reference.decision_function(X))
    np.testing.assert_array_equal(search.predict(X), reference.predict(X))
    assert search.score(X, y) == reference.score(X, y)
    # Other parameters than those of the estimator that was passed.
    assert search.best_params_ != {name: search.estimator.get_params()[name] for name in GRID}


@pytest.mark.parametrize("max_exact", [10_000, 20])
def test_shared_distances_do_not_change_the_scores(max_exact):
    """With another form of the same metric, every candidate is fitted by itself."""
    X, y = make_table()
    grid = {
        "kernelridgeclassifier__kernels": [["rbf", "laplacian"], ["laplacian", "linear", "linear"], ["rbf"]],
        "kernelridgeclassifier__gamma": [0.1, 1.0],
        "kernelridgeclassifier__alpha": [0.03, 1.0],
    }
    estimator = make_pipeline(Columns(), StandardScaler(), KernelRidgeClassifier(max_exact=max_exact, random_state=0))
    weights = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
    shared = ClipGridSearchCV(estimator, grid).fit(X, y, sample_weight=weights)
    separate = ClipGridSearchCV(estimator, grid, scoring=make_scorer(accuracy_score)).fit(X, y, sample_weight=weights)
    assert shared.cv_results_["params"] == separate.cv_results_["params"]
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(shared.cv_results_[name], separate.cv_results_[name])
    np.testing.assert_array_equal(shared.predict_proba(X), separate.predict_proba(X))


def test_equal_steps_are_fitted_once_without_a_change_of_the_scores():
    X, y = make_table()
    steps = [("columns", Columns()), ("scaler", StandardScaler()), ("kept", SelectKBest(k=2)), ("clf", GaussianNB())]
    weights = np.random.default_rng(1).uniform(0.5, 2, len(y))
    for grid in (
        {"clf": [GaussianNB(), DecisionTreeClassifier(max_depth=2, random_state=0), KernelRidgeClassifier()]},
        {"kept__k": [1, 3], "clf__var_smoothing": [1e-9, 1.0]},
        {"columns__start": ["x", "z"], "scaler": [StandardScaler(), "passthrough"]},
    ):
        together = ClipGridSearchCV(Pipeline(steps), grid).fit(X, y, sample_weight=weights)
        scoring = make_scorer(accuracy_score)
        separate = ClipGridSearchCV(Pipeline(steps), grid, scoring=scoring).fit(X, y, sample_weight=weights)
        for name in ("mean_test_score", "std_test_score"):
            np.testing.assert_array_equal(together.cv_results_[name], separate.cv_results_[name])
        assert str(together.best_params_) == str(separate.best_params_)


def test_every_clip_is_read_once_for_each_candidate_of_the_extractor():
    X, y = make_table()
    Columns.calls = 0
    make_search().fit(X, y)
    assert Columns.calls == 3


def test_first_of_equal_candidates_is_chosen():
    X, y = make_table()
    grid = {"columns__start": ["x", "xa", "x"], "kernelridgeclassifier__kernels": [["rbf"], ("rbf",)]}
    search = make_search(grid).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] == scores[1] == scores[-1] == search.best_score_
    assert search.best_params_ == search.cv_results_["params"][0]
    assert isinstance(search.best_params_["kernelridgeclassifier__kernels"], list)


@pytest.mark.parametrize("grid", [{}, {"columns__start": ["z", "x"]}, {"kernelridgeclassifier__alpha": [0.1, 1.0]}])
def test_either_part_of_the_grid_may_be_empty(grid):
    X, y = make_table()
    search = make_search(grid).fit(X, y)
    assert search.best_params_.keys() == grid.keys()
    assert len(search.cv_results_["params"]) == max(map(len, [[0], *grid.values()]))
    expected = clone(search.estimator).set_params(**search.best_params_).fit(X, y)
    np.testing.assert_array_equal(search.predict_proba(X), expected.predict_proba(X))


def test_folds_and_metric_are_those_that_are_passed():
    X, y = make_table()
    folds = list(LeaveOneGroupOut().split(X, groups=np.arange(len(X)) % 2))

    class TwoHalves:
        def split(self, X, y=None):
            return iter(folds)

    search = make_search(cv=TwoHalves(), scoring="neg_log_loss").fit(X, y)
    assert search.n_splits_ == 2
    reference = GridSearchCV(search.estimator, GRID, cv=folds, scoring="neg_log_loss").fit(X, y)
    assert search.best_params_ == reference.best_params_
    assert search.best_score_ == pytest.approx(reference.best_score_)


def test_weights_reach_the_classifier():
    X, y = make_table()
    weights = np.where(y == "joy", 0.0, 1.0)
    search = make_search({}).fit(X, y, sample_weight=weights)
    known = y != "joy"
    expected = clone(search.estimator).fit(X[known], y[known])
    # Only the scaler is fitted to samples of weight 0.
    assert set(search.predict(X)) == set(expected.predict(X)) == {"anger", "fear"}
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make_search({}).fit(X, y, sample_weight=weights[1:])


def test_labels_of_test_clips_have_no_effect():
    X, y = make_table(n_clips=12)
    grid = {**GRID, "kernelridgeclassifier__alpha": [0.1]}
    for train, test in LeaveOneSpeakerOut().split(X):
        other = y.copy()
        other[test] = np.random.default_rng(0).permutation(other[test])
        assert (other[test] != y[test]).any()
        chosen = [make_search(grid).fit(X.iloc[train], labels[train]) for labels in (y, other)]
        assert chosen[0].best_params_ == chosen[1].best_params_
        p = [search.predict_proba(X.iloc[test]) for search in chosen]
        np.testing.assert_array_equal(p[0], p[1])


def test_search_is_a_classifier_that_must_be_fitted():
    search = make_search(cv=SpeakerOrClipKFold(2))
    assert is_classifier(search)
    with pytest.raises(NotFittedError):
        search.predict(make_table()[0])


def test_nested_parameters_reach_the_fitted_pipeline():
    X, y = make_table()
    search = make_search().set_params(estimator__kernelridgeclassifier__class_weight=None)
    copy = clone(search)
    assert copy.estimator[-1].class_weight is None
    assert repr(copy) == repr(search)
    fitted = copy.fit(X, y)
    assert fitted.classes_.tolist() == ["anger", "fear", "joy"]
    assert fitted.best_estimator_[-1].class_weight is None


def test_pickled_search_predicts_the_same():
    X, y = make_table()
    fitted = make_search().fit(X, y)
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))


def test_search_can_be_cross_validated():
    X, y = make_table()
    search = make_search({"columns__start": ["x", "z"]})
    assert cross_val_predict(search, X, y, cv=LeaveOneSpeakerOut()).shape == y.shape


def test_methods_are_those_of_the_classifier():
    pipeline = make_pipeline(Columns(), RidgeClassifier())
    assert not hasattr(ClipGridSearchCV(pipeline, {}), "predict_proba")
    assert hasattr(ClipGridSearchCV(pipeline, {}), "decision_function")
    assert not hasattr(ClipGridSearchCV(make_pipeline(Columns(), GaussianNB()), {}), "decision_function")
    X, y = make_table()
    with pytest.raises(AttributeError, match="failed_clips_"):
        _ = ClipGridSearchCV(pipeline, {}).fit(X, y).failed_clips_


def test_model_file_keeps_the_splitter(tmp_path):
    X, y = make_table()
    pipeline = make_pipeline(StandardScaler(), KernelRidgeClassifier())
    grid = {"kernelridgeclassifier__kernels": [("rbf",), ["linear", "rbf"]], "standardscaler__with_std": [True, False]}
    numbers = X[["xa", "xb"]]
    search = ClipGridSearchCV(pipeline, grid, cv=SpeakerOrClipKFold(3, random_state=4)).fit(numbers, y)
    loaded = load_model(save_model(search, tmp_path / "m.savee"))
    np.testing.assert_array_equal(loaded.predict_proba(numbers), search.predict_proba(numbers))
    assert loaded.best_params_ == search.best_params_
    assert repr(loaded.cv) == repr(search.cv)
    np.testing.assert_array_equal(loaded.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])


def test_bad_input_is_refused():
    X, y = make_table()
    with pytest.raises(ValueError, match="single step 'columns'"):
        ClipGridSearchCV(Pipeline([("columns", Columns())]), {}).fit(X, y)
    with pytest.raises(ValueError, match="'estimator' parameter of ClipGridSearchCV must be an instance of"):
        ClipGridSearchCV(DecisionTreeClassifier(), {}).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make_search().fit(X, y[1:])
    with pytest.raises(ValueError, match="Unknown label type"):
        make_search().fit(X, np.linspace(0, 1, len(y)))
    with pytest.raises(ValueError, match="requires y to be passed"):
        make_search().fit(X, None)
    with pytest.raises(ValueError, match="y is missing for the clips"):
        make_search().fit(X, np.where(np.arange(len(y)) == 3, None, y))
    with pytest.raises(ValueError, match="ClipGridSearchCV needs clips of at least two classes"):
        make_search().fit(X, np.full(len(y), y[0]))
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        make_search({"columns__depth": [1]}).fit(X, y)


def test_first_candidate_is_kept_unless_another_is_clearly_better():
    X, y = make_table(n_speakers=6)
    # Column xa in other words: no candidate is better than another.
    X["ya"] = X["xa"] + 1e-3 * np.random.default_rng(0).normal(size=len(X))
    equal = {"columns__start": ["xa", "ya"]}
    clear = {"columns__start": ["z", "x"]}
    for first in (equal, {"columns__start": ["ya", "xa"]}):
        search = make_search(first, prefer_first=True).fit(X, y)
        assert search.best_params_["columns__start"] == first["columns__start"][0]
    assert make_search(clear, prefer_first=True).fit(X, y).best_params_ == {"columns__start": "x"}
