"""Amplitude, power and dB spectrograms."""

import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm.signal import amplitude_spectrogram, db_spectrogram, power_spectrogram


@pytest.fixture(scope="module")
def noise():
    return 0.1 * np.random.default_rng(0).standard_normal(22050)


def test_power_is_the_square_of_amplitude(noise):
    assert_allclose(power_spectrogram(noise), amplitude_spectrogram(noise) ** 2, rtol=1e-6)


@pytest.mark.parametrize(("n_fft", "hop_length"), [(2048, 512), (512, 128), (400, 160), (401, 100)])
def test_amplitude_agrees_with_librosa(noise, n_fft, hop_length):
    theirs = np.abs(librosa.stft(noise, n_fft=n_fft, hop_length=hop_length))
    ours = amplitude_spectrogram(noise, n_fft=n_fft, hop_length=hop_length)
    # float32 transforms.
    assert_allclose(ours, theirs, rtol=0, atol=1e-6 * theirs.max())


def test_level_is_relative_to_the_maximum(noise):
    level = db_spectrogram(noise)
    theirs = librosa.amplitude_to_db(np.abs(librosa.stft(noise)), ref=np.max)
    assert_allclose(level, theirs, atol=80e-4)
    assert level.max() == 0
    assert_allclose(db_spectrogram(8 * noise), level, atol=1e-5)


def test_level_is_limited_to_80_db_below_the_maximum(tone):
    assert db_spectrogram(np.r_[tone(1000), np.zeros(22050)]).min() == pytest.approx(-80, abs=1e-5)


def test_level_of_silence_is_zero():
    assert_array_equal(db_spectrogram(np.zeros(5000)), 0)
