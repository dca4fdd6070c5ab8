"""YAMNetEmbedding: embeddings of a network trained on AudioSet."""

import csv
import os
from collections.abc import Sequence
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from savee_mm._docstrings import shared_docs
from savee_mm._validation import check_clips
from savee_mm._weights import identify_weights, require_weights
from savee_mm.features._sound import load_sound
from savee_mm.features._tabular import TabularTransformer
from savee_mm.signal.yamnet_frontend import YAMNET_SR, yamnet_patches

STATISTICS = ("mean", "std", "max")
"""Statistics over the patches of a clip."""

_N_EMBEDDINGS = 1024
_N_CLASSES = 521
_CLASS_MAP = "yamnet_class_map.csv"
# Patches per call of the network (48 s).
_BATCH = 100


@shared_docs
class YAMNetEmbedding(TabularTransformer):
    """Extract embeddings of YAMNet, a network trained to classify 521 types of sound in AudioSet.

    Each clip is split into patches of 0.96 s every 0.48 s, and each patch has an embedding of 1024 non-negative values.
    The columns are statistics over the patches, such as ``yamnet_0007_mean``.

    Parameters
    ----------
    weights : "yamnet" or path-like, default="yamnet"
        ``"yamnet"`` uses the files that ``fetch_weights("yamnet")`` stores in the folder ``SAVEE_MM_WEIGHTS``. A path
        is that of the published ``yamnet.h5``, or of an ``.npz`` file with 8-bit weights.
    statistics : sequence of str, default=("mean",)
        One or more of ``"mean"``, ``"std"``, ``"max"``, each with 1024 columns.
    input_sr : int, default=None
        Sample rate (Hz) of clips passed as arrays; 16000, the rate of YAMNet, when None.
    %(n_jobs)s
        Each process loads TensorFlow, which takes seconds: use several for hundreds of clips.
    %(cache)s
    %(on_error_medians)s
    %(verbose)s

    Attributes
    ----------
    fill_values_ : ndarray of shape (n_features,)
        Medians over the training clips, which replace the values of a clip that failed.
    weights_sha256_ : str
        Digest of the weights. ``transform`` raises an error with other weights, whose embeddings differ.
    top_classes_ : DataFrame
        ``clip_id``, the AudioSet ``class`` with the highest mean ``score`` over the clip, and that score, for the
        clips of the last call. Needs ``yamnet_class_map.csv`` in the folder of the weights.
    %(failed_clips_)s

    References
    ----------
    M. Plakal, D. Ellis, "YAMNet", 2019, github.com/tensorflow/models/tree/master/research/audioset/yamnet.
    J. Gemmeke et al., "Audio Set: an ontology and human-labeled dataset for audio events", ICASSP 2017.

    Examples
    --------
    >>> from savee_mm import YAMNetEmbedding
    >>> YAMNetEmbedding().fit_transform(savee.data).shape  # doctest: +SKIP
    (480, 1024)
    """

    _top: Sequence[tuple] = ()  # (clip_id, index of the class, score) of the last call

    _parameter_constraints = {
        **TabularTransformer._parameter_constraints,
        "weights": [str, os.PathLike],
        "statistics": ["array-like"],
        "input_sr": [Interval(Integral, 1000, None, closed="left"), None],
    }

    def __init__(
        self,
        *,
        weights: str | os.PathLike[str] = "yamnet",
        statistics: Sequence[str] = ("mean",),
        input_sr: int | None = None,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        on_error: Literal["raise", "fill"] = "raise",
        verbose: bool | int = False,
    ) -> None:
        self.weights = weights
        self.statistics = statistics
        self.input_sr = input_sr
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    @property
    def top_classes_(self):
        """AudioSet class with the highest score of each clip of the last call: ``clip_id``, ``class``, ``score``."""
        check_is_fitted(self)
        names = _class_names(self._weights_path().parent / _CLASS_MAP)
        rows = [(clip_id, None if index is None else names[index], score) for clip_id, index, score in self._top]
        return pd.DataFrame(rows, columns=["clip_id", "class", "score"])

    def _weights_path(self):
        return Path(require_weights("yamnet")[0] if self.weights == "yamnet" else self.weights)

    def _pretrained_files(self):
        return (identify_weights(self._weights_path()),)

    def _resolve(self):
        unknown = [name for name in self.statistics if name not in STATISTICS]
        if unknown or not len(self.statistics):
            raise ValueError(
                f"The 'statistics' parameter of YAMNetEmbedding must name one or more of {', '.join(STATISTICS)}. "
                f"Got {self.statistics!r} instead."
            )
        self.weights_sha256_ = self._pretrained_files()[0].sha256

    def _kernel(self):
        (weights,) = self._pretrained_files()
        if weights.sha256 != self.weights_sha256_:
            raise ValueError(
                f"The weights in {weights.path} (SHA-256 {weights.sha256}) are not those of the fit "
                f"({self.weights_sha256_}); restore those, or fit again."
            )
        return partial(_embed, input_sr=self.input_sr, weights=weights)

    def _output_columns(self):
        return [(f"yamnet_{i:04d}_{name}", "1") for name in self.statistics for i in range(_N_EMBEDDINGS)]

    def _array_sr(self):
        return YAMNET_SR

    def _shape(self):
        return (len(STATISTICS) * _N_EMBEDDINGS + _N_CLASSES,)

    def _extract(self, X, **settings):
        values, failures = super()._extract(X, **settings)
        scores = values[:, len(STATISTICS) * _N_EMBEDDINGS :]
        names = [clip.clip_id for clip in check_clips(X, self._column, array_ndim=self._array_ndim)]
        self._top = [(name, *_top_class(row)) for name, row in zip(names, scores, strict=True)]
        return values, failures

    def _chosen(self, values):
        """Return the columns of the chosen statistics. The kernel returns all statistics, and the scores."""
        starts = [STATISTICS.index(name) * _N_EMBEDDINGS for name in self.statistics]
        return np.concatenate([values[:, start : start + _N_EMBEDDINGS] for start in starts], axis=1)

    def _learn(self, values):
        super()._learn(self._chosen(values))

    def _finish(self, values):
        return super()._finish(self._chosen(values))


def _embed(source, *, input_sr, weights, recipe=None):
    """Return all statistics of the embeddings over the patches, then the mean score of each class."""
    from savee_mm.networks.yamnet import load_yamnet

    y, _ = load_sound(source, sr=YAMNET_SR, input_sr=input_sr, recipe=recipe)
    patches = yamnet_patches(y)
    network = load_yamnet(weights)
    outputs = [network(patches[start : start + _BATCH]) for start in range(0, len(patches), _BATCH)]
    scores, embeddings = (np.concatenate(parts) for parts in zip(*outputs, strict=True))
    return np.concatenate([*(getattr(embeddings, name)(axis=0) for name in STATISTICS), scores.mean(axis=0)])


def _top_class(scores):
    """Return index and value of the highest score; None and NaN if the clip failed."""
    return (None, float("nan")) if np.isnan(scores).any() else (int(scores.argmax()), float(scores.max()))


def _class_names(path):
    if not path.is_file():
        raise FileNotFoundError(
            f"The class names of YAMNet are missing: no file {path}. Run `savee-mm fetch-weights yamnet`, or copy the "
            "file to this folder."
        )
    with open(path, newline="", encoding="utf-8") as file:
        return [row["display_name"] for row in csv.DictReader(file)]
