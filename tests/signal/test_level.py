"""normalize_rms: effects of filter and gain on tones, in dB."""

import numpy as np
import pytest

from savee_mm.signal import normalize_rms

SR = 16000


def decibels(y):
    return 10 * np.log10(np.mean(np.square(y, dtype=np.float64)))


def attenuation(f0):
    """Return the gain (dB) of a second-order Butterworth high-pass at 60 Hz: power times 1 / (1 + (60 / f)^4)."""
    return -10 * np.log10(1 + (60 / f0) ** 4)


@pytest.mark.parametrize("amplitude", [1, 0.5, 1e-3])
def test_level_of_a_sine_is_its_amplitude_over_the_root_of_two(tone, amplitude):
    _, level = normalize_rms(tone(1000, 2, SR, amplitude), SR)
    assert level == pytest.approx(20 * np.log10(amplitude) - 10 * np.log10(2), abs=0.01)


@pytest.mark.parametrize("f0", [20, 60, 200, 1000])
def test_rumble_is_removed_and_voice_passes(tone, f0):
    _, level = normalize_rms(tone(f0, 5, SR, np.sqrt(2)), SR)
    # The transient of the filter is short compared with five seconds.
    assert level == pytest.approx(attenuation(f0), abs=0.1)


def test_voice_of_a_mixture_remains(tone):
    levelled, _ = normalize_rms(tone(200, 2, SR) + tone(20, 2, SR), SR)
    spectrum = np.abs(np.fft.rfft(levelled)) ** 2
    assert 10 * np.log10(spectrum[40] / spectrum[400]) == pytest.approx(attenuation(20) - attenuation(200), abs=0.2)


@pytest.mark.parametrize("rms", [None, 0.05, 0.2])
@pytest.mark.parametrize("seconds", [0.001, 0.1, 2])
def test_result_has_the_given_level(tone, rms, seconds):
    y = tone(200, seconds, SR, 0.3) + 0.01 * np.random.default_rng(0).normal(size=round(seconds * SR))
    levelled, _ = normalize_rms(y, SR) if rms is None else normalize_rms(y, SR, rms=rms)
    assert levelled.dtype == np.float32
    assert levelled.shape == y.shape
    assert decibels(levelled) == pytest.approx(20 * np.log10(rms or 0.05), abs=1e-5)


@pytest.mark.parametrize("offset", [0.03, -0.4])
def test_offset_does_not_matter(tone, offset):
    y = tone(200, 1, SR, 0.1)
    (plain, level), (moved, level_moved) = normalize_rms(y, SR), normalize_rms(y + offset, SR)
    # The sound has full scale at 0.05; the rest is rounding.
    np.testing.assert_allclose(moved, plain, atol=1e-7)
    assert level_moved == pytest.approx(level)
    assert abs(moved.mean()) < 1e-4


@pytest.mark.parametrize("gain", [0.01, 30])
def test_gain_is_in_the_level_and_does_not_change_the_sound(gain):
    y = 0.01 * np.random.default_rng(0).normal(size=SR)
    (plain, level), (other, level_other) = normalize_rms(y, SR), normalize_rms(gain * y, SR)
    np.testing.assert_allclose(other, plain, rtol=1e-6)
    assert level_other - level == pytest.approx(20 * np.log10(gain))


def test_level_and_sound_restore_the_recording(tone):
    y = tone(500, 1, SR, 0.2)
    levelled, level = normalize_rms(y, SR)
    assert decibels(levelled * 10 ** (level / 20) / 0.05) == pytest.approx(level, abs=1e-5)
    # The tone is far above the cutoff frequency of the filter.
    assert normalize_rms(levelled, SR)[1] == pytest.approx(20 * np.log10(0.05), abs=0.01)


def test_integers_are_not_scaled():
    y = np.random.default_rng(0).integers(-1000, 1000, 500).astype(np.int16)
    np.testing.assert_array_equal(normalize_rms(y, SR)[0], normalize_rms(y.astype(float), SR)[0])


def test_input_is_not_changed(tone):
    y = tone() + 0.1
    copy = y.copy()
    normalize_rms(y, 22050)
    np.testing.assert_array_equal(y, copy)


@pytest.mark.parametrize(
    "y",
    [np.zeros(1000), np.full(1000, 0.1), np.full(1000, -1 / 3, np.float32), np.array([0.7]), np.array([])],
    ids=["silence", "constant", "constant float32", "one sample", "empty"],
)
def test_silence_stays_silence_and_has_the_given_level(y):
    levelled, level = normalize_rms(y, SR, rms=0.1)
    assert levelled.dtype == np.float32
    np.testing.assert_array_equal(levelled, np.zeros(len(y)))
    assert level == pytest.approx(-20)


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match=r"expected a sound of shape \(n_samples,\), got \(2, 100\)"):
        normalize_rms(np.zeros((2, 100)), SR)
