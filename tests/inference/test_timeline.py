"""Timelines: a window is predicted as a clip of its own, pauses are blank, and nothing is cached."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.svm import SVC

from savee_mm import (
    ClipError,
    ClipWarning,
    EmotionTimeline,
    Segment,
    WindowPrediction,
    predict_file,
    read_audio,
    read_frames,
)
from savee_mm.inference.files import without_cache

SR = 16000  # of the recording
PAUSE = (4.0, 8.0)  # of the recording (s)


@pytest.fixture(scope="module")
def table(voice, recording):
    return EmotionTimeline(voice, window=2, hop=1).predict(recording)


def test_table_has_a_row_for_each_window(table, corpus):
    assert table.columns.tolist() == ["start", "end", "emotion", "confidence", "note", *corpus.target_names]
    assert table["start"].tolist() == list(range(11))
    np.testing.assert_allclose(table["end"] - table["start"], 2)


def test_pauses_are_blank_and_the_rest_sums_to_one(table, corpus):
    shares = table[corpus.target_names]
    silent = (table["start"] >= PAUSE[0]) & (table["end"] <= PAUSE[1])
    assert silent.sum() == 3
    assert (table["note"] == "pause").tolist() == silent.tolist()
    assert shares[silent].isna().all(axis=None)
    assert table["emotion"][silent].tolist() == [None] * 3
    np.testing.assert_allclose(shares[~silent].sum(axis=1), 1)
    assert table["emotion"][~silent].tolist() == shares[~silent].idxmax(axis=1).tolist()
    np.testing.assert_allclose(table["confidence"][~silent], shares[~silent].max(axis=1))


def test_window_of_sound_is_predicted_as_that_clip(voice, recording, table, tmp_path):
    y, _ = read_audio(recording)
    soundfile.write(tmp_path / "cut.wav", y[SR : 3 * SR], SR, subtype="FLOAT")
    expected = predict_file(voice, tmp_path / "cut.wav")
    np.testing.assert_allclose(table.loc[1, expected.index].to_numpy(float), expected, atol=1e-6)


def test_windows_have_the_clock_of_segments_where_a_modality_starts_later(voice, face, late):
    modality, path = late
    for model, reads in ((voice, "audio"), (face, "video")):
        table = EmotionTimeline(model, window=2, hop=2, min_voice=0).predict(path)
        n_windows = 5 if reads == modality else 4
        assert table["start"].tolist() == [0, 2, 4, 6, 8][:n_windows]
        assert table["end"].iloc[-1] == pytest.approx(9.5 if reads == modality else 8, abs=0.11)
        for row in (1, 2):
            expected = predict_file(model, Segment(str(path), 2 * row, 2 * row + 2))
            np.testing.assert_allclose(table.loc[row, expected.index].to_numpy(float), expected, atol=1e-5)


def test_windows_before_a_late_modality_are_blank(voice, face, late):
    modality, path = late
    model = {"audio": voice, "video": face}[modality]
    table = EmotionTimeline(model, window=0.5, hop=0.5, min_voice=0).predict(path)
    assert table["note"].iloc[:3].str.contains("none in this window").all()
    assert (table["note"].iloc[3:6] == "").all()


def test_face_model_needs_no_sound(face, corpus, tmp_path, write_video):
    frames, _ = read_frames(corpus.data["video"].iloc[1], 30)
    write_video(tmp_path / "mute.avi", list(frames))
    table = EmotionTimeline(face, window=2, hop=1).predict(tmp_path / "mute.avi")
    assert table["note"].tolist() == ["", ""]
    np.testing.assert_allclose(table[corpus.target_names].sum(axis=1), 1)


def test_windows_without_a_face_are_blank_with_a_note(face, tmp_path, write_video):
    write_video(tmp_path / "wall.avi", [np.full((64, 64, 3), 90, np.uint8)] * 20)
    table = EmotionTimeline(face, window=1, hop=1).predict(tmp_path / "wall.avi")
    assert table["confidence"].isna().all()
    assert table["note"].str.startswith("no face found").all()


def test_fusion_predicts_without_a_missing_modality(both, face, recording, corpus, tmp_path):
    soundfile.write(tmp_path / "voice.wav", read_audio(recording)[0][: 3 * SR], SR)
    table = EmotionTimeline(both, window=3).predict(tmp_path / "voice.wav")
    assert table["note"].tolist() == ["without its video: no video stream (the file has: audio)"]
    np.testing.assert_allclose(table[corpus.target_names].sum(axis=1), 1)
    with pytest.raises(ClipError, match=r"voice\.wav.*no video stream"):
        EmotionTimeline(face).predict(tmp_path / "voice.wav")


@pytest.fixture(scope="module")
def muted(corpus, tmp_path_factory, write_video):
    """A talking face of 3 s with a silent audio track."""
    frames, _ = read_frames(corpus.data["video"].iloc[1], 30)
    path = tmp_path_factory.mktemp("muted") / "muted.avi"
    write_video(path, list(frames), np.zeros(3 * SR))
    return path


def test_fusion_predicts_a_muted_video_from_the_face(both, face, muted, corpus):
    table = EmotionTimeline(both, window=2, hop=1).predict(muted)
    assert table["note"].str.startswith("without its audio: the recording is silent").all()
    np.testing.assert_allclose(table[corpus.target_names].sum(axis=1), 1)


def test_muted_file_is_predicted_from_the_face(both, face, muted, corpus):
    with pytest.warns(ClipWarning, match=r"muted\.avi.*predicted without its audio: the recording is silent"):
        p = predict_file(both, muted)
    table = pd.DataFrame({"video": [str(muted)], "clip_id": ["muted"]})
    with pytest.warns(ClipWarning, match="missing for branch 'voice'"):
        expected = both.predict_proba(table)[0]
    np.testing.assert_allclose(p[both.classes_], expected)


def test_file_without_sound_and_face_is_refused_with_both_reasons(both, tmp_path, write_video):
    write_video(tmp_path / "nothing.avi", [np.zeros((64, 64, 3), np.uint8)] * 20, np.zeros(2 * SR))
    with pytest.raises(ClipError, match=r"nothing\.avi\): without its audio: the recording is silent.*; "):
        predict_file(both, tmp_path / "nothing.avi")


def test_voice_model_refuses_a_silent_recording(voice, muted, tmp_path):
    for predict in (partial(predict_file, voice), EmotionTimeline(voice).predict):
        with pytest.raises(ClipError, match=r"muted\.avi.*the recording is silent"):
            predict(muted)
    soundfile.write(tmp_path / "constant.wav", np.full(2 * SR, 0.03), SR)
    with pytest.raises(ClipError, match=r"constant\.wav.*the recording is silent"):
        EmotionTimeline(voice).predict(tmp_path / "constant.wav")


def test_silence_before_the_first_sound_is_a_pause(voice, recording, tmp_path):
    y = np.concatenate([np.zeros(3 * SR), read_audio(recording)[0][: 3 * SR]])
    soundfile.write(tmp_path / "late.wav", y, SR)
    table = EmotionTimeline(voice, window=1).predict(tmp_path / "late.wav")
    assert table["note"].tolist() == ["pause"] * 3 + [""] * 3


def test_silent_windows_are_blank_with_min_voice_0(voice, recording):
    table = EmotionTimeline(voice, window=1, min_voice=0).predict(recording)
    silent = (table["start"] >= PAUSE[0]) & (table["end"] <= PAUSE[1])
    assert silent.sum() == 4
    assert table["note"][silent].str.contains("the recording is silent").all()
    assert table["confidence"].isna().tolist() == silent.tolist()


def test_fusion_reads_sound_and_frames(both, recording, corpus):
    table = EmotionTimeline(both, window=4, hop=4, min_voice=0).predict(recording)
    assert len(table) == 3
    np.testing.assert_allclose(table[corpus.target_names].sum(axis=1), 1)


def test_low_confidence_names_no_emotion_and_has_a_note(voice, recording):
    table = EmotionTimeline(voice, window=2, hop=2, min_confidence=1.0).predict(recording)
    spoken = table["confidence"].notna()
    assert spoken.any()
    assert table["emotion"].tolist() == [None] * len(table)
    assert table["note"][spoken].str.contains(r"^unsure: \w+ 0\.\d+ is below 1$").all()


def test_windows_come_one_by_one(voice, recording):
    windows = EmotionTimeline(voice, window=2, hop=1).windows(recording)
    first = next(windows)
    assert isinstance(first, WindowPrediction)
    assert (first.start, first.end) == (0, 2)
    assert first.delay > 0
    windows.close()


def test_windows_are_not_cached(voice):
    assert without_cache(voice)[0].cache is None
    assert voice[0].cache == "memory"
    assert without_cache(voice)[-1].coef_ is voice[-1].coef_


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, r"expects window \(seconds\) to be a number above 0, got 0"),
        ({"hop": float("nan")}, "expects hop"),
        ({"window": 1, "hop": 2}, "with a longer hop than window"),
        ({"fps": 0}, "frames per second"),
        ({"min_voice": -1}, "of 0 or more"),
        ({"min_confidence": 1.5}, "to be 1 at most"),
    ],
)
def test_settings_out_of_range_are_refused(voice, recording, settings, message):
    with pytest.raises(ValueError, match=message):
        EmotionTimeline(voice, **settings).predict(recording)


def test_model_without_probabilities_is_refused(recording):
    with pytest.raises(TypeError, match="EmotionTimeline needs a classifier with predict_proba"):
        EmotionTimeline(SVC()).predict(recording)


def test_missing_file_is_named(voice):
    with pytest.raises(ClipError, match=r"nowhere\.wav.*no such file"):
        EmotionTimeline(voice).predict("nowhere.wav")
