"""LateFusionClassifier: combinations chosen by out-of-fold predictions, and clips that lack a modality."""

import pickle

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from savee_mm import (
    ClipError,
    ClipWarning,
    DenseClassifier,
    FaceFrameSampler,
    KernelRidgeClassifier,
    LateFusionClassifier,
    LeaveOneSpeakerOut,
    ProsodyFeatures,
    load_model,
    save_model,
)

CLASSES = np.array(["anger", "fear", "joy"])
VOICE, FACE = ["pitch", "level"], ["smile", "brow"]


def make_table(*, voice=1.0, face=1.0, n_speakers=5, n_clips=45, random_state=0):
    """Return a clip table with two columns of the voice and two of the face, and its classes.

    ``voice`` and ``face`` are the distances of the class centres in standard deviations: 0 is noise.
    """
    rng = np.random.default_rng(random_state)
    codes = np.tile(np.arange(3), n_speakers * n_clips // 3)
    corners = np.array([[0, 1], [-0.87, -0.5], [0.87, -0.5]])
    table = pd.DataFrame(voice * corners[codes] + rng.normal(size=(len(codes), 2)), columns=VOICE)
    table[FACE] = face * corners[codes] + rng.normal(size=(len(codes), 2))
    table["speaker"] = np.repeat([f"S{i}" for i in range(n_speakers)], n_clips)
    table["clip_id"] = [f"clip{i:03}" for i in range(len(codes))]
    return table, CLASSES[codes]


def reads(columns, classifier=None):
    return make_pipeline(make_column_transformer(("passthrough", columns)), classifier or LogisticRegression())


def make_fusion(audio=None, face=None, **params):
    return LateFusionClassifier([("audio", reads(VOICE, audio)), ("face", reads(FACE, face))], **params)


class Spy(ClassifierMixin, BaseEstimator):
    """A user's classifier that records the clips and weights of fit, and the clips of predict_proba."""

    seen = []

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.number_ = len(self.seen)
        self.seen.append({"training": X.copy(), "weights": sample_weight, "predicted": []})
        return self

    def predict_proba(self, X):
        self.seen[self.number_]["predicted"].append(X.copy())
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


@pytest.fixture
def seen(monkeypatch):
    """Return the records of each fit of a Spy, in order."""
    monkeypatch.setattr(Spy, "seen", [])
    return Spy.seen


# ---- combination


@pytest.mark.parametrize("random_state", range(2))
@pytest.mark.parametrize(("voice", "face"), [(0, 1.5), (1.5, 0), (0.5, 2), (1, 1), (0, 0)])
def test_combination_is_not_below_its_best_branch_on_the_inner_folds(voice, face, random_state):
    X, y = make_table(voice=voice, face=face, n_clips=30, random_state=random_state)
    clf = make_fusion().fit(X, y)
    scores = clf.inner_scores_
    assert scores.index.tolist() == ["audio", "face", "weights", "stack"]
    # Sums of weights: the last bits depend on the order of summation.
    assert scores.loc[clf.combination_, "accuracy"] >= scores["accuracy"][["audio", "face"]].max() - 1e-12


def test_inner_scores_of_branches_are_those_of_cross_validation():
    X, y = make_table()
    clf = make_fusion().fit(X, y)
    for name, columns in (("audio", VOICE), ("face", FACE)):
        right = cross_val_predict(reads(columns), X, y, cv=LeaveOneSpeakerOut()) == y
        assert clf.inner_scores_.loc[name, "accuracy"] == pytest.approx(right.mean())


@pytest.mark.parametrize("random_state", range(3))
def test_noise_does_not_impair_the_good_branch(random_state):
    X, y = make_table(voice=0, face=1.5, random_state=random_state)
    X_test, y_test = make_table(voice=0, face=1.5, n_clips=300, random_state=100 + random_state)
    clf = make_fusion().fit(X, y)
    face = reads(FACE).fit(X, y).score(X_test, y_test)
    assert face > 0.65
    assert clf.score(X_test, y_test) > face - 0.01
    assert (clf.predict(X_test) != clf.named_estimators_["face"].predict(X_test)).mean() < 0.05


def test_complementary_branches_are_better_together():
    X, y = make_table(voice=1.2, face=1.2)
    X_test, y_test = make_table(voice=1.2, face=1.2, n_clips=300, random_state=1)
    clf = make_fusion().fit(X, y)
    best = max(reads(columns).fit(X, y).score(X_test, y_test) for columns in (VOICE, FACE))
    assert clf.combination_ == "weights"
    assert clf.weights_ == {"audio": pytest.approx(1, abs=0.4), "face": pytest.approx(1, abs=0.4)}
    assert clf.score(X_test, y_test) > best + 0.05


@pytest.mark.slow
def test_branch_that_knows_seen_speakers_only_is_not_used_for_unseen_ones():
    # The voice separates the classes of each speaker perfectly, and differently for each speaker.
    X, y = make_table(voice=0, face=1, n_speakers=6)
    rng = np.random.default_rng(0)
    for speaker in X["speaker"].unique():
        rows = X["speaker"] == speaker
        centres = dict(zip(CLASSES, 20 * rng.normal(size=(3, 2)), strict=True))
        X.loc[rows, VOICE] = np.array([centres[c] for c in y[rows]]) + rng.normal(size=(rows.sum(), 2))
    neighbours = KernelRidgeClassifier(kernels=("rbf",), gamma=0.1, alpha=1e-3)
    by_speaker = make_fusion(audio=neighbours).fit(X, y)
    by_clip = make_fusion(audio=neighbours, inner_groups="clip_id").fit(X, y)
    assert by_clip.inner_scores_.loc["audio", "accuracy"] > 0.95
    assert by_clip.inner_scores_.loc["audio", "accuracy"] > by_speaker.inner_scores_.loc["audio", "accuracy"] + 0.3
    assert by_speaker.combination_ != "audio"
    scores = [
        cross_val_score(clf, X, y, cv=LeaveOneSpeakerOut(), error_score="raise").mean()
        for clf in (clone(by_speaker), clone(by_clip), reads(FACE))
    ]
    assert scores[0] > scores[1] + 0.1
    assert scores[0] > scores[2] - 0.02


def test_inner_folds_without_speakers_are_by_clip():
    table, y = make_table(n_speakers=2)
    by_speaker = make_fusion().fit(table, y).inner_scores_
    assert make_fusion(inner_groups=None).fit(table, y).inner_scores_.equals(by_speaker)
    anonymous = table.drop(columns="speaker")
    by_clip = make_fusion(inner_groups=None).fit(anonymous, y).inner_scores_
    assert by_clip.equals(make_fusion().fit(anonymous.assign(speaker="one"), y).inner_scores_)
    assert not by_clip.equals(by_speaker)


def test_permuted_labels_are_predicted_at_chance_level():
    X, y = make_table(voice=3, face=3)
    y = np.random.default_rng(0).permutation(y)
    scores = cross_val_score(make_fusion(), X, y, cv=LeaveOneSpeakerOut(), error_score="raise")
    # Four standard deviations of an accuracy over 225 clips.
    assert abs(scores.mean() - 1 / 3) < 4 * np.sqrt(2 / 9 / len(y))


@pytest.mark.parametrize(("combine", "chosen"), [("weights", "weights"), ("stack", "stack"), ("best", "face")])
def test_kind_of_combination_can_be_required(combine, chosen):
    X, y = make_table(face=2)
    clf = make_fusion(combine=combine).fit(X, y)
    assert clf.combination_ == chosen
    assert clf.inner_scores_.index.tolist() == ["audio", "face", "weights", "stack"]
    assert clf.score(X, y) > 0.75


def test_best_branch_has_all_weight():
    X, y = make_table(face=2)
    clf = make_fusion(combine="best").fit(X, y)
    assert clf.weights_ == {"audio": 0, "face": pytest.approx(1)}
    np.testing.assert_array_equal(clf.predict(X), clf.named_estimators_["face"].predict(X))


def test_stack_has_no_weights():
    assert make_fusion(combine="stack").fit(*make_table(face=2)).weights_ == {}


def test_combined_is_the_weighted_sum_of_the_branches():
    X, y = make_table()
    clf = make_fusion(combine="weights").fit(X, y)
    proba = clf.branch_proba(X)
    summed = sum(weight * np.log(proba[name].to_numpy()) for name, weight in clf.weights_.items())
    np.testing.assert_allclose(clf.predict_proba(X), softmax(summed, axis=1), atol=1e-12)


# ---- calibration


class Overconfident(ClassifierMixin, BaseEstimator):
    """Logistic regression whose logits are multiplied."""

    def __init__(self, factor=6.0):
        self.factor = factor

    def fit(self, X, y):
        self.regression_ = LogisticRegression().fit(X, y)
        self.classes_ = self.regression_.classes_
        return self

    def predict_proba(self, X):
        return softmax(self.factor * self.regression_.decision_function(X), axis=1)


def test_overconfidence_is_measured_and_corrected():
    X, y = make_table(n_speakers=6, n_clips=90)
    X_test, y_test = make_table(n_clips=600, random_state=1)
    clf = make_fusion(audio=Overconfident()).fit(X, y)
    assert clf.temperatures_["audio"] > 2.5
    assert clf.temperatures_["face"] == pytest.approx(1, abs=0.3)
    proba = clf.branch_proba(X_test)
    for name in ("audio", "face", "combined"):
        p = proba[name].to_numpy()
        right = proba[name].columns.to_numpy()[p.argmax(axis=1)] == y_test
        # Three standard deviations of an accuracy over the 540 clips used for calibration.
        assert p.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.06)
    raw = clf.named_estimators_["audio"].predict_proba(X_test)
    assert log_loss(y_test, proba["audio"].to_numpy()) < log_loss(y_test, raw) - 0.1
    np.testing.assert_array_equal(proba["audio"].to_numpy().argmax(axis=1), raw.argmax(axis=1))


# ---- inner folds


def test_no_group_is_on_both_sides_of_an_inner_fold(seen):
    X, y = make_table(n_speakers=7, n_clips=15)
    LateFusionClassifier([("a", Spy()), ("b", Spy())]).fit(X, y)
    assert len(seen) == 2 + 2 * 5
    for fit in seen[:2]:
        pd.testing.assert_frame_equal(fit["training"], X)
        assert not fit["predicted"]
    for branch in (seen[2:7], seen[7:]):
        predicted = [fit["predicted"][0] for fit in branch]
        assert sorted(pd.concat(predicted)["clip_id"]) == sorted(X["clip_id"])
        for fit, held_out in zip(branch, predicted, strict=True):
            assert not set(fit["training"]["speaker"]) & set(held_out["speaker"])
            assert len(fit["training"]) + len(held_out) == len(X)


def test_groups_that_are_passed_replace_the_column(seen):
    X, y = make_table(n_clips=15)
    groups = np.arange(len(X)) // 3 % 3
    LateFusionClassifier([("a", Spy())]).fit(X.drop(columns=["speaker", "clip_id"]).assign(g=groups), y, groups=groups)
    assert len(seen) == 4
    for fit in seen[1:]:
        assert fit["predicted"][0]["g"].nunique() == 1
        assert not set(fit["training"]["g"]) & set(fit["predicted"][0]["g"])


def test_one_speaker_is_split_by_clip(seen):
    X, y = make_table(n_speakers=1, n_clips=60)
    X["clip_id"] = np.repeat([f"clip{i}" for i in range(20)], 3)
    LateFusionClassifier([("a", Spy())], n_inner_folds=4).fit(X, y)
    assert len(seen) == 5
    for fit in seen[1:]:
        assert not set(fit["training"]["clip_id"]) & set(fit["predicted"][0]["clip_id"])


@pytest.mark.parametrize("groups", [None, "speaker"])
def test_class_of_one_speaker_only_is_learnt(groups):
    X, y = make_table(n_speakers=4)
    y[(X["speaker"] != "S2") & (y == "joy")] = "fear"
    # With the speakers as groups, joy is in the training or in the test part of an inner fold, never in both.
    clf = make_fusion().fit(X, y, groups=None if groups is None else X[groups])
    assert clf.classes_.tolist() == CLASSES.tolist()
    p = clf.predict_proba(X)
    assert p.shape == (len(X), 3)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (p[:, 2] > 0).all()
    assert clf.named_estimators_["face"].classes_.tolist() == CLASSES.tolist()


def test_branch_is_not_fitted_to_a_fold_with_one_class(seen):
    # Without S0, only clips of anger have a face.
    X, y = make_table(n_speakers=3)
    X.loc[(X["speaker"] != "S0") & (y != "anger"), FACE] = np.nan
    clf = LateFusionClassifier([("audio", reads(VOICE)), ("face", Spy(), FACE)]).fit(X, y)
    assert all(len(fit["training"]) > 1 for fit in seen)
    assert len(seen) == 1 + 2
    assert np.isfinite(clf.predict_proba(X)).all()


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_workers_change_nothing(n_jobs):
    X, y = make_table()
    clf = make_fusion(n_jobs=n_jobs).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), make_fusion().fit(X, y).predict_proba(X))


# ---- sample weights


def test_weights_are_passed_on_where_they_are_taken(seen):
    X, y = make_table(n_clips=15)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(X))
    resampling = make_resampling_pipeline(make_column_transformer(("passthrough", VOICE)), LogisticRegression())
    clf = LateFusionClassifier([("spy", Spy()), ("voice", reads(VOICE)), ("other", resampling)])
    clf.fit(X, y, sample_weight=weights)
    for fit in seen:
        np.testing.assert_array_equal(fit["weights"], weights[fit["training"].index])
    np.testing.assert_allclose(
        clf.named_estimators_["voice"].predict_proba(X),
        reads(VOICE).fit(X, y, logisticregression__sample_weight=weights).predict_proba(X),
    )
    np.testing.assert_allclose(clf.named_estimators_["other"].predict_proba(X), reads(VOICE).fit(X, y).predict_proba(X))


def test_without_weights_none_are_passed(seen):
    X, y = make_table(n_clips=15)
    LateFusionClassifier([("spy", Spy())]).fit(X, y)
    assert all(fit["weights"] is None for fit in seen)


def test_clips_of_weight_zero_do_not_count():
    X, y = make_table()
    junk = X.assign(clip_id=X["clip_id"] + "x", **{column: -5 * X[column] for column in VOICE + FACE})
    both, labels = pd.concat([X, junk], ignore_index=True), np.r_[y, y]
    weights = np.repeat([1.0, 0.0], len(X))
    weighted = make_fusion().fit(both, labels, sample_weight=weights)
    plain = make_fusion().fit(X, y)
    np.testing.assert_allclose(weighted.predict_proba(X), plain.predict_proba(X), atol=1e-4)


# ---- missing modalities


@pytest.fixture(scope="module")
def fitted():
    """Return a fusion of two good branches, and clips of another table."""
    return make_fusion(combine="weights").fit(*make_table(voice=1.5, face=1.5)), *make_table(n_clips=60, random_state=1)


@pytest.mark.parametrize("empty", [np.nan, None, pd.NA])
def test_clip_without_a_modality_is_predicted_by_the_other_alone(fitted, empty):
    clf, X, _ = fitted
    proba, lost = clf.branch_proba(X), X.astype({column: object for column in VOICE + FACE})
    no_face, no_voice = np.arange(len(X)) % 3 == 0, np.arange(len(X)) % 3 == 1
    lost.loc[no_face, "brow"] = empty
    lost.loc[no_voice, VOICE] = empty
    p = clf.predict_proba(lost)
    expected = proba["combined"].to_numpy().copy()
    expected[no_face] = proba["audio"].to_numpy()[no_face]
    expected[no_voice] = proba["face"].to_numpy()[no_voice]
    np.testing.assert_allclose(p, expected, atol=1e-9)
    report = clf.branch_proba(lost)
    np.testing.assert_array_equal(report["face"].isna().all(axis=1), no_face)
    np.testing.assert_array_equal(report["audio"].isna().any(axis=1), no_voice)
    assert not report["combined"].isna().any(axis=None)


def test_table_without_the_columns_of_a_branch_is_predicted_by_the_other(fitted):
    clf, X, _ = fitted
    voice = clf.named_estimators_["audio"]
    with pytest.warns(ClipWarning, match="300 of 300 clips .* branch 'face': the table has no column 'smile'"):
        predicted = clf.predict(X.drop(columns=FACE))
    np.testing.assert_array_equal(predicted, voice.predict(X))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda X: X.rename(columns={"smile": "Smile"}), "the table has no column 'smile'"),
        (lambda X: X.assign(brow=None), "no value in the column 'brow'"),
        (lambda X: X[["pitch", "level", "clip_id"]], "the table has no column 'smile'"),
    ],
    ids=["misspelt", "all None", "not joined"],
)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "branch_proba"])
def test_branch_without_its_columns_is_warned_of(fitted, change, reason, method):
    clf, X, _ = fitted
    with pytest.warns(ClipWarning, match=f"300 of 300 clips are missing for branch 'face': {reason}") as caught:
        getattr(clf, method)(change(X))
    assert caught[0].filename == __file__
    assert set(clf.failed_clips_["reason"]) == {reason}


def test_clips_without_a_modality_are_listed(fitted):
    clf, X, _ = fitted
    lost = X.astype({"brow": object})
    lost.loc[[4, 7], "brow"] = None
    clf.predict(lost)
    assert clf.failed_clips_.to_numpy().tolist() == [
        ["face", clip_id, None, "no value in the column 'brow'"] for clip_id in ("clip004", "clip007")
    ]
    clf.predict(X)
    assert clf.failed_clips_.empty


def test_clips_with_both_modalities_are_predicted_as_in_a_complete_table(fitted):
    clf, X, y = fitted
    part = np.random.default_rng(0).permutation(len(X)) / len(X)
    no_face, no_voice = part < 0.3, part >= 0.7
    lost = X.copy()
    lost.loc[no_face, FACE] = np.nan
    lost.loc[no_voice, VOICE] = np.nan
    right, whole = clf.predict(lost) == y, clf.predict(X) == y
    rest = ~no_face & ~no_voice
    np.testing.assert_array_equal(right[rest], whole[rest])
    for rows, name in ((no_face, "audio"), (no_voice, "face")):
        assert right[rows].mean() == (clf.named_estimators_[name].predict(X) == y)[rows].mean()


def test_other_branch_predicts_where_the_chosen_one_is_missing():
    X, y = make_table(face=3)
    clf = make_fusion(combine="best").fit(X, y)
    assert clf.combination_ == "face"
    with pytest.warns(ClipWarning, match="branch 'face'"):
        predicted = clf.predict(X.assign(smile=np.nan))
    np.testing.assert_array_equal(predicted, clf.named_estimators_["audio"].predict(X))


def test_training_clip_without_a_modality_is_left_out_of_its_branch(seen):
    X, y = make_table(n_clips=30)
    X.loc[::3, "smile"] = np.nan
    X.loc[1::3, "pitch"] = np.nan
    clf = LateFusionClassifier([("audio", reads(VOICE)), ("face", Spy(), "smile")]).fit(X, y)
    for fit in seen:
        assert fit["training"]["smile"].notna().all()
        assert all(clips["smile"].notna().all() for clips in fit["predicted"])
    assert len(seen[0]["training"]) == 2 * len(X) / 3
    expected = reads(VOICE).fit(X[X["pitch"].notna()], y[X["pitch"].notna()])
    np.testing.assert_allclose(
        clf.named_estimators_["audio"].predict_proba(X.fillna(0)), expected.predict_proba(X.fillna(0))
    )


def test_branches_without_common_training_clips_are_not_combined():
    X, y = make_table(voice=1, face=3)
    X.loc[::2, VOICE] = np.nan
    X.loc[1::2, FACE] = np.nan
    clf = make_fusion().fit(X, y)
    assert clf.combination_ == "face"
    assert clf.inner_scores_.index.tolist() == ["face"]
    whole, _ = make_table(voice=1, face=3, random_state=1)
    np.testing.assert_array_equal(clf.predict(whole), clf.named_estimators_["face"].predict(whole))


def test_every_pair_of_three_branches_has_its_combination():
    X, y = make_table(voice=1.5, face=1.5)
    X["noise"] = np.random.default_rng(5).normal(size=len(X))
    branches = [("audio", reads(VOICE)), ("face", reads(FACE)), ("noise", reads(["noise"]))]
    clf = LateFusionClassifier(branches, combine="weights").fit(X, y)
    pair = LateFusionClassifier(branches[:2], combine="weights").fit(X, y)
    with pytest.warns(ClipWarning, match="branch 'noise'"):
        p = clf.predict_proba(X.assign(noise=np.nan))
    np.testing.assert_allclose(p, pair.predict_proba(X), atol=1e-9)


@pytest.fixture
def empty_clips(fitted):
    """Return a table in which clips 4 and 7 have no modality, and the classes."""
    _, X, y = fitted
    lost = X.copy()
    lost.loc[[4, 7], VOICE + FACE] = np.nan
    return lost, y


def test_clip_without_any_modality_is_named(fitted, empty_clips):
    with pytest.raises(ClipError, match="clip 'clip004': no branch has anything to read in it") as caught:
        fitted[0].predict(empty_clips[0])
    assert caught.value.clip_id == "clip004"


def test_training_clip_without_any_modality_is_named(fitted, empty_clips):
    with pytest.raises(ClipError, match="clip 'clip004'"):
        clone(fitted[0]).fit(*empty_clips)


def test_clip_without_a_name_is_named_by_its_row(fitted, empty_clips):
    with pytest.raises(ClipError, match="clip 'row 4'"):
        fitted[0].predict(empty_clips[0].drop(columns="clip_id"))


def test_empty_list_of_columns_is_a_branch_that_predicts_every_clip(seen):
    X, y = make_table(n_clips=15)
    X.loc[::2, VOICE] = np.nan
    imputing = ColumnTransformer([("zero", make_pipeline(StandardScaler()), VOICE)])
    clf = LateFusionClassifier([("a", make_pipeline(imputing, Spy()), []), ("face", reads(FACE))]).fit(X, y)
    assert clf.columns_ == {"a": [], "face": FACE}
    assert len(seen[0]["training"]) == len(X)


def test_given_columns_replace_those_found():
    X, y = make_table()
    clf = LateFusionClassifier([("audio", reads(VOICE), "pitch"), ("face", reads(FACE), ["smile"])]).fit(X, y)
    assert clf.columns_ == {"audio": ["pitch"], "face": ["smile"]}


# ---- scikit-learn


def test_parameters_of_branches_are_parameters():
    clf = make_fusion()
    assert clf.get_params()["face__logisticregression__C"] == 1
    assert clf.get_params()["face"] is clf.estimators[1][1]
    own = {"estimators", "combine", "inner_groups", "n_inner_folds", "adapt_speakers", "unseen_texts", "n_jobs"}
    assert set(clf.get_params(deep=False)) == own


def test_parameters_of_branches_are_set():
    clf = make_fusion().set_params(face__logisticregression__C=3, n_inner_folds=2)
    assert clf.n_inner_folds == 2
    assert clf.estimators[1][1][-1].C == 3


def test_branch_is_replaced_by_its_name():
    clf, other = make_fusion(), SVC()
    clf.set_params(audio=other)
    assert clf.estimators[0] == ("audio", other)


def test_branches_and_their_parameters_are_set_together():
    clf, other = make_fusion(), SVC()
    clf.set_params(estimators=[("x", reads(VOICE), "pitch")], x__logisticregression__C=5)
    assert clf.estimators[0][1][-1].C == 5
    clf.set_params(x=other)
    assert clf.estimators == [("x", other, "pitch")]


def test_parameter_of_an_unknown_branch_is_refused():
    with pytest.raises(ValueError, match="Invalid parameter 'y'"):
        make_fusion().set_params(y__C=1)


def test_diagram_shows_the_branches():
    html = make_fusion()._repr_html_()
    assert html.count('class="sk-parallel-item"') >= 2
    for name in ("audio", "face", "ColumnTransformer", "LogisticRegression"):
        assert name in html


@pytest.mark.parametrize("in_score", [False, True])
def test_metadata_routing_passes_weights_to_fit_without_a_request_and_to_score_with_one(in_score):
    X, y = make_table(n_clips=15)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(X))
    params = {"groups": X["speaker"], "sample_weight": weights}
    with config_context(enable_metadata_routing=True):
        clf = make_fusion().set_score_request(sample_weight=in_score)
        scores = cross_val_score(clf, X, y, params=params, cv=GroupKFold(3), error_score="raise")
    expected = []
    for train, test in GroupKFold(3).split(X, y, X["speaker"]):
        predicted = make_fusion().fit(X.iloc[train], y[train], sample_weight=weights[train]).predict(X.iloc[test])
        expected.append(accuracy_score(y[test], predicted, sample_weight=weights[test] if in_score else None))
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_score_is_the_accuracy_with_and_without_metadata_routing():
    X, y = make_table(n_clips=15)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(X))
    clf = make_fusion().fit(X, y)
    predicted = clf.predict(X)
    for routing in (False, True):
        with config_context(enable_metadata_routing=routing):
            assert clf.score(X, y) == accuracy_score(y, predicted)
            assert clf.score(X, y, sample_weight=weights) == accuracy_score(y, predicted, sample_weight=weights)


@pytest.mark.slow
def test_grid_search_reaches_into_a_branch():
    X, y = make_table(face=2)
    grid = {"face__logisticregression__C": [1e-6, 1.0], "combine": ["weights"]}
    search = GridSearchCV(make_fusion(), grid, cv=LeaveOneSpeakerOut(), error_score="raise").fit(X, y)
    assert search.best_params_["face__logisticregression__C"] == 1
    np.testing.assert_allclose(
        cross_val_score(make_fusion(), X, y, groups=X["speaker"], cv=GroupKFold(5), error_score="raise").mean(),
        cross_val_score(make_fusion(), X, y, cv=LeaveOneSpeakerOut(), error_score="raise").mean(),
    )


def test_clone_shares_nothing_and_fit_leaves_the_parameters_alone():
    X, y = make_table()
    clf = make_fusion()
    again = clone(clf)
    assert again.estimators[0][1] is not clf.estimators[0][1]
    p = clf.fit(X, y).predict_proba(X)
    assert not hasattr(clf.estimators[0][1][-1], "coef_")
    np.testing.assert_array_equal(again.fit(X, y).predict_proba(X), p)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), p)


@pytest.mark.slow
@pytest.mark.parametrize("combine", ["weights", "stack"])
def test_model_file_keeps_the_fusion(tmp_path, combine):
    X, y = make_table()
    network = make_pipeline(StandardScaler(), DenseClassifier(n_units=4, epochs=1, random_state=0))
    voice = make_pipeline(make_column_transformer(("passthrough", VOICE)), *[step for _, step in network.steps])
    clf = LateFusionClassifier([("audio", voice), ("face", reads(FACE))], combine=combine, n_inner_folds=2).fit(X, y)
    loaded = load_model(save_model(clf, tmp_path / "late.savee"))
    X.loc[0, "smile"] = X.loc[1, "pitch"] = np.nan
    np.testing.assert_allclose(loaded.predict_proba(X), clf.predict_proba(X), rtol=0, atol=1e-6)
    pd.testing.assert_frame_equal(loaded.branch_proba(X), clf.branch_proba(X), rtol=0, atol=1e-6)
    pd.testing.assert_frame_equal(loaded.inner_scores_, clf.inner_scores_)
    assert (loaded.weights_, loaded.columns_) == (clf.weights_, clf.columns_)


def test_branch_probabilities_have_the_rows_of_the_table(fitted):
    clf, X, _ = fitted
    X = X.set_index("clip_id")
    proba = clf.branch_proba(X)
    assert proba.index.equals(X.index)
    assert proba.columns.tolist() == [(name, c) for name in ("audio", "face", "combined") for c in CLASSES]
    np.testing.assert_array_equal(proba["combined"].idxmax(axis=1), clf.predict(X))
    np.testing.assert_array_equal(proba["combined"], clf.predict_proba(X))
    np.testing.assert_array_equal(proba["face"].idxmax(axis=1), clf.named_estimators_["face"].predict(X))
    np.testing.assert_allclose(proba.T.groupby(level=0).sum(), 1)


def test_single_branch_is_calibrated():
    X, y = make_table()
    clf = LateFusionClassifier([("audio", reads(VOICE, Overconfident()))]).fit(X, y)
    assert clf.combination_ == "audio"
    assert clf.weights_ == {"audio": pytest.approx(1)}
    assert clf.temperatures_["audio"] > 2.5
    np.testing.assert_array_equal(clf.predict(X), clf.estimators_[0].predict_proba(X).argmax(axis=1).choose(*[CLASSES]))


@pytest.mark.slow
def test_voice_and_face_of_clips(corpus):
    voice = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(max_iter=500))
    pixels = FunctionTransformer(np.reshape, kw_args={"shape": (-1, 2 * 32 * 32 * 3)})
    frames = FaceFrameSampler(n_frames=2, size=(32, 32), detector="lbp")
    face = make_pipeline(frames, pixels, LogisticRegression(max_iter=500))
    clf = LateFusionClassifier([("audio", voice), ("face", face)], n_inner_folds=2).fit(corpus.data, corpus.target)
    assert clf.columns_ == {"audio": ["audio"], "face": ["video"]}
    with pytest.warns(ClipWarning, match="branch 'face': missing video: the table has no column 'video'"):
        p = clf.predict_proba(corpus.data.drop(columns="video"))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(p.argmax(axis=1), clf.estimators_[0].predict_proba(corpus.data).argmax(axis=1))


# ---- errors


def test_branch_that_is_a_class_is_refused():
    X, y = make_table()
    with pytest.raises(TypeError, match=r"Branch 'face' is the class SVC; give an estimator of it, SVC\(\)"):
        LateFusionClassifier([("face", SVC)]).fit(X, y)


def test_branch_without_probabilities_is_refused_with_the_remedy():
    X, y = make_table()
    with pytest.raises(ValueError, match=r"Branch 'face' \(Pipeline\) has no predict_proba. .*CalibratedClassifierCV"):
        make_fusion(face=SVC()).fit(X, y)
    # The remedy.
    make_fusion(face=CalibratedClassifierCV(SVC(), ensemble=False)).fit(X, y)


@pytest.mark.parametrize("branches", [[], [reads(VOICE)], [("audio",)], [("a", reads(VOICE), "b", "c")]])
def test_branches_of_another_form_are_refused(branches):
    X, y = make_table()
    with pytest.raises(ValueError, match=r"a list of \(name, estimator\) or \(name, estimator, columns\)"):
        LateFusionClassifier(branches).fit(X, y)


@pytest.mark.parametrize("names", [("audio", "audio"), ("au__dio", "face"), ("combine", "face"), ("stack", "face")])
def test_bad_names_are_refused(names):
    X, y = make_table()
    with pytest.raises(ValueError, match=r"(?i)name"):
        LateFusionClassifier([(name, reads(VOICE)) for name in names]).fit(X, y)


def test_x_that_is_no_table_is_refused():
    X, y = make_table()
    with pytest.raises(ValueError, match=r"reads a clip table \(DataFrame\), got ndarray"):
        make_fusion().fit(X.to_numpy(), y)


def test_empty_table_is_refused(fitted):
    clf, X, _ = fitted
    with pytest.raises(ValueError, match="got an empty one"):
        clf.predict(X.iloc[:0])


def test_branch_whose_columns_no_clip_has_is_refused():
    X, y = make_table()
    with pytest.raises(ValueError, match=r"Branch 'face' needs clips .* in \['smile', 'brow'\]; of 225 .* 0 have"):
        make_fusion().fit(X.drop(columns="brow"), y)


@pytest.mark.parametrize(
    ("inner_groups", "column", "message"),
    [
        ("session", {}, "The inner groups 'session' are not a column of the clip table"),
        ("session", {"session": "A"}, r"No inner folds by 'session': 1 groups in 225 clips.*other inner_groups"),
        ("clip_id", {"clip_id": [None, *range(224)]}, "column is empty in 1 of 225 rows, such as 0"),
    ],
    ids=["no column", "one group", "missing value"],
)
def test_groups_that_allow_no_folds_are_refused(inner_groups, column, message):
    X, y = make_table()
    with pytest.raises(ValueError, match=message):
        make_fusion(inner_groups=inner_groups).fit(X.assign(**column), y)


def test_groups_of_another_length_are_refused():
    X, y = make_table()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make_fusion().fit(X, y, groups=np.zeros(3))


def test_branch_that_cannot_be_evaluated_on_inner_folds_is_refused():
    X, y = make_table(n_speakers=3)
    X.loc[X["speaker"] != "S0", FACE] = np.nan
    with pytest.raises(
        ValueError, match="Branch 'face' could be evaluated on no inner fold: no class has clips of it in two groups"
    ):
        make_fusion().fit(X, y)


@pytest.mark.parametrize("bad", [{"combine": "sum"}, {"n_inner_folds": 1}, {"inner_groups": 3}])
def test_bad_parameter_is_named(bad):
    X, y = make_table()
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter of LateFusionClassifier"):
        make_fusion(**bad).fit(X, y)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "branch_proba"])
def test_prediction_needs_a_fit(method):
    with pytest.raises(NotFittedError):
        getattr(make_fusion(), method)(make_table()[0])
