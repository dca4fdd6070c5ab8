"""Spectral descriptors by definition on tones, noise, silence and constants."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm.signal import (
    alpha_ratio,
    band_energy_ratio,
    hammarberg_index,
    loudness,
    power_spectrogram,
    spectral_bandwidth,
    spectral_centroid,
    spectral_contrast,
    spectral_flatness,
    spectral_flux,
    spectral_slope,
)

SR = 16000
# Frames without padding: of 2048 samples every 512, the two outer ones on each side have padding.
INNER = slice(3, -3)


def white(seconds=1.0, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * SR))


@pytest.mark.parametrize("f0", [300, 1000, 5000])
def test_centroid_of_a_tone_is_its_frequency(tone, f0):
    # Within a tenth of a bin (7.8 Hz): the side lobes of the window are not symmetric about the tone.
    assert_allclose(spectral_centroid(tone(f0, sr=SR), SR)[INNER], f0, atol=0.8)


def test_centroid_and_bandwidth_of_two_equal_tones(tone):
    y = tone(1000, sr=SR) + tone(3000, sr=SR)
    assert_allclose(spectral_centroid(y, SR)[INNER], 2000, atol=1)
    # Two equal weights 1000 Hz from their mean, apart from side lobes.
    assert_allclose(spectral_bandwidth(y, SR)[INNER], 1000, rtol=0.01)


def test_white_noise_fills_the_spectrum_evenly():
    centroid, bandwidth = (np.mean(kernel(white(), SR)) for kernel in (spectral_centroid, spectral_bandwidth))
    # Uniform density from 0 to 8 kHz; the standard error of 32 frames of 1025 bins is half a per cent.
    assert centroid == pytest.approx(SR / 4, rel=0.02)
    assert bandwidth == pytest.approx(SR / 2 / np.sqrt(12), rel=0.02)


def test_flatness_of_white_noise_and_of_a_tone(tone):
    # The power of Gaussian noise has an exponential distribution: geometric mean exp(-0.5772) of the mean.
    assert spectral_flatness(white()).mean() == pytest.approx(np.exp(-np.euler_gamma), rel=0.02)
    assert spectral_flatness(tone(1000, sr=SR))[INNER].max() < 1e-3


@pytest.mark.parametrize("n_fft", [16, 2048, 4096])
def test_flatness_is_the_ratio_of_means(n_fft):
    power = np.maximum(power_spectrogram(white(), n_fft=n_fft), 1e-10).astype(np.float64)
    expected = np.exp(np.log(power).mean(axis=0)) / power.mean(axis=0)
    assert_allclose(spectral_flatness(white(), n_fft=n_fft), expected, rtol=1e-4)  # power in float32


def test_flux_is_zero_where_nothing_changes():
    assert_array_equal(spectral_flux(np.zeros(SR)), 0)
    constant = spectral_flux(np.full(SR, 0.5))
    # All frames without padding are equal.
    assert constant[1] > 0.1
    assert_allclose(constant[INNER], 0, atol=1e-6)


def test_flux_rises_where_a_tone_begins(tone):
    y = np.r_[np.zeros(SR), tone(1000, sr=SR)]
    assert abs(int(spectral_flux(y)[:-3].argmax()) - SR // 512) <= 2


def test_first_frame_has_no_flux():
    assert spectral_flux(white())[0] == 0


@pytest.mark.parametrize("n_fft", [64, 2048, 16384])
def test_contrast_is_peak_over_valley_by_sorting(n_fft):
    """The highest band by sorting, with one, few and many values in the quantile."""
    amplitude = np.sqrt(power_spectrogram(white(), n_fft=n_fft).astype(np.float64))
    # From the bin below 6.4 kHz on.
    band = np.sort(amplitude[6400 * n_fft // SR :], axis=0)
    n = max(1, round(0.02 * len(band)))
    expected = 10 * np.log10(band[-n:].mean(axis=0) / band[:n].mean(axis=0))
    # Relative errors of small float32 values of 257 are up to a thousandth.
    assert_allclose(spectral_contrast(white(), SR, n_fft=n_fft)[-1], expected, atol=0.01)


def test_contrast_of_equal_values_is_zero():
    # The spectrum of a click is flat: all values are equal.
    click = np.zeros(4096)
    click[2048] = 1
    assert_allclose(spectral_contrast(click, SR)[:, 4], 0, atol=1e-4)
    assert_array_equal(spectral_contrast(np.zeros(SR), SR), 0)


@pytest.mark.parametrize(("sr", "n_bands"), [(8000, 6), (12800, 6), (16000, 7)])
def test_band_above_half_the_rate_has_no_contrast(sr, n_bands):
    contrast = spectral_contrast(white(), sr)
    assert contrast.shape[0] == 7
    assert (contrast[:n_bands] > 1).all()
    assert_array_equal(contrast[n_bands:], 0)


def test_band_energy_ratio_of_two_tones(tone):
    y = tone(500, sr=SR, amplitude=0.4) + tone(4000, sr=SR, amplitude=0.2)
    assert_allclose(band_energy_ratio(y, SR)[INNER], 4, rtol=1e-3)
    assert_allclose(band_energy_ratio(y, SR, split_frequency=6000)[INNER], 1e6)
    assert_allclose(band_energy_ratio(y, SR, split_frequency=200)[INNER], 0, atol=1e-3)
    assert_array_equal(band_energy_ratio(np.zeros(SR), SR), 0)


@pytest.mark.parametrize(("low", "high", "kernel"), [(500, 3000, alpha_ratio), (1500, 4000, hammarberg_index)])
def test_ratios_of_bands_are_levels(tone, low, high, kernel):
    y = tone(low, sr=SR, amplitude=0.5) + tone(high, sr=SR, amplitude=0.05)
    # A factor of 10 in amplitude; the peak of a tone between two bins is up to 1.4 dB lower.
    assert_allclose(kernel(y, SR)[INNER], 20, atol=1.5)
    assert_array_equal(kernel(np.zeros(SR), SR), 0)


def test_slope_of_a_sloping_spectrum():
    n = 8 * SR
    frequency = np.fft.rfftfreq(n, 1 / SR)
    level = np.where(frequency < 500, -0.04 * frequency, -20 - 0.01 * (frequency - 500))
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(n)) * 10 ** (level / 20)
    slopes = spectral_slope(np.fft.irfft(spectrum), SR)
    assert slopes.shape == (2, 1 + n // 512)
    # Mean of 251 frames; the standard deviation of one frame is about .005 and .001 dB/Hz.
    assert_allclose(slopes.mean(axis=1), [-0.04, -0.01], atol=1e-3)
    assert_allclose(spectral_slope(np.zeros(SR), SR), 0, atol=1e-5)


def test_loudness_follows_the_power_law_and_the_equal_loudness_curve(tone):
    loud, soft = (loudness(tone(1000, sr=SR, amplitude=a), SR)[INNER] for a in (0.4, 0.1))
    assert_allclose(loud / soft, 4**0.6, rtol=1e-5)
    deep = loudness(tone(60, sr=SR, amplitude=0.4), SR)[INNER]
    assert (deep < 0.5 * loud).all()
    assert_array_equal(loudness(np.zeros(SR), SR), 0)


def test_loudness_hardly_depends_on_the_analysis(tone):
    y = tone(1000, sr=SR, seconds=3)
    values = [loudness(y, SR, n_fft=n_fft)[20:-20].mean() for n_fft in (1024, 2048, 4096)]
    values.append(loudness(tone(1000, sr=48000, seconds=3), 48000, n_fft=6144)[20:-20].mean())
    # Longer windows spread a tone over fewer neighbouring bands.
    assert np.ptp(values) < 0.25 * max(values)
