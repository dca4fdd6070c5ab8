"""Small ONNX encoders, written by the tests."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

N_VALUES = 3


def _write_model(path, nodes, *, input_shape, outputs, initializers=(), domains=("",)):
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in dict(initializers).items()],
    )
    opsets = [helper.make_opsetid(domain, 1 if domain else 17) for domain in domains]
    onnx.save_model(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


@pytest.fixture(scope="session")
def write_model():
    """Write an ONNX model with the input ``x``, ``write_model(path, nodes, input_shape=..., outputs={name: shape})``."""
    return _write_model


@pytest.fixture(scope="session")
def frame_weights():
    """Weights of ``frame_model``, of shape (160, 3)."""
    return np.linspace(-1, 1, 160 * N_VALUES, dtype=np.float32).reshape(160, N_VALUES)


@pytest.fixture
def frame_model(tmp_path, frame_weights):
    """An encoder of raw samples: frames of 160 samples, times three weights; the frames themselves are inner."""
    nodes = [
        helper.make_node("Reshape", ["x", "frames_of_160"], ["frames"]),
        helper.make_node("MatMul", ["frames", "weights"], ["hidden"]),
        helper.make_node("ReduceMean", ["hidden"], ["embedding"], axes=[1], keepdims=0),
    ]
    return _write_model(
        tmp_path / "frames.onnx",
        nodes,
        input_shape=[1, "n_samples"],
        outputs={"embedding": [1, N_VALUES], "hidden": [1, "n_frames", N_VALUES]},
        initializers={"frames_of_160": np.array([1, -1, 160]), "weights": frame_weights},
    )


@pytest.fixture
def clips():
    """Three sounds at 16 kHz of 0.5, 1 and 2 s, whole frames of 160 samples."""
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, n).astype(np.float32) for n in (8000, 16000, 32000)]
