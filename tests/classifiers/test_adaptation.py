"""Adaptation to new speakers: what like clips tell is leave-one-out ridge regression, and counts only for strangers."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from savee_mm import LateFusionClassifier, load_model, save_model
from savee_mm.classifiers._adaptation import adapt, adapt_inner

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
def strangers():
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
        told = np.maximum(mean + ridge.predict(z[[i]])[0], 0.01)
        expected[i] = log_p[i] + 0.5 * np.log(told / told.sum() / mean)
    speakers = np.full(len(p), "A")
    np.testing.assert_allclose(adapt(log_p, [view], speakers), log_softmax(expected, axis=1), atol=1e-10)


def test_views_add_up():
    log_p, view = make_told()
    other, speakers = make_told(random_state=1)[1], np.full(20, "A")
    first, second, both = (adapt(log_p, views, speakers) - log_p for views in ([view], [other], [view, other]))
    gain = both - first - second
    np.testing.assert_allclose(gain, gain[:, :1].repeat(3, axis=1), atol=1e-12)


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
    log_p, view = make_told()
    few = np.array(["A"] * 7 + [unknown] * 13, dtype=object)
    np.testing.assert_allclose(adapt(log_p, [view], few), log_p, atol=1e-12)
    enough = np.array(["A"] * 8 + [unknown] * 12, dtype=object)
    assert (np.abs(adapt(log_p, [view], enough) - log_p).max(axis=1) > 1e-6).tolist() == [True] * 8 + [False] * 12


def test_clip_without_a_view_neither_learns_nor_teaches():
    log_p, view = make_told()
    lacking = view.copy()
    lacking[3] = np.nan
    speakers, rest = np.full(20, "A"), np.arange(20) != 3
    adapted = adapt(log_p, [lacking], speakers)
    np.testing.assert_allclose(adapted[3], log_p[3], atol=1e-12)
    np.testing.assert_allclose(adapted[rest], adapt(log_p[rest], [view[rest]], speakers[rest]), atol=1e-10)


def test_equal_clips_do_not_break_it():
    log_p, _ = make_told()
    same = adapt(log_p, [np.ones((20, 3))], np.full(20, "A"))
    assert np.isfinite(same).all()
    np.testing.assert_allclose(np.exp(same).sum(axis=1), 1)


def test_speakers_in_several_folds_are_not_new():
    log_p, view = make_told()
    folds = np.arange(20) % 2
    views = {fold: [view[folds == fold]] for fold in (0, 1)}
    assert adapt_inner(log_p, views, np.full(20, "A"), folds) is None
    by_fold = adapt_inner(log_p, views, np.where(folds, "A", "B"), folds)
    np.testing.assert_allclose(by_fold[folds == 0], adapt(log_p[folds == 0], views[0], np.full(10, "A")))


# ---- in a fusion


def test_the_voice_teaches_the_face_of_a_new_speaker(fitted, strangers):
    X, y = strangers
    plain = make_fusion(adapt_speakers=False).fit(*make_clips())
    assert fitted.adapts_
    assert not plain.adapts_
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


def test_who_is_known_and_who_is_alone_is_told_as_before(fitted, strangers):
    X, y = make_clips()
    plain = make_fusion(adapt_speakers=False).fit(X, y)
    np.testing.assert_allclose(fitted.predict_proba(X), plain.predict_proba(X), atol=1e-12)
    new = strangers[0]
    np.testing.assert_allclose(fitted.predict_proba(new[:7]), plain.predict_proba(new[:7]), atol=1e-12)
    nameless = new.drop(columns="speaker")
    np.testing.assert_allclose(fitted.predict_proba(nameless), plain.predict_proba(nameless), atol=1e-12)
    assert np.abs(fitted.predict_proba(new[:30]) - plain.predict_proba(new[:30])).max() > 0.1


def test_report_of_branches_is_not_adapted_but_combined_is(fitted, strangers):
    X, _ = strangers
    told = fitted.branch_proba(X)
    np.testing.assert_allclose(told["combined"], fitted.predict_proba(X))
    np.testing.assert_allclose(told["voice"][:7], fitted.branch_proba(X[:7])["voice"])


def test_clip_without_a_face_is_adapted_by_its_voice(fitted, strangers):
    X, y = strangers
    lost = X.copy()
    lost.loc[lost.index % 3 == 0, FACE] = np.nan
    assert np.isfinite(fitted.predict_proba(lost)).all()
    assert (fitted.predict(lost) == y)[lost[FACE[0]].isna()].mean() > 0.5
    np.testing.assert_allclose(
        fitted.predict_proba(lost.drop(columns=FACE)), fitted.predict_proba(X.drop(columns=FACE)), atol=1e-12
    )


def test_branch_may_be_a_search(strangers):
    X, y = make_clips()
    clf = make_fusion()
    face = GridSearchCV(reads(FACE), {"logisticregression__C": [0.1, 1]}, cv=3)
    searched = clone(clf).set_params(face=face).fit(X, y)
    assert searched.score(*strangers) > 0.7


def test_a_model_file_keeps_it(fitted, strangers, tmp_path):
    save_model(fitted, tmp_path / "adapts.savee")
    X, _ = strangers
    np.testing.assert_allclose(load_model(tmp_path / "adapts.savee").predict_proba(X), fitted.predict_proba(X))


def test_inner_folds_by_clip_have_nobody_new():
    X, y = make_clips()
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


@pytest.mark.parametrize("lose", [lambda X: X.drop(columns="speaker"), lambda X: X.assign(speaker=None)])
def test_training_clips_need_their_speakers(lose):
    X, y = make_clips()
    X["clip_id"] = [f"c{i}" for i in range(len(X))]
    with pytest.raises(ValueError, match="has to know who is new; fill the column 'speaker'"):
        make_fusion(inner_groups="clip_id").fit(lose(X), y)
