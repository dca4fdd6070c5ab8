"""What scikit-learn's tools do with the estimators: searches in scores, routing, weights, dependence, diagrams."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import (
    ClipGroupKFold,
    KernelRidgeClassifier,
    LateFusionClassifier,
    LeaveOneSpeakerOut,
    PCACorrSelector,
    ProsodyFeatures,
)
from savee_mm.model_selection import ClipGridSearchCV

GRID = {"kernelridgeclassifier__alpha": [0.01, 1]}


@pytest.fixture
def voice():
    """A tabular system: named columns, fewer of them, a classifier."""
    return make_pipeline(ProsodyFeatures(), StandardScaler(), PCACorrSelector(n_features=8), KernelRidgeClassifier())


# ---- groups in nested cross-validation


def _scores(search, corpus, cv, **kwargs):
    return cross_validate(
        search, corpus.data, corpus.target, cv=cv, return_estimator=True, error_score="raise", **kwargs
    )


def test_inner_and_outer_splitters_read_the_table(voice, corpus):
    search = GridSearchCV(voice, GRID, cv=LeaveOneSpeakerOut(), error_score="raise")
    scores = _scores(search, corpus, LeaveOneSpeakerOut())
    assert [fitted.n_splits_ for fitted in scores["estimator"]] == [2, 2, 2], "the two speakers that are left"


def test_groups_are_routed_to_the_splitters_of_scikit_learn_and_to_ours(voice, corpus):
    speakers = corpus.data["speaker"].to_numpy()
    unnamed = corpus.data.drop(columns="speaker")
    with config_context(enable_metadata_routing=True):
        for inner in (LeaveOneSpeakerOut(), GroupKFold(2)):
            search = GridSearchCV(voice, GRID, cv=inner, error_score="raise")
            scores = cross_validate(
                search,
                unnamed,
                corpus.target,
                cv=LeaveOneSpeakerOut(),
                params={"groups": speakers},
                return_estimator=True,
                return_indices=True,
                error_score="raise",
            )
            assert [fitted.n_splits_ for fitted in scores["estimator"]] == [2, 2, 2]
            assert [set(speakers[test]) for test in scores["indices"]["test"]] == [{"S1"}, {"S2"}, {"S3"}]


def test_with_routing_enabled_no_groups_are_needed(voice, corpus):
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(voice, GRID, cv=LeaveOneSpeakerOut(), error_score="raise")
        scores = _scores(search, corpus, ClipGroupKFold(3))
    assert [fitted.n_splits_ for fitted in scores["estimator"]] == [3, 3, 3]


def test_groups_and_weights_are_routed_to_fit(voice, corpus):
    voice[-1].set_params(class_weight=None)
    late = LateFusionClassifier([("voice", voice)])
    plain = _scores(late, corpus, LeaveOneSpeakerOut())
    with config_context(enable_metadata_routing=True):
        voice[-1].set_fit_request(sample_weight=True)
        late.set_fit_request(groups=True, sample_weight=True).set_score_request(sample_weight=True)
        routed = cross_validate(
            late,
            corpus.data.drop(columns="speaker"),
            corpus.target,
            cv=LeaveOneSpeakerOut(),
            params={
                "groups": corpus.data["speaker"].to_numpy(),
                "sample_weight": np.where(corpus.target == "anger", 5.0, 1.0),
            },
            return_estimator=True,
            error_score="raise",
        )
    for unweighted, weighted in zip(plain["estimator"], routed["estimator"], strict=True):
        assert np.any(weighted.predict_proba(corpus.data) != unweighted.predict_proba(corpus.data))


@pytest.mark.parametrize("routing", [False, True])
def test_our_own_compositions_pass_weights_on_with_and_without_routing(voice, corpus, routing):
    voice[-1].set_params(class_weight=None)
    weights = np.where(corpus.target == "anger", 5.0, 1.0)
    late = LateFusionClassifier([("voice", voice)], n_inner_folds=2)
    with config_context(enable_metadata_routing=routing):
        for clf in (late, ClipGridSearchCV(voice, GRID, cv=StratifiedKFold(3))):
            plain = clf.fit(corpus.data, corpus.target).predict_proba(corpus.data)
            weighted = clf.fit(corpus.data, corpus.target, sample_weight=weights).predict_proba(corpus.data)
            assert np.any(plain != weighted), clf


# ---- weights through compositions


def test_weights_pass_through_pipelines_votes_and_calibration(voice, corpus):
    weights = np.where(corpus.target == "anger", 5.0, 1.0)
    features = voice[:-1].fit_transform(corpus.data, corpus.target)
    for clf in (
        KernelRidgeClassifier(),
        VotingClassifier([("ridge", KernelRidgeClassifier()), ("line", LogisticRegression())], voting="soft"),
        CalibratedClassifierCV(KernelRidgeClassifier(), cv=3),
    ):
        plain = clf.fit(features, corpus.target).predict_proba(features)
        weighted = clf.fit(features, corpus.target, sample_weight=weights).predict_proba(features)
        assert np.any(plain != weighted), clf
    voice.fit(corpus.data, corpus.target)
    plain = voice.predict_proba(corpus.data)
    # Balanced classes would take back what all clips of a class weigh.
    voice.set_params(kernelridgeclassifier__class_weight=None)
    voice.fit(corpus.data, corpus.target, kernelridgeclassifier__sample_weight=weights)
    assert np.any(plain != voice.predict_proba(corpus.data))


# ---- a look inside


def test_names_of_columns_pass_through_a_pipeline(voice, corpus):
    columns = voice[:-1].set_output(transform="pandas").fit_transform(corpus.data, corpus.target)
    assert columns.columns.tolist() == voice[:-1].get_feature_names_out().tolist()
    assert columns.index.equals(corpus.data.index)
    voice[-1].fit(columns, corpus.target)
    assert voice[-1].feature_names_in_.tolist() == columns.columns.tolist()


def test_partial_dependence_and_permutation_importance_of_a_tabular_system(voice, corpus):
    voice.set_output(transform="pandas").fit(corpus.data, corpus.target)
    features = voice[0].transform(corpus.data)
    found = partial_dependence(voice[1:], features, ["pitch_mean"], grid_resolution=5, kind="both")
    assert found["average"].shape == (7, 5)
    assert found["individual"].shape == (7, 21, 5)
    np.testing.assert_allclose(found["average"].sum(axis=0), 1)
    importance = permutation_importance(voice[1:], features, corpus.target, n_repeats=2, random_state=0)
    assert importance.importances_mean.shape == (features.shape[1],)


def test_diagrams_show_what_is_inside(voice, corpus):
    late = LateFusionClassifier([("voice", voice)], n_inner_folds=2)
    page = late._repr_html_()
    for name in ("LateFusionClassifier", "ProsodyFeatures", "PCACorrSelector", "KernelRidgeClassifier"):
        assert name in page
    assert "Not fitted" in page
    assert "Not fitted" not in late.fit(corpus.data, corpus.target)._repr_html_()


# ---- worker processes

SEARCH = """
import numpy as np
from sklearn.model_selection import GridSearchCV
from savee_mm import DenseClassifier
X, y = np.random.default_rng(0).random((8, 3)), np.repeat(["a", "b"], 4)
clf = DenseClassifier(n_units=4, epochs=1, random_state=0)
clf.fit(X, y)  # TensorFlow runs in the parent before the workers start
search = GridSearchCV(clf, {"n_units": [4, 5]}, cv=2, n_jobs=2, error_score="raise").fit(X, y)
print(len(search.cv_results_["params"]), search.predict(X).shape)
"""


@pytest.mark.slow
def test_a_search_over_networks_in_two_processes_ends():
    # The limit is no measure of speed: without one, a hang would stop the suite and name no test.
    done = subprocess.run([sys.executable, "-c", SEARCH], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", "(8,)"]
