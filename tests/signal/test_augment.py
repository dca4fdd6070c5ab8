"""Noise, gain, equalization and polarity: levels in dB, invariances, bad input."""

import numpy as np
import pytest

from savee_mm.signal import add_noise, apply_gain, equalize, invert_polarity

KERNELS = [
    lambda y: add_noise(y, 10, seed=0),
    lambda y: apply_gain(y, 6),
    invert_polarity,
    lambda y: equalize(y, 22050, 6, seed=0),
]
ids = ["add_noise", "apply_gain", "invert_polarity", "equalize"]


def decibels(numerator, denominator):
    """Return the ratio of two mean squares (dB)."""
    return 10 * np.log10(np.mean(np.square(numerator, dtype=float)) / np.mean(np.square(denominator, dtype=float)))


@pytest.mark.parametrize("snr", [-10, 0, 18.5, 40])
@pytest.mark.parametrize("amplitude", [1e-3, 0.5])
def test_noise_has_the_given_ratio(tone, snr, amplitude):
    y = tone(amplitude=amplitude).astype(np.float32)
    # Four standard deviations: the relative one of the mean square of n Gaussian samples is sqrt(2 / n).
    tolerance = 4 * 10 / np.log(10) * np.sqrt(2 / len(y))
    assert decibels(y, add_noise(y, snr, seed=1) - y) == pytest.approx(snr, abs=tolerance)


def test_noise_is_white_and_gaussian(tone):
    y = tone(seconds=4)
    noise = add_noise(y, 0, seed=2) - y
    standard = (noise - noise.mean()) / noise.std()
    # Standard errors of the third and fourth moments are sqrt(6 / n) and sqrt(24 / n), of a correlation 1 / sqrt(n).
    assert abs(np.mean(standard**3)) < 4 * np.sqrt(6 / len(y))
    assert abs(np.mean(standard**4) - 3) < 4 * np.sqrt(24 / len(y))
    assert abs(np.mean(standard[1:] * standard[:-1])) < 4 / np.sqrt(len(y))


def test_noise_depends_on_the_seed_and_not_on_global_state(tone):
    before = np.random.get_state()  # noqa: NPY002
    first, second, other = (add_noise(tone(), 10, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    np.testing.assert_equal(np.random.get_state(), before)  # noqa: NPY002


def test_silence_stays_silence():
    assert not add_noise(np.zeros(1000), -20, seed=0).any()


@pytest.mark.parametrize("gain", [-40, -6, 0, 3.25])
def test_gain_is_in_decibels(tone, gain):
    assert decibels(apply_gain(tone(), gain), tone()) == pytest.approx(gain, abs=1e-5)


def test_equalizer_changes_bands_but_not_the_level(tone):
    y = np.random.default_rng(0).normal(scale=0.1, size=22050)
    coloured = equalize(y, 22050, 6, seed=1)
    assert decibels(coloured, y) == pytest.approx(0, abs=1e-5)
    bands = [np.abs(np.fft.rfft(sound)).reshape(-1)[:11000].reshape(11, -1) for sound in (coloured, y)]
    gains = [decibels(*pair) for pair in zip(*bands, strict=True)]
    assert max(gains) - min(gains) > 3


def test_equalizer_does_not_change_a_sound_without_depth_or_a_tone(tone):
    # Whole periods in 1 s: a single line in the spectrum, whose gain is compensated by that of the level.
    y = tone(f0=200.0)
    np.testing.assert_allclose(equalize(y, 22050, 0, seed=0), y, atol=1e-6)
    np.testing.assert_allclose(equalize(y, 22050, 12, seed=0), y, atol=1e-5)


def test_polarity_twice_is_identity(tone):
    y = tone().astype(np.float32)
    np.testing.assert_array_equal(invert_polarity(y), -y)
    np.testing.assert_array_equal(invert_polarity(invert_polarity(y)), y)


@pytest.mark.parametrize("kernel", KERNELS, ids=ids)
@pytest.mark.parametrize("y", [np.zeros(0), np.ones(1), np.full(50, -0.25), np.zeros(50)])
def test_result_has_the_same_length_and_the_input_is_not_changed(kernel, y):
    before = y.copy()
    out = kernel(y)
    assert out.shape == y.shape
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize("kernel", KERNELS, ids=ids)
@pytest.mark.parametrize("y", [np.zeros((2, 10)), np.array([0.1, np.nan]), np.array([np.inf, 0]), np.array([1e200])])
def test_bad_sound_is_refused(kernel, y):
    with pytest.raises(ValueError, match="expected a"):
        kernel(y)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1000, "10", None, True])
def test_decibels_out_of_range_are_refused(tone, value):
    with pytest.raises(ValueError, match=r"snr_db must be a number from -200.0 to 200.0, got"):
        add_noise(tone(), value, seed=0)
    with pytest.raises(ValueError, match=r"gain must be a number"):
        apply_gain(tone(), value)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, None])
def test_seed_out_of_range_is_refused(tone, seed):
    with pytest.raises(ValueError, match="seed must be a whole number from 0 to 4294967295, got"):
        add_noise(tone(), 10, seed=seed)
