"""Regularization reaches the layers of every network, and seeds make networks reproducible."""

import random

import keras
import numpy as np
import pytest


def test_output_is_a_distribution_over_classes(network, build, draw_inputs):
    model = build(network)
    inputs = draw_inputs(model, 5)
    p = keras.ops.convert_to_numpy(model(inputs if len(inputs) > 1 else inputs[0]))
    assert p.shape == (5, 4)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)


def test_seed_determines_the_weights(network, build):
    same, again, other = (build(network, seed).get_weights() for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(same, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(same, other, strict=True))


def test_global_generators_do_not_change(build):
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    build("fusion", dropout=0.5)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


@pytest.fixture(scope="module")
def regularized(build):
    return build("convlstm", l2=0.1, dropout=0.5, max_norm=2.0)


def test_l2_and_max_norm_reach_the_dense_layers(regularized):
    dense = [layer for layer in regularized.layers if isinstance(layer, keras.layers.Dense)]
    assert dense
    assert all(layer.kernel_regularizer.l2 == pytest.approx(0.1) for layer in dense)
    assert all(layer.kernel_constraint.max_value == 2.0 for layer in dense)


def test_dropout_is_a_layer_only_if_its_rate_is_positive(regularized, build):
    assert any(isinstance(layer, keras.layers.Dropout) and layer.rate == 0.5 for layer in regularized.layers)
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in build("convlstm").layers)
