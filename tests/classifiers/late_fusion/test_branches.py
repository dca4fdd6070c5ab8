"""Branches of a late fusion: clips that their extractors cannot use, and files that hold nothing."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import ClipError, ClipWarning, LateFusionClassifier, SpeakerNormalizer
from savee_mm._missing import SILENT, is_silent
from savee_mm.features._tabular import TabularTransformer
from savee_mm.media import read_audio

UNUSABLE = [3, 20]


class Levels(TabularTransformer):
    """Rate of zero crossings and level of a sound; silence is a missing modality."""

    def __init__(self, on_error="raise"):
        self.on_error = on_error
        self.cache, self.n_jobs, self.verbose = "memory", None, False

    def _kernel(self):
        return partial(measure_levels)

    def _output_columns(self):
        return [("crossings", "1"), ("level", "1")]


def measure_levels(path):
    y, _ = read_audio(path)
    if is_silent(y):
        raise ClipError(SILENT)
    return np.array([np.mean(y[1:] * y[:-1] < 0), np.std(y)], np.float32)


@pytest.fixture
def clips(tmp_path, tone):
    """Return the table of 24 clips with a tone and a smile, and their classes."""
    rng, y = np.random.default_rng(0), np.tile(["anger", "fear", "joy"], 8)
    codes = np.unique(y, return_inverse=True)[1]
    table = pd.DataFrame({"smile": codes + rng.normal(size=24), "speaker": np.repeat(["A", "B"], 12)})
    table["clip_id"] = [f"clip{i:03}" for i in range(24)]
    table["audio"] = [str(tmp_path / f"{name}.wav") for name in table["clip_id"]]
    for path, f0 in zip(table["audio"], 150 + 40 * codes + np.arange(24), strict=True):
        soundfile.write(path, tone(f0=f0, seconds=0.3), 22050)
    return table, y


@pytest.fixture
def silent(clips):
    """Return the clips, of which two are silent, and the classes."""
    table, y = clips
    for path in table["audio"][UNUSABLE]:
        soundfile.write(path, np.zeros(6615), 22050)
    return table, y


@pytest.fixture
def unreadable(clips):
    """Return the clips, of which two have no readable audio, and the classes."""
    table, y = clips
    for path in table["audio"][UNUSABLE]:
        Path(path).write_bytes(b"no sound")
    return table, y


def make_fusion(on_error="raise"):
    voice = make_pipeline(Levels(on_error), StandardScaler(), LogisticRegression())
    face = make_pipeline(make_column_transformer(("passthrough", ["smile"])), LogisticRegression())
    return LateFusionClassifier([("voice", voice), ("face", face)], combine="weights")


def fit_usable(clf, clips):
    X, y = clips
    usable = X.drop(index=UNUSABLE)
    return clf.fit(usable, y[usable.index])


def assert_fitted_to_usable(clf, clips):
    """Assert that the voice was fitted to the usable clips only."""
    X, y = clips
    usable = X.drop(index=UNUSABLE)
    expected = clone(clf.estimators[0][1]).fit(usable, y[usable.index])
    np.testing.assert_allclose(clf.named_estimators_["voice"].predict_proba(usable), expected.predict_proba(usable))


def assert_predicted_by_face(proba):
    """Assert that the unusable clips, and no others, were predicted by the face alone."""
    assert proba["voice"].isna().all(axis=1).to_numpy().nonzero()[0].tolist() == UNUSABLE
    np.testing.assert_allclose(proba["combined"].loc[UNUSABLE], proba["face"].loc[UNUSABLE])


# ---- clips that an extractor cannot use


def test_filled_training_clip_is_left_out(unreadable):
    clf = make_fusion("fill")
    with pytest.warns(ClipWarning, match="2 of 24 clips could not be used"):
        clf.fit(*unreadable)
    assert_fitted_to_usable(clf, unreadable)


def test_filled_clip_is_predicted_by_the_other_branch(unreadable):
    clf = fit_usable(make_fusion("fill"), unreadable)
    with pytest.warns(ClipWarning, match="2 of 24 clips could not be used"):
        assert_predicted_by_face(clf.branch_proba(unreadable[0]))


def test_error_of_an_extractor_is_raised_in_fit(unreadable):
    with pytest.raises(ClipError, match="clip003"):
        make_fusion().fit(*unreadable)


def test_error_of_an_extractor_is_raised_in_predict(unreadable):
    clf = fit_usable(make_fusion(), unreadable)
    with pytest.raises(ClipError, match="clip003"):
        clf.predict(unreadable[0])


def test_training_clip_that_no_branch_can_use_is_named(unreadable):
    X, y = unreadable
    X.loc[3, "smile"] = np.nan
    with pytest.warns(ClipWarning), pytest.raises(ClipError, match="clip 'clip003': no branch has anything"):
        make_fusion("fill").fit(X, y)


# ---- files that hold nothing

SILENCE = r"2 of 24 clips are missing for branch 'voice'; .* First: clip 'clip003' \(.*\): missing audio: .* silent"


@pytest.mark.parametrize("on_error", ["raise", "fill"])
def test_silent_training_clip_is_left_out(silent, on_error):
    clf = make_fusion(on_error)
    with pytest.warns(ClipWarning, match=SILENCE):
        clf.fit(*silent)
    assert_fitted_to_usable(clf, silent)


@pytest.mark.parametrize("on_error", ["raise", "fill"])
def test_silent_clip_is_predicted_by_the_other_branch(silent, on_error):
    clf = fit_usable(make_fusion(on_error), silent)
    with pytest.warns(ClipWarning, match=SILENCE):
        assert_predicted_by_face(clf.branch_proba(silent[0]))


def test_silent_clips_are_listed(silent):
    clf = make_fusion()
    for call in (clf.fit, lambda X, y: clf.predict(X)):
        with pytest.warns(ClipWarning, match=SILENCE):
            call(*silent)
        failed = clf.failed_clips_
        assert failed[["branch", "clip_id"]].to_numpy().tolist() == [["voice", "clip003"], ["voice", "clip020"]]
        assert failed["path"].tolist() == silent[0]["audio"][UNUSABLE].tolist()
        assert (failed["reason"] == SILENT).all()


def test_silent_clip_does_not_change_the_others(silent):
    X, _ = silent
    clf = make_fusion()
    voice = make_pipeline(SpeakerNormalizer(Levels()), LogisticRegression())
    fit_usable(clf.set_params(voice=voice), silent)
    unseen = X.assign(speaker="T" + X["speaker"])
    with pytest.warns(ClipWarning, match=SILENCE):
        p = clf.predict_proba(unseen)
    usable = unseen.drop(index=UNUSABLE)
    np.testing.assert_allclose(p[usable.index], clf.predict_proba(usable))


def test_silent_clip_without_another_modality_is_refused(silent):
    X, _ = silent
    clf = fit_usable(make_fusion(), silent)
    X.loc[20, "smile"] = np.nan
    with pytest.raises(ClipError, match="clip 'clip020': no branch has anything to read in it"):
        clf.predict(X)


def test_branch_of_silent_clips_only_is_warned_of(silent):
    X, _ = silent
    clf = fit_usable(make_fusion(), silent)
    with pytest.warns(ClipWarning, match="2 of 2 clips are missing for branch 'voice': missing audio: .* silent"):
        clf.predict(X.loc[UNUSABLE])


def test_a_fusion_may_be_a_branch(silent):
    inner, (_, face) = make_fusion(), make_fusion().estimators[1]
    outer = fit_usable(LateFusionClassifier([("both", inner, []), ("face", face)], combine="best"), silent)
    with pytest.warns(ClipWarning, match=SILENCE):
        proba = outer.branch_proba(silent[0])
    assert not proba["both"].isna().any(axis=None)
