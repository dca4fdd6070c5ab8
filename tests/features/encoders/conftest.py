"""Small ONNX encoders, written by the tests."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper


@pytest.fixture
def frame_model(tmp_path, write_encoder):
    """The path of an encoder whose frames are those of ``frames_of``."""
    return write_encoder(tmp_path / "frames.onnx")


@pytest.fixture
def frames_of(encoder_weights):
    """Return a function: samples -> (n_frames, 3), what ``frame_model`` computes."""
    return lambda y: y.reshape(-1, 160) @ encoder_weights


@pytest.fixture
def custom_model(tmp_path):
    """The path of a model with an operator that ONNX does not define."""
    graph = helper.make_graph(
        [helper.make_node("Anything", ["x"], ["hidden"], domain="somewhere.else")],
        "custom",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "n"])],
        [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, [1, "n", 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("somewhere.else", 1)]
    onnx.save_model(helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path / "custom.onnx")
    return tmp_path / "custom.onnx"


@pytest.fixture
def clips():
    """Three sounds at 16 kHz of 0.5, 1 and 2 s, whole frames of 160 samples."""
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, n).astype(np.float32) for n in (8000, 16000, 32000)]
