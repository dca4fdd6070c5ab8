"""The graphs have the shapes that they say, and their seeds are their own."""

import random

import keras
import numpy as np
import pytest
from scipy.special import softmax

from savee_mm.networks import Regularization, ShuffledBatches, build_convlstm, build_fusion
from savee_mm.networks.audio_cnn import build_audio_cnn
from savee_mm.networks.fusion import branch_evidence, modality_dropout_loss, start_branch, three_predictions


def convlstm(seed=0, **rules):
    return build_convlstm((3, 16, 16, 3), 4, n_filters=4, n_units=8, rules=Regularization(seed=seed, **rules))


def fusion(seed=0, n_features=None, **rules):
    shapes, rules = ((3, 16, 16, 3), (13, 40, 1)), Regularization(seed=seed, **rules)
    return build_fusion(*shapes, n_features, 4, n_filters=4, n_units=8, rules=rules)


def audio_cnn(seed=0, n_features=None, kernels=((5, 15), (3, 9)), **rules):
    rules = Regularization(seed=seed, **rules)
    return build_audio_cnn([(13, 40, 1)], n_features, 4, kernels=kernels, n_filters=4, n_units=8, rules=rules)


def dual_cnn_plus(seed=0, **rules):
    shapes, rules = [(13, 40, 1), (16, 30, 1)], Regularization(seed=seed, **rules)
    return build_audio_cnn(shapes, 6, 4, kernels=((5, 15), (3, 9)), n_filters=4, n_units=8, rules=rules)


def fusion_plus(seed=0, **rules):
    return fusion(seed, n_features=6, **rules)


BUILDERS = [convlstm, fusion, fusion_plus, audio_cnn, dual_cnn_plus]


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


@pytest.mark.parametrize("network", [fusion().get_layer("audio_branch"), audio_cnn()])
def test_reference_kernels_are_in_the_audio_branch(network):
    kernels = [layer.kernel_size for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert kernels == [(5, 15), (3, 9)]


def test_audio_inputs_are_the_images_then_the_features():
    assert [tensor.shape[1:] for tensor in dual_cnn_plus().inputs] == [(13, 40, 1), (16, 30, 1), (6,)]
    assert [tensor.shape[1:] for tensor in audio_cnn(n_features=6).inputs] == [(13, 40, 1), (6,)]
    kernels = [layer.kernel_size for layer in audio_cnn(kernels=((3, 5), (1, 7))).layers if hasattr(layer, "filters")]
    assert kernels == [(3, 5), (1, 7)]


def fusion_inputs(n_clips=4):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n_clips, *tensor.shape[1:])).astype(np.float32) for tensor in fusion_plus().inputs]


def test_a_modality_of_noughts_adds_nothing():
    model, (frames, image, features) = fusion_plus(), fusion_inputs()
    p = model([frames, 0 * image, features])
    # Without a sound its features are stand-ins, whatever they say.
    np.testing.assert_array_equal(p, model([frames, 0 * image, 5 * features]))
    assert not np.allclose(p, model([frames, image, features]))
    # Without both there is no evidence, and no bias either.
    np.testing.assert_allclose(model([0 * frames, 0 * image, features]), 1 / 4, atol=1e-6)


def test_three_predictions_are_both_the_face_and_the_voice():
    model, (frames, image, features) = fusion_plus(), fusion_inputs()
    views = np.asarray(three_predictions(model)([frames, image, features]))
    np.testing.assert_allclose(views[:, 0], model([frames, image, features]), atol=1e-6)
    np.testing.assert_allclose(views[:, 1], model([frames, 0 * image, features]), atol=1e-6)
    np.testing.assert_allclose(views[:, 2], model([0 * frames, image, features]), atol=1e-6)


def test_loss_is_the_mean_over_what_is_left_out():
    views, labels = np.random.default_rng(0).dirichlet(np.ones(4), (5, 3)), np.eye(4)[[0, 1, 2, 3, 0]]
    entropy = -np.log((views * labels[:, np.newaxis]).sum(axis=2))
    for share in (0, 0.2, 0.5):
        expected = (1 - 2 * share) * entropy[:, 0] + share * (entropy[:, 1] + entropy[:, 2])
        np.testing.assert_allclose(modality_dropout_loss(share, 0)(labels, views), expected, rtol=1e-5)
    smooth = -(np.log(views[:, 0]) * (0.9 * labels + 0.025)).sum(axis=1)
    np.testing.assert_allclose(modality_dropout_loss(0, 0.1)(labels, views), smooth, rtol=1e-5)


def test_evidence_is_what_the_network_sums_up():
    model, inputs = fusion_plus(), fusion_inputs()
    evidence = np.asarray(branch_evidence(model)(inputs))
    assert evidence.shape == (4, 2, 4)
    np.testing.assert_allclose(model(inputs), softmax(evidence.sum(axis=1), axis=1), rtol=1e-5)
    silent = np.asarray(branch_evidence(model)([inputs[0], 0 * inputs[1], inputs[2]]))
    np.testing.assert_array_equal(silent[:, 1], 0)
    np.testing.assert_array_equal(silent[:, 0], evidence[:, 0])


@pytest.mark.parametrize(("name", "build"), [("video_branch", convlstm), ("audio_branch", audio_cnn)])
def test_branch_starts_from_a_network_of_its_own(name, build):
    model, other = fusion(0), build(1)
    if name == "video_branch":
        other = build_convlstm((3, 16, 16, 3), 4, n_filters=4, n_units=None, rules=Regularization(seed=1))
    start_branch(model, name, other)
    n = len(model.get_layer(name).get_weights())
    assert n > 5
    for own, given in zip(model.get_layer(name).get_weights(), other.get_weights()[:n], strict=True):
        np.testing.assert_array_equal(own, given)


def test_branch_of_other_shapes_is_refused():
    with pytest.raises(ValueError, match="have weights of shapes"):
        start_branch(fusion(), "audio_branch", audio_cnn(kernels=((3, 5), (1, 7))))


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


def test_channels_of_a_picture_are_averaged():
    frames = np.random.default_rng(0).random((2, 3, 16, 16, 3)).astype(np.float32)
    swapped = frames[..., ::-1]
    np.testing.assert_allclose(convlstm()(frames), convlstm()(swapped), atol=1e-5)


def test_fixed_filters_are_not_trained_and_survive_the_file(tmp_path):
    model = convlstm()
    fixed = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D) and not layer.trainable]
    slopes, block = (keras.ops.convert_to_numpy(layer.kernel) for layer in fixed)
    # No response to a flat picture; of a ramp of one grey level a pixel, its slope.
    np.testing.assert_allclose(slopes.sum(axis=(0, 1, 2)), 0, atol=1e-6)
    ramp = np.arange(3.0)
    np.testing.assert_allclose(ramp @ slopes[:, :, 0, 0].sum(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(ramp @ slopes[:, :, 0, 2].sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(block.sum(), 1, atol=1e-6)
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    frames = np.random.default_rng(0).random((2, 3, 16, 16, 3)).astype(np.float32)
    np.testing.assert_array_equal(again(frames), model(frames))


@pytest.mark.parametrize("picture", [(16, 16, 3), (64, 48, 1), (50, 70, 3), (5, 9, 1)])
def test_pictures_of_any_size(picture):
    model = build_convlstm((2, *picture), 3, n_filters=2, n_units=None, rules=Regularization())
    frames = np.random.default_rng(0).random((2, 2, *picture)).astype(np.float32)
    assert np.isfinite(model(frames)).all()


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
