"""What every test may use: the shared recordings, and the synthetic corpus made once a session."""

import csv
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

# Tests need no GPU, and TensorFlow's start-up messages hide pytest's.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Tests choose the pretrained files themselves: with an encoder, the recommended systems are others.
os.environ.pop("SAVEE_MM_WEIGHTS", None)

ROOT = Path(__file__).parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark tests of networks in graph mode as slow, because tracing a graph takes seconds."""
    for item in items:
        if "graph_mode" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def shared():
    """Folder of the shared recordings and weights (third-party, never in the repository)."""
    folder = Path(os.environ.get("SAVEE_MM_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"the shared recordings are absent: no folder {folder} (set SAVEE_MM_SHARED)")
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Three synthetic speakers, one sentence per emotion: 21 clips, written once a session."""
    from savee_mm import make_talking_faces

    return make_talking_faces(tmp_path_factory.mktemp("corpus"), n_speakers=3, n_sentences=1, random_state=0)


@contextmanager
def _run_functions_eagerly(eagerly):
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(eagerly)
    yield
    tf.config.run_functions_eagerly(before)


@pytest.fixture(scope="module")
def eager():
    """Run networks eagerly in a module: tracing a graph takes as long as a dozen eager steps of a small network."""
    with _run_functions_eagerly(True):
        yield


@pytest.fixture(scope="session")
def graph_mode():
    """Run networks as graphs, as users do: ``with graph_mode(): ...``."""
    return lambda: _run_functions_eagerly(False)


@pytest.fixture
def tone():
    """Make a sine tone: ``tone(f0, seconds, sr, amplitude)``."""

    def make(f0=200.0, seconds=1.0, sr=22050, amplitude=0.5):
        return amplitude * np.sin(2 * np.pi * f0 * np.arange(round(seconds * sr)) / sr)

    return make


@pytest.fixture(scope="session")
def vgg16_file(tmp_path_factory):
    """A file of random weights of VGG16 in the layout of Keras's files without the dense layers."""
    import h5py

    path = tmp_path_factory.mktemp("weights") / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    rng = np.random.default_rng(5)
    names, channels = [b"input_1"], 3
    with h5py.File(path, "w") as file:
        file.create_group("input_1").attrs["weight_names"] = []
        for block, (n_layers, filters) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), start=1):
            for i in range(1, n_layers + 1):
                name = f"block{block}_conv{i}"
                kernel = rng.standard_normal((3, 3, channels, filters), dtype=np.float32) * np.sqrt(2 / 9 / channels)
                weights = {f"{name}_W_1:0": kernel, f"{name}_b_1:0": np.full(filters, 0.01, np.float32)}
                group = file.create_group(name)
                group.attrs["weight_names"] = [key.encode() for key in weights]
                for key, values in weights.items():
                    group[key] = values.astype(np.float32)
                names.append(name.encode())
                channels = filters
            file.create_group(f"block{block}_pool").attrs["weight_names"] = []
            names.append(f"block{block}_pool".encode())
        file.attrs["layer_names"] = names
    return path


@pytest.fixture(scope="session")
def write_yamnet():
    """Write a store of random weights for YAMNet: ``write_yamnet(folder, seed)``.

    The npz layout without 8-bit values, and a class map, both of our own making.
    """
    return _write_yamnet


def _write_yamnet(folder, seed=0):
    from savee_mm.networks.yamnet import build_yamnet

    rng = np.random.default_rng(seed)
    arrays = {}
    for layer in build_yamnet().layers:
        if not layer.weights:
            continue
        name = "fc/fc" if layer.name == "logits" else layer.name.replace("_", "/", 1)
        kernel = rng.normal(size=layer.weights[0].shape)
        n_inputs = 9 if "depthwise" in name else np.prod(kernel.shape[:-1])
        kernel *= np.sqrt(2 / n_inputs)
        kernel = kernel[..., 0][np.newaxis] if "depthwise" in name else np.moveaxis(kernel, -1, 0)
        arrays[f"{name}/w"] = kernel.astype(np.float32)
        arrays[f"{name}/b"] = rng.normal(scale=0.1, size=layer.weights[1].shape).astype(np.float32)
    folder.mkdir()
    np.savez(folder / "yamnet_int8_perchannel_weights.npz", **arrays)
    with open(folder / "yamnet_class_map.csv", "w", newline="") as file:
        csv.writer(file).writerows([("index", "mid", "display_name"), *((i, f"/m/{i}", f"n{i}") for i in range(521))])
    return folder


@pytest.fixture(scope="session")
def encoder_weights():
    """Weights of the encoder that ``write_encoder`` writes, of shape (160, 3)."""
    return np.linspace(-1, 1, 480, dtype=np.float32).reshape(160, 3)


@pytest.fixture(scope="session")
def write_encoder(encoder_weights):
    """Write a small ONNX encoder of samples, ``write_encoder(path) -> path``: frames of 160 samples, three values each.

    Its outputs are ``embedding``, the mean of ``hidden``; ``half`` is an inner tensor.
    """
    onnx = pytest.importorskip("onnx", reason="the extra 'encoders' is not installed")
    from onnx import TensorProto, helper, numpy_helper

    def write(path):
        stored = {"axis": np.array([1]), "weights": encoder_weights.T[:, None] / 2, "two": np.float32(2)}
        graph = helper.make_graph(
            [
                helper.make_node("Unsqueeze", ["x", "axis"], ["one_channel"]),
                helper.make_node("Conv", ["one_channel", "weights"], ["channels"], strides=[160]),
                helper.make_node("Transpose", ["channels"], ["half"], perm=[0, 2, 1]),
                helper.make_node("Mul", ["half", "two"], ["hidden"]),
                helper.make_node("ReduceMean", ["hidden"], ["embedding"], axes=[1], keepdims=0),
            ],
            "encoder",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "n_samples"])],
            [
                helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 3]),
                helper.make_tensor_value_info("hidden", TensorProto.FLOAT, [1, "n_frames", 3]),
            ],
            [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in stored.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.save_model(model, path)
        return path

    return write


@pytest.fixture(scope="session")
def write_face_encoder():
    """Write a small ONNX encoder of images, ``write_face_encoder(path) -> path``: the mean of each channel."""
    onnx = pytest.importorskip("onnx", reason="the extra 'encoders' is not installed")
    from onnx import TensorProto, helper

    def write(path, *, layout="first", batch="n", size=("height", "width")):
        shape = [batch, 3, *size] if layout == "first" else [batch, *size, 3]
        graph = helper.make_graph(
            [helper.make_node("ReduceMean", ["x"], ["y"], axes=[2, 3] if layout == "first" else [1, 2], keepdims=0)],
            "encoder",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 3])],
        )
        onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
        return path

    return write
