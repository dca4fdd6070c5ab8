"""Patches of YAMNet: agreement with the published front end."""

import numpy as np
import pytest

from savee_mm.signal.yamnet_frontend import YAMNET_SR, yamnet_patches


@pytest.mark.parametrize(
    ("n_samples", "n_patches"), [(0, 1), (1, 1), (15600, 1), (15601, 2), (23280, 2), (23281, 3), (64000, 8)]
)
def test_last_patch_is_padded(n_samples, n_patches):
    patches = yamnet_patches(np.ones(n_samples))
    assert patches.shape == (n_patches, 96, 64)
    assert patches.dtype == np.float32


def test_patches_overlap_by_half():
    patches = yamnet_patches(np.random.default_rng(0).normal(size=40000))
    np.testing.assert_array_equal(patches[:-1, 48:], patches[1:, :48])


def test_silence_is_the_offset():
    np.testing.assert_allclose(yamnet_patches(np.zeros(16000)), np.log(0.001), rtol=1e-6)


def test_a_tone_is_in_the_band_of_its_frequency(tone):
    # 64 triangles, evenly spaced in mel = 1127 ln(1 + f / 700) from 125 to 7500 Hz.
    lowest, highest, f = 1127 * np.log1p(np.array([125, 7500, 1000]) / 700)
    expected = round((f - lowest) / (highest - lowest) * 65) - 1
    patches = yamnet_patches(tone(f0=1000, sr=YAMNET_SR, seconds=0.975))
    assert set(patches[0].argmax(axis=1)) == {expected}


def test_ten_times_the_amplitude_adds_the_logarithm_of_ten():
    y = np.random.default_rng(0).normal(size=16000)
    np.testing.assert_allclose(yamnet_patches(100 * y)[0] - yamnet_patches(10 * y)[0], np.log(10), atol=1e-3)


def test_patches_are_independent_of_earlier_sound():
    y = np.random.default_rng(0).normal(size=20 * 7680 + 15600)
    whole = yamnet_patches(y)
    # Rounding errors of a matrix product depend on the position in the block.
    np.testing.assert_allclose(whole[13], yamnet_patches(y[13 * 7680 :])[0], atol=1e-5)


def test_agreement_with_tensorflow():
    tf = pytest.importorskip("tensorflow")
    y = np.random.default_rng(0).normal(scale=0.1, size=15600).astype(np.float32)
    y[5000:9000] *= 1e-4
    mel = tf.signal.linear_to_mel_weight_matrix(64, 257, 16000, 125.0, 7500.0)
    expected = tf.math.log(tf.abs(tf.signal.stft(y, 400, 160)) @ mel + 0.001)
    # float32; TensorFlow computes the filters in float32 too.
    np.testing.assert_allclose(yamnet_patches(y)[0], expected, atol=5e-4)


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="one channel"):
        yamnet_patches(np.zeros((2, 16000)))
