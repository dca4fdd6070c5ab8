"""Missing modalities: silence, black frames, and their reasons."""

import numpy as np
import pytest

from savee_mm._missing import DARK, SILENT, is_dark, is_missing, is_silent, missing_reason
from savee_mm.media import read_audio, read_frames

STEP = 1 / 2**15  # of 16-bit samples


@pytest.mark.parametrize("offset", [0, 0.03, -0.5])
def test_constant_is_silent(offset):
    assert is_silent(np.full(1000, offset, np.float32))


def test_dithered_silence_is_silent():
    rng = np.random.default_rng(0)
    triangular = rng.uniform(-1, 1, 16000) / 2 + rng.uniform(-1, 1, 16000) / 2  # within one step
    assert is_silent(STEP * np.rint(triangular))


@pytest.mark.parametrize("n_samples", [0, 1])
def test_shortest_arrays_are_silent(n_samples):
    assert is_silent(np.ones(n_samples))


def test_quiet_noise_is_not_silent():
    assert not is_silent(np.random.default_rng(0).normal(scale=10 * STEP, size=1000))


def test_single_click_is_not_silent():
    y = np.zeros(16000)
    y[8000] = 0.01
    assert not is_silent(y)


def test_quiet_real_recordings_are_not_silent(shared):
    paths = sorted((shared / "data/ravdess/Actor_01").glob("*.flac"))
    assert paths
    for path in paths:
        assert not is_silent(read_audio(path)[0])


@pytest.mark.parametrize(("level", "dark"), [(0, True), (16, True), (17, False), (255, False)])
def test_frames_are_dark_up_to_a_level(level, dark):
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    frames[1, 4, 4, 2] = level
    assert is_dark(frames) is dark


def test_real_frames_are_not_dark(shared):
    assert not is_dark(read_frames(shared / "data/clips/no_face.mp4", 3)[0])


@pytest.mark.parametrize("reason", [SILENT, DARK, missing_reason("audio", "no audio stream")])
def test_reason_is_recognized(reason):
    assert is_missing(reason)


@pytest.mark.parametrize("reason", ["no face found by 'yunet' in any of 6 frames", "missing weights", ""])
def test_other_reasons_are_not_missing_modalities(reason):
    assert not is_missing(reason)
