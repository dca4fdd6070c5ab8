"""Networks that were trained on ImageNet, cut into a frozen part that is run once and a part that is trained."""

import random
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import keras
import numpy as np
from keras import layers, ops

from savee_mm._weights import LocalWeights

N_BLOCKS = 5
"""Convolutional blocks of VGG16 and VGG19."""

MOBILENET_SIDE = 224
"""Side of the pictures of MobileNet (pixels); its graph knows no other."""

_BATCH = 16  # pictures that pass the frozen part at once


@dataclass(frozen=True)
class Backbone:
    """A pretrained network and where it is cut; equal ones compute the same, and so do those of equal ``repr``.

    Parameters
    ----------
    name : {"vgg16", "vgg19", "mobilenet"}
        Which network.
    size : int
        Side of its pictures (pixels); 224 for MobileNet.
    weights : LocalWeights or None
        Its file of weights; None for random ones, which MobileNet has not.
    seed : int or None
        Seed of random weights.
    n_unfrozen : int, default=0
        How many of VGG's last blocks do not belong to the frozen part.
    """

    name: str
    size: int
    weights: LocalWeights | None
    seed: int | None = None
    n_unfrozen: int = 0


def prepare_pictures(pictures, size):
    """Bring pictures of any range and size to squares of three channels.

    Each picture is stretched from its own least and greatest value to [0, 255], so that neither the level nor the
    unit of its numbers matters; one of a single value becomes 0 throughout. It is resized bilinearly, smoothed where
    it shrinks, whatever its proportions.

    Parameters
    ----------
    pictures : ndarray of shape (n, height, width, channels), float32
        Finite numbers, 1 or 3 channels; one channel is repeated.
    size : int
        Side of the squares (pixels).

    Returns
    -------
    squares : ndarray of shape (n, size, size, 3), float32
    """
    low = pictures.min(axis=(1, 2, 3), keepdims=True)
    span = pictures.max(axis=(1, 2, 3), keepdims=True) - low
    scaled = (pictures - low) * (255 / np.where(span > 0, span, np.inf)).astype(np.float32)
    squares = ops.image.resize(scaled, (size, size), interpolation="bilinear", antialias=True)
    return np.broadcast_to(np.clip(ops.convert_to_numpy(squares), 0, 255), (len(pictures), size, size, 3))


def frozen_features(backbone, pictures):
    """Run the frozen part of a network.

    Parameters
    ----------
    backbone : Backbone
        The network and where it is cut.
    pictures : ndarray of shape (n, height, width, channels), float32
        As in :func:`prepare_pictures`.

    Returns
    -------
    features : ndarray of shape (n, n_features) or (n, height, width, n_filters), float32
        Averaged over the picture where the whole network is frozen, else what the first unfrozen block takes in.
    """
    run = _frozen_mobilenet(backbone.weights) if backbone.name == "mobilenet" else _frozen_vgg(backbone)
    batches = (pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH))
    return np.concatenate([run(prepare_pictures(batch, backbone.size)) for batch in batches])


def build_transfer(backbone, shape, n_classes, *, n_units, rules):
    """Return the part of the network that is trained: the unfrozen blocks, and a new dense head.

    Parameters
    ----------
    backbone : Backbone
        The network and where it is cut; its unfrozen blocks begin with its weights.
    shape : tuple of int
        Shape of what the frozen part gives for one picture.
    n_classes : int
        Number of classes.
    n_units : int
        Units of the dense layer.
    rules : Regularization
        Regularisation and seeds of the head.

    Returns
    -------
    model : keras.Model
        Frozen features -> probabilities of shape (batch, n_classes). Layers of unfrozen blocks keep their names,
        such as ``block5_conv1``.
    """
    features = keras.Input(shape, name="features")
    x = features
    if backbone.n_unfrozen:
        originals = _unfrozen_layers(backbone)
        copies = [_copy(layer) for layer in originals]
        for copy in copies:
            x = copy(x)
        for original, copy in zip(originals, copies, strict=True):
            copy.set_weights(original.get_weights())
        x = layers.GlobalAveragePooling2D()(x)
    # The bases differ in scale by orders of magnitude, and so do their features among themselves.
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = rules.drop(layers.Dense(n_units, activation="relu", **rules.kernel())(x))
    return keras.Model(features, rules.softmax(x, n_classes), name=f"{backbone.name}_transfer")


class FineTuningAdam(keras.optimizers.Adam):
    """Adam with a smaller learning rate for some of the variables.

    Parameters
    ----------
    slow : sequence of keras.Variable
        Variables that move slowly.
    factor : float
        Their share of the learning rate.
    **options
        Those of :class:`keras.optimizers.Adam`.
    """

    def __init__(self, slow, factor, **options):
        super().__init__(**options)
        self._slow = {_identity(variable) for variable in slow}
        self._factor = factor

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable by its gradient."""
        # A smaller gradient would not do: Adam divides it by its own size.
        if _identity(variable) in self._slow:
            learning_rate = learning_rate * self._factor
        super().update_step(gradient, variable, learning_rate)


def slow_down_blocks(model, optimizer, factor):
    """Return an optimiser like ``optimizer`` (Adam) that moves the unfrozen blocks of ``model`` more slowly."""
    slow = [v for layer in model.layers if layer.name.startswith("block") for v in layer.trainable_variables]
    options = optimizer.get_config()
    if isinstance(options["learning_rate"], dict):
        options["learning_rate"] = keras.optimizers.schedules.deserialize(options["learning_rate"])
    return FineTuningAdam(slow, factor, **options)


def _identity(variable):
    """Return what is the same for a Keras variable and for the TensorFlow variable in it."""
    return id(variable.value if isinstance(variable, keras.Variable) else variable)


def _copy(layer):
    config = layer.get_config()
    if "kernel_initializer" in config:
        config["kernel_initializer"] = "zeros"  # to be overwritten; a random one would draw a seed
    return type(layer).from_config(config)


def _unfrozen_layers(backbone):
    network = _vgg(backbone.name, backbone.weights, backbone.seed)
    names = tuple(f"block{i}_" for i in range(N_BLOCKS - backbone.n_unfrozen + 1, N_BLOCKS + 1))
    return [layer for layer in network.layers if layer.name.startswith(names)]


def _frozen_vgg(backbone):
    """Return a function from squares to features."""
    network = _vgg(backbone.name, backbone.weights, backbone.seed)
    n_frozen = N_BLOCKS - backbone.n_unfrozen
    output = network.get_layer(f"block{n_frozen}_pool").output if n_frozen else network.input
    if not backbone.n_unfrozen:
        output = layers.GlobalAveragePooling2D()(output)
    frozen = keras.Model(network.input, output)

    def run(squares):
        # Both were trained on blue, green, red, less the mean over ImageNet.
        pictures = squares[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)
        return ops.convert_to_numpy(frozen(pictures, training=False))

    return run


@lru_cache(maxsize=2)
def _vgg(name, weights, seed):
    """Return VGG16 or VGG19 without its dense layers, kept in this process: 60 or 80 MB. It is never trained."""
    build = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[name]
    with _global_generator_left_alone():
        network = build(include_top=False, weights=None, input_shape=(None, None, 3))
    if weights is None:
        _draw(network, seed)
        return network
    try:
        network.load_weights(weights.path)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{weights.path}: not weights of {name} without its dense layers, or damaged ({error})."
        ) from error
    return network


@contextmanager
def _global_generator_left_alone():
    """Undo that initialisers without a seed draw one from Python's generator."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _draw(network, seed):
    """Give every convolution random weights that keep the scale of what passes (He et al. 2015)."""
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if layer.weights:
            kernel, bias = layer.weights
            values = rng.standard_normal(kernel.shape, dtype=np.float32)
            layer.set_weights([values * np.float32(np.sqrt(2 / np.prod(kernel.shape[:-1]))), np.zeros(bias.shape)])


@lru_cache(maxsize=1)
def _frozen_mobilenet(weights):
    """Return a function from squares of 224 pixels to features, one caller at a time."""
    interpreter = _interpreter(weights.path)
    (entry,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = end["quantization"]
    lock = threading.Lock()

    def one(square):
        # Its 8 bits of input are the pixels themselves.
        interpreter.set_tensor(entry["index"], square.round().astype(np.uint8)[np.newaxis])
        interpreter.invoke()
        return (interpreter.get_tensor(end["index"]).ravel().astype(np.float32) - zero) * np.float32(scale)

    def run(squares):
        with lock:
            return np.stack([one(square) for square in squares])

    return run


def _interpreter(path):
    """Return TensorFlow Lite's interpreter, from the package that it is moving to where that is installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow as tf

        Interpreter = tf.lite.Interpreter
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\s*Warning:\s+tf\.lite\.Interpreter is deprecated")
            interpreter = Interpreter(path)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{path}: not a TensorFlow Lite model, or damaged ({error}).") from error
    return interpreter
