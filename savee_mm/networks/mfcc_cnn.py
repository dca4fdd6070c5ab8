"""The audio network: two convolutions over an MFCC image."""

from keras import layers

# (coefficients, frames) of the two kernels, as in the reference system.
KERNELS = ((5, 15), (3, 9))


# What one convolution and the pooling behind it bring (coefficients, frames) down by.
_REDUCTION = (2, 4)


def mfcc_cnn_branch(image, *, filters, rules, kernels=KERNELS, strides=((1, 1), (1, 1)), standardize=False):
    """Apply the audio branch to a tensor of MFCC images.

    The maximum and the mean over time are both kept: a burst and a habit.

    Parameters
    ----------
    image : KerasTensor of shape (batch, n_mfcc, n_frames, 1)
        MFCC images.
    filters : int
        Number of filters of the second convolution; the first has half as many.
    rules : Regularization
        Regularisation and seeds.
    kernels : sequence of two tuples of int, default=((5, 15), (3, 9))
        ``(rows, frames)`` of the two convolutions.
    strides : sequence of two tuples of int, default=((1, 1), (1, 1))
        Steps of the two convolutions, divisors of (2, 4): what they leave of that is pooled.
    standardize : bool, default=False
        Whether each number that comes out is standardised over the batch. Maxima of rectified values are far
        above zero, which a branch that is trained alone does not get over.

    Returns
    -------
    x : KerasTensor of shape (batch, n_features)
    """
    x = image
    for n_filters, kernel, stride in zip((filters // 2, filters), kernels, strides, strict=True):
        x = layers.Conv2D(n_filters, kernel, strides=stride, padding="same", use_bias=False, **rules.kernel())(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("relu")(x)
        pool = tuple(whole // step for whole, step in zip(_REDUCTION, stride, strict=True))
        x = layers.MaxPooling2D(pool, padding="same")(x)
    # Frequency keeps its place; time is pooled away.
    over_time = layers.Concatenate()(
        [
            layers.Flatten()(layers.MaxPooling2D((1, x.shape[2]))(x)),
            layers.Flatten()(layers.AveragePooling2D((1, x.shape[2]))(x)),
        ]
    )
    return rules.drop(layers.BatchNormalization(momentum=0.9)(over_time) if standardize else over_time)
