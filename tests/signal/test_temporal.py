"""Envelope, zero crossings and Teager energy per frame, by hand and by definition."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm.signal import amplitude_envelope, teager_energy, teo, zcr


def test_envelope_is_the_largest_absolute_value():
    y = np.random.default_rng(0).standard_normal(9000).astype(np.float32)
    envelope = amplitude_envelope(y, frame_length=512, hop_length=256)
    padded = np.abs(np.pad(y, 256))
    assert_array_equal(envelope, [padded[start : start + 512].max() for start in range(0, 9001, 256)])


@pytest.mark.parametrize("f0", [100, 440, 3000])
def test_crossings_of_a_tone_are_twice_its_frequency(tone, f0):
    rate = zcr(tone(f0, sr=16000))[3:-3]
    # A frame of 128 ms may hold one crossing more or less.
    assert_allclose(rate * 16000 / 2, f0, atol=16000 / 2048)


def test_zero_counts_as_positive():
    assert zcr(np.tile([0.0, 1.0], 100), frame_length=64, hop_length=32).max() == 0
    # 63 neighbours in a frame of 64.
    assert zcr(np.tile([0.0, -1.0], 100), frame_length=64, hop_length=32)[3] == pytest.approx(63 / 64)


def test_padding_is_no_crossing():
    assert_array_equal(zcr(np.full(5000, -0.5)), 0)


@pytest.mark.parametrize(("amplitude", "omega"), [(0.5, 0.02), (0.1, 0.3), (0.9, 2.0)])
def test_teager_energy_of_a_sinusoid(amplitude, omega):
    y = amplitude * np.sin(omega * np.arange(16384) + 0.4)
    # The lowest is a difference of products 2500 times as large, of samples rounded to single precision.
    assert_allclose(teo(y)[3:-3], amplitude**2 * np.sin(omega) ** 2, rtol=1e-4)


def test_frames_share_out_the_samples_energy():
    y = np.random.default_rng(0).standard_normal(4096).astype(np.float32)
    # Frames that neither overlap nor leave gaps, but for the halves at the ends: all there is, once.
    total = teo(y, frame_length=256, hop_length=256).sum(dtype=np.float64) * 256
    assert total == pytest.approx(teager_energy(y).sum(), rel=1e-6)


@pytest.mark.parametrize("kernel", [amplitude_envelope, zcr, teo])
@pytest.mark.parametrize("n_samples", [0, 1, 2, 3, 100])
def test_short_sounds(kernel, n_samples):
    contour = kernel(np.ones(n_samples), frame_length=64, hop_length=32)
    assert contour.shape == (1 + n_samples // 32,)
    assert np.isfinite(contour).all()
    assert_array_equal(contour, float(n_samples > 0) if kernel is amplitude_envelope else 0)
