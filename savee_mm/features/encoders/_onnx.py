"""ONNX files of encoders: identification, checks, and sessions of onnxruntime that are built once per process."""

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from savee_mm._sessions import make_session
from savee_mm._validation import ClipError
from savee_mm._weights import LocalWeights, identify_weights

# Operator sets that onnxruntime implements itself.
_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
_MAX_SESSIONS = 4


def identify_model(path):
    """Return a LocalWeights of an ONNX file: its path and the SHA-256 of its content.

    Raises
    ------
    FileNotFoundError
        If the file, or a file of weights that it names, does not exist.
    ValueError
        If it is not an ONNX model, uses custom operators, or names weights outside its folder.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"There is no ONNX file {file}; check the path, or export the encoder again.")
    weights = identify_weights(file)
    digests = [identify_weights(other).sha256 for other in _check_model(weights)]
    if not digests:
        return weights
    return LocalWeights(weights.path, hashlib.sha256("".join([weights.sha256, *digests]).encode()).hexdigest())


@lru_cache(maxsize=16)
def _check_model(weights):
    """Return the other files of a model that hold its weights, sorted; refuse what a model must not do."""
    graph = _load(weights.path).graph
    foreign = sorted({node.domain for node in _nodes(graph)} - _DOMAINS)
    if foreign:
        raise ValueError(
            f"{weights.path} uses custom operators ({', '.join(foreign)}); export the encoder with standard ONNX "
            "operators."
        )
    folder, files = Path(weights.path).parent.resolve(), set()
    for tensor in _tensors(graph):
        location = next((entry.value for entry in tensor.external_data if entry.key == "location"), None)
        if location is None:
            continue
        file = (folder / location).resolve()
        if not file.is_relative_to(folder):
            raise ValueError(
                f"{weights.path} names weights outside its folder ({location}); put them next to the model, or save it "
                "as a single file."
            )
        files.add(file)
    return tuple(sorted(files))


def _tensors(graph):
    """Yield all stored tensors of a graph, in its initializers and in the attributes of its nodes."""
    yield from graph.initializer
    for node in _nodes(graph):
        for attribute in node.attribute:
            yield from [attribute.t, *attribute.tensors, *attribute.g.initializer]


def _nodes(graph):
    """Yield the nodes of a graph and of the graphs within them (branches and loops)."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from _nodes(inner)


def _load(path):
    onnx = _import_onnx()
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf has errors of its own
        raise ValueError(f"{path} is not an ONNX model ({type(error).__name__}); check the path.") from error
    if not model.graph.node:
        raise ValueError(f"{path} is not an ONNX model: its graph is empty; check the path.")
    return model


def _import_onnx():
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            "Encoders need the package onnx, which is not installed; run `pip install 'savee-mm[encoders]'`."
        ) from error
    return onnx


def check_digest(weights, sha256):
    """Raise ValueError if a model is not the file with the digest ``sha256``, that of the fit."""
    if weights.sha256 != sha256:
        raise ValueError(
            f"The encoder {weights.path} is not the one of the fit (SHA-256 {weights.sha256}, expected {sha256}). "
            "Restore that file, or fit again."
        )


@lru_cache(maxsize=16)
def input_shape(weights):
    """Return the shape of a model's first input: an int for each fixed dimension, None for a free one."""
    dimensions = _load(weights.path).graph.input[0].type.tensor_type.shape.dim
    return tuple(dimension.dim_value or None for dimension in dimensions)


def check_outputs(weights, outputs=None):
    """Return names of tensors that a model can return: declared outputs or inner tensors; the last output by default.

    Raises
    ------
    ValueError
        If one does not exist. The message lists those that do.
    """
    declared, inner = _output_names(weights)
    outputs = declared[-1:] if outputs is None else tuple(outputs)
    missing = [name for name in outputs if name not in declared and name not in inner]
    if missing or not outputs:
        raise ValueError(
            f"{weights.path} has no output {', '.join(map(repr, missing)) or 'without a name'}. Its outputs are "
            f"{', '.join(declared)}. Inner tensors can be used as well, such as {', '.join(inner[-5:])}."
        )
    return outputs


@lru_cache(maxsize=16)
def _output_names(weights):
    """Return the declared outputs of a model, and its inner tensors."""
    graph = _load(weights.path).graph
    declared = tuple(output.name for output in graph.output)
    return declared, tuple(name for node in graph.node for name in node.output if name and name not in declared)


@lru_cache(maxsize=_MAX_SESSIONS)
def open_session(weights, outputs):
    """Return a function ``array -> list of arrays`` that runs a model for the tensors ``outputs``."""
    model = _with_outputs(weights, outputs)
    try:
        session = make_session(model)
    except ImportError:
        raise
    except Exception as error:  # onnxruntime's errors share no base class
        raise ValueError(f"onnxruntime cannot run {weights.path} ({_first_line(error)}); export it again.") from error
    name = session.get_inputs()[0].name
    return lambda array: session.run(list(outputs), {name: array})


def _with_outputs(weights, outputs):
    """Return a model's path, or its bytes with inner tensors declared as outputs."""
    declared, _ = _output_names(weights)
    inner = [name for name in outputs if name not in declared]
    if not inner:
        return weights.path
    onnx = _import_onnx()
    model = onnx.load(weights.path)
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in inner)
    return model.SerializeToString()


def run_model(run, array, remedy):
    """Run a session on one array with a batch axis and return its outputs; an error names the input's shape.

    Raises
    ------
    ClipError
        If the model does not accept the array, or its outputs are not finite.
    """
    try:
        outputs = run(array)
    except Exception as error:  # onnxruntime's errors share no base class
        raise ClipError(
            f"the encoder does not accept an input of shape {array.shape} ({_first_line(error)}); {remedy}"
        ) from error
    if not all(np.isfinite(output).all() for output in outputs):
        raise ClipError("the encoder returns values that are not finite for it; check the recording, or leave it out")
    return outputs


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]
