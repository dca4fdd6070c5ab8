"""The video network: a strided convolution stem on every frame, then a ConvLSTM over time."""

import keras
from keras import initializers, layers, ops


def convlstm_branch(frames, *, filters, rules):
    """Apply the video branch to a tensor of frames.

    Every clip is standardised by its own mean and deviation, which takes out light and complexion, and enters
    beside its difference to its first frame, which takes out the person. Two strided convolutions then bring
    64 x 64 pixels down to 16 x 16: a ConvLSTM on full frames would take hours.

    Parameters
    ----------
    frames : KerasTensor of shape (batch, n_frames, height, width, channels)
        Pixels in [0, 1].
    filters : int
        Number of filters of the ConvLSTM.
    rules : Regularization
        Regularisation and seeds.

    Returns
    -------
    x : KerasTensor of shape (batch, n_features)

    References
    ----------
    X. Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting",
    NeurIPS 2015.
    """
    mean = ops.mean(frames, axis=(1, 2, 3, 4), keepdims=True)
    deviation = ops.std(frames, axis=(1, 2, 3, 4), keepdims=True)
    x = (frames - mean) / (deviation + 1e-3)
    x = ops.concatenate([x, x - x[:, :1]], axis=-1)
    n_frames, *picture = x.shape[1:]
    x = ops.reshape(x, (-1, *picture))
    for n_filters, size in ((filters // 2, 5), (filters, 3)):
        x = layers.Conv2D(n_filters, size, strides=2, padding="same", use_bias=False, **rules.kernel())(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("relu")(x)
    x = ops.reshape(x, (-1, n_frames, *x.shape[1:]))
    x = layers.ConvLSTM2D(
        filters,
        3,
        strides=2,
        padding="same",
        recurrent_initializer=initializers.Orthogonal(seed=rules.next_seed()),
        seed=rules.next_seed(),
        **rules.kernel(),
    )(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.MaxPooling2D(2, padding="same")(x)
    return rules.drop(layers.Flatten()(x))


def build_convlstm(input_shape, n_classes, *, filters, n_units, rules):
    """Return the network of ConvLSTMClassifier.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, height, width, channels)``.
    n_classes : int
        Number of classes.
    filters, n_units : int
        Filters of the ConvLSTM; units of the dense layer.
    rules : Regularization
        Regularisation and seeds.

    Returns
    -------
    model : keras.Model
        Frames -> probabilities of shape (batch, n_classes).
    """
    frames = keras.Input(input_shape, name="frames")
    x = convlstm_branch(frames, filters=filters, rules=rules)
    x = rules.drop(layers.Dense(n_units, activation="relu", **rules.kernel())(x))
    return keras.Model(frames, rules.softmax(x, n_classes), name="convlstm")
