"""YAMNet, a MobileNet that classifies 521 sounds, and its published weights."""

from functools import lru_cache

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import layers

N_CLASSES = 521
N_EMBEDDINGS = 1024

_PATCH_SHAPE = (96, 64)
# (stride, number of filters) of the separable convolutions, layers 2 to 14; layer 1 is an ordinary convolution.
_SEPARABLE = (
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    *[(1, 512)] * 5,
    (2, 1024),
    (1, 1024),
)
_EPSILON = 1e-4  # of the batch normalisation of the published model


def build_yamnet():
    """Build YAMNet with zero weights.

    MobileNet v1: one convolution, thirteen depthwise separable convolutions, global average pooling. Batch
    normalisation is folded into the kernels and biases, which is equivalent in prediction.

    Returns
    -------
    model : keras.Model
        Log-mel patches of shape (batch, 96, 64) -> class scores (batch, 521), each in [0, 1], and
        embeddings (batch, 1024). Layers are named as in the published model, with ``_`` for ``/``, which Keras 3
        does not allow.

    References
    ----------
    M. Plakal, D. Ellis, "YAMNet", 2019, github.com/tensorflow/models/tree/master/research/audioset/yamnet.
    A. Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017.
    """
    # Not random: an initialiser without a seed draws one from Python's global generator.
    options = {"padding": "same", "activation": "relu"}
    patches = keras.Input(_PATCH_SHAPE, name="patches")
    x = layers.Reshape((*_PATCH_SHAPE, 1))(patches)
    x = layers.Conv2D(32, 3, strides=2, kernel_initializer="zeros", name="layer1_conv", **options)(x)
    for i, (stride, n_filters) in enumerate(_SEPARABLE, start=2):
        depthwise, pointwise = f"layer{i}_depthwise_conv", f"layer{i}_pointwise_conv"
        x = layers.DepthwiseConv2D(3, strides=stride, depthwise_initializer="zeros", name=depthwise, **options)(x)
        x = layers.Conv2D(n_filters, 1, kernel_initializer="zeros", name=pointwise, **options)(x)
    embeddings = layers.GlobalAveragePooling2D(name="embeddings")(x)
    scores = layers.Dense(N_CLASSES, activation="sigmoid", kernel_initializer="zeros", name="logits")(embeddings)
    return keras.Model(patches, [scores, embeddings], name="yamnet")


def load_yamnet_weights(model, path):
    """Load published weights into the network of :func:`build_yamnet`.

    Parameters
    ----------
    model : keras.Model
        The network.
    path : str or path-like
        ``yamnet.h5`` as published (batch normalisation is folded in), or an ``.npz`` with ``<layer>/w`` and
        ``<layer>/b`` in TensorFlow Lite's order, 8-bit kernels with their ``<layer>/w/scale``.

    Raises
    ------
    ValueError
        If the file is neither, lacks a layer, or has a layer of another shape.
    """
    path = str(path)
    try:
        weights = _read_npz(path) if path.endswith(".npz") else _read_h5(path)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path}: not YAMNet's weights, or damaged ({error}).") from error
    for layer in model.layers:
        if layer.weights:
            _set_weights(layer, weights, path)


@lru_cache(maxsize=2)
def load_yamnet(weights):
    """Return YAMNet as one traced function, kept in this process by the content of its weights.

    Parameters
    ----------
    weights : LocalWeights
        The file, see :func:`load_yamnet_weights`.

    Returns
    -------
    run : callable
        Patches (n_patches, 96, 64) -> (scores (n_patches, 521), embeddings (n_patches, 1024)) as tensors.
    """
    model = build_yamnet()
    load_yamnet_weights(model, weights.path)
    # Traced for any number of patches: called layer by layer, it takes 1.5 times as long.
    signature = [tf.TensorSpec((None, *_PATCH_SHAPE), tf.float32)]
    return tf.function(lambda patches: model(patches, training=False), input_signature=signature, autograph=False)


def _set_weights(layer, weights, path):
    if layer.name not in weights:
        raise ValueError(f"{path}: not YAMNet's weights: no layer {layer.name.replace('_', '/', 1)!r} in it.")
    found = [array.shape for array in weights[layer.name]]
    expected = [tuple(variable.shape) for variable in layer.weights]
    if found != expected:
        raise ValueError(f"{path}: not YAMNet's weights: {layer.name} is of shapes {found}, expected {expected}.")
    layer.set_weights(weights[layer.name])


def _read_h5(path):
    """Return {layer: (kernel, bias)} of the published file."""
    with h5py.File(path) as file:
        layers_of_file = {name: dict(_named_weights(file[name])) for name in _names(file, "layer_names")}
    weights = {}
    for name, arrays in layers_of_file.items():
        if "bias" in arrays:
            # The dense layer has no fixed name in the published code.
            weights["logits"] = arrays["kernel"], arrays["bias"]
        elif name.endswith(("_conv", "/conv")):
            weights[name.replace("/", "_")] = _fold(arrays, layers_of_file[f"{name}/bn"])
    return weights


def _names(group, attribute):
    return [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs[attribute]]


def _named_weights(group):
    for name in _names(group, "weight_names"):
        yield name.rpartition("/")[2].partition(":")[0], np.asarray(group[name])


def _fold(arrays, norm):
    """Fold a batch normalisation into the convolution without bias before it; return kernel and bias."""
    factor = norm.get("gamma", 1.0) / np.sqrt(norm["moving_variance"] + _EPSILON)
    bias = norm["beta"] - norm["moving_mean"] * factor
    if "depthwise_kernel" in arrays:
        return arrays["depthwise_kernel"] * factor[:, np.newaxis], bias
    return arrays["kernel"] * factor, bias


def _read_npz(path):
    """Return {layer: (kernel, bias)} of 8-bit weights in TensorFlow Lite's order."""
    weights = {}
    with np.load(path, allow_pickle=False) as file:
        for key in file.files:
            if not key.endswith("/w"):
                continue
            layer = key.removesuffix("/w")
            name = "logits" if layer == "fc/fc" else layer.replace("/", "_")
            # One scale for each output channel: the last axis of a depthwise kernel, otherwise the first.
            axis = -1 if "depthwise" in layer else 0
            kernel = file[key].astype(np.float32)
            if f"{key}/scale" in file.files:
                kernel *= np.expand_dims(
                    file[f"{key}/scale"], [a for a in range(kernel.ndim) if a != axis % kernel.ndim]
                )
            kernel = kernel[0][..., np.newaxis] if axis == -1 else np.moveaxis(kernel, 0, -1)
            weights[name] = kernel, file[f"{layer}/b"]
    return weights
