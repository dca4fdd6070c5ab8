"""Adaptation to unseen speakers: leave-one-out ridge regression on similar clips of the same speaker."""

from copy import copy

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from scipy.sparse import csr_array
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from savee_mm import LateFusionClassifier, load_model, save_model
from savee_mm.classifiers.late_fusion._adaptation import adapt, evaluate_adaptation
from savee_mm.classifiers.late_fusion._combination import OutOfFold

CLASSES = np.array(["anger", "fear", "joy"])
VOICE, FACE = ["pitch", "level"], ["chin", "brow", "lip", "lid"]


def make_clips(*, n_speakers=5, n_clips=30, voice=1.0, random_state=0):
    """Return a clip table with the same voices for all speakers and faces of each speaker's own, and its classes.

    ``voice`` is the distance of the class centres in standard deviations. The faces of one speaker's classes lie far
    apart, at other places for each speaker, so that they cannot be classified for an unseen speaker.
    """
    rng = np.random.default_rng(random_state)
    codes = np.tile(np.arange(3), n_speakers * n_clips // 3)
    speakers = np.repeat(np.arange(n_speakers), n_clips)
    corners = np.array([[0, 1], [-0.87, -0.5], [0.87, -0.5]])
    centres = 10 * rng.normal(size=(n_speakers, 3, 4))
    table = pd.DataFrame(voice * corners[codes] + rng.normal(size=(len(codes), 2)), columns=VOICE)
    table[FACE] = centres[speakers, codes] + rng.normal(size=(len(codes), 4))
    table["speaker"] = [f"S{i}" for i in speakers]
    return table, CLASSES[codes]


def reads(columns):
    classifier = LogisticRegression(C=0.1, max_iter=1000)
    return make_pipeline(make_column_transformer(("passthrough", columns)), StandardScaler(), classifier)


def make_fusion(adapt_speakers=True, **params):
    branches = [("voice", reads(VOICE)), ("face", reads(FACE))]
    return LateFusionClassifier(branches, adapt_speakers=adapt_speakers, **params)


def make_predictions(n_clips=20, random_state=0):
    """Return log-probabilities of clips of one speaker, and features of them."""
    rng = np.random.default_rng(random_state)
    return log_softmax(rng.normal(size=(n_clips, 3)), axis=1), rng.normal(size=(n_clips, 5))


@pytest.fixture(scope="module")
def fitted():
    X, y = make_clips()
    return make_fusion().fit(X, y)


@pytest.fixture(scope="module")
def unseen():
    X, y = make_clips(random_state=1)
    return X.assign(speaker="T" + X["speaker"]), y


# ---- evidence of similar clips


def test_evidence_is_ridge_regression_on_the_other_clips():
    log_p, features = make_predictions()
    p = softmax(log_p, axis=1)
    z = (features - features.mean(axis=0)) / features.std(axis=0)
    expected = np.empty_like(p)
    for i in range(len(p)):
        others = np.arange(len(p)) != i
        mean = p[others].mean(axis=0)
        ridge = KernelRidge(alpha=0.1, kernel="rbf", gamma=1 / 5).fit(z[others], p[others] - mean)
        expected[i] = log_p[i] + np.log(np.maximum(mean + ridge.predict(z[[i]])[0], 0.01) / mean)
    speakers = np.full(len(p), "A")
    np.testing.assert_allclose(adapt(log_p, [features], speakers), log_softmax(expected, axis=1), atol=1e-10)


def test_all_arrays_of_features_count_equally():
    log_p, features = make_predictions()
    other, speakers = make_predictions(random_state=1)[1], np.full(20, "A")
    first, second, both = (
        adapt(log_p, arrays, speakers) - log_p for arrays in ([features], [other], [features, other])
    )
    left = both - (first + second) / 2  # the same for all classes
    np.testing.assert_allclose(left, left[:, :1].repeat(3, axis=1), atol=1e-12)
    np.testing.assert_allclose(
        adapt(log_p, [features, features], speakers), adapt(log_p, [features], speakers), atol=1e-12
    )


def test_clips_without_similar_ones_are_hardly_revised():
    log_p, _ = make_predictions(400)
    # One-hot rows are as far apart as possible after standardisation.
    far = np.abs(adapt(log_p, [np.eye(400)], np.full(400, "A")) - log_p).max()
    near = np.abs(adapt(log_p, [make_predictions(400)[1]], np.full(400, "A")) - log_p).max()
    assert far < 0.05 < near


def test_order_and_other_speakers_change_nothing():
    log_p, features = make_predictions(40)
    speakers = np.repeat(["A", "B"], 20)
    order = np.random.default_rng(0).permutation(40)
    together = adapt(log_p, [features], speakers)
    np.testing.assert_allclose(adapt(log_p[order], [features[order]], speakers[order]), together[order], atol=1e-10)
    np.testing.assert_allclose(adapt(log_p[:20], [features[:20]], speakers[:20]), together[:20], atol=1e-10)


@pytest.mark.parametrize("unknown", [None, np.nan])
def test_few_clips_and_unknown_speakers_stay_as_they_are(unknown):
    log_p, features = make_predictions(30)
    few = np.array(["A"] * 15 + [unknown] * 15, dtype=object)
    np.testing.assert_array_equal(adapt(log_p, [features], few), log_p)
    enough = np.array(["A"] * 16 + [unknown] * 14, dtype=object)
    assert (np.abs(adapt(log_p, [features], enough) - log_p).max(axis=1) > 1e-6).tolist() == [True] * 16 + [False] * 14


def test_clip_without_features_is_neither_adapted_nor_used():
    log_p, features = make_predictions()
    lacking = features.copy()
    lacking[3] = np.nan
    speakers, rest = np.full(20, "A"), np.arange(20) != 3
    adapted = adapt(log_p, [lacking], speakers)
    np.testing.assert_array_equal(adapted[3], log_p[3])
    np.testing.assert_allclose(adapted[rest], adapt(log_p[rest], [features[rest]], speakers[rest]), atol=1e-10)
    # With a second array, that one is used.
    np.testing.assert_allclose(
        adapt(log_p, [lacking, features], speakers)[3], adapt(log_p, [features], speakers)[3], atol=1e-10
    )


def test_clip_without_a_prediction_is_not_used():
    log_p, features = make_predictions()
    unpredicted, rest = log_p.copy(), np.arange(20) != 3
    unpredicted[3] = np.nan
    adapted = adapt(unpredicted, [features], np.full(20, "A"))
    assert np.isnan(adapted[3]).all()
    np.testing.assert_allclose(adapted[rest], adapt(log_p[rest], [features[rest]], np.full(19, "A")), atol=1e-10)


def test_constant_columns_change_nothing():
    log_p, features = make_predictions()
    rounding = 1e-16 * np.random.default_rng(0).choice([-1, 0, 1], size=(20, 40))
    padded = np.hstack([features, rounding, 0.3 + rounding, np.full((20, 2), np.nan)])
    np.testing.assert_allclose(adapt(log_p, [padded], np.full(20, "A")), adapt(log_p, [features], np.full(20, "A")))
    same = adapt(log_p, [np.ones((20, 3))], np.full(20, "A"))
    np.testing.assert_allclose(np.exp(same).sum(axis=1), 1)


def test_missing_value_is_the_mean():
    log_p, features = make_predictions()
    features[:, 0] += 5
    gap = features.copy()
    gap[3, 0] = np.nan
    filled = features.copy()
    filled[3, 0] = np.delete(features[:, 0], 3).mean()
    # The standard deviation is over 19 values instead of 20.
    np.testing.assert_allclose(
        adapt(log_p, [gap], np.full(20, "A")), adapt(log_p, [filled], np.full(20, "A")), atol=0.05
    )


def test_evidence_of_improbable_classes_is_bounded():
    log_p, features = make_predictions()
    sure = log_softmax(np.where(np.arange(3) == 0, 40.0, 0.0) + 0 * log_p, axis=1)
    np.testing.assert_allclose(adapt(sure, [features], np.full(20, "A")), sure, atol=1e-9)


def test_more_than_a_thousand_clips_are_divided_in_turn():
    log_p, features = make_predictions(1001)
    whole = adapt(log_p, [features], np.full(1001, "A"))
    for part in (slice(0, None, 2), slice(1, None, 2)):
        own = adapt(log_p[part], [features[part]], np.full(len(features[part]), "A"))
        np.testing.assert_allclose(whole[part], own, atol=1e-10)
    thousand = adapt(log_p[:1000], [features[:1000]], np.full(1000, "A"))
    half = adapt(log_p[:1000:2], [features[:1000:2]], np.full(500, "A"))
    assert np.abs(thousand[::2] - half).max() > 1e-3


def make_inner(folds, weights=None, random_state=2):
    """Return the predictions and features of one branch for 40 clips of two speakers."""
    log_p, features = make_predictions(40, random_state)
    codes = np.random.default_rng(random_state).integers(0, 3, 40)
    clips = OutOfFold(log_p[np.newaxis], codes, np.asarray(folds), np.ones(40) if weights is None else weights)
    arrays = {fold: [features[clips.folds == fold]] for fold in np.unique(folds)}
    return log_p, features, arrays, clips


SPEAKERS = np.repeat(["A", "B"], 20)


def test_it_is_evaluated_on_held_out_speakers():
    outcomes = set()
    for random_state in range(30):
        log_p, features, arrays, clips = make_inner(np.repeat([0, 1], 20), random_state=random_state)
        metrics, helps = evaluate_adaptation(log_p, arrays, SPEAKERS, clips)
        before, after = (
            ((p.argmax(axis=1) == clips.codes).mean(), -p[np.arange(40), clips.codes].mean())
            for p in (log_p, adapt(log_p, [features], SPEAKERS))
        )
        assert metrics == pytest.approx(after)
        outcome = (after[0] > before[0] - 1e-6, after[1] < before[1])
        assert helps == all(outcome)
        outcomes.add(outcome)
    assert len(outcomes) == 4


def test_without_revised_clips_it_does_not_help():
    log_p, _, arrays, clips = make_inner(np.repeat([0, 1], 20))
    assert evaluate_adaptation(log_p, arrays, np.arange(40) // 10, clips) == (None, False)


def test_rounding_errors_are_no_help():
    for random_state in range(10):
        log_p, _, _, clips = make_inner(np.repeat([0, 1], 20), random_state=random_state)
        constant = {fold: [np.ones((20, 3))] for fold in (0, 1)}
        assert not evaluate_adaptation(log_p, constant, SPEAKERS, clips)[1]


def test_it_is_evaluated_on_weighted_clips_that_all_branches_predict():
    weights = np.where(np.arange(40) % 20 == 0, 0.0, 1.0)
    log_p, features, arrays, clips = make_inner(np.repeat([0, 1], 20), weights)
    gaps = clips.scores.copy()
    gaps[:, 5] = np.nan
    both = clips._replace(scores=np.concatenate([clips.scores, gaps]))
    speakers = np.where(weights > 0, SPEAKERS, None)
    p = adapt(log_p, [features], speakers)
    kept_rows = (weights > 0) & (np.arange(40) != 5)
    metrics, _ = evaluate_adaptation(log_p, arrays, SPEAKERS, both)
    assert metrics[0] == pytest.approx((p.argmax(axis=1) == clips.codes)[kept_rows].mean())
    never = clips._replace(scores=np.concatenate([clips.scores, np.full_like(gaps, np.nan)]))
    assert evaluate_adaptation(log_p, arrays, SPEAKERS, never) == (None, False)


def test_clips_of_weight_zero_are_neither_used_nor_counted():
    weights = np.where(np.arange(40) % 20 < 18, 1.0, 0)
    log_p, features, _, clips = make_inner(np.repeat([0, 1], 20), weights)
    arrays = {fold: [features[clips.folds == fold]] for fold in (0, 1)}
    kept = weights > 0
    fewer = {fold: [features[kept & (clips.folds == fold)]] for fold in (0, 1)}
    whole, part = (
        evaluate_adaptation(log_p, arrays, SPEAKERS, clips),
        evaluate_adaptation(log_p[kept], fewer, SPEAKERS[kept], clips.take(kept)),
    )
    assert whole[0] == pytest.approx(part[0])


# ---- in a fusion


def test_predictions_by_voice_help_with_the_face_of_an_unseen_speaker(fitted, unseen):
    X, y = unseen
    plain = make_fusion(adapt_speakers=False).fit(*make_clips())
    assert fitted.adapts_
    assert not plain.adapts_
    assert plain.speakers_ == []
    np.testing.assert_allclose(plain.predict_proba(X), plain_copy(fitted).predict_proba(X))
    assert fitted.score(X, y) > plain.score(X, y) + 0.1
    metrics = fitted.inner_scores_
    assert metrics.loc["adapted", "accuracy"] > metrics.loc[fitted.combination_, "accuracy"] + 0.05


def test_it_is_switched_off_where_faces_are_misleading():
    X, y = make_clips(voice=3, random_state=1)
    # The faces of every speaker are permuted: as far apart as before, but independent of the classes.
    X[FACE] = X.groupby("speaker")[FACE].transform(lambda own: own.sample(frac=1, random_state=1).to_numpy())
    clf = make_fusion().fit(X, y)
    metrics = clf.inner_scores_
    gain = metrics.loc["adapted"] - metrics.loc[clf.combination_]
    assert gain["accuracy"] < 0 or gain["log_loss"] > 0
    assert not clf.adapts_
    plain = clone(clf).set_params(adapt_speakers=False).fit(X, y)
    new = X.assign(speaker="T" + X["speaker"])
    np.testing.assert_allclose(clf.predict_proba(new), plain.predict_proba(new), atol=1e-12)


def test_seen_speakers_and_few_clips_are_predicted_without_adaptation(fitted, unseen):
    X, y = make_clips()
    plain = make_fusion(adapt_speakers=False).fit(X, y)
    np.testing.assert_allclose(fitted.predict_proba(X), plain.predict_proba(X), atol=1e-12)
    new = unseen[0]
    np.testing.assert_allclose(fitted.predict_proba(new[:15]), plain.predict_proba(new[:15]), atol=1e-12)
    unnamed = new.drop(columns="speaker")
    np.testing.assert_allclose(fitted.predict_proba(unnamed), plain.predict_proba(unnamed), atol=1e-12)
    assert np.abs(fitted.predict_proba(new[:30]) - plain.predict_proba(new[:30])).max() > 0.1


def test_branch_probabilities_are_not_adapted_but_the_combined_ones_are(fitted, unseen):
    X, _ = unseen
    p = fitted.branch_proba(X)
    np.testing.assert_allclose(p["combined"], fitted.predict_proba(X))
    np.testing.assert_allclose(p["voice"][:15], fitted.branch_proba(X[:15])["voice"])


def without_faces(X):
    """Return the table without every fourth face."""
    return X.assign(**X[FACE].where(X.index.to_series() % 4 > 0))


def test_clip_without_a_face_is_adapted_by_its_voice(fitted, unseen):
    X, y = unseen
    lost = without_faces(X)
    faceless = lost[FACE[0]].isna().to_numpy()
    whole, p = fitted.branch_proba(X), fitted.branch_proba(lost)["combined"].to_numpy()
    # The clips with both features are similar to it by voice.
    for speaker in X["speaker"].unique():
        rows = (X["speaker"] == speaker).to_numpy()
        voice = fitted.named_estimators_["voice"][:-1].transform(X[rows])
        face = fitted.named_estimators_["face"][:-1].transform(lost[rows])
        face[faceless[rows]] = np.nan
        alone = np.where(faceless[rows, np.newaxis], whole["voice"][rows], np.nan)
        plain = plain_copy(fitted).predict_proba(lost[rows])
        np.testing.assert_allclose(plain[faceless[rows]], alone[faceless[rows]], atol=0.1)
        expected = np.exp(adapt(np.log(plain), [voice, face], np.full(rows.sum(), "T")))
        np.testing.assert_allclose(p[rows], expected, atol=1e-9)
    assert (CLASSES[p.argmax(axis=1)] == y)[~faceless].mean() > plain_copy(fitted).score(X, y)


def plain_copy(clf):
    """Return the same fusion without adaptation."""
    plain = copy(clf)
    plain.adapts_ = False
    return plain


def test_training_clips_may_have_no_face(unseen):
    X, y = make_clips()
    clf = make_fusion().fit(without_faces(X), y)
    assert clf.adapts_
    assert clf.score(*unseen) > plain_copy(clf).score(*unseen) + 0.1


class Fussy(FunctionTransformer):
    """Returns the columns of the face, with stand-ins for clips that it reports as unusable."""

    def transform(self, X):
        bad = X["chin"] > 15
        self.failed_clips_ = pd.DataFrame({"clip_id": X["clip_id"][bad], "path": "", "reason": "odd"})
        return X[FACE].where(~bad, 0).to_numpy()


def test_clip_with_stand_in_features_is_not_compared():
    X, y = (part for part in make_clips(n_clips=60))
    X["clip_id"] = [f"c{i}" for i in range(len(X))]
    X.loc[::9, "chin"] = 20
    voice, face = make_fusion().estimators
    fussy = make_pipeline(Fussy(), *(step for _, step in face[1].steps[1:]))
    clf = LateFusionClassifier([voice, ("face", fussy, FACE)], adapt_speakers=True).fit(X, y)
    assert clf.adapts_
    new = X.assign(speaker="T" + X["speaker"])
    missing = new.assign(**new[FACE].where(new["chin"] < 15))
    np.testing.assert_allclose(clf.predict_proba(new), clf.predict_proba(missing), atol=1e-12)


@pytest.mark.parametrize(
    "steps",
    [
        [RandomOverSampler(random_state=0)],
        ["passthrough"],
        [FunctionTransformer(csr_array)],
        [StandardScaler().set_output(transform="pandas")],
    ],
    ids=["resampler", "passthrough", "sparse", "pandas"],
)
def test_branch_may_be_any_pipeline(steps, unseen):
    voice, (name, face) = make_fusion().estimators
    first, scaler, classifier = (step for _, step in face.steps)
    face = make_resampling_pipeline(first, scaler, *steps, classifier)
    clf = LateFusionClassifier([voice, (name, face)], adapt_speakers=True).fit(*make_clips())
    usual = make_fusion().fit(*make_clips())
    np.testing.assert_allclose(clf.predict_proba(unseen[0]), usual.predict_proba(unseen[0]), atol=1e-6)


def test_last_step_may_be_a_pipeline_itself(unseen):
    (name, voice), face = make_fusion().estimators
    nested = make_resampling_pipeline(RandomOverSampler(random_state=0), voice)
    clf = LateFusionClassifier([(name, nested, VOICE), face], adapt_speakers=True).fit(*make_clips())
    usual = make_fusion().fit(*make_clips())
    np.testing.assert_allclose(clf.predict_proba(unseen[0]), usual.predict_proba(unseen[0]), atol=1e-6)


class Flat(LogisticRegression):
    """Reads images, also of integers."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X.reshape(len(X), -1), y, sample_weight)

    def predict_proba(self, X):
        return super().predict_proba(X.reshape(len(X), -1))


def test_last_step_may_read_images_of_integers(unseen):
    (_, voice), (name, face) = make_fusion().estimators
    X, y = make_clips()
    images = FunctionTransformer(lambda columns: np.round(100 * columns).astype(int).reshape(-1, 2, 2))
    branch = make_pipeline(*(step for _, step in face.steps[:-1]), images, Flat(C=1e-5))
    clf = LateFusionClassifier([("voice", voice), (name, branch)], adapt_speakers=True).fit(without_faces(X), y)
    assert clf.adapts_
    assert clf.score(*unseen) > plain_copy(clf).score(*unseen) + 0.05


def test_branch_may_be_a_search(unseen):
    face = GridSearchCV(reads(FACE), {"logisticregression__C": [0.1]}, cv=3)
    searched = make_fusion().set_params(face=face).fit(*make_clips())
    usual = make_fusion().fit(*make_clips())
    assert searched.adapts_
    np.testing.assert_allclose(searched.predict_proba(unseen[0]), usual.predict_proba(unseen[0]), atol=1e-6)


@pytest.mark.parametrize("random_state", range(3))
def test_stacker_is_evaluated_by_fits_to_other_folds(random_state):
    X, y = make_clips(n_speakers=6, random_state=random_state)
    y = np.random.default_rng(random_state).permutation(y)
    clf = make_fusion(combine="stack").fit(X, y)
    # Permuted classes: .333 by chance; evaluated on the clips that it was fitted to, .5 and more.
    assert clf.inner_scores_.loc[["stack", "adapted"], "accuracy"].max() < 0.42


def test_workers_change_nothing(fitted, unseen):
    both = make_fusion(n_jobs=2).fit(*make_clips())
    pd.testing.assert_frame_equal(both.inner_scores_, fitted.inner_scores_)


def test_model_file_keeps_adaptation(fitted, unseen, tmp_path):
    save_model(fitted, tmp_path / "adapts.savee")
    X, _ = unseen
    np.testing.assert_allclose(load_model(tmp_path / "adapts.savee").predict_proba(X), fitted.predict_proba(X))


def test_inner_folds_by_clip_have_no_unseen_speaker():
    X, y = make_clips(n_clips=120)
    X["clip_id"] = [f"c{i}" for i in range(len(X))]
    clf = make_fusion(inner_groups="clip_id").fit(X, y)
    assert not clf.adapts_
    assert "adapted" not in clf.inner_scores_.index


def test_branch_without_a_last_step_is_refused():
    X, y = make_clips()
    columns = FunctionTransformer(pd.DataFrame.get, kw_args={"key": ["pitch"]})
    assert make_fusion().set_params(voice=make_pipeline(columns, LogisticRegression())).fit(X, y).speakers_
    with pytest.raises(ValueError, match=r"branch 'voice' \(LogisticRegression\) is no Pipeline"):
        LateFusionClassifier([("voice", LogisticRegression(), "pitch")], adapt_speakers=True).fit(X, y)
    alone = make_resampling_pipeline(RandomOverSampler(), LogisticRegression())
    with pytest.raises(ValueError, match="branch 'voice'"):
        LateFusionClassifier([("voice", alone, "pitch")], adapt_speakers=True).fit(X, y)


class Reader(LogisticRegression):
    """Reads the table directly."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X[VOICE], y, sample_weight)

    def predict_proba(self, X):
        return super().predict_proba(X[VOICE])


def test_branch_whose_last_step_reads_a_table_is_refused():
    X, y = make_clips()
    branch = make_pipeline(FunctionTransformer(), Reader())
    with pytest.raises(ValueError, match=r"and Reader\(\) reads no numbers"):
        LateFusionClassifier([("voice", branch, VOICE)], adapt_speakers=True).fit(X, y)


@pytest.mark.parametrize("remove", [lambda X: X.drop(columns="speaker"), lambda X: X.assign(speaker=None)])
def test_training_clips_need_their_speakers(remove):
    X, y = make_clips()
    X["clip_id"] = [f"c{i}" for i in range(len(X))]
    with pytest.raises(ValueError, match="which speakers are unseen; fill the column 'speaker'"):
        make_fusion(inner_groups="clip_id").fit(remove(X), y)
