"""Energy, envelope, zero crossings and Teager energy: definitions, properties, agreement with librosa, edges."""

import librosa
import numpy as np
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm.signal import (
    amplitude_envelope,
    mean_teager_energy,
    rms,
    short_time_energy,
    teager_energy,
    zero_crossing_rate,
)

FRAMINGS = [(2048, 512), (2048, 2048), (1024, 160), (401, 100), (512, 700), (7, 3), (1, 1)]


def noise(n_samples, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(n_samples).astype(dtype)


@pytest.mark.parametrize(("frame_length", "hop_length"), FRAMINGS)
@pytest.mark.parametrize("n_samples", [1, 100, 2048, 22051])
def test_rms_agrees_with_librosa(n_samples, frame_length, hop_length):
    y = noise(n_samples)
    ours = rms(y, frame_length=frame_length, hop_length=hop_length)
    theirs = librosa.feature.rms(y=y, frame_length=frame_length, hop_length=hop_length)[0]
    # librosa sums squares in float32.
    assert_allclose(ours, theirs, rtol=1e-5)


def test_rms_agrees_with_librosa_on_speech(shared):
    y, _ = sf.read(shared / "data/savee_chimera/AudioData/KL/a01.flac", dtype="float32")
    theirs = librosa.feature.rms(y=y)[0]
    # Relative to the range.
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
    # Multiplication by a power of two is exact.
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
    # In a running sum of squares the quiet half would be lost in rounding errors.
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


def test_input_is_not_changed():
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


def test_envelope_is_the_largest_absolute_value():
    y = np.random.default_rng(0).standard_normal(9000).astype(np.float32)
    envelope = amplitude_envelope(y, frame_length=512, hop_length=256)
    padded = np.abs(np.pad(y, 256))
    assert_array_equal(envelope, [padded[start : start + 512].max() for start in range(0, 9001, 256)])


@pytest.mark.parametrize("f0", [100, 440, 3000])
def test_crossings_of_a_tone_are_twice_its_frequency(tone, f0):
    rate = zero_crossing_rate(tone(f0, sr=16000))[3:-3]
    # A frame of 128 ms may have one crossing more or less.
    assert_allclose(rate * 16000 / 2, f0, atol=16000 / 2048)


def test_zero_counts_as_positive():
    assert zero_crossing_rate(np.tile([0.0, 1.0], 100), frame_length=64, hop_length=32).max() == 0
    # 63 neighbours in a frame of 64.
    assert zero_crossing_rate(np.tile([0.0, -1.0], 100), frame_length=64, hop_length=32)[3] == pytest.approx(63 / 64)


def test_padding_is_no_crossing():
    assert_array_equal(zero_crossing_rate(np.full(5000, -0.5)), 0)


@pytest.mark.parametrize(("amplitude", "omega"), [(0.5, 0.02), (0.1, 0.3), (0.9, 2.0)])
def test_teager_energy_of_a_sinusoid(amplitude, omega):
    y = amplitude * np.sin(omega * np.arange(16384) + 0.4)
    # For the lowest frequency, the difference of products that are 2500 times larger, from float32 samples.
    assert_allclose(mean_teager_energy(y)[3:-3], amplitude**2 * np.sin(omega) ** 2, rtol=1e-4)


def test_frames_without_overlap_sum_to_the_total_energy():
    y = np.random.default_rng(0).standard_normal(4096).astype(np.float32)
    # Frames without overlap or gaps, including the half frames at both ends.
    total = mean_teager_energy(y, frame_length=256, hop_length=256).sum(dtype=np.float64) * 256
    assert total == pytest.approx(teager_energy(y).sum(), rel=1e-6)


@pytest.mark.parametrize("kernel", [amplitude_envelope, zero_crossing_rate, mean_teager_energy])
@pytest.mark.parametrize("n_samples", [0, 1, 2, 3, 100])
def test_short_sounds(kernel, n_samples):
    contour = kernel(np.ones(n_samples), frame_length=64, hop_length=32)
    assert contour.shape == (1 + n_samples // 32,)
    assert np.isfinite(contour).all()
    assert_array_equal(contour, float(n_samples > 0) if kernel is amplitude_envelope else 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("amplitude", "omega"), [(1.0, 0.5), (0.3, 0.01), (1e-3, 2.5)])
def test_sinusoid_has_its_energy_at_every_sample(amplitude, omega, dtype):
    y = (amplitude * np.sin(omega * np.arange(3000) + 0.7)).astype(dtype)
    psi = teager_energy(y)
    expected = amplitude**2 * np.sin(omega) ** 2
    # Rounding errors of the samples, relative to the squared amplitude.
    assert_allclose(psi, expected, atol=4 * amplitude**2 * np.finfo(dtype).eps, rtol=1e-9)


def test_definition_on_random_samples():
    y = np.random.default_rng(0).standard_normal(50)
    expected = [y[n] ** 2 - y[n - 1] * y[n + 1] for n in range(1, 49)]
    assert_allclose(teager_energy(y), expected, rtol=1e-12, atol=1e-14)


def test_single_precision_samples_are_multiplied_in_double():
    # For a slow sinusoid the products agree except for the last digits of float32.
    y = np.sin(0.002 * np.arange(5000)).astype(np.float32)
    assert_array_equal(teager_energy(y), teager_energy(y.astype(np.float64)))


@pytest.mark.parametrize("growth", [0.9, 1.0, 1.1])
def test_constant_and_exponential_have_no_teager_energy(growth):
    y = 0.5 * growth ** np.arange(40)
    # Two equal products with rounding errors.
    assert_allclose(teager_energy(y), 0, atol=2 * np.finfo(float).eps * y.max() ** 2)


def test_teager_energy_depends_on_the_squared_gain():
    y = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
    psi = teager_energy(y)
    assert_array_equal(teager_energy(-y), psi)
    # Multiplication by a power of two is exact.
    assert_array_equal(teager_energy(4 * y), 16 * psi)


def test_time_reversal_reverses_teager_energy():
    y = np.random.default_rng(2).standard_normal(1000)
    assert_array_equal(teager_energy(y[::-1]), teager_energy(y)[::-1])


@pytest.mark.parametrize(("n_samples", "n_psi"), [(0, 0), (1, 0), (2, 0), (3, 1), (100, 98)])
def test_length_of_teager_energy(n_samples, n_psi):
    assert_array_equal(teager_energy(np.zeros(n_samples)), np.zeros(n_psi))


def test_integers_do_not_overflow():
    assert_array_equal(teager_energy(np.array([0, 30000, 0], dtype=np.int16)), [9e8])


def test_input_of_teager_energy_is_not_changed():
    y = np.random.default_rng(3).standard_normal(100)
    before = y.copy()
    y.flags.writeable = False
    teager_energy(y)
    assert_array_equal(y, before)


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match=r"one channel.*\(2, 100\)"):
        teager_energy(np.zeros((2, 100)))
