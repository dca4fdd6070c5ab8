"""Real files: each is predicted, or refused by name with the reason."""

import numpy as np
import pytest

from savee_mm import ClipError, ClipWarning, EmotionTimeline, predict_file

TALKING = ["bbaf2n.mpg", "lrwp9a.mpg", "swiz3n.mpg", "ravdess_01-01-01-01-01-01-01.mp4"]
WITH_SOUND = [*TALKING, "speech.wav", "no_face.mp4", "face_noface.mov"]
WITH_A_FACE = [*TALKING, "single_face.mp4", "face_noface.mov", "single_face.jpg", "multi_face.jpg"]


pytestmark = pytest.mark.slow


@pytest.fixture
def clips(shared):
    return shared / "data/clips"


def assert_distribution(probabilities, model):
    assert sorted(probabilities.index) == sorted(model.classes_)
    assert (probabilities >= 0).all()
    assert probabilities.sum() == pytest.approx(1)


@pytest.mark.parametrize("name", WITH_SOUND)
def test_voice(voice, clips, name):
    assert_distribution(predict_file(voice, clips / name), voice)


@pytest.mark.parametrize("name", ["single_face.jpg", "no-face.jpg"])
def test_no_sound_is_refused_by_name(voice, clips, name):
    with pytest.raises(ClipError, match=rf"{name}.*no audio stream"):
        predict_file(voice, clips / name)


@pytest.mark.parametrize("name", WITH_A_FACE)
def test_face(face, clips, name):
    assert_distribution(predict_file(face, clips / name), face)


@pytest.mark.parametrize(("name", "what"), [("no-face.jpg", "no face found"), ("speech.wav", "no video stream")])
def test_no_face_is_refused_by_name(face, clips, name, what):
    with pytest.raises(ClipError, match=rf"{name}.*{what}"):
        predict_file(face, clips / name)


@pytest.mark.parametrize("name", TALKING)
def test_both(both, clips, name):
    assert_distribution(predict_file(both, clips / name), both)


@pytest.mark.parametrize(
    ("name", "what"), [("speech.wav", "video: no video stream"), ("single_face.jpg", "audio: no audio stream")]
)
def test_late_fusion_predicts_without_a_missing_modality_and_warns(both, clips, name, what):
    with pytest.warns(ClipWarning, match=rf"{name}.*predicted without its {what}"):
        assert_distribution(predict_file(both, clips / name), both)


def test_neither_face_nor_sound_is_refused(both, clips):
    with pytest.raises(ClipError, match=r"no-face\.jpg"):
        predict_file(both, clips / "no-face.jpg")


@pytest.mark.parametrize("name", TALKING)
def test_timeline(both, clips, name):
    table = EmotionTimeline(both, window=1.5, hop=1).predict(clips / name)
    known = table["confidence"].notna()
    assert known.any()
    np.testing.assert_allclose(table.loc[known, list(both.classes_)].sum(axis=1), 1)


def test_timeline_of_a_face_that_leaves(face, clips):
    table = EmotionTimeline(face, window=1, hop=1).predict(clips / "face_noface.mov")
    assert table["confidence"].notna().iloc[0]
    assert table["note"].iloc[-1].startswith("no face found")


def test_noise_without_a_voice_is_a_pause_from_start_to_end(voice, clips):
    table = EmotionTimeline(voice, window=1).predict(clips / "single_face.mp4")
    assert set(table["note"]) == {"pause"}
