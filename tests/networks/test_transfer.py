"""Backbones: preparation of images, weights from files, and the cut between the frozen and the trained part."""

import h5py
import keras
import numpy as np
import pytest

from savee_mm._weights import LocalWeights, identify_weights
from savee_mm.networks import Regularization
from savee_mm.networks.transfer import Backbone, build_transfer, frozen_features, prepare_images

# Number of convolutions and of filters of the five blocks of VGG16.
VGG16 = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def plain_vgg16(path):
    """VGG16 built layer by layer from the same file, with global average pooling."""
    images = keras.Input((32, 32, 3))
    x, weights = images, []
    with h5py.File(path) as file:
        for block, (n_layers, filters) in enumerate(VGG16, start=1):
            for i in range(1, n_layers + 1):
                x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
                weights += [file[f"block{block}_conv{i}/block{block}_conv{i}_{kind}_1:0"][:] for kind in "Wb"]
            x = keras.layers.MaxPooling2D()(x)
        model = keras.Model(images, keras.layers.GlobalAveragePooling2D()(x))
    model.set_weights(weights)
    return model


def test_images_are_scaled_to_bytes_and_resized_to_squares():
    image = np.linspace(-3, 3, 12, dtype=np.float32).reshape(1, 3, 4, 1)
    squares = prepare_images(image, 32)
    assert squares.shape == (1, 32, 32, 3)
    assert (squares.min(), squares.max()) == (0, 255)
    np.testing.assert_array_equal(squares[..., 0], squares[..., 2])
    np.testing.assert_allclose(squares, prepare_images(10 * image + 7, 32), atol=1e-3)


def test_constant_image_becomes_zeros():
    assert not prepare_images(np.full((1, 8, 8, 3), 4, np.float32), 32).any()


def test_resizing_smooths():
    # Only the mean remains of lines that are too fine for the square.
    lines = np.zeros((1, 40, 320, 1), np.float32)
    lines[:, :, ::2] = 1
    np.testing.assert_allclose(prepare_images(lines, 32)[:, :, 2:-2], 127.5, atol=3)


def test_colours_keep_their_channels():
    image = np.zeros((1, 32, 32, 3), np.float32)
    image[..., 1] = 1
    np.testing.assert_allclose(prepare_images(image, 32)[0, 5, 5], [0, 255, 0])


def test_file_of_keras_is_loaded(vgg16_file):
    images = np.random.default_rng(0).random((3, 32, 32, 3)).astype(np.float32)
    features = frozen_features(Backbone("vgg16", 32, identify_weights(vgg16_file)), images)
    inputs = keras.applications.vgg16.preprocess_input(prepare_images(images, 32).copy())
    np.testing.assert_allclose(features, plain_vgg16(vgg16_file)(inputs), rtol=1e-4, atol=1e-4)


def test_arrays_in_an_npz_file_are_loaded(vgg16_file, tmp_path):
    names = [f"block{block}_conv{i}" for block, (n, _) in enumerate(VGG16, start=1) for i in range(1, n + 1)]
    with h5py.File(vgg16_file) as file:
        kinds = (("W", "kernel"), ("b", "bias"))
        arrays = {f"{n}/{kind}": file[f"{n}/{n}_{letter}_1:0"][:] for n in names for letter, kind in kinds}
    np.savez(tmp_path / "vgg16.npz", **arrays)
    images = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32)
    paths = vgg16_file, tmp_path / "vgg16.npz"
    by_keras, by_arrays = (frozen_features(Backbone("vgg16", 32, identify_weights(path)), images) for path in paths)
    np.testing.assert_array_equal(by_arrays, by_keras)
    del arrays["block3_conv2/bias"]
    np.savez(tmp_path / "incomplete.npz", **arrays)
    with pytest.raises(ValueError, match="not weights of vgg16 without its dense layers, or damaged"):
        frozen_features(Backbone("vgg16", 32, identify_weights(tmp_path / "incomplete.npz")), images)


def test_trainable_blocks_of_frames_equal_those_of_images(vgg16_file):
    weights = identify_weights(vgg16_file)
    images = np.random.default_rng(0).random((4, 32, 32, 3)).astype(np.float32)
    backbone = Backbone("vgg16", 32, weights, trainable_layers=1)
    features = frozen_features(backbone, images)
    clips = features.reshape(2, 2, *features.shape[1:])
    model = build_transfer(backbone, clips.shape[1:], 2, n_units=4, rules=Regularization())
    head = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    pooled = keras.Model(model.input, head.input)
    whole = frozen_features(Backbone("vgg16", 32, weights), images).reshape(2, 2, -1)
    np.testing.assert_allclose(pooled(clips), whole.mean(axis=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("trainable_layers", [1, 5])
def test_trainable_blocks_start_with_the_weights_of_the_whole_network(vgg16_file, trainable_layers):
    weights = identify_weights(vgg16_file)
    images = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32)
    backbone = Backbone("vgg16", 32, weights, trainable_layers=trainable_layers)
    features = frozen_features(backbone, images)
    model = build_transfer(backbone, features.shape[1:], 2, n_units=4, rules=Regularization())
    pooled = next(layer for layer in model.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D))
    whole = frozen_features(Backbone("vgg16", 32, weights), images)
    np.testing.assert_allclose(keras.Model(model.input, pooled.output)(features), whole, rtol=1e-4, atol=1e-4)


def test_equal_repr_means_equal_features():
    here, there, other = LocalWeights("a.h5", "12"), LocalWeights("b/a.h5", "12"), LocalWeights("a.h5", "34")
    assert repr(Backbone("vgg16", 32, here)) == repr(Backbone("vgg16", 32, there))
    assert repr(Backbone("vgg16", 32, here)) != repr(Backbone("vgg16", 32, other))
    random_ones = [("vgg16", 32, None, 0), ("vgg16", 40, None, 0), ("vgg16", 32, None, 1), ("vgg16", 32, None, 0, 1)]
    assert len({repr(Backbone(*fields)) for fields in random_ones}) == 4
