"""Audio networks: a CNN branch for each image of the sound and a dense layer for features, concatenated."""

import keras
from keras import layers

# (rows, frames) of the two kernels of an image, as in the reference system.
KERNELS = ((5, 15), (3, 9))
# Units of the dense layer of the features, as a multiple of those of an image.
FEATURE_UNITS = 4

# Strides of the two convolutions; without them, the first one took three fifths of a training step.
_STRIDES = ((2, 4), (1, 2))
# Each convolution and its pooling reduce (rows, frames) by this factor.
_REDUCTION = (2, 4)


def image_branch(image, *, n_filters, rules, kernels=KERNELS):
    """Apply two convolutions to a tensor of images.

    Both the maximum and the mean over time are kept: the maximum responds to a single burst, the mean to a habit.

    Parameters
    ----------
    image : KerasTensor of shape (batch, n_rows, n_frames, 1)
        Images, such as MFCC.
    n_filters : int
        Number of filters of the second convolution; the first has half as many.
    rules : Regularization
        Regularisation and seeds.
    kernels : sequence of two tuples of int, default=((5, 15), (3, 9))
        ``(rows, frames)`` of the two convolutions.

    Returns
    -------
    x : KerasTensor of shape (batch, n_features)
    """
    x = image
    for size, kernel, stride in zip((n_filters // 2, n_filters), kernels, _STRIDES, strict=True):
        x = layers.Conv2D(size, kernel, strides=stride, padding="same", use_bias=False, **rules.kernel())(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("relu")(x)
        pool = tuple(whole // step for whole, step in zip(_REDUCTION, stride, strict=True))
        x = layers.MaxPooling2D(pool, padding="same")(x)
    # The rows (frequency) are kept, time is pooled.
    pooled = [
        layers.Flatten()(pooling((1, x.shape[2]))(x)) for pooling in (layers.MaxPooling2D, layers.AveragePooling2D)
    ]
    # Maxima of rectified values are far above zero, which slows down the training of the dense layers.
    return rules.drop(layers.BatchNormalization(momentum=0.9)(layers.Concatenate()(pooled)))


def build_audio_cnn(image_shapes, n_features, n_classes, *, kernels, n_filters, n_units, rules):
    """Build the network of AudioCNNClassifier.

    Parameters
    ----------
    image_shapes : sequence of tuple of int
        ``(n_rows, n_frames, 1)`` of one or more images.
    n_features : int or None
        Number of standardised features; None for none.
    n_classes : int
        Number of classes.
    kernels : sequence of two tuples of int
        ``(rows, frames)`` of the two convolutions of each image.
    n_filters, n_units : int
        Number of filters of each CNN branch; number of units of the dense layer of each image. The dense layer of the
        features has four times as many.
    rules : Regularization
        Regularisation and seeds.

    Returns
    -------
    model : keras.Model
        The images in their order, then the features -> probabilities of shape (batch, n_classes).
    """
    inputs = [keras.Input(shape, name=f"image_{i}") for i, shape in enumerate(image_shapes)]
    branches = [image_branch(image, n_filters=n_filters, kernels=kernels, rules=rules) for image in inputs]
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
