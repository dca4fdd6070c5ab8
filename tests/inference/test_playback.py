"""Recordings for browsers: playable ones are copied, others converted on the same clock."""

import base64

import numpy as np
import pytest
import soundfile

from savee_mm import ClipError, read_audio, read_frames
from savee_mm.inference.playback import data_url, is_playable, write_playable


def test_avi_becomes_mp4_with_the_same_sound_and_frames(corpus, tmp_path):
    source = corpus.data["video"].iloc[0]
    assert not is_playable(source)
    copy = write_playable(source, tmp_path / "talk.media")
    assert copy == tmp_path / "talk.media.mp4"
    assert is_playable(copy)
    (before, times), (after, new_times) = read_frames(source, 4), read_frames(copy, 4)
    np.testing.assert_allclose(new_times, times, atol=1e-3)
    assert np.abs(after.astype(float) - before).mean() < 5
    (before, sr), (after, _) = read_audio(source), read_audio(copy, 22050)
    n = min(len(before), len(after))
    assert sr == 22050
    assert np.corrcoef(before[:n], after[:n])[0, 1] > 0.98


def test_playable_files_are_copied(corpus, tmp_path):
    source = corpus.data["audio"].iloc[0]
    copy = write_playable(source, tmp_path / "talk")
    assert copy.name == "talk.wav"
    with open(source, "rb") as file:
        assert copy.read_bytes() == file.read()
    kind, _, content = data_url(copy).partition(",")
    assert kind == "data:audio/wav;base64"
    assert base64.b64decode(content) == copy.read_bytes()


def test_sound_of_another_format_becomes_aac(tmp_path, tone):
    soundfile.write(tmp_path / "tone.aiff", tone(220.0, 1.0, 16000), 16000)
    assert write_playable(tmp_path / "tone.aiff", tmp_path / "copy").name == "copy.m4a"
    y, _ = read_audio(tmp_path / "copy.m4a", 16000)
    assert np.abs(np.fft.rfft(y[:16000])).argmax() == pytest.approx(220, abs=1)


def test_large_recordings_are_not_embedded(tmp_path):
    with open(tmp_path / "long.mp4", "wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(ClipError, match=r"200 MB are too many .* leave embed out"):
        data_url(tmp_path / "long.mp4")
