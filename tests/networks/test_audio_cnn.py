"""Inputs and kernels of the audio networks."""

import keras
import pytest


def kernel_sizes(network):
    return [layer.kernel_size for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("dual_cnn with features", [(13, 40, 1), (16, 30, 1), (6,)]),
        ("audio_cnn with features", [(13, 40, 1), (6,)]),
    ],
)
def test_inputs_are_the_images_then_the_features(build, name, shapes):
    assert [tensor.shape[1:] for tensor in build(name).inputs] == shapes


def test_kernels_are_those_of_the_reference(build):
    assert kernel_sizes(build("audio_cnn")) == [(5, 15), (3, 9)]
    assert kernel_sizes(build("fusion").get_layer("audio_branch")) == [(5, 15), (3, 9)]


def test_kernels_can_be_set(build):
    assert kernel_sizes(build("audio_cnn with other kernels")) == [(3, 5), (1, 7)]
