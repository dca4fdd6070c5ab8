"""The graphs have the shapes that they say, and their seeds are their own."""

import random

import keras
import numpy as np
import pytest

from savee_mm.networks import Regularization, ShuffledBatches, build_convlstm, build_fusion
from savee_mm.networks.audio_cnn import build_audio_cnn


def convlstm(seed=0, **rules):
    return build_convlstm((3, 16, 16, 3), 4, filters=4, n_units=8, rules=Regularization(seed=seed, **rules))


def fusion(seed=0, **rules):
    shapes = (3, 16, 16, 3), (13, 40, 1)
    return build_fusion(*shapes, 4, filters=4, n_units=8, rules=Regularization(seed=seed, **rules))


def audio_cnn(seed=0, n_features=None, kernels=((5, 15), (3, 9)), **rules):
    rules = Regularization(seed=seed, **rules)
    return build_audio_cnn([(13, 40, 1)], n_features, 4, kernels=kernels, filters=4, n_units=8, rules=rules)


def dual_cnn_plus(seed=0, **rules):
    shapes, rules = [(13, 40, 1), (16, 30, 1)], Regularization(seed=seed, **rules)
    return build_audio_cnn(shapes, 6, 4, kernels=((5, 15), (3, 9)), filters=4, n_units=8, rules=rules)


BUILDERS = [convlstm, fusion, audio_cnn, dual_cnn_plus]


@pytest.mark.parametrize("build", BUILDERS)
def test_output_is_a_distribution_over_classes(build):
    model = build()
    rng = np.random.default_rng(0)
    inputs = [rng.random((5, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]
    p = keras.ops.convert_to_numpy(model(inputs if len(inputs) > 1 else inputs[0]))
    assert p.shape == (5, 4)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("build", BUILDERS)
def test_seed_decides_the_weights(build):
    same, again, other = build(0).get_weights(), build(0).get_weights(), build(1).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(same, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(same, other, strict=True))


def test_global_generators_are_left_alone():
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    fusion(dropout=0.5)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


@pytest.mark.parametrize("build", [fusion, audio_cnn])
def test_reference_kernels_are_in_the_audio_branch(build):
    kernels = [layer.kernel_size for layer in build().layers if isinstance(layer, keras.layers.Conv2D)]
    assert {(5, 15), (3, 9)} <= set(kernels)


def test_audio_inputs_are_the_images_then_the_features():
    assert [tensor.shape[1:] for tensor in dual_cnn_plus().inputs] == [(13, 40, 1), (16, 30, 1), (6,)]
    assert [tensor.shape[1:] for tensor in audio_cnn(n_features=6).inputs] == [(13, 40, 1), (6,)]
    kernels = [layer.kernel_size for layer in audio_cnn(kernels=((3, 5), (1, 7))).layers if hasattr(layer, "filters")]
    assert kernels == [(3, 5), (1, 7)]


def test_regularisation_reaches_the_layers():
    model = convlstm(l2=0.1, dropout=0.5, max_norm=2.0)
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert all(layer.kernel_regularizer.l2 == pytest.approx(0.1) for layer in dense)
    assert all(layer.kernel_constraint.max_value == 2.0 for layer in dense)
    assert any(isinstance(layer, keras.layers.Dropout) and layer.rate == 0.5 for layer in model.layers)
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in convlstm().layers)


def test_light_and_contrast_of_a_clip_do_not_matter():
    frames = np.random.default_rng(0).random((2, 3, 16, 16, 3)).astype(np.float32)
    model = convlstm()
    # The guard against a division by zero (1e-3 beside a deviation of .3) is what is left of the contrast.
    np.testing.assert_allclose(model(frames), model(0.5 * frames + 0.3), atol=2e-3)


def batches(seed=0):
    clips = np.arange(10)
    return ShuffledBatches((clips, 10 * clips), clips, np.ones(10), batch_size=4, seed=seed)


def epoch(sequence):
    rows = [sequence[i] for i in range(len(sequence))]
    return np.concatenate([targets for _, targets, _ in rows])


def test_every_epoch_has_every_clip_once_in_an_order_of_its_own():
    sequence = batches()
    assert [len(sequence[i][1]) for i in range(len(sequence))] == [4, 4, 2]
    first = epoch(sequence)
    sequence.on_epoch_end()
    second = epoch(sequence)
    assert sorted(first) == sorted(second) == list(range(10))
    assert not np.array_equal(first, second)


def test_order_repeats_with_its_seed():
    np.testing.assert_array_equal(epoch(batches(1)), epoch(batches(1)))
    assert not np.array_equal(epoch(batches(1)), epoch(batches(2)))


def test_inputs_targets_and_weights_stay_together():
    sequence = batches()
    for i in range(len(sequence)):
        (first, second), targets, _ = sequence[i]
        np.testing.assert_array_equal(first, targets)
        np.testing.assert_array_equal(second, 10 * targets)
