"""Adaptation to new speakers: what like clips tell is leave-one-out ridge regression, and counts only for newcomers."""

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
from savee_mm.classifiers.late_fusion._adaptation import adapt, judge_adaptation, strangers
from savee_mm.classifiers.late_fusion._combination import InnerClips

CLASSES = np.array(["anger", "fear", "joy"])
VOICE, FACE = ["pitch", "level"], ["chin", "brow", "lip", "lid"]


def make_clips(*, n_speakers=5, n_clips=30, voice=1.0, random_state=0):
    """A clip table whose voice means the same of everybody, and whose face is each speaker's own; and its classes.

    ``voice`` is the distance of the classes' centres in deviations. The faces of a speaker's classes lie far apart,
    each speaker's elsewhere: nobody who has not met the speaker can tell which is which.
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


def make_told(n_clips=20, random_state=0):
    """Log-probabilities of clips of one speaker, and a view of them."""
    rng = np.random.default_rng(random_state)
    return log_softmax(rng.normal(size=(n_clips, 3)), axis=1), rng.normal(size=(n_clips, 5))


@pytest.fixture(scope="module")
def fitted():
    X, y = make_clips()
    return make_fusion().fit(X, y)


@pytest.fixture(scope="module")
def newcomers():
    X, y = make_clips(random_state=1)
    return X.assign(speaker="T" + X["speaker"]), y


# ---- what like clips tell


def test_it_is_ridge_regression_on_the_other_clips():
    log_p, view = make_told()
    p = softmax(log_p, axis=1)
    z = (view - view.mean(axis=0)) / view.std(axis=0)
    expected = np.empty_like(p)
    for i in range(len(p)):
        others = np.arange(len(p)) != i
        mean = p[others].mean(axis=0)
        ridge = KernelRidge(alpha=0.1, kernel="rbf", gamma=1 / 5).fit(z[others], p[others] - mean)
        expected[i] = log_p[i] + np.log(np.maximum(mean + ridge.predict(z[[i]])[0], 0.01) / mean)
    speakers = np.full(len(p), "A")
    np.testing.assert_allclose(adapt(log_p, [view], speakers), log_softmax(expected, axis=1), atol=1e-10)


def test_every_view_of_a_clip_counts_alike():
    log_p, view = make_told()
    other, speakers = make_told(random_state=1)[1], np.full(20, "A")
    first, second, both = (adapt(log_p, views, speakers) - log_p for views in ([view], [other], [view, other]))
    left = both - (first + second) / 2  # the same for all classes
    np.testing.assert_allclose(left, left[:, :1].repeat(3, axis=1), atol=1e-12)
    np.testing.assert_allclose(adapt(log_p, [view, view], speakers), adapt(log_p, [view], speakers), atol=1e-12)


def test_clips_that_are_like_none_are_told_by_themselves():
    log_p, _ = make_told(400)
    # Each with a column of its own, all else equal: after standardisation they are as far apart as can be.
    far = np.abs(adapt(log_p, [np.eye(400)], np.full(400, "A")) - log_p).max()
    near = np.abs(adapt(log_p, [make_told(400)[1]], np.full(400, "A")) - log_p).max()
    assert far < 0.05 < near


def test_order_and_other_speakers_change_nothing():
    log_p, view = make_told(40)
    speakers = np.repeat(["A", "B"], 20)
    order = np.random.default_rng(0).permutation(40)
    together = adapt(log_p, [view], speakers)
    np.testing.assert_allclose(adapt(log_p[order], [view[order]], speakers[order]), together[order], atol=1e-10)
    np.testing.assert_allclose(adapt(log_p[:20], [view[:20]], speakers[:20]), together[:20], atol=1e-10)


@pytest.mark.parametrize("unknown", [None, np.nan])
def test_few_clips_and_unknown_speakers_stay_as_they_are(unknown):
    log_p, view = make_told(30)
    few = np.array(["A"] * 15 + [unknown] * 15, dtype=object)
    np.testing.assert_array_equal(adapt(log_p, [view], few), log_p)
    enough = np.array(["A"] * 16 + [unknown] * 14, dtype=object)
    assert (np.abs(adapt(log_p, [view], enough) - log_p).max(axis=1) > 1e-6).tolist() == [True] * 16 + [False] * 14


def test_clip_without_a_view_neither_learns_nor_teaches():
    log_p, view = make_told()
    lacking = view.copy()
    lacking[3] = np.nan
    speakers, rest = np.full(20, "A"), np.arange(20) != 3
    adapted = adapt(log_p, [lacking], speakers)
    np.testing.assert_array_equal(adapted[3], log_p[3])
    np.testing.assert_allclose(adapted[rest], adapt(log_p[rest], [view[rest]], speakers[rest]), atol=1e-10)
    # What has another view is told by that one.
    np.testing.assert_allclose(
        adapt(log_p, [lacking, view], speakers)[3], adapt(log_p, [view], speakers)[3], atol=1e-10
    )


def test_clip_of_which_nothing_is_told_teaches_nothing():
    log_p, view = make_told()
    untold, rest = log_p.copy(), np.arange(20) != 3
    untold[3] = np.nan
    adapted = adapt(untold, [view], np.full(20, "A"))
    assert np.isnan(adapted[3]).all()
    np.testing.assert_allclose(adapted[rest], adapt(log_p[rest], [view[rest]], np.full(19, "A")), atol=1e-10)


def test_columns_that_do_not_differ_change_nothing():
    log_p, view = make_told()
    rounding = 1e-16 * np.random.default_rng(0).choice([-1, 0, 1], size=(20, 40))
    padded = np.hstack([view, rounding, 0.3 + rounding, np.full((20, 2), np.nan)])
    np.testing.assert_allclose(adapt(log_p, [padded], np.full(20, "A")), adapt(log_p, [view], np.full(20, "A")))
    same = adapt(log_p, [np.ones((20, 3))], np.full(20, "A"))
    np.testing.assert_allclose(np.exp(same).sum(axis=1), 1)


def test_unknown_value_is_at_the_mean():
    log_p, view = make_told()
    view[:, 0] += 5
    gap = view.copy()
    gap[3, 0] = np.nan
    filled = view.copy()
    filled[3, 0] = np.delete(view[:, 0], 3).mean()
    # The deviation of 19 values is not that of 20.
    np.testing.assert_allclose(
        adapt(log_p, [gap], np.full(20, "A")), adapt(log_p, [filled], np.full(20, "A")), atol=0.05
    )


def test_classes_that_nobody_believes_in_stay_bounded():
    log_p, view = make_told()
    sure = log_softmax(np.where(np.arange(3) == 0, 40.0, 0.0) + 0 * log_p, axis=1)
    np.testing.assert_allclose(adapt(sure, [view], np.full(20, "A")), sure, atol=1e-9)


def test_more_than_a_thousand_clips_are_dealt_out_in_turn():
    log_p, view = make_told(1001)
    whole = adapt(log_p, [view], np.full(1001, "A"))
    for part in (slice(0, None, 2), slice(1, None, 2)):
        own = adapt(log_p[part], [view[part]], np.full(len(view[part]), "A"))
        np.testing.assert_allclose(whole[part], own, atol=1e-10)
    thousand = adapt(log_p[:1000], [view[:1000]], np.full(1000, "A"))
    half = adapt(log_p[:1000:2], [view[:1000:2]], np.full(500, "A"))
    assert np.abs(thousand[::2] - half).max() > 1e-3


def make_inner(folds, weights=None, random_state=2):
    """What a single branch says of 40 clips of two speakers."""
    log_p, view = make_told(40, random_state)
    codes = np.random.default_rng(random_state).integers(0, 3, 40)
    clips = InnerClips(log_p[np.newaxis], codes, np.asarray(folds), np.ones(40) if weights is None else weights)
    views = {fold: [view[clips.folds == fold]] for fold in np.unique(folds)}
    return log_p, view, views, clips


SPEAKERS = np.repeat(["A", "B"], 20)


def test_it_is_judged_on_speakers_held_out():
    outcomes = set()
    for random_state in range(30):
        log_p, view, views, clips = make_inner(np.repeat([0, 1], 20), random_state=random_state)
        judged, helps = judge_adaptation(log_p, views, SPEAKERS, clips)
        before, after = (
            ((told.argmax(axis=1) == clips.codes).mean(), -told[np.arange(40), clips.codes].mean())
            for told in (log_p, adapt(log_p, [view], SPEAKERS))
        )
        assert judged == pytest.approx(after)
        outcome = (after[0] > before[0] - 1e-6, after[1] < before[1])
        assert helps == all(outcome)
        outcomes.add(outcome)
    assert len(outcomes) == 4


def test_speakers_in_several_folds_are_not_new():
    log_p, _, views, clips = make_inner(np.arange(40) % 2)
    assert judge_adaptation(log_p, views, np.full(40, "A"), clips) == (None, False)


def test_where_nothing_is_revised_nothing_helps():
    log_p, _, views, clips = make_inner(np.repeat([0, 1], 20))
    assert judge_adaptation(log_p, views, np.arange(40) // 10, clips) == (None, False)


def test_rounding_helps_nothing():
    for random_state in range(10):
        log_p, _, _, clips = make_inner(np.repeat([0, 1], 20), random_state=random_state)
        constant = {fold: [np.ones((20, 3))] for fold in (0, 1)}
        assert not judge_adaptation(log_p, constant, SPEAKERS, clips)[1]


def test_it_is_judged_by_clips_that_count_and_lack_nothing():
    weights = np.where(np.arange(40) % 20 == 0, 0.0, 1.0)
    log_p, view, views, clips = make_inner(np.repeat([0, 1], 20), weights)
    gaps = clips.scores.copy()
    gaps[:, 5] = np.nan
    both = clips._replace(scores=np.concatenate([clips.scores, gaps]))
    speakers = np.where(weights > 0, SPEAKERS, None)
    told = adapt(log_p, [view], speakers)
    judged_on = (weights > 0) & (np.arange(40) != 5)
    judged, _ = judge_adaptation(log_p, views, SPEAKERS, both)
    assert judged[0] == pytest.approx((told.argmax(axis=1) == clips.codes)[judged_on].mean())
    never = clips._replace(scores=np.concatenate([clips.scores, np.full_like(gaps, np.nan)]))
    assert judge_adaptation(log_p, views, SPEAKERS, never) == (None, False)


def test_clips_of_no_weight_neither_teach_nor_count():
    weights = np.where(np.arange(40) % 20 < 18, 1.0, 0)
    log_p, view, _, clips = make_inner(np.repeat([0, 1], 20), weights)
    views = {fold: [view[clips.folds == fold]] for fold in (0, 1)}
    kept = weights > 0
    fewer = {fold: [view[kept & (clips.folds == fold)]] for fold in (0, 1)}
    whole, part = (
        judge_adaptation(log_p, views, SPEAKERS, clips),
        judge_adaptation(log_p[kept], fewer, SPEAKERS[kept], clips.of(kept)),
    )
    assert whole[0] == pytest.approx(part[0])


def test_who_is_new_is_told_by_name():
    table = pd.DataFrame({"speaker": [1, "2", None, "x", np.nan]})
    assert strangers(table, ["1"]).tolist() == [None, "2", None, "x", None]
    assert strangers(table[[]], ["1"]).tolist() == [None] * 5
    # A gap turns the column into floats.
    assert strangers(pd.DataFrame({"speaker": [1, 2, np.nan]}), ["1"]).tolist() == [None, "2", None]


def test_augmented_copies_teach_nothing():
    table = pd.DataFrame({"speaker": ["x"] * 3, "augmentation": ["", None, "gain=-3.0"]})
    assert strangers(table, []).tolist() == ["x", "x", None]


# ---- in a fusion


def test_the_voice_teaches_the_face_of_a_new_speaker(fitted, newcomers):
    X, y = newcomers
    plain = make_fusion(adapt_speakers=False).fit(*make_clips())
    assert fitted.adapts_
    assert not plain.adapts_
    assert plain.speakers_ == []
    np.testing.assert_allclose(plain.predict_proba(X), plain_copy(fitted).predict_proba(X))
    assert fitted.score(X, y) > plain.score(X, y) + 0.1
    judged = fitted.inner_scores_
    assert judged.loc["adapted", "accuracy"] > judged.loc[fitted.combination_, "accuracy"] + 0.05


def test_it_is_left_off_where_faces_tell_something_else():
    X, y = make_clips(voice=3, random_state=1)
    # Every speaker's faces in another order: as clear as before, and of nothing that is asked.
    X[FACE] = X.groupby("speaker")[FACE].transform(lambda own: own.sample(frac=1, random_state=1).to_numpy())
    clf = make_fusion().fit(X, y)
    judged = clf.inner_scores_
    gain = judged.loc["adapted"] - judged.loc[clf.combination_]
    assert gain["accuracy"] < 0 or gain["log_loss"] > 0
    assert not clf.adapts_
    plain = clone(clf).set_params(adapt_speakers=False).fit(X, y)
    new = X.assign(speaker="T" + X["speaker"])
    np.testing.assert_allclose(clf.predict_proba(new), plain.predict_proba(new), atol=1e-12)


def test_who_is_known_and_who_is_alone_is_told_as_before(fitted, newcomers):
    X, y = make_clips()
    plain = make_fusion(adapt_speakers=False).fit(X, y)
    np.testing.assert_allclose(fitted.predict_proba(X), plain.predict_proba(X), atol=1e-12)
    new = newcomers[0]
    np.testing.assert_allclose(fitted.predict_proba(new[:15]), plain.predict_proba(new[:15]), atol=1e-12)
    nameless = new.drop(columns="speaker")
    np.testing.assert_allclose(fitted.predict_proba(nameless), plain.predict_proba(nameless), atol=1e-12)
    assert np.abs(fitted.predict_proba(new[:30]) - plain.predict_proba(new[:30])).max() > 0.1


def test_report_of_branches_is_not_adapted_but_combined_is(fitted, newcomers):
    X, _ = newcomers
    told = fitted.branch_proba(X)
    np.testing.assert_allclose(told["combined"], fitted.predict_proba(X))
    np.testing.assert_allclose(told["voice"][:15], fitted.branch_proba(X[:15])["voice"])


def lose_faces(X):
    """The table with every fourth face lost."""
    return X.assign(**X[FACE].where(X.index.to_series() % 4 > 0))


def test_clip_without_a_face_is_adapted_by_its_voice(fitted, newcomers):
    X, y = newcomers
    lost = lose_faces(X)
    faceless = lost[FACE[0]].isna().to_numpy()
    whole, told = fitted.branch_proba(X), fitted.branch_proba(lost)["combined"].to_numpy()
    # The others have both views, and teach it what they learnt by them through the voice alone.
    for speaker in X["speaker"].unique():
        rows = (X["speaker"] == speaker).to_numpy()
        voice = fitted.named_estimators_["voice"][:-1].transform(X[rows])
        face = fitted.named_estimators_["face"][:-1].transform(lost[rows])
        face[faceless[rows]] = np.nan
        alone = np.where(faceless[rows, np.newaxis], whole["voice"][rows], np.nan)
        plain = plain_copy(fitted).predict_proba(lost[rows])
        np.testing.assert_allclose(plain[faceless[rows]], alone[faceless[rows]], atol=0.1)
        expected = np.exp(adapt(np.log(plain), [voice, face], np.full(rows.sum(), "T")))
        np.testing.assert_allclose(told[rows], expected, atol=1e-9)
    assert (CLASSES[told.argmax(axis=1)] == y)[~faceless].mean() > plain_copy(fitted).score(X, y)


def plain_copy(clf):
    """The same fusion, which does not adapt."""
    plain = copy(clf)
    plain.adapts_ = False
    return plain


def test_training_clips_may_lack_a_face(newcomers):
    X, y = make_clips()
    clf = make_fusion().fit(lose_faces(X), y)
    assert clf.adapts_
    assert clf.score(*newcomers) > plain_copy(clf).score(*newcomers) + 0.1


class Fussy(FunctionTransformer):
    """Gives the columns of the face, and reports clips that it could not use, for which it makes something up."""

    def transform(self, X):
        bad = X["chin"] > 15
        self.report_ = pd.DataFrame({"clip_id": X["clip_id"][bad], "path": "", "reason": "odd"})
        return X[FACE].where(~bad, 0).to_numpy()


def test_clip_that_an_extractor_made_up_is_not_compared():
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
def test_branch_may_be_any_pipeline(steps, newcomers):
    voice, (name, face) = make_fusion().estimators
    first, scaler, classifier = (step for _, step in face.steps)
    face = make_resampling_pipeline(first, scaler, *steps, classifier)
    clf = LateFusionClassifier([voice, (name, face)], adapt_speakers=True).fit(*make_clips())
    usual = make_fusion().fit(*make_clips())
    np.testing.assert_allclose(clf.predict_proba(newcomers[0]), usual.predict_proba(newcomers[0]), atol=1e-6)


def test_last_step_may_be_a_pipeline_itself(newcomers):
    (name, voice), face = make_fusion().estimators
    nested = make_resampling_pipeline(RandomOverSampler(random_state=0), voice)
    clf = LateFusionClassifier([(name, nested, VOICE), face], adapt_speakers=True).fit(*make_clips())
    usual = make_fusion().fit(*make_clips())
    np.testing.assert_allclose(clf.predict_proba(newcomers[0]), usual.predict_proba(newcomers[0]), atol=1e-6)


class Flat(LogisticRegression):
    """Reads pictures, of whole numbers too."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X.reshape(len(X), -1), y, sample_weight)

    def predict_proba(self, X):
        return super().predict_proba(X.reshape(len(X), -1))


def test_last_step_may_read_pictures_of_whole_numbers(newcomers):
    (_, voice), (name, face) = make_fusion().estimators
    X, y = make_clips()
    pictures = FunctionTransformer(lambda columns: np.round(100 * columns).astype(int).reshape(-1, 2, 2))
    branch = make_pipeline(*(step for _, step in face.steps[:-1]), pictures, Flat(C=1e-5))
    clf = LateFusionClassifier([("voice", voice), (name, branch)], adapt_speakers=True).fit(lose_faces(X), y)
    assert clf.adapts_
    assert clf.score(*newcomers) > plain_copy(clf).score(*newcomers) + 0.05


def test_branch_may_be_a_search(newcomers):
    face = GridSearchCV(reads(FACE), {"logisticregression__C": [0.1]}, cv=3)
    searched = make_fusion().set_params(face=face).fit(*make_clips())
    usual = make_fusion().fit(*make_clips())
    assert searched.adapts_
    np.testing.assert_allclose(searched.predict_proba(newcomers[0]), usual.predict_proba(newcomers[0]), atol=1e-6)


@pytest.mark.parametrize("random_state", range(3))
def test_a_stacker_is_judged_by_fits_to_other_folds(random_state):
    X, y = make_clips(n_speakers=6, random_state=random_state)
    y = np.random.default_rng(random_state).permutation(y)
    clf = make_fusion(combine="stack").fit(X, y)
    # Shuffled classes: .333 by chance; judged by what it was fitted to, .5 and more.
    assert clf.inner_scores_.loc[["stack", "adapted"], "accuracy"].max() < 0.42


def test_workers_change_nothing(fitted, newcomers):
    both = make_fusion(n_jobs=2).fit(*make_clips())
    pd.testing.assert_frame_equal(both.inner_scores_, fitted.inner_scores_)


def test_a_model_file_keeps_it(fitted, newcomers, tmp_path):
    save_model(fitted, tmp_path / "adapts.savee")
    X, _ = newcomers
    np.testing.assert_allclose(load_model(tmp_path / "adapts.savee").predict_proba(X), fitted.predict_proba(X))


def test_inner_folds_by_clip_have_nobody_new():
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
    """Reads the table itself."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X[VOICE], y, sample_weight)

    def predict_proba(self, X):
        return super().predict_proba(X[VOICE])


def test_branch_whose_last_step_reads_a_table_is_refused():
    X, y = make_clips()
    branch = make_pipeline(FunctionTransformer(), Reader())
    with pytest.raises(ValueError, match=r"and Reader\(\) reads no numbers"):
        LateFusionClassifier([("voice", branch, VOICE)], adapt_speakers=True).fit(X, y)


@pytest.mark.parametrize("lose", [lambda X: X.drop(columns="speaker"), lambda X: X.assign(speaker=None)])
def test_training_clips_need_their_speakers(lose):
    X, y = make_clips()
    X["clip_id"] = [f"c{i}" for i in range(len(X))]
    with pytest.raises(ValueError, match="has to know who is new; fill the column 'speaker'"):
        make_fusion(inner_groups="clip_id").fit(lose(X), y)
