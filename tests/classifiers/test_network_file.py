"""Archives of networks: known layers and operations only, nothing that runs code or reads files."""

import io
import zipfile

import keras
import numpy as np
import pytest

from savee_mm.classifiers._network_file import network_from_bytes, network_to_bytes, unknown_layers


def graph(*layers):
    return keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(2, activation="softmax")])


def test_loaded_network_predicts_the_same():
    network = graph(keras.layers.Dense(3, kernel_constraint=keras.constraints.MaxNorm(2)), keras.layers.Dropout(0.5))
    x = np.ones((2, 4), np.float32)
    loaded = network_from_bytes(network_to_bytes(network))
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), network.predict(x, verbose=0))


def test_layer_with_code_is_refused():
    archive = network_to_bytes(graph(keras.layers.Lambda(lambda x: x)))
    with pytest.raises(ValueError, match=r"does not know: .*keras\.layers\.Lambda"):
        network_from_bytes(archive)


@pytest.mark.parametrize(
    "config",
    [
        b'{"module": "os", "class_name": "system", "config": {}}',
        b'{"module": "keras.layers", "class_name": "TFSMLayer", "config": {}}',
        b'{"config": [{"module": "builtins", "class_name": "function", "config": "exec"}]}',
        b'{"module": "keras.src.ops.numpy", "class_name": "function", "config": "x"}',
    ],
)
def test_unknown_names_are_refused(config):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", config)
    assert len(unknown_layers(buffer.getvalue())) == 1


@pytest.mark.parametrize("archive", [b"", b"PK", np.bytes_(b"nothing")])
def test_other_bytes_are_refused(archive):
    with pytest.raises(ValueError, match=r"not a \.keras archive"):
        network_from_bytes(archive)
