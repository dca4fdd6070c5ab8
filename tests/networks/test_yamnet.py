"""YAMNet: both forms of its weights are loaded, and it agrees with the published model."""

import csv
import warnings

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from savee_mm._weights import identify_weights
from savee_mm.media import read_audio
from savee_mm.networks.yamnet import build_yamnet, load_yamnet, load_yamnet_weights
from savee_mm.signal.yamnet_frontend import yamnet_patches

STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
FILTERS = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]


def published_model():
    """The published network as it was trained: batch normalisation in layers of its own, centred but not scaled."""

    def normalised(x, name):
        x = layers.BatchNormalization(scale=False, epsilon=1e-4, name=f"{name}|bn")(x)
        return layers.ReLU()(x)

    patches = keras.Input((96, 64))
    x = layers.Reshape((96, 64, 1))(patches)
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="layer1|conv")(x)
    x = normalised(x, "layer1|conv")
    for i, (stride, filters) in enumerate(zip(STRIDES, FILTERS, strict=True), start=2):
        name = f"layer{i}|depthwise_conv"
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False, name=name)(x)
        x = normalised(x, name)
        x = layers.Conv2D(filters, 1, use_bias=False, name=f"layer{i}|pointwise_conv")(x)
        x = normalised(x, f"layer{i}|pointwise_conv")
    embeddings = layers.GlobalAveragePooling2D()(x)
    return keras.Model(patches, [layers.Dense(521, activation="sigmoid", name="logits")(embeddings), embeddings])


def fill_at_random(model, seed=0):
    """Draw weights that keep the scale of the activations."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        for variable in layer.weights:
            values = rng.normal(size=variable.shape)
            if variable.name.endswith("kernel"):
                values *= np.sqrt(2 / np.prod(variable.shape[:-1] if variable.shape[-1] > 1 else variable.shape[:2]))
            elif variable.name == "moving_variance":
                values = rng.uniform(0.5, 2, size=variable.shape)
            else:
                values *= 0.1
            variable.assign(values)


def write_h5(model, path, *, dense="logits"):
    """The layout of the published yamnet.h5: nested groups by layer, names of weights with the layer's name."""
    with h5py.File(path, "w") as file:
        trained = [layer for layer in model.layers if layer.weights]
        names = {layer: dense if layer.name == "logits" else layer.name.replace("|", "/") for layer in trained}
        file.attrs["layer_names"] = [b"input_1", *(name.encode() for name in names.values())]
        file.create_group("input_1").attrs["weight_names"] = []
        for layer, name in names.items():
            group = file.require_group(name)
            # Keras 3 says "kernel" where the publishers' Keras said "depthwise_kernel".
            prefix = "depthwise_" if isinstance(layer, layers.DepthwiseConv2D) else ""
            weights = {f"{name}/{prefix}{variable.name}:0": variable for variable in layer.weights}
            group.attrs["weight_names"] = [key.encode() for key in weights]
            for key, variable in weights.items():
                group[key] = keras.ops.convert_to_numpy(variable)


@pytest.fixture(scope="module")
def published():
    model = published_model()
    fill_at_random(model)
    return model


@pytest.mark.parametrize("dense", ["logits", "dense_3"])
def test_folded_weights_are_equivalent_to_batch_normalisation(published, tmp_path, dense):
    path = tmp_path / "yamnet.h5"
    write_h5(published, path, dense=dense)
    patches = np.random.default_rng(1).normal(-3, 2, size=(3, 96, 64)).astype(np.float32)
    folded = build_yamnet()
    load_yamnet_weights(folded, path)
    scores, embeddings = folded(patches)
    assert scores.shape == (3, 521)
    assert embeddings.shape == (3, 1024)
    for ours, theirs in zip((scores, embeddings), published(patches, training=False), strict=True):
        assert np.std(theirs) > 0.01
        # Single precision through 27 layers.
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_file_of_other_weights_is_refused(published, tmp_path):
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(ValueError, match=r"text\.h5: not YAMNet's weights, or damaged"):
        load_yamnet_weights(build_yamnet(), tmp_path / "text.h5")
    np.savez(tmp_path / "other.npz", **{"layer1/conv/w": np.zeros((32, 3, 3, 1)), "layer1/conv/b": np.zeros(32)})
    with pytest.raises(ValueError, match="no layer 'layer2/depthwise_conv' in it"):
        load_yamnet_weights(build_yamnet(), tmp_path / "other.npz")
    np.savez(tmp_path / "small.npz", **{"layer1/conv/w": np.zeros((8, 3, 3, 1)), "layer1/conv/b": np.zeros(8)})
    with pytest.raises(ValueError, match="layer1_conv is of shapes"):
        load_yamnet_weights(build_yamnet(), tmp_path / "small.npz")
    write_h5(published, tmp_path / "cut.h5")
    with h5py.File(tmp_path / "cut.h5", "a") as file:
        del file["layer7/pointwise_conv/bn"]
    with pytest.raises(ValueError, match="damaged"):
        load_yamnet_weights(build_yamnet(), tmp_path / "cut.h5")


@pytest.fixture(scope="module")
def models(shared):
    return shared / "models"


@pytest.fixture(scope="module")
def run(models):
    return load_yamnet(identify_weights(models / "yamnet_int8_perchannel_weights.npz"))


@pytest.fixture(scope="module")
def class_names(models):
    with open(models / "yamnet_class_map.csv", newline="") as file:
        return [row["display_name"] for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def speech(shared):
    return read_audio(shared / "data/clips/speech.wav", 16000)[0]


def test_speech_is_classified_as_speech(run, class_names, speech):
    scores = run(yamnet_patches(speech))[0].numpy().mean(axis=0)
    assert class_names[scores.argmax()] == "Speech"
    assert scores.max() == pytest.approx(0.95, abs=0.02)


def test_digital_silence_is_classified_as_silence(run, class_names):
    scores = run(yamnet_patches(np.zeros(16000)))[0].numpy().mean(axis=0)
    assert class_names[scores.argmax()] == "Silence"
    assert scores.max() > 0.99


def test_network_is_cached_by_content(models, run):
    assert load_yamnet(identify_weights(models / "yamnet_int8_perchannel_weights.npz")) is run


@pytest.fixture(scope="module")
def tflite(models):
    """The published model in 8 bits: waveform -> (its own log-mel, scores, embeddings)."""
    import tensorflow as tf

    with warnings.catch_warnings():
        # That the interpreter moves to another package, and that keeping all tensors takes memory.
        warnings.filterwarnings("ignore", message=r"\s*Warning: ", category=UserWarning)
        interpreter = tf.lite.Interpreter(
            str(models / "yamnet_tfhub_dynrange_int8.tflite"), experimental_preserve_all_tensors=True
        )
    interpreter.allocate_tensors()
    shapes = {tuple(detail["shape"]): detail["index"] for detail in interpreter.get_tensor_details()}

    def run(waveform):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], waveform)
        interpreter.invoke()
        wanted = (shapes[1, 96, 64, 1], interpreter.get_output_details()[0]["index"], shapes[1, 1024])
        return [interpreter.get_tensor(index)[0].copy() for index in wanted]

    return run


def correlation(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


def test_agreement_with_the_published_model_in_8_bits(run, tflite, speech):
    windows = np.zeros((8, 15600), np.float32)
    for i, window in enumerate(windows):
        part = speech[7680 * i :][:15600]
        window[: len(part)] = part
    log_mel, their_scores, their_embeddings = map(np.stack, zip(*map(tflite, windows), strict=True))
    # The same network on the same patches; theirs rounds every activation to 8 bits.
    scores, embeddings = run(log_mel[..., 0])
    assert correlation(scores, their_scores) > 0.9999
    assert correlation(embeddings, their_embeddings) > 0.999
    # From the waveform on: theirs rounds the spectrum to 8 bits too, which quiet bands do not survive.
    scores, embeddings = run(yamnet_patches(speech))
    assert correlation(scores, their_scores) > 0.99
    assert correlation(embeddings, their_embeddings) > 0.94
