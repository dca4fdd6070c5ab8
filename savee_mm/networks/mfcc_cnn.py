"""The audio network: two convolutions over an MFCC image."""

from keras import layers

# (coefficients, frames) of the two kernels, as in the reference system.
KERNELS = ((5, 15), (3, 9))


def mfcc_cnn_branch(image, *, filters, rules):
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

    Returns
    -------
    x : KerasTensor of shape (batch, n_features)
    """
    x = image
    for n_filters, kernel, pool in zip((filters // 2, filters), KERNELS, ((2, 4), (2, 4)), strict=True):
        x = layers.Conv2D(n_filters, kernel, padding="same", use_bias=False, **rules.kernel())(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("relu")(x)
        x = layers.MaxPooling2D(pool, padding="same")(x)
    # Frequency keeps its place; time is pooled away.
    over_time = layers.Concatenate()(
        [
            layers.Flatten()(layers.MaxPooling2D((1, x.shape[2]))(x)),
            layers.Flatten()(layers.AveragePooling2D((1, x.shape[2]))(x)),
        ]
    )
    return rules.drop(over_time)
