"""YAMNetEmbedding: what a network that was trained on millions of clips hears in one."""

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

from savee_mm._validation import check_clips
from savee_mm._weights import identify_weights, require_weights
from savee_mm.features._sound import load_sound
from savee_mm.features._tabular import TabularTransformer
from savee_mm.signal.yamnet_frontend import YAMNET_SR, yamnet_patches

STATISTICS = ("mean", "std", "max")
"""What can be computed over the patches of a clip."""

_N_EMBEDDINGS = 1024
_N_CLASSES = 521
_CLASS_MAP = "yamnet_class_map.csv"
# Patches that the network hears at once: 48 s.
_BATCH = 100


class YAMNetEmbedding(TabularTransformer):
    """Embeddings of YAMNet, a network trained to tell 521 sounds of AudioSet apart.

    A clip is cut into patches of 0.96 s every 0.48 s; each gives 1024 numbers, none below 0, of which the statistics
    over the clip are the columns, such as ``yamnet_0007_mean``.

    Parameters
    ----------
    weights : "yamnet" or path-like, default="yamnet"
        ``"yamnet"`` for the files in the folder that ``SAVEE_MM_WEIGHTS`` names, put there by
        ``fetch_weights("yamnet")``; or the path of a ``yamnet.h5`` as published, or of an ``.npz`` of it in 8 bits.
    statistics : sequence of str, default=("mean",)
        One or more of ``"mean"``, ``"std"``, ``"max"``: 1024 columns each.
    input_sr : int, default=None
        Rate (Hz) of clips that are passed as arrays; 16000, the rate that YAMNet works at, when None.
    n_jobs : int, default=None
        Worker processes, each with a network of its own; None means 1 unless in a :obj:`joblib.parallel_backend`
        context. Loading TensorFlow takes seconds: more than one pays off for hundreds of clips.
    cache : "memory", path-like or None, default="memory"
        Where the embeddings of a clip are kept: in this process, in a folder, or not at all.
    on_error : {"raise", "fill"}, default="raise"
        What a clip that cannot be used does: a :class:`~savee_mm.ClipError`, or a
        :class:`~savee_mm.ClipWarning` and the training medians in its place.
    verbose : bool or int, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    fill_values_ : ndarray of shape (n_features,)
        Medians over the training clips, which stand in for a clip that failed.
    weights_sha256_ : str
        Digest of the weights. Prediction with others is refused: their embeddings are not the same numbers.
    top_classes_ : DataFrame
        ``clip_id``, the ``class`` whose score is highest on average over the clip, and that ``score``, of the clips
        of the last call: what YAMNet itself heard. Reads ``yamnet_class_map.csv`` beside the weights.
    report_ : DataFrame
        ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used.

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
        """The class that YAMNet hears in each clip of the last call: ``clip_id``, ``class`` and ``score``."""
        check_is_fitted(self)
        names = _class_names(self._weights_path().parent / _CLASS_MAP)
        rows = [(clip_id, None if index is None else names[index], score) for clip_id, index, score in self._heard]
        return pd.DataFrame(rows, columns=["clip_id", "class", "score"])

    def _weights_path(self):
        return Path(require_weights("yamnet")[0] if self.weights == "yamnet" else self.weights)

    def _resolve(self):
        unknown = [name for name in self.statistics if name not in STATISTICS]
        if unknown or not len(self.statistics):
            raise ValueError(
                f"The 'statistics' parameter of YAMNetEmbedding must name one or more of {', '.join(STATISTICS)}. "
                f"Got {self.statistics!r} instead."
            )
        self.weights_sha256_ = identify_weights(self._weights_path()).sha256

    def _kernel(self):
        weights = identify_weights(self._weights_path())
        if weights.sha256 != self.weights_sha256_:
            raise ValueError(
                f"The weights in {weights.path} are not those of the fit (SHA-256 {weights.sha256}, not "
                f"{self.weights_sha256_}); bring those back, or fit again."
            )
        return partial(_listen, input_sr=self.input_sr, weights=weights)

    def _output_columns(self):
        return [(f"yamnet_{i:04d}_{name}", "1") for name in self.statistics for i in range(_N_EMBEDDINGS)]

    def _shape(self):
        return (len(STATISTICS) * _N_EMBEDDINGS + _N_CLASSES,)

    def _extract(self, X, *, fitting=False):
        values, failures = super()._extract(X, fitting=fitting)
        scores = values[:, len(STATISTICS) * _N_EMBEDDINGS :]
        names = [clip.clip_id for clip in check_clips(X, self._column, array_ndim=self._array_ndim)]
        self._heard = [(name, *_loudest(row)) for name, row in zip(names, scores, strict=True)]
        return values, failures

    def _chosen(self, values):
        """Return the embeddings' columns of what the kernel gave: it computes every statistic, and the scores."""
        starts = [STATISTICS.index(name) * _N_EMBEDDINGS for name in self.statistics]
        return np.concatenate([values[:, start : start + _N_EMBEDDINGS] for start in starts], axis=1)

    def _learn(self, values):
        super()._learn(self._chosen(values))

    def _finish(self, values):
        return super()._finish(self._chosen(values))


def _listen(source, *, input_sr, weights, recipe=None):
    """Return mean, deviation and maximum of the embeddings over the patches, then the mean score of every class."""
    from savee_mm.networks.yamnet import load_yamnet

    y, _ = load_sound(source, sr=YAMNET_SR, input_sr=input_sr, recipe=recipe)
    patches = yamnet_patches(y)
    network = load_yamnet(weights)
    heard = [network(patches[start : start + _BATCH]) for start in range(0, len(patches), _BATCH)]
    scores, embeddings = (np.concatenate(parts) for parts in zip(*heard, strict=True))
    return np.concatenate([*(getattr(embeddings, name)(axis=0) for name in STATISTICS), scores.mean(axis=0)])


def _loudest(scores):
    """Return index and value of the highest score, None and NaN where the clip failed."""
    return (None, float("nan")) if np.isnan(scores).any() else (int(scores.argmax()), float(scores.max()))


def _class_names(path):
    if not path.is_file():
        raise FileNotFoundError(
            f"The names of YAMNet's classes are not in {path}; run `savee-mm fetch-weights yamnet`, or put the file "
            "there yourself."
        )
    with open(path, newline="", encoding="utf-8") as file:
        return [row["display_name"] for row in csv.DictReader(file)]
