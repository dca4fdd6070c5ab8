"""Networks pretrained on ImageNet, cut into a frozen part that runs once per image and a part that is trained."""

import random
import threading
import warnings
import zipfile
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
"""Side of the images of MobileNet (pixels); its graph has a fixed input size."""

_BATCH = 16  # images per call of the frozen part


@dataclass(frozen=True)
class Backbone:
    """A pretrained network and where it is cut.

    Backbones with equal ``repr`` compute the same features.

    Parameters
    ----------
    name : {"vgg16", "vgg19", "mobilenet"}
        The network.
    size : int
        Side of its input images (pixels); 224 for MobileNet.
    weights : LocalWeights or None
        Its file of weights; None for random weights (VGG only).
    seed : int or None
        Seed of random weights.
    trainable_layers : int, default=0
        Number of VGG's convolutional blocks, counted from the last, that are not part of the frozen network.
    """

    name: str
    size: int
    weights: LocalWeights | None
    seed: int | None = None
    trainable_layers: int = 0


def prepare_images(images, size):
    """Rescale images of any range and size to squares of three channels.

    Each image is scaled from its own minimum and maximum to [0, 255], so that neither the level nor the unit of its
    values matters; a constant image becomes zeros. It is resized bilinearly with antialiasing, without keeping its
    aspect ratio.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels), float32
        Finite values, 1 or 3 channels; a single channel is repeated.
    size : int
        Side of the squares (pixels).

    Returns
    -------
    squares : ndarray of shape (n, size, size, 3), float32
    """
    low = images.min(axis=(1, 2, 3), keepdims=True)
    span = images.max(axis=(1, 2, 3), keepdims=True) - low
    scaled = (images - low) * (255 / np.where(span > 0, span, np.inf)).astype(np.float32)
    squares = ops.image.resize(scaled, (size, size), interpolation="bilinear", antialias=True)
    return np.broadcast_to(np.clip(ops.convert_to_numpy(squares), 0, 255), (len(images), size, size, 3))


def frozen_features(backbone, images):
    """Run the frozen part of a backbone.

    Parameters
    ----------
    backbone : Backbone
        The network and where it is cut.
    images : ndarray of shape (n, height, width, channels), float32
        As in :func:`prepare_images`.

    Returns
    -------
    features : ndarray of shape (n, n_features) or (n, height, width, n_filters), float32
        Averaged over height and width if the whole network is frozen; otherwise the input of the first trainable block.
    """
    run = _frozen_mobilenet(backbone.weights) if backbone.name == "mobilenet" else _frozen_vgg(backbone)
    batches = (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
    return np.concatenate([run(prepare_images(batch, backbone.size)) for batch in batches])


def build_transfer(backbone, shape, n_classes, *, n_units, rules):
    """Build the part of the network that is trained: the trainable blocks and a new dense head.

    Parameters
    ----------
    backbone : Backbone
        The network and where it is cut; its trainable blocks start with its weights.
    shape : tuple of int
        Output shape of the frozen part for one image, or ``(n_frames, height, width, n_filters)`` for a clip of frames,
        whose features are averaged over the frames after the trainable blocks.
    n_classes : int
        Number of classes.
    n_units : int
        Number of units of the dense layer.
    rules : Regularization
        Regularisation and seeds of the head.

    Returns
    -------
    model : keras.Model
        Frozen features -> probabilities of shape (batch, n_classes). Layers of trainable blocks keep their names,
        such as ``block5_conv1``.
    """
    features = keras.Input(shape, name="features")
    x = features
    if backbone.trainable_layers:
        originals = _trainable_layers(backbone)
        copies = [_copy(layer) for layer in originals]
        if len(shape) == 4:
            x = ops.reshape(x, (-1, *shape[1:]))
        for copy in copies:
            x = copy(x)
        for original, copy in zip(originals, copies, strict=True):
            copy.set_weights(original.get_weights())
        x = layers.GlobalAveragePooling2D()(x)
        if len(shape) == 4:
            x = ops.mean(ops.reshape(x, (-1, shape[0], x.shape[-1])), axis=1)
    # The scales of the features differ by orders of magnitude, within a backbone and between backbones.
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = rules.drop(layers.Dense(n_units, activation="relu", **rules.kernel())(x))
    return keras.Model(features, rules.softmax(x, n_classes), name=f"{backbone.name}_transfer")


class FineTuningAdam(keras.optimizers.Adam):
    """Adam with a smaller learning rate for some variables.

    Parameters
    ----------
    slow : sequence of keras.Variable
        Variables with the smaller learning rate.
    factor : float
        Their factor of the learning rate.
    **options
        Parameters of :class:`keras.optimizers.Adam`.
    """

    def __init__(self, slow, factor, **options):
        super().__init__(**options)
        self._slow = {_identity(variable) for variable in slow}
        self._factor = factor

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        # A smaller gradient would change nothing: Adam divides it by its own magnitude.
        if _identity(variable) in self._slow:
            learning_rate = learning_rate * self._factor
        super().update_step(gradient, variable, learning_rate)


def slow_down_blocks(model, optimizer, factor):
    """Return a copy of ``optimizer`` (Adam) with a smaller learning rate for the trainable blocks of ``model``."""
    slow = [v for layer in model.layers if layer.name.startswith("block") for v in layer.trainable_variables]
    options = optimizer.get_config()
    if isinstance(options["learning_rate"], dict):
        options["learning_rate"] = keras.optimizers.schedules.deserialize(options["learning_rate"])
    return FineTuningAdam(slow, factor, **options)


def _identity(variable):
    """Return an identifier shared by a Keras variable and its TensorFlow variable."""
    return id(variable.value if isinstance(variable, keras.Variable) else variable)


def _copy(layer):
    config = layer.get_config()
    if "kernel_initializer" in config:
        config["kernel_initializer"] = "zeros"  # overwritten later; a random initialiser would draw a seed
    return type(layer).from_config(config)


def _trainable_layers(backbone):
    network = _vgg(backbone.name, backbone.weights, backbone.seed)
    names = tuple(f"block{i}_" for i in range(N_BLOCKS - backbone.trainable_layers + 1, N_BLOCKS + 1))
    return [layer for layer in network.layers if layer.name.startswith(names)]


def _frozen_vgg(backbone):
    """Return the function from squares to features of a VGG."""
    network = _vgg(backbone.name, backbone.weights, backbone.seed)
    n_frozen = N_BLOCKS - backbone.trainable_layers
    output = network.get_layer(f"block{n_frozen}_pool").output if n_frozen else network.input
    if not backbone.trainable_layers:
        output = layers.GlobalAveragePooling2D()(output)
    frozen = keras.Model(network.input, output)

    def run(squares):
        # Both were trained on BGR images minus the mean of ImageNet.
        images = squares[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)
        return ops.convert_to_numpy(frozen(images, training=False))

    return run


@lru_cache(maxsize=2)
def _vgg(name, weights, seed):
    """Return VGG16 or VGG19 without its dense layers. It is never trained, and kept in this process (60 or 80 MB)."""
    build = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[name]
    with _preserved_global_generator():
        network = build(include_top=False, weights=None, input_shape=(None, None, 3))
    if weights is None:
        _draw(network, seed)
        return network
    try:
        if weights.path.endswith(".npz"):
            _load_arrays(network, weights.path)
        else:
            network.load_weights(weights.path)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{weights.path}: not weights of {name} without its dense layers, or damaged ({error})."
        ) from error
    return network


def _load_arrays(network, path):
    """Set the weights of every convolution from the arrays ``block1_conv1/kernel``, ``block1_conv1/bias``, ..."""
    with np.load(path, allow_pickle=False) as arrays:
        for layer in network.layers:
            if layer.weights:
                layer.set_weights([arrays[f"{layer.name}/{kind}"].astype(np.float32) for kind in ("kernel", "bias")])


@contextmanager
def _preserved_global_generator():
    """Restore Python's generator, from which initialisers without a seed draw one."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _draw(network, seed):
    """Set random weights of every convolution that preserve the scale of the activations (He et al. 2015)."""
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if layer.weights:
            kernel, bias = layer.weights
            values = rng.standard_normal(kernel.shape, dtype=np.float32)
            layer.set_weights([values * np.float32(np.sqrt(2 / np.prod(kernel.shape[:-1]))), np.zeros(bias.shape)])


@lru_cache(maxsize=1)
def _frozen_mobilenet(weights):
    """Return the function from squares of 224 pixels to features of MobileNet. Calls from threads are serialised."""
    interpreter = _interpreter(weights.path)
    (source,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = end["quantization"]
    lock = threading.Lock()

    def one(square):
        # The quantised input is the pixel values themselves.
        interpreter.set_tensor(source["index"], square.round().astype(np.uint8)[np.newaxis])
        interpreter.invoke()
        return (interpreter.get_tensor(end["index"]).ravel().astype(np.float32) - zero) * np.float32(scale)

    def run(squares):
        with lock:
            return np.stack([one(square) for square in squares])

    return run


def _interpreter(path):
    """Return TensorFlow Lite's interpreter, preferably from its new package ai_edge_litert."""
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
