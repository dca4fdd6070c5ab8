"""Networks as ``.keras`` archives, and the check that an archive contains only known layers and operations."""

import io
import json
import tempfile
import zipfile
from pathlib import Path

# Allowed names by module; None allows every name. Layers that run code or read files are left out: Lambda, wrappers of
# the models of other libraries, and vocabulary lookups.
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
        A built network.

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
        As returned by :func:`network_to_bytes`.

    Returns
    -------
    network : keras.Model

    Raises
    ------
    ValueError
        If it is not such an archive, or contains an unknown layer or operation; then Keras does not read it.
    """
    if unknown := unknown_layers(archive):
        raise ValueError(
            f"The network contains layers or operations that savee_mm does not know: {', '.join(unknown)}."
        )
    import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        path.write_bytes(archive)
        return keras.saving.load_model(path, compile=False, safe_mode=True)


def unknown_layers(archive):
    """Return the names in a ``.keras`` archive that are not allowed.

    Parameters
    ----------
    archive : bytes
        Archive of a network; only its configuration is read.

    Returns
    -------
    names : list of str
        Sorted.

    Raises
    ------
    ValueError
        If it is not such an archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            config = json.loads(file.read(_CONFIG))
    except (zipfile.BadZipFile, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"The network is not a .keras archive, or is damaged ({error}).") from error
    return sorted({f"{module or ''}.{name}".lstrip(".") for module, name in _named(config) if not _known(module, name)})


def _named(config):
    """Yield the module and name of every object in a configuration."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config.get("module"), str(config["class_name"])
        config = list(config.values())
    for value in config if isinstance(config, list) else ():
        yield from _named(value)


def _known(module, name):
    names = _KNOWN.get(module, ())
    return name not in _NO_CLASS and (names is None or name in names)
