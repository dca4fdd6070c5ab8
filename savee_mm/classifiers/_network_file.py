"""A network as a ``.keras`` archive, and the check that one from elsewhere is made of layers and nothing else."""

import io
import json
import tempfile
import zipfile
from pathlib import Path

# By module; None stands for every name. Left out are the layers that run code or read files: Lambda, the wrappers of
# other libraries' models, and those that look words up.
_KNOWN = {
    None: {"__ellipsis__", "__keras_tensor__", "__slice__", "__tuple__"},
    "keras": {"DTypePolicy", "Functional", "Sequential"},
    "keras.constraints": None,
    "keras.initializers": None,
    "keras.layers": {
        "Activation",
        "Add",
        "Average",
        "AveragePooling1D",
        "AveragePooling2D",
        "AveragePooling3D",
        "BatchNormalization",
        "Bidirectional",
        "Concatenate",
        "Conv1D",
        "Conv2D",
        "Conv3D",
        "ConvLSTM1D",
        "ConvLSTM2D",
        "Cropping2D",
        "Dense",
        "DepthwiseConv2D",
        "Dropout",
        "Flatten",
        "GRU",
        "GaussianNoise",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "InputLayer",
        "LSTM",
        "LayerNormalization",
        "LeakyReLU",
        "Masking",
        "MaxPooling1D",
        "MaxPooling2D",
        "MaxPooling3D",
        "Multiply",
        "Normalization",
        "Permute",
        "ReLU",
        "Rescaling",
        "Reshape",
        "SeparableConv2D",
        "Softmax",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "Subtract",
        "TimeDistributed",
        "UnitNormalization",
        "UpSampling2D",
        "ZeroPadding2D",
    },
    "keras.regularizers": None,
    "keras.src.models.functional": {"Functional"},
    "keras.src.ops.core": {"Cast"},
    "keras.src.ops.image": None,
    "keras.src.ops.nn": None,
    "keras.src.ops.numpy": None,
}
_NO_CLASS = {"function"}
_CONFIG = "config.json"


def network_to_bytes(network):
    """Return a network as a ``.keras`` archive.

    Parameters
    ----------
    network : keras.Model
        Built.

    Returns
    -------
    archive : bytes
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        network.save(path)
        return path.read_bytes()


def network_from_bytes(archive):
    """Return the network of a ``.keras`` archive.

    Parameters
    ----------
    archive : bytes
        Of :func:`network_to_bytes`.

    Returns
    -------
    network : keras.Model

    Raises
    ------
    ValueError
        Where it is no such archive, or names something that is no layer or operation known here; it has not been
        handed to Keras then.
    """
    if unknown := unknown_layers(archive):
        raise ValueError(f"The network is made of things that savee_mm does not know: {', '.join(unknown)}.")
    import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        path.write_bytes(archive)
        return keras.saving.load_model(path, compile=False, safe_mode=True)


def unknown_layers(archive):
    """Return what a ``.keras`` archive names that is not known here.

    Parameters
    ----------
    archive : bytes
        Of a network; only its description is read.

    Returns
    -------
    names : list of str
        Sorted.

    Raises
    ------
    ValueError
        Where it is no such archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            config = json.loads(file.read(_CONFIG))
    except (zipfile.BadZipFile, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"The network is not a .keras archive, or damaged ({error}).") from error
    return sorted({f"{module or ''}.{name}".lstrip(".") for module, name in _named(config) if not _known(module, name)})


def _named(config):
    """Yield module and name of everything that a description asks Keras to make."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config.get("module"), str(config["class_name"])
        config = list(config.values())
    for value in config if isinstance(config, list) else ():
        yield from _named(value)


def _known(module, name):
    names = _KNOWN.get(module, ())
    return name not in _NO_CLASS and (names is None or name in names)
