"""The fusion network sums the evidence of its branches; its loss is the expected one under modality dropout."""

import numpy as np
import pytest
from scipy.special import softmax

from savee_mm.networks.fusion import branch_evidence, modality_dropout_loss, start_branch, three_predictions


@pytest.fixture(scope="module")
def model(build):
    return build("fusion with features")


@pytest.fixture(scope="module")
def inputs(model, draw_inputs):
    return draw_inputs(model)


def test_missing_voice_adds_nothing(model, inputs):
    frames, image, features = inputs
    p = model([frames, 0 * image, features])
    assert not np.allclose(p, model([frames, image, features]))
    # The features of a missing voice are fill values, so they must not count.
    np.testing.assert_array_equal(p, model([frames, 0 * image, 5 * features]))


def test_without_both_modalities_all_classes_are_equally_probable(model, inputs):
    frames, image, features = inputs
    np.testing.assert_allclose(model([0 * frames, 0 * image, features]), 1 / 4, atol=1e-6)


def test_three_predictions_are_by_both_by_face_and_by_voice(model, inputs):
    frames, image, features = inputs
    p = np.asarray(three_predictions(model)(inputs))
    np.testing.assert_allclose(p[:, 0], model(inputs), atol=1e-6)
    np.testing.assert_allclose(p[:, 1], model([frames, 0 * image, features]), atol=1e-6)
    np.testing.assert_allclose(p[:, 2], model([0 * frames, image, features]), atol=1e-6)


@pytest.mark.parametrize("share", [0, 0.2, 0.5])
def test_loss_is_the_expected_one_under_modality_dropout(share):
    p, labels = np.random.default_rng(0).dirichlet(np.ones(4), (5, 3)), np.eye(4)[[0, 1, 2, 3, 0]]
    entropy = -np.log((p * labels[:, np.newaxis]).sum(axis=2))
    expected = (1 - 2 * share) * entropy[:, 0] + share * (entropy[:, 1] + entropy[:, 2])
    np.testing.assert_allclose(modality_dropout_loss(share, 0)(labels, p), expected, rtol=1e-5)


def test_label_smoothing_spreads_a_tenth_over_all_classes():
    p, labels = np.random.default_rng(0).dirichlet(np.ones(4), (5, 3)), np.eye(4)[[0, 1, 2, 3, 0]]
    expected = -(np.log(p[:, 0]) * (0.9 * labels + 0.025)).sum(axis=1)
    np.testing.assert_allclose(modality_dropout_loss(0, 0.1)(labels, p), expected, rtol=1e-5)


def test_prediction_is_the_softmax_of_the_summed_evidence(model, inputs):
    evidence = np.asarray(branch_evidence(model)(inputs))
    assert evidence.shape == (4, 2, 4)
    np.testing.assert_allclose(model(inputs), softmax(evidence.sum(axis=1), axis=1), rtol=1e-5)


def test_evidence_of_a_missing_voice_is_zero(model, inputs):
    network = branch_evidence(model)
    evidence, silent = (np.asarray(network([inputs[0], factor * inputs[1], inputs[2]])) for factor in (1, 0))
    np.testing.assert_array_equal(silent[:, 1], 0)
    np.testing.assert_array_equal(silent[:, 0], evidence[:, 0])


@pytest.mark.parametrize(
    ("branch", "name"), [("video_branch", "convlstm without a dense layer"), ("audio_branch", "audio_cnn")]
)
def test_branch_takes_the_weights_of_a_network_of_its_modality(build, branch, name):
    model, other = build("fusion"), build(name, seed=1)
    start_branch(model, branch, other)
    n = len(model.get_layer(branch).get_weights())
    assert n > 5
    for own, given in zip(model.get_layer(branch).get_weights(), other.get_weights()[:n], strict=True):
        np.testing.assert_array_equal(own, given)


def test_weights_of_other_shapes_are_refused(build):
    with pytest.raises(ValueError, match="have weights of shapes"):
        start_branch(build("fusion"), "audio_branch", build("audio_cnn with other kernels"))
