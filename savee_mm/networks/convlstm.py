"""Video network: oriented gradients of every frame and their change over time, a convolution, then a ConvLSTM."""

import keras
import numpy as np
from keras import initializers, layers, ops

_N_DIRECTIONS = 8
# Number of cells along the shorter side of a frame, and side of the block of cells that share one norm.
_N_CELLS, _BLOCK = 16, 3
# Lower bound of the norm of a flat block; the pixels of a clip have unit variance.
_FLAT = 1e-3


def convlstm_branch(frames, *, n_filters, rules):
    """Apply the video branch to a tensor of frames.

    Its first layers are fixed, because a handful of speakers are too few to learn invariances from. Gradients in eight
    directions are averaged over cells and normalised by their neighbourhood as in HOG, which removes brightness,
    complexion and small shifts. Their difference to the first frame, which removes the identity, is concatenated. A
    strided convolution and a ConvLSTM at an eighth of the height and width follow.

    Parameters
    ----------
    frames : KerasTensor of shape (batch, n_frames, height, width, channels)
        Pixels on any scale: the channels are averaged, and each clip is standardised by its own mean and standard
        deviation.
    n_filters : int
        Number of filters of the convolution and of the ConvLSTM.
    rules : Regularization
        Regularisation and seeds.

    Returns
    -------
    x : KerasTensor of shape (batch, n_features)

    References
    ----------
    N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.
    X. Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting",
    NeurIPS 2015.
    """
    x = ops.mean(frames, axis=-1, keepdims=True)
    mean = ops.mean(x, axis=(1, 2, 3, 4), keepdims=True)
    deviation = ops.std(x, axis=(1, 2, 3, 4), keepdims=True)
    x = (x - mean) / (deviation + 1e-3)
    n_frames, *image = x.shape[1:]
    x = _oriented_gradients(ops.reshape(x, (-1, *image)))
    x = ops.reshape(x, (-1, n_frames, *x.shape[1:]))
    x = ops.concatenate([x, x - x[:, :1]], axis=-1)
    x = ops.reshape(x, (-1, *x.shape[2:]))
    # The directions and their differences have unequal scales.
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Conv2D(n_filters, 3, strides=2, padding="same", use_bias=False, **rules.kernel())(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Activation("relu")(x)
    x = ops.reshape(x, (-1, n_frames, *x.shape[1:]))
    x = layers.ConvLSTM2D(
        n_filters,
        3,
        padding="same",
        recurrent_initializer=initializers.Orthogonal(seed=rules.next_seed()),
        seed=rules.next_seed(),
        **rules.kernel(),
    )(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return rules.drop(layers.Flatten()(x))


def _oriented_gradients(images):
    """Return the gradient of each cell in eight directions, shape (batch, rows, columns, 8).

    The values are divided by about the root mean square over the neighbouring cells.
    """
    side = max(1, min(images.shape[1:3]) // _N_CELLS)
    angles = 2 * np.pi * np.arange(_N_DIRECTIONS // 2) / _N_DIRECTIONS
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    kernels = np.cos(angles) * sobel[..., np.newaxis] + np.sin(angles) * sobel.T[..., np.newaxis]
    # Edges are repeated: zeros would be the steepest gradient of all.
    images = ops.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
    x = _fixed_filters(images, kernels[:, :, np.newaxis], padding="valid")
    # The other four directions are the opposite ones.
    x = layers.AveragePooling2D(side)(ops.concatenate([ops.relu(x), ops.relu(-x)], axis=-1))
    energy = _fixed_filters(
        ops.mean(x**2, axis=-1, keepdims=True), np.full((_BLOCK, _BLOCK, 1, 1), _BLOCK**-2), padding="same"
    )
    return x / ops.sqrt(energy + _FLAT)


def _fixed_filters(x, kernels, *, padding):
    """Convolve with kernels of shape (height, width, n_channels, n_filters) that are not trained."""
    height, width, _, n_filters = kernels.shape
    layer = layers.Conv2D(
        n_filters, (height, width), padding=padding, use_bias=False, kernel_initializer="zeros", trainable=False
    )
    x = layer(x)
    layer.set_weights([kernels])
    return x


def build_convlstm(input_shape, n_classes, *, n_filters, n_units, rules):
    """Build the network of ConvLSTMClassifier.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, height, width, channels)``.
    n_classes : int
        Number of classes.
    n_filters : int
        Number of filters of the convolution and of the ConvLSTM.
    n_units : int or None
        Number of units of a dense layer before the output layer; None for no such layer.
    rules : Regularization
        Regularisation and seeds.

    Returns
    -------
    model : keras.Model
        Frames -> probabilities of shape (batch, n_classes).
    """
    frames = keras.Input(input_shape, name="frames")
    x = convlstm_branch(frames, n_filters=n_filters, rules=rules)
    if n_units is not None:
        x = rules.drop(layers.Dense(n_units, activation="relu", **rules.kernel())(x))
    return keras.Model(frames, rules.softmax(x, n_classes), name="convlstm")
