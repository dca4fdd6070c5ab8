"""Update of estimators from older model files to the parameters and attributes of this version."""

import inspect
import warnings

from sklearn.base import BaseEstimator

from savee_mm._composition import parts
from savee_mm.model_selection import SpeakerOrClipKFold

_FORMAT_OF_NAMES = 3
# Parameters and attributes that format 3 renamed, by class.
_RENAMED = {
    "AudioAugmenter": {"noise_snr": "snr_db", "pitch_steps": "semitones"},
    "AudioCNNClassifier": {"filters": "n_filters"},
    "ConvLSTMClassifier": {"augment": "augment_frames", "filters": "n_filters"},
    "FusionClassifier": {"filters": "n_filters", "_met_groups": "_seen_groups"},  # codespell:ignore
    "LateFusionClassifier": {"_judged": "_inner_scores"},  # codespell:ignore judged
    "TransferClassifier": {"n_unfrozen": "trainable_layers"},
    "YAMNetEmbedding": {"_heard": "_top"},
}
# Attributes that format 3 computes otherwise, by class: new name, old name, and the new value from the old one.
_CONVERTED = {
    "FusionClassifier": ("mirrors_", "augment_frames", bool),
    "KernelRidgeClassifier": ("temperature_", "sharpness_", lambda sharpness: 1 / sharpness),
}
# Extractors with other values before format 3. Now voices are measured at the recorded rate, and heads are levelled.
_CHANGED = {
    "AudioFeatures",
    "FaceDescriptor",
    "FaceFrameSampler",
    "ProsodyFeatures",
    "SpectralFeatures",
    "VoiceFunctionals",
}
_SEARCHED = ("param_grid", "param_distributions", "best_params_", "cv_results_")


def update(estimator, file_format):
    """Give an estimator of an older file the parameters and attributes of this version.

    Parameters
    ----------
    estimator : estimator
        Just loaded; changed in place, with everything in it.
    file_format : int
        Format of the file. Before format 3, parameters and attributes had other names.

    Returns
    -------
    estimator : estimator
    """
    everything = list(parts(estimator))
    for part in everything:
        if type(part).__module__.partition(".")[0] == "savee_mm":
            if file_format < _FORMAT_OF_NAMES:
                _rename_attributes(part)
            _add_parameters(part)
    for part in everything if file_format < _FORMAT_OF_NAMES else ():
        if hasattr(part, "param_grid") or hasattr(part, "param_distributions"):
            _rename_candidates(part)
    return estimator


def warn_of_changed_features(estimator, path, file_format):
    """Warn if an extractor in an estimator of an older file returns other features than those of its training.

    Parameters
    ----------
    estimator : estimator
    path : Path
        The file.
    file_format : int
        Its format.
    """
    changed = sorted({type(part).__name__ for part in parts(estimator)} & _CHANGED)
    if changed and file_format < _FORMAT_OF_NAMES:
        warnings.warn(
            f"{path}: the features of {', '.join(changed)} have changed since this model was trained. Its predictions "
            "for clips can differ; train it again.",
            UserWarning,
            stacklevel=3,
        )


def _rename_attributes(part):
    kind, state = type(part).__name__, vars(part)
    names = _RENAMED.get(kind, {})
    current = {names.get(name, name): value for name, value in state.items()}
    if kind in _CONVERTED:
        new, old, convert = _CONVERTED[kind]
        if "classes_" in state:
            current[new] = convert(current[old])
    state.clear()
    state.update(current)


def _add_parameters(part):
    """Set parameters that the file lacks to their defaults, which change nothing."""
    if isinstance(part, BaseEstimator | SpeakerOrClipKFold):
        for name, parameter in inspect.signature(type(part)).parameters.items():
            vars(part).setdefault(name, parameter.default)


def _rename_candidates(search):
    """Rename parameters in the grid and in the results of a search."""
    owners = search.get_params()

    def renamed(value):
        if isinstance(value, dict):
            return type(value)({_new_path(key, owners): renamed(item) for key, item in value.items()})
        return [renamed(item) for item in value] if isinstance(value, list) else value

    for name in _SEARCHED:
        if hasattr(search, name):
            setattr(search, name, renamed(getattr(search, name)))


def _new_path(path, owners):
    """Return the current path of a parameter, such as ``"convlstmclassifier__filters"`` of a grid."""
    if not isinstance(path, str):
        return path
    prefix = "param_" if path.startswith("param_") else ""
    owner, separator, name = path.removeprefix(prefix).rpartition("__")
    kind = type(owners.get(f"estimator__{owner}" if owner else "estimator")).__name__
    return f"{prefix}{owner}{separator}{_RENAMED.get(kind, {}).get(name, name)}"
