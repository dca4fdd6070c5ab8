"""Networks in onnxruntime: equal to those in Keras to 1e-5, and Keras where a layer is not known."""

import io
import zipfile

import keras
import numpy as np
import onnx
import pytest

from savee_mm.classifiers import FusionClassifier
from savee_mm.classifiers._network_file import network_from_bytes, network_to_bytes, open_network
from savee_mm.classifiers._onnx_graph import UnsupportedNetwork, onnx_graph
from savee_mm.networks import Regularization, build_convlstm, build_fusion
from savee_mm.networks.audio_cnn import build_audio_cnn
from savee_mm.networks.dense import build_dense
from savee_mm.networks.fusion import EVIDENCE, branch_evidence

SIZES = {"n_filters": 4, "n_units": 3}
FRAMES, IMAGE = (3, 17, 24, 3), (13, 37, 1)


def networks():
    rules = Regularization(l2=1e-3, dropout=0.3, max_norm=2.0)
    return {
        "fusion": build_fusion(FRAMES, IMAGE, None, 4, **SIZES, rules=rules),
        "fusion with features": build_fusion(FRAMES, IMAGE, 5, 4, **SIZES, rules=rules),
        "audio": build_audio_cnn([IMAGE, (20, 61, 1)], 5, 4, kernels=((5, 15), (3, 9)), **SIZES, rules=rules),
        "one image": build_audio_cnn([IMAGE], None, 4, kernels=((2, 4), (3, 1)), **SIZES, rules=rules),
        "video": build_convlstm(FRAMES, 4, **SIZES, rules=rules),
        "dense": build_dense(5, 4, n_units=(3, 2), rules=rules),
    }


def randomize(network, rng):
    """Set all weights that training changes, and the statistics of batches."""
    for layer in network._flatten_layers():
        if layer.trainable and not isinstance(layer, keras.Model):
            layer.set_weights([rng.uniform(0.1, 0.9, w.shape) for w in layer.get_weights()])


def members_of(network):
    with zipfile.ZipFile(io.BytesIO(network_to_bytes(network))) as archive:
        return archive.read("config.json"), archive.read("model.weights.h5")


@pytest.mark.parametrize("name", networks())
def test_probabilities_are_those_of_keras(name):
    network, rng = networks()[name], np.random.default_rng(0)
    randomize(network, rng)
    inputs = [rng.standard_normal((5, *port.shape[1:]), dtype=np.float32) for port in network.inputs]
    # A clip without its first modality.
    inputs[0][1] = 0
    expected = np.asarray(network(inputs if len(inputs) > 1 else inputs[0], training=False))
    actual = open_network(network_to_bytes(network)).run(None, inputs)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


def test_inner_layers_are_stacked():
    network, rng = networks()["fusion"], np.random.default_rng(0)
    inputs = [rng.standard_normal((2, *port.shape[1:]), dtype=np.float32) for port in network.inputs]
    actual = open_network(network_to_bytes(network), EVIDENCE).run(None, inputs)
    np.testing.assert_allclose(actual, branch_evidence(network)(inputs), rtol=0, atol=1e-5)


def test_fusion_names_the_evidence_of_its_network():
    assert FusionClassifier._outputs == EVIDENCE


def test_graph_has_the_names_of_the_network():
    graph = onnx.load_from_string(onnx_graph(*members_of(networks()["fusion"]))).graph
    assert [port.name for port in graph.input] == ["frames", "mfcc"]
    assert [port.name for port in graph.output] == ["probabilities_output"]
    assert graph.output[0].type.tensor_type.shape.dim[1].dim_value == 4


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(2, 3, dilation_rate=2),
        keras.layers.DepthwiseConv2D(3),
        keras.layers.BatchNormalization(axis=1),
        keras.layers.Dense(2, activation="gelu"),
    ],
)
def test_what_is_unknown_is_left_to_keras(layer):
    image = keras.Input((9, 9, 2))
    network = keras.Model(image, layer(image))
    with pytest.raises(UnsupportedNetwork, match="does not know"):
        onnx_graph(*members_of(network))
    archive = network_to_bytes(network)
    assert open_network(archive) is None
    assert network_from_bytes(archive).count_params() == network.count_params()


def test_weights_of_another_shape_are_refused():
    config, _ = members_of(networks()["dense"])
    _, weights = members_of(build_dense(6, 4, n_units=(3, 2), rules=Regularization()))
    with pytest.raises(ValueError, match=r"weights of shape \(6, 3\), expected \(5, 3\)"):
        onnx_graph(config, weights)
