"""Networks as ``.keras`` archives, and the check that an archive contains only known layers and operations."""

import io
import json
import math
import tempfile
import zipfile
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from savee_mm._sessions import make_session
from savee_mm._zip import read_zip, write_zip
from savee_mm.classifiers._onnx_graph import onnx_graph

_FOR_PREDICTION = ContextVar("for prediction", default=False)
# Allowed names by module; None allows every name. Layers that run code or read files are left out: Lambda, wrappers of
# the models of other libraries, and vocabulary lookups.
_KNOWN = {
    None: {"__ellipsis__", "__keras_tensor__", "__slice__", "__tuple__"},
    "keras": {"DTypePolicy", "Functional", "Sequential"},
    "keras.constraints": None,
    "keras.initializers": None,
    "keras.layers": {
        "Activation",
        "Add",
        "Average",
        "AveragePooling1D",
        "AveragePooling2D",
        "AveragePooling3D",
        "BatchNormalization",
        "Bidirectional",
        "Concatenate",
        "Conv1D",
        "Conv2D",
        "Conv3D",
        "ConvLSTM1D",
        "ConvLSTM2D",
        "Cropping2D",
        "Dense",
        "DepthwiseConv2D",
        "Dropout",
        "Flatten",
        "GRU",
        "GaussianNoise",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "InputLayer",
        "LSTM",
        "LayerNormalization",
        "LeakyReLU",
        "Masking",
        "MaxPooling1D",
        "MaxPooling2D",
        "MaxPooling3D",
        "Multiply",
        "Normalization",
        "Permute",
        "ReLU",
        "Rescaling",
        "Reshape",
        "SeparableConv2D",
        "Softmax",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "Subtract",
        "TimeDistributed",
        "UnitNormalization",
        "UpSampling2D",
        "ZeroPadding2D",
    },
    "keras.regularizers": None,
    "keras.src.models.functional": {"Functional"},
    "keras.src.ops.core": {"Cast"},
    "keras.src.ops.image": None,
    "keras.src.ops.nn": None,
    "keras.src.ops.numpy": None,
}
_NO_CLASS = {"function"}
_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_MEMBERS = {_CONFIG, _WEIGHTS, "metadata.json"}


def network_to_bytes(network):
    """Return a network as a ``.keras`` archive.

    Parameters
    ----------
    network : keras.Model
        A built network.

    Returns
    -------
    archive : bytes
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        network.save(path)
        return path.read_bytes()


def network_from_bytes(archive):
    """Return the network of a ``.keras`` archive.

    Parameters
    ----------
    archive : bytes
        As returned by :func:`network_to_bytes`.

    Returns
    -------
    network : keras.Model

    Raises
    ------
    ValueError
        If it is not such an archive, contains an unknown layer or operation, or describes more weights than it has;
        then Keras does not load it.
    """
    members, size = _checked_members(archive)
    import savee_mm.networks  # noqa: F401 -- its error says how to install Keras

    # isort: split
    import keras

    _check_size(members, size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        path.write_bytes(write_zip(members))
        return keras.saving.load_model(path, compile=False, safe_mode=True)


def open_network(archive, outputs=None):
    """Return the network of a ``.keras`` archive as an ONNX graph in onnxruntime.

    Parameters
    ----------
    archive : bytes
        As returned by :func:`network_to_bytes`.
    outputs : sequence of str, default=None
        Names of layers whose outputs are stacked along the second axis; None for the output of the network.

    Returns
    -------
    network : OnnxNetwork or None
        None if only Keras can run the network: onnx or onnxruntime is not installed, or it has a layer that
        :func:`~savee_mm.classifiers._onnx_graph.onnx_graph` does not know.

    Raises
    ------
    ValueError
        If it is not such an archive, or contains an unknown layer or operation.
    """
    members, size = _checked_members(archive)
    if size > len(members[_WEIGHTS]):
        return None
    try:
        return OnnxNetwork(onnx_graph(members[_CONFIG], members[_WEIGHTS], outputs))
    except Exception:  # a manipulated archive has errors of any type; Keras has its own checks
        return None


def to_onnx(archive):
    """Return the network of a ``.keras`` archive as a serialised ONNX graph.

    Parameters
    ----------
    archive : bytes
        As returned by :func:`network_to_bytes`.

    Returns
    -------
    graph : bytes

    Raises
    ------
    UnsupportedNetwork
        If it has a layer that :func:`~savee_mm.classifiers._onnx_graph.onnx_graph` does not know.
    """
    members = _members(archive)
    return onnx_graph(members[_CONFIG], members[_WEIGHTS])


@contextmanager
def for_prediction():
    """Within this context, networks are restored for onnxruntime, where it can run them.

    Elsewhere, as in copies by pickle, Keras restores them, so that a copy predicts exactly what the original does.
    """
    token = _FOR_PREDICTION.set(True)
    try:
        yield
    finally:
        _FOR_PREDICTION.reset(token)


def is_for_prediction():
    """Return whether networks are restored for onnxruntime: in :func:`for_prediction`, and where Keras is missing."""
    return _FOR_PREDICTION.get() or find_spec("keras") is None


class OnnxNetwork:
    """Forward pass of a network in onnxruntime.

    Parameters
    ----------
    graph : bytes
        Serialised ONNX model.
    """

    network = None

    def __init__(self, graph):
        self._session = make_session(graph, keeps_memory=True)
        self._names = [entry.name for entry in self._session.get_inputs()]

    def run(self, build, inputs):
        """Return the output for a list of arrays; several outputs are stacked. ``build`` is not called."""
        outputs = self._session.run(None, dict(zip(self._names, inputs, strict=True)))
        return outputs[0] if len(outputs) == 1 else np.stack(outputs, axis=1)


def unknown_layers(archive):
    """Return the names in a ``.keras`` archive that are not allowed.

    Parameters
    ----------
    archive : bytes
        Archive of a network; only its configuration is read.

    Returns
    -------
    names : list of str
        Sorted.

    Raises
    ------
    ValueError
        If it is not such an archive.
    """
    config = json.loads(_members(archive)[_CONFIG])
    return sorted({f"{module or ''}.{name}".lstrip(".") for module, name in _named(config) if not _known(module, name)})


def _members(archive):
    try:
        members = read_zip(archive, names=_MEMBERS)
        json.loads(members[_CONFIG])
    except (zipfile.BadZipFile, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"The network is not a .keras archive, or is damaged ({error}).") from error
    return members


def _checked_members(archive):
    """Return the files of an archive of known layers, and how many bytes its weights take in memory."""
    members = _members(archive)
    if unknown := unknown_layers(archive):
        raise ValueError(
            f"The network contains layers or operations that savee_mm does not know: {', '.join(unknown)}."
        )
    import h5py

    sizes = []

    def visit(name):
        item = file.get(name, getlink=True)
        if not isinstance(item, h5py.HardLink):
            raise ValueError("The weights of the network are in another file.")
        item = file[name]
        if isinstance(item, h5py.Dataset):
            if item.is_virtual or item.external:
                raise ValueError("The weights of the network are in another file.")
            sizes.append(item.nbytes)

    with h5py.File(io.BytesIO(members[_WEIGHTS]), "r") as file:
        file.visit_links(visit)
    return members, sum(sizes)


def _check_size(members, size):
    """Refuse a network that would take more memory than its file."""
    import keras

    # In this scope, Keras computes shapes and makes no arrays.
    with keras.StatelessScope(initialize_variables=False):
        network = keras.saving.deserialize_keras_object(json.loads(members[_CONFIG]), safe_mode=True)
        n_weights = sum(math.prod(weight.shape) for weight in network.weights)
    n_bytes = len(members[_WEIGHTS])
    if max(size, n_weights) > n_bytes:
        raise ValueError(f"The network describes {n_weights} weights, more than its file of {n_bytes} bytes has.")


def _named(config):
    """Yield the module and name of every object in a configuration."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config.get("module"), str(config["class_name"])
        config = list(config.values())
    for value in config if isinstance(config, list) else ():
        yield from _named(value)


def _known(module, name):
    names = _KNOWN.get(module, ())
    return name not in _NO_CLASS and (names is None or name in names)
