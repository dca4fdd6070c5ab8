"""Fusion network: a branch for the face and a branch for the voice, whose class scores are summed."""

import keras
from keras import layers, ops

from savee_mm.networks.audio_cnn import FEATURE_UNITS, image_branch
from savee_mm.networks.convlstm import convlstm_branch

# Last layers of the branches, in the order of the inputs.
EVIDENCE = ("video_evidence", "audio_evidence")


def build_fusion(video_shape, audio_shape, n_features, n_classes, *, n_filters, n_units, rules):
    """Build the network of FusionClassifier.

    Each branch ends in scores of the classes (evidence), and the prediction is the softmax of their sum, so that each
    modality is also usable without the other. A missing modality is an all-zero array, whose branch adds zero.

    Parameters
    ----------
    video_shape : tuple of int
        ``(n_frames, height, width, channels)``.
    audio_shape : tuple of int
        ``(n_mfcc, n_frames, 1)``.
    n_features : int or None
        Number of standardised features in addition to the MFCC images; None for none.
    n_classes : int
        Number of classes.
    n_filters, n_units : int
        Number of filters of each branch; number of units of the dense layer of the MFCC images. The dense layer of the
        features has four times as many.
    rules : Regularization
        Regularisation and seeds.

    Returns
    -------
    model : keras.Model
        (frames, MFCC images[, features]) -> probabilities of shape (batch, n_classes). The layers ``"video_branch"``
        and ``"audio_branch"`` are networks themselves; ``"video_evidence"`` and ``"audio_evidence"`` are their scores.
    """
    frames = keras.Input(video_shape, name="frames")
    image = keras.Input(audio_shape, name="mfcc")
    inputs = [frames, image]
    face = _branch("video_branch", frames, lambda x: convlstm_branch(x, n_filters=n_filters, rules=rules))
    voice = _branch(
        "audio_branch", image, lambda x: _voice_branch(x, n_filters=n_filters, n_units=n_units, rules=rules)
    )
    if n_features is not None:
        inputs.append(keras.Input((n_features,), name="features"))
        dense = layers.Dense(FEATURE_UNITS * n_units, activation="relu", **rules.kernel())
        voice = layers.Concatenate()([voice, dense(inputs[-1])])
    voice = rules.drop(voice)
    evidence = [
        layers.Dense(n_classes, use_bias=False, name=name, **rules.kernel())(branch * _present(source))
        for name, branch, source in zip(EVIDENCE, (face, voice), (frames, image), strict=True)
    ]
    return keras.Model(inputs, layers.Softmax(name="probabilities")(layers.Add()(evidence)), name="fusion")


def branch_evidence(model):
    """Return the network whose output is the evidence of each branch.

    Parameters
    ----------
    model : keras.Model
        Network of :func:`build_fusion`.

    Returns
    -------
    evidence : keras.Model
        The same inputs -> evidence of shape (batch, 2, n_classes), first of the face, then of the voice.
    """
    return keras.Model(model.inputs, ops.stack([model.get_layer(name).output for name in EVIDENCE], axis=1))


def three_predictions(model):
    """Return the network that predicts from both modalities, from the face alone and from the voice alone.

    Parameters
    ----------
    model : keras.Model
        Network of :func:`build_fusion`.

    Returns
    -------
    predictions : keras.Model
        The same inputs -> probabilities of shape (batch, 3, n_classes): by both, by the face, by the voice.
    """
    evidence = branch_evidence(model).output
    both = ops.sum(evidence, axis=1, keepdims=True)
    return keras.Model(model.inputs, layers.Softmax()(ops.concatenate([both, evidence], axis=1)))


def modality_dropout_loss(modality_dropout, label_smoothing):
    """Return the loss of :func:`three_predictions`: the expected loss under modality dropout.

    Parameters
    ----------
    modality_dropout : float
        Probability that the face is dropped, and probability that the voice is dropped; at most 1/2.
    label_smoothing : float
        Fraction of a label that is spread over all classes.

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

    def loss(labels, predictions):
        entropy = keras.losses.categorical_crossentropy
        return sum(
            share * entropy(labels, predictions[:, i], label_smoothing=label_smoothing)
            for i, share in enumerate(shares)
        )

    return loss


def accuracy(labels, predictions):
    """Return which clips both modalities of :func:`three_predictions` together predict correctly."""
    return keras.metrics.categorical_accuracy(labels, predictions[:, 0])


def start_branch(model, name, network):
    """Copy the weights of a network that was trained on one modality into a branch of a fusion network.

    Parameters
    ----------
    model : keras.Model
        Network of :func:`build_fusion`.
    name : {"video_branch", "audio_branch"}
        The branch.
    network : keras.Model
        Network that starts with the same layers as the branch.

    Raises
    ------
    ValueError
        If the network does not start with the same layers.
    """
    own = [layer for layer in model.get_layer(name).layers if layer.weights]
    given = [layer for layer in network.layers if layer.weights][: len(own)]
    shapes, others = ([[tuple(w.shape) for w in layer.weights] for layer in layers_] for layers_ in (own, given))
    if shapes != others:
        raise ValueError(f"its layers have weights of shapes {others}, those of the {name} have {shapes}")
    for layer, other in zip(own, given, strict=True):
        layer.set_weights(other.get_weights())


def _branch(name, source, build):
    """Apply a branch that is a network of its own."""
    tensor = keras.Input(source.shape[1:])
    return keras.Model(tensor, build(tensor), name=name)(source)


def _voice_branch(image, *, n_filters, n_units, rules):
    x = image_branch(image, n_filters=n_filters, rules=rules)
    return layers.Dense(n_units, activation="relu", **rules.kernel())(x)


def _present(source):
    """Return 0 for each clip whose array is all zeros and 1 for the others, shape (batch, 1)."""
    present = ops.any(ops.not_equal(source, 0), axis=tuple(range(1, len(source.shape))))
    return ops.expand_dims(ops.cast(present, "float32"), 1)
