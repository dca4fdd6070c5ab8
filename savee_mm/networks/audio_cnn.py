"""The audio networks: a CNN branch for each picture of the sound, a dense layer for features, concatenated."""

import keras
from keras import layers

from savee_mm.networks.mfcc_cnn import mfcc_cnn_branch

# Steps of the two convolutions. At every frame, the first alone took three fifths of a training step.
STRIDES = ((2, 4), (1, 2))
# Units of the dense layer of the features, for each of a picture's.
FEATURE_UNITS = 4


def build_audio_cnn(image_shapes, n_features, n_classes, *, kernels, filters, n_units, rules):
    """Return the network of AudioCNNClassifier.

    Parameters
    ----------
    image_shapes : sequence of tuple of int
        ``(n_rows, n_frames, 1)`` of one or more pictures.
    n_features : int or None
        Number of standardised features beside them; None for none.
    n_classes : int
        Number of classes.
    kernels : sequence of two tuples of int
        ``(rows, frames)`` of the two convolutions of each picture.
    filters, n_units : int
        Filters of each CNN branch; units of the dense layer of each picture. That of the features has four times
        as many.
    rules : Regularization
        Regularisation and seeds.

    Returns
    -------
    model : keras.Model
        The images in their order, then the features -> probabilities of shape (batch, n_classes).
    """
    inputs = [keras.Input(shape, name=f"image_{i}") for i, shape in enumerate(image_shapes)]
    branches = [
        mfcc_cnn_branch(image, filters=filters, kernels=kernels, strides=STRIDES, standardize=True, rules=rules)
        for image in inputs
    ]
    sizes = [n_units] * len(branches)
    if n_features is not None:
        inputs.append(keras.Input((n_features,), name="features"))
        branches.append(inputs[-1])
        sizes.append(FEATURE_UNITS * n_units)
    branches = [
        layers.Dense(size, activation="relu", **rules.kernel())(branch)
        for branch, size in zip(branches, sizes, strict=True)
    ]
    x = rules.drop(layers.Concatenate()(branches) if len(branches) > 1 else branches[0])
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], rules.softmax(x, n_classes), name="audio_cnn")
