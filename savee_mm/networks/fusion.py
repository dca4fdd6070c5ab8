"""The joint network: video branch and audio branch, concatenated."""

import keras
from keras import layers

from savee_mm.networks.convlstm import convlstm_branch
from savee_mm.networks.mfcc_cnn import mfcc_cnn_branch


def build_fusion(video_shape, audio_shape, n_classes, *, filters, n_units, rules):
    """Return the network of FusionClassifier.

    Parameters
    ----------
    video_shape : tuple of int
        ``(n_frames, height, width, channels)``.
    audio_shape : tuple of int
        ``(n_mfcc, n_frames, 1)``.
    n_classes : int
        Number of classes.
    filters, n_units : int
        Filters of each branch; units of the dense layer of each branch and of the joint one.
    rules : Regularization
        Regularisation and seeds.

    Returns
    -------
    model : keras.Model
        (frames, MFCC images) -> probabilities of shape (batch, n_classes).
    """
    frames = keras.Input(video_shape, name="frames")
    image = keras.Input(audio_shape, name="mfcc")
    branches = [
        convlstm_branch(frames, filters=filters, rules=rules),
        mfcc_cnn_branch(image, filters=filters, rules=rules),
    ]
    x = layers.Concatenate()(
        [layers.Dense(n_units, activation="relu", **rules.kernel())(branch) for branch in branches]
    )
    x = rules.drop(layers.Dense(n_units, activation="relu", **rules.kernel())(x))
    return keras.Model([frames, image], rules.softmax(x, n_classes), name="fusion")
