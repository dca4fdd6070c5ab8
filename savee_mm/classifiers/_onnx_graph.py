"""The networks of this library as ONNX graphs, converted from their ``.keras`` archives without Keras."""

import io
import json
import re

import numpy as np

# Operator set and format version that onnxruntime 1.20 and newer read.
_OPSET, _IR_VERSION = 17, 8


class UnsupportedNetwork(ValueError):
    """A network has a layer, an operation or an option that the conversion does not know."""


def onnx_graph(config, weights, outputs=None):
    """Convert a network to an ONNX graph.

    Parameters
    ----------
    config : str or bytes
        ``config.json`` of a ``.keras`` archive.
    weights : bytes
        ``model.weights.h5`` of the archive.
    outputs : sequence of str, default=None
        Names of the layers whose outputs are returned; by default the outputs of the network.

    Returns
    -------
    graph : bytes
        Serialised ONNX model. The names of its inputs and outputs are those of the layers.

    Raises
    ------
    UnsupportedNetwork
        If the conversion does not know a layer, an operation or an option.
    LookupError, TypeError, ValueError
        If configuration and weights do not fit each other.
    """
    import h5py
    import onnx.checker
    import onnx.shape_inference
    from onnx import TensorProto, helper

    model, graph = json.loads(config), _Graph()
    _require(model["class_name"] == "Functional", model["class_name"])
    layers = model["config"]["layers"]
    inputs = {layer["name"]: layer["config"]["batch_shape"] for layer in layers if layer["class_name"] == "InputLayer"}
    order = [name for name, *_ in _references(model["config"]["input_layers"])]
    with h5py.File(io.BytesIO(weights), "r") as file:
        tensors = _convert_network(graph, model["config"], file, {name: name for name in order})
    outputs = [name for name, *_ in _references(model["config"]["output_layers"])] if outputs is None else outputs
    for name in outputs:
        graph.nodes.append(helper.make_node("Identity", [tensors[name]], [f"{name}_output"]))
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *inputs[name][1:]]) for name in order]
    results = [helper.make_tensor_value_info(f"{name}_output", TensorProto.FLOAT, None) for name in outputs]
    model = helper.make_model(
        helper.make_graph(graph.nodes, model["config"]["name"], ports, results, graph.constants),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    onnx.checker.check_model(model)
    return model.SerializeToString()


class _Graph:
    """Nodes and constants of a graph that is being built."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value, dtype=np.float32):
        """Return the name of a new constant."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype, order="C"), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def __call__(self, op, *inputs, n_outputs=1, **attributes):
        """Append a node; its inputs are names of tensors, or numbers and arrays that become constants."""
        from onnx import helper

        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        results = [f"t{len(self.nodes)}_{i}" for i in range(n_outputs)]
        self.nodes.append(helper.make_node(op, names, results, **attributes))
        return results[0] if n_outputs == 1 else results

    def integers(self, values):
        """Return the name of a new constant of type int64: shapes and axes."""
        return self.constant(values, np.int64)


class _Layer:
    """What the conversion of one layer reads: its options, weights, input tensors and the shapes of these."""

    def __init__(self, spec, group):
        self.options = spec["config"]
        nodes = spec["inbound_nodes"]
        _require(len(nodes) == 1, f"{spec['class_name']}, called {len(nodes)} times")
        self.args = nodes[0]["args"]
        self._group = group

    def tensors(self, names):
        """Return the names of the input tensors; other arguments remain as they are."""
        return [_resolved(arg, names) for arg in self.args]

    def shape(self):
        """Return the shape of the first input."""
        return self.args[0]["config"]["shape"]

    def weights(self, *shapes, inner=""):
        """Return the weights as arrays, whose shapes must be these."""
        arrays = [np.asarray(self._group[f"{inner}vars/{i}"]) for i in range(len(shapes))]
        for array, shape in zip(arrays, shapes, strict=True):
            if array.shape != tuple(shape):
                raise ValueError(f"a layer has weights of shape {array.shape}, expected {shape}")
        return arrays


def _convert_network(graph, config, group, tensors):
    """Append the layers of a network; ``tensors`` are those of its inputs by name, the result has those of all."""
    counts = {}
    for spec in config["layers"]:
        kind = spec["class_name"]
        own = None
        if not spec["module"].startswith("keras.src.ops"):
            # Keras names the weights by the class of the layer and its position among those of the class.
            stem = _snake_case(kind)
            number = counts[stem] = counts.get(stem, -1) + 1
            own = group.get(f"layers/{stem}_{number}" if number else f"layers/{stem}")
        if kind == "InputLayer":
            continue
        layer = _Layer(spec, own)
        args = layer.tensors(tensors)
        if kind == "Functional":
            inner = spec["config"]
            names = [name for name, *_ in _references(inner["input_layers"])]
            (output, *_), *others = _references(inner["output_layers"])
            _require(len(names) == len(args) and not others, "networks of several outputs")
            result = _convert_network(graph, inner, own, dict(zip(names, args, strict=True)))[output]
        else:
            _require(kind in _CONVERSIONS, kind)
            result = _CONVERSIONS[kind](graph, layer, *args)
        tensors[spec["name"]] = result
    return tensors


def _require(condition, what):
    if not condition:
        raise UnsupportedNetwork(f"the conversion to ONNX does not know {what}")


def _references(references):
    """Return a list of [layer, node, tensor], of which Keras writes a single one without a list around it."""
    return [references] if references and isinstance(references[0], str) else references


def _resolved(arg, tensors):
    if isinstance(arg, list):
        return [_resolved(item, tensors) for item in arg]
    if isinstance(arg, dict) and arg.get("class_name") == "__keras_tensor__":
        return tensors[arg["config"]["keras_history"][0]]
    return arg


def _snake_case(name):
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


def _activate(graph, name, x):
    ops = {"linear": None, "relu": "Relu", "softmax": "Softmax", "tanh": "Tanh", "sigmoid": "Sigmoid"}
    _require(name in ops, f"the activation {name!r}")
    return x if ops[name] is None else graph(ops[name], x)


def _channels_first(graph, x, convert):
    """Apply ``convert`` to a tensor whose channels are moved from the end to the front, and move them back."""
    return graph("Transpose", convert(graph("Transpose", x, perm=[0, 3, 1, 2])), perm=[0, 2, 3, 1])


def _window(options, size):
    """Return the attributes of a window that moves over an image."""
    _require(options["data_format"] == "channels_last", "channels_first")
    padding = {"same": "SAME_UPPER", "valid": "VALID"}[options["padding"]]
    return {"kernel_shape": size, "strides": options["strides"], "auto_pad": padding}


def _convolution(graph, layer, x):
    options = layer.options
    _require(options["groups"] == 1 and options["dilation_rate"] == [1, 1], "grouped or dilated convolutions")
    shapes = [(*options["kernel_size"], layer.shape()[-1], options["filters"])]
    kernel, *bias = layer.weights(*shapes, *([(options["filters"],)] if options["use_bias"] else []))
    window = _window(options, options["kernel_size"])
    x = _channels_first(graph, x, lambda x: graph("Conv", x, kernel.transpose(3, 2, 0, 1), *bias, **window))
    return _activate(graph, options["activation"], x)


def _pooling(op):
    def convert(graph, layer, x):
        window = _window(layer.options, layer.options["pool_size"])
        return _channels_first(graph, x, lambda x: graph(op, x, **window))

    return convert


def _dense(graph, layer, x):
    options = layer.options
    shapes = [(layer.shape()[-1], options["units"])]
    kernel, *bias = layer.weights(*shapes, *([(options["units"],)] if options["use_bias"] else []))
    x = graph("MatMul", x, kernel)
    return _activate(graph, options["activation"], graph("Add", x, *bias) if bias else x)


def _batch_normalization(graph, layer, x):
    options, shape = layer.options, layer.shape()
    _require(options["axis"] in (-1, len(shape) - 1) and options["scale"] and options["center"], "such normalisation")
    scale, offset, mean, variance = layer.weights(*[shape[-1:]] * 4)
    scale = scale / np.sqrt(variance + options["epsilon"])
    return graph("Add", graph("Mul", x, scale), offset - mean * scale)


def _conv_lstm(graph, layer, x):
    """Append a loop over the frames, unrolled; the convolution of the input is one for all frames."""
    options, (_, n_frames, *image, n_channels) = layer.options, layer.shape()
    size, n_filters = options["kernel_size"], options["filters"]
    unusual = ("return_sequences", "return_state", "go_backwards", "stateful")
    plain = options["padding"] == "same" and options["strides"] == options["dilation_rate"] == [1, 1]
    _require(plain and options["use_bias"] and not any(options[name] for name in unusual), "such a ConvLSTM2D")
    kernel, recurrent, bias = layer.weights(
        (*size, n_channels, 4 * n_filters), (*size, n_filters, 4 * n_filters), (4 * n_filters,), inner="cell/"
    )
    window = _window(options, size)
    x = graph("Reshape", x, graph.integers([-1, *image, n_channels]))
    x = graph("Transpose", x, perm=[0, 3, 1, 2])
    x = graph("Conv", x, kernel.transpose(3, 2, 0, 1), bias, **window)
    x = graph("Reshape", x, graph.integers([-1, n_frames, 4 * n_filters, *image]))
    output = memory = None
    for i in range(n_frames):
        gates = graph("Gather", x, graph.integers(i), axis=1)
        if output is not None:
            gates = graph("Add", gates, graph("Conv", output, recurrent.transpose(3, 2, 0, 1), **window))
        gates = graph("Split", gates, n_outputs=4, axis=1)
        entry, kept, shown = (_activate(graph, options["recurrent_activation"], gates[j]) for j in (0, 1, 3))
        new = graph("Mul", entry, _activate(graph, options["activation"], gates[2]))
        memory = new if memory is None else graph("Add", graph("Mul", kept, memory), new)
        output = graph("Mul", shown, _activate(graph, options["activation"], memory))
    return graph("Transpose", output, perm=[0, 2, 3, 1])


def _binary(op):
    def convert(graph, layer, *args):
        first, *others = args[0] if isinstance(args[0], list) else args
        for other in others:
            first = graph(op, first, other)
        return first

    return convert


def _unary(op, *constants):
    return lambda graph, layer, x: graph(op, x, *constants)


def _mean(graph, layer, x):
    return graph(
        "ReduceMean", x, axes=np.atleast_1d(layer.options["axis"]).tolist(), keepdims=layer.options["keepdims"]
    )


def _deviation(graph, layer, x):
    axes = np.atleast_1d(layer.options["axis"]).tolist()
    centred = graph("Sub", x, graph("ReduceMean", x, axes=axes, keepdims=1))
    variance = graph("ReduceMean", graph("Mul", centred, centred), axes=axes, keepdims=layer.options["keepdims"])
    return graph("Sqrt", variance)


def _any(graph, layer, x):
    x = graph("Cast", x, to=_FLOAT)
    return graph("ReduceMax", x, axes=np.atleast_1d(layer.options["axis"]).tolist(), keepdims=layer.options["keepdims"])


def _pad(graph, layer, x):
    widths = layer.options["pad_width"]
    # One pixel that is mirrored is the edge repeated.
    _require(layer.options["mode"] == "symmetric" and np.max(widths) <= 1, "such padding")
    return graph("Pad", x, graph.integers(np.transpose(widths).ravel()), mode="edge")


def _slice(graph, layer, x, slices):
    for axis, item in enumerate(slices):
        _require(isinstance(item, dict) and item["config"]["step"] in (None, 1), "such an index")
        start, stop = item["config"]["start"], item["config"]["stop"]
        if (start, stop) != (None, None):
            bounds = [start or 0], [np.iinfo(np.int64).max if stop is None else stop], [axis]
            x = graph("Slice", x, *map(graph.integers, bounds))
    return x


def _concatenate(graph, layer, x):
    return graph("Concat", *x, axis=layer.options["axis"])


def _cast(graph, layer, x):
    _require(layer.options["dtype"] in ("float32", {"class_name": "float32"}), "casts to other types")
    return graph("Cast", x, to=_FLOAT)


# onnx.TensorProto.FLOAT
_FLOAT = 1
_CONVERSIONS = {
    "Activation": lambda graph, layer, x: _activate(graph, layer.options["activation"], x),
    "Add": _binary("Add"),
    "Any": _any,
    "AveragePooling2D": _pooling("AveragePool"),
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "Concatenate": _concatenate,
    "Conv2D": _convolution,
    "ConvLSTM2D": _conv_lstm,
    "Dense": _dense,
    "Dropout": lambda graph, layer, x: x,
    "ExpandDims": lambda graph, layer, x: graph("Unsqueeze", x, graph.integers([layer.options["axis"]])),
    "Flatten": lambda graph, layer, x: graph("Flatten", x, axis=1),
    "GetItem": _slice,
    "MaxPooling2D": _pooling("MaxPool"),
    "Mean": _mean,
    "Multiply": _binary("Mul"),
    "Negative": _unary("Neg"),
    "NotEqual": lambda graph, layer, x, y: graph("Not", graph("Equal", x, y)),
    "Pad": _pad,
    "Power": _binary("Pow"),
    "Relu": _unary("Relu"),
    "Reshape": lambda graph, layer, x: graph("Reshape", x, graph.integers(layer.options["newshape"])),
    "Softmax": lambda graph, layer, x: graph("Softmax", x, axis=layer.options["axis"]),
    "Sqrt": _unary("Sqrt"),
    "Std": _deviation,
    "Subtract": _binary("Sub"),
    "TrueDivide": _binary("Div"),
}
