"""The joint network: a branch for the face and one for the voice under one last layer."""

import keras
from keras import layers, ops

from savee_mm.networks.audio_cnn import FEATURE_UNITS, STRIDES
from savee_mm.networks.convlstm import convlstm_branch
from savee_mm.networks.mfcc_cnn import mfcc_cnn_branch


def build_fusion(video_shape, audio_shape, n_features, n_classes, *, filters, n_units, modality_dropout, rules):
    """Return the network of FusionClassifier.

    An input of noughts stands for a modality that a clip has not: its branch then adds nothing. Nothing stands between
    the branches and the last layer, so that what is learnt of one modality holds without the other.

    Parameters
    ----------
    video_shape : tuple of int
        ``(n_frames, height, width, channels)``.
    audio_shape : tuple of int
        ``(n_mfcc, n_frames, 1)``.
    n_features : int or None
        Number of standardised features beside the MFCC images; None for none.
    n_classes : int
        Number of classes.
    filters, n_units : int
        Filters of each branch; units of the dense layer of the MFCC images. That of the features has four times as
        many.
    modality_dropout : float
        Share of training clips from which a branch is left out, drawn for each branch by itself.
    rules : Regularization
        Regularisation and seeds.

    Returns
    -------
    model : keras.Model
        (frames, MFCC images[, features]) -> probabilities of shape (batch, n_classes). Its layers ``"video_branch"``
        and ``"audio_branch"`` are networks themselves.

    References
    ----------
    N. Neverova, C. Wolf, G. Taylor, F. Nebout, "ModDrop: adaptive multi-modal gesture recognition", IEEE Transactions
    on Pattern Analysis and Machine Intelligence 38, 2016, for the modality dropout.
    """
    frames = keras.Input(video_shape, name="frames")
    image = keras.Input(audio_shape, name="mfcc")
    inputs = [frames, image]
    face = _branch("video_branch", frames, lambda x: convlstm_branch(x, filters=filters, rules=rules))
    voice = _branch("audio_branch", image, lambda x: _image_branch(x, filters=filters, n_units=n_units, rules=rules))
    if n_features is not None:
        inputs.append(keras.Input((n_features,), name="features"))
        dense = layers.Dense(FEATURE_UNITS * n_units, activation="relu", **rules.kernel())
        voice = layers.Concatenate()([voice, dense(inputs[-1])])
    voice = rules.drop(voice)
    branches = [rules.drop_clips(branch, modality_dropout) for branch in (face, voice)]
    x = layers.Concatenate()(
        [branch * _is_there(source) for branch, source in zip(branches, (frames, image), strict=True)]
    )
    return keras.Model(inputs, rules.softmax(x, n_classes), name="fusion")


def start_branch(model, name, network):
    """Give a branch of a fusion the weights of a network that was trained on its modality alone.

    Parameters
    ----------
    model : keras.Model
        Of :func:`build_fusion`.
    name : {"video_branch", "audio_branch"}
        The branch.
    network : keras.Model
        It begins with the same layers, and goes on with others.

    Raises
    ------
    ValueError
        Where it does not begin with the same layers.
    """
    into = [layer for layer in model.get_layer(name).layers if layer.weights]
    out_of = [layer for layer in network.layers if layer.weights][: len(into)]
    shapes, others = ([[tuple(w.shape) for w in layer.weights] for layer in layers_] for layers_ in (into, out_of))
    if shapes != others:
        raise ValueError(f"its layers have weights of shapes {others}, those of the {name} have {shapes}")
    for layer, other in zip(into, out_of, strict=True):
        layer.set_weights(other.get_weights())


def _branch(name, source, build):
    """Apply a branch as a network of its own."""
    tensor = keras.Input(source.shape[1:])
    return keras.Model(tensor, build(tensor), name=name)(source)


def _image_branch(image, *, filters, n_units, rules):
    x = mfcc_cnn_branch(image, filters=filters, strides=STRIDES, standardize=True, rules=rules)
    return layers.Dense(n_units, activation="relu", **rules.kernel())(x)


def _is_there(source):
    """Return 1 for a clip that has anything but noughts and 0 for another, of shape (batch, 1)."""
    there = ops.any(ops.not_equal(source, 0), axis=tuple(range(1, len(source.shape))))
    return ops.expand_dims(ops.cast(there, "float32"), 1)
