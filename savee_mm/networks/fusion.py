"""The joint network: a branch for the face and one for the voice under one last layer."""

import keras
from keras import layers, ops

from savee_mm.networks.audio_cnn import FEATURE_UNITS, STRIDES
from savee_mm.networks.convlstm import convlstm_branch
from savee_mm.networks.mfcc_cnn import mfcc_cnn_branch

# Layers that end the branches, in the order of the inputs.
EVIDENCE = ("video_evidence", "audio_evidence")


def build_fusion(video_shape, audio_shape, n_features, n_classes, *, filters, n_units, rules):
    """Return the network of FusionClassifier.

    Each branch ends in evidence for the classes, and the sum of both is what is told, so that what is learnt of one
    modality holds without the other. An input of noughts stands for a modality that a clip has not: its branch then
    adds nothing.

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
    rules : Regularization
        Regularisation and seeds.

    Returns
    -------
    model : keras.Model
        (frames, MFCC images[, features]) -> probabilities of shape (batch, n_classes). Its layers ``"video_branch"``
        and ``"audio_branch"`` are networks themselves, ``"video_evidence"`` and ``"audio_evidence"`` what they end in.
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
    evidence = [
        layers.Dense(n_classes, use_bias=False, name=name, **rules.kernel())(branch * _is_there(source))
        for name, branch, source in zip(EVIDENCE, (face, voice), (frames, image), strict=True)
    ]
    return keras.Model(inputs, layers.Softmax(name="probabilities")(layers.Add()(evidence)), name="fusion")


def branch_evidence(model):
    """Return the network that gives each branch's evidence by itself.

    Parameters
    ----------
    model : keras.Model
        Of :func:`build_fusion`.

    Returns
    -------
    evidence : keras.Model
        The same inputs -> evidence of shape (batch, 2, n_classes), of the face first.
    """
    return keras.Model(model.inputs, ops.stack([model.get_layer(name).output for name in EVIDENCE], axis=1))


def three_ways(model):
    """Return the network that tells what voice and face say together, and each by itself.

    Parameters
    ----------
    model : keras.Model
        Of :func:`build_fusion`.

    Returns
    -------
    views : keras.Model
        The same inputs -> probabilities of shape (batch, 3, n_classes): of both, of the face, of the voice.
    """
    evidence = branch_evidence(model).output
    both = ops.sum(evidence, axis=1, keepdims=True)
    return keras.Model(model.inputs, layers.Softmax()(ops.concatenate([both, evidence], axis=1)))


def three_way_loss(modality_dropout, label_smoothing):
    """Return the loss of :func:`three_ways`: the mean over modality dropout, of which nothing is left to chance.

    Parameters
    ----------
    modality_dropout : float
        Share of cases in which the face is left out, and of those in which the voice is; at most a half.
    label_smoothing : float
        Share of a label that is spread over all classes.

    Returns
    -------
    loss : callable
        One-hot labels of shape (batch, n_classes), probabilities of shape (batch, 3, n_classes) -> (batch,).

    References
    ----------
    N. Neverova, C. Wolf, G. Taylor, F. Nebout, "ModDrop: adaptive multi-modal gesture recognition", IEEE Transactions
    on Pattern Analysis and Machine Intelligence 38, 2016.
    """
    shares = (1 - 2 * modality_dropout, modality_dropout, modality_dropout)

    def loss(labels, views):
        entropy = keras.losses.categorical_crossentropy
        return sum(
            share * entropy(labels, views[:, i], label_smoothing=label_smoothing) for i, share in enumerate(shares)
        )

    return loss


def accuracy(labels, views):
    """Return which clips of :func:`three_ways` are told by voice and face together."""
    return keras.metrics.categorical_accuracy(labels, views[:, 0])


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
