"""Invariances and fixed filters of the video network."""

import keras
import numpy as np
import pytest

from savee_mm.networks import Regularization, build_convlstm


@pytest.fixture(scope="module")
def model(build):
    return build("convlstm")


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(0).random((2, 3, 16, 16, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def fixed_kernels(model):
    """Kernels of the oriented gradients and of the block norm."""
    fixed = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D) and not layer.trainable]
    return [keras.ops.convert_to_numpy(layer.kernel) for layer in fixed]


def test_brightness_and_contrast_of_a_clip_do_not_matter(model, frames):
    # The lower bound of the deviation (1e-3; the deviation is .3) leaves a small effect of the contrast.
    np.testing.assert_allclose(model(frames), model(0.5 * frames + 0.3), atol=2e-3)


def test_channels_are_averaged(model, frames):
    np.testing.assert_allclose(model(frames), model(frames[..., ::-1]), atol=1e-5)


def test_gradient_of_a_flat_image_is_zero(fixed_kernels):
    np.testing.assert_allclose(fixed_kernels[0].sum(axis=(0, 1, 2)), 0, atol=1e-6)


def test_gradient_of_a_ramp_is_its_slope(fixed_kernels):
    slopes, ramp = fixed_kernels[0], np.arange(3.0)
    np.testing.assert_allclose(ramp @ slopes[:, :, 0, 0].sum(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(ramp @ slopes[:, :, 0, 2].sum(axis=1), 1, atol=1e-6)


def test_block_norm_is_a_mean(fixed_kernels):
    np.testing.assert_allclose(fixed_kernels[1].sum(), 1, atol=1e-6)


def test_fixed_filters_are_saved_with_the_network(model, frames, tmp_path):
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    np.testing.assert_array_equal(again(frames), model(frames))


@pytest.mark.parametrize("image", [(16, 16, 3), (64, 48, 1), (50, 70, 3), (5, 9, 1)])
def test_frames_of_any_size(image):
    model = build_convlstm((2, *image), 3, n_filters=2, n_units=None, rules=Regularization())
    frames = np.random.default_rng(0).random((2, 2, *image)).astype(np.float32)
    assert np.isfinite(model(frames)).all()
