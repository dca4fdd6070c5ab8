"""Frame energy and RMS: agreement with librosa, the gain law, and the edges of a sound."""

import librosa
import numpy as np
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm.signal import rms, short_time_energy

FRAMINGS = [(2048, 512), (2048, 2048), (1024, 160), (401, 100), (512, 700), (7, 3), (1, 1)]


def noise(n_samples, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(n_samples).astype(dtype)


@pytest.mark.parametrize(("frame_length", "hop_length"), FRAMINGS)
@pytest.mark.parametrize("n_samples", [1, 100, 2048, 22051])
def test_rms_agrees_with_librosa(n_samples, frame_length, hop_length):
    y = noise(n_samples)
    ours = rms(y, frame_length=frame_length, hop_length=hop_length)
    theirs = librosa.feature.rms(y=y, frame_length=frame_length, hop_length=hop_length)[0]
    # librosa sums squares in single precision.
    assert_allclose(ours, theirs, rtol=1e-5)


def test_rms_agrees_with_librosa_on_speech(shared):
    y, _ = sf.read(shared / "data/savee_chimera/AudioData/KL/a01.flac", dtype="float32")
    theirs = librosa.feature.rms(y=y)[0]
    # The promise to users: within 1e-4 of its range; single precision does far better.
    assert_allclose(rms(y), theirs, rtol=0, atol=1e-6 * np.ptp(theirs))


@pytest.mark.parametrize(("frame_length", "hop_length"), FRAMINGS)
def test_mean_square_of_each_padded_frame(frame_length, hop_length):
    y = noise(5000, dtype=np.float64)
    half = frame_length // 2
    padded = np.concatenate([np.zeros(half), y, np.zeros(half)])
    starts = range(0, len(padded) - frame_length + 1, hop_length)
    expected = [np.mean(padded[s : s + frame_length] ** 2) for s in starts]
    energy = short_time_energy(y, frame_length=frame_length, hop_length=hop_length)
    assert_allclose(energy, expected, rtol=1e-12)


def test_tone_has_half_its_squared_amplitude():
    y = 0.4 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    # 2048 samples are 128 whole periods of 1 kHz, so the mean is exact away from the padded ends.
    assert_allclose(short_time_energy(y)[2:-2], 0.08, rtol=1e-12)
    assert_allclose(rms(y)[2:-2], 0.4 / np.sqrt(2), rtol=1e-12)


@pytest.mark.parametrize("gain", [2.0**-20, 0.5, 8.0])
def test_energy_grows_with_the_square_of_the_gain(gain):
    y = noise(20000)
    # Powers of two change no digit.
    assert_array_equal(short_time_energy(np.float32(gain) * y), gain**2 * short_time_energy(y))
    assert_array_equal(rms(np.float32(gain) * y), gain * rms(y))


def test_polarity_does_not_matter():
    y = noise(20000)
    assert_array_equal(short_time_energy(-y), short_time_energy(y))


def test_constant_has_its_square_away_from_the_padded_ends():
    energy = short_time_energy(np.full(20000, -0.25))
    assert_array_equal(energy[2:-3], 0.0625)
    assert energy[0] == 0.0625 / 2


def test_quiet_after_loud_is_exact():
    # A running sum of squares would lose the quiet half under the rounding of the loud one.
    loud, quiet = 1e3 * noise(20000, seed=1, dtype=np.float64), 1e-8 * noise(20000, seed=2, dtype=np.float64)
    after_loud = short_time_energy(np.concatenate([loud, np.zeros(480), quiet]))
    alone = short_time_energy(np.concatenate([np.zeros(20480), quiet]))
    assert_allclose(after_loud[45:], alone[45:], rtol=1e-12)
    silent = short_time_energy(np.concatenate([loud, np.zeros(20000)]))
    assert_array_equal(silent[44:], 0)


@pytest.mark.parametrize("n_samples", [0, 1, 30, 1323])
def test_short_sounds_and_silence(n_samples):
    energy = short_time_energy(np.zeros(n_samples, dtype=np.float32))
    assert_array_equal(energy, np.zeros(1 + n_samples // 512))
    assert np.isfinite(rms(noise(n_samples))).all()


def test_frames_follow_the_hop():
    click = np.zeros(8192)
    click[3 * 512] = 1
    # Frame t holds the samples from 512 t - 1024 up to, not including, 512 t + 1024.
    assert_array_equal(np.flatnonzero(short_time_energy(click)), [2, 3, 4, 5])


def test_input_is_left_alone():
    y = noise(5000, dtype=np.float64)
    before = y.copy()
    y.flags.writeable = False
    short_time_energy(y)
    rms(y)
    assert_array_equal(y, before)


@pytest.mark.parametrize("kernel", [rms, short_time_energy])
def test_bad_input_is_refused(kernel):
    with pytest.raises(ValueError, match="one channel"):
        kernel(np.zeros((100, 2)))
    with pytest.raises(ValueError, match="real numbers"):
        kernel(np.zeros(100, dtype=complex))
    with pytest.raises(ValueError, match="1 sample or more"):
        kernel(np.zeros(100), hop_length=0)
    with pytest.raises(ValueError, match="1 sample or more"):
        kernel(np.zeros(100), frame_length=0)
