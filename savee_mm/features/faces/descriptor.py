"""FaceDescriptor: edges, textures and proportions of the face, and their change over the clip."""

import os
from collections.abc import Sequence
from functools import partial
from numbers import Integral
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from savee_mm._docstrings import shared_docs
from savee_mm.features.faces._table import FaceTableTransformer, apex_frames
from savee_mm.features.faces.sampler import FaceFrameSampler
from savee_mm.vision import WITH_LANDMARKS, hog, landmark_geometry, lbp_histograms, mirror_hog, resolve_detector
from savee_mm.vision.descriptors import GEOMETRY, N_PATTERNS

_DESCRIPTORS = ("hog", "lbp", "geometry")
# Statistics in the cache, from which all others are computed.
_KEPT = ("mean", "std", "onset", "apex")
_STATISTICS = (*_KEPT, "mean-onset", "apex-onset", "direction")
# Share of the usual change within a clip that is added to the norm of a change before division.
_DAMPING = 0.2
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_ANGLES = ("mouth_angle", "eyes_angle", "mouth_tilt")


@shared_docs
class FaceDescriptor(FaceTableTransformer):
    """Extract functionals of face descriptors from the video of each clip.

    ========================================  ======================================================================
    ``hog_<row>_<column>_<bin>_<statistic>``  histogram of edge directions in a cell, :func:`savee_mm.vision.hog`
    ``lbp_<row>_<column>_<bin>_<statistic>``  local binary patterns, :func:`savee_mm.vision.lbp_histograms`
    ``<measure>_<statistic>``                 distances and angles, :func:`savee_mm.vision.landmark_geometry`
    ========================================  ======================================================================

    Statistics over the frames: ``mean``, ``std``, ``onset`` (the first frame), ``apex`` (mean over the third of the
    frames whose edges differ most from the first frame), ``mean-onset``, ``apex-onset``, and ``direction``, which is
    ``apex-onset`` divided by its norm, so that weak and strong displays of the same kind are similar. The last three
    are relative to the first frame of the clip. If speakers begin with a neutral face, this removes most differences
    between persons. A :class:`~savee_mm.SpeakerNormalizer` makes features relative to the mean face of each speaker.

    Parameters
    ----------
    sampler : FaceFrameSampler, default=None
        Sampler of face crops. None is 12 grey frames of 64 x 64 pixels, aligned by the eyes if the weights of YuNet
        are present at fit, otherwise centred.
    descriptors : sequence of {"hog", "lbp", "geometry"}, default=("hog",)
        Descriptors of each frame. ``"geometry"`` needs the landmarks of YuNet, which are less exact if the sampler does
        not align by the eyes.
    statistics : sequence of str, default=("apex", "direction", "std")
        Statistics over the frames, see above.
    n_cells : tuple of int, default=(6, 6)
        Number of rows and columns of the grid of cells.
    n_bins : int, default=12
        Number of edge directions over 360 degrees.
    symmetric : bool, default=True
        Whether to average the descriptors of each crop and its mirror image. This halves the number of columns, and
        differences between left and right cannot be learnt from few clips.
    %(n_jobs)s
    cache : "memory", path-like or None, default="memory"
        Where crops and descriptors of a clip are kept: in this process, in a folder, or not at all.
    %(on_error_medians)s
    %(verbose)s

    Attributes
    ----------
    sampler_ : FaceFrameSampler
        The fitted sampler, with ``n_jobs``, ``cache``, ``on_error`` and ``verbose`` of this estimator.
    changes_ : dict of str to float
        Median norm of ``apex-onset`` over the training clips for each descriptor. A fifth of it is added to the
        divisor of ``direction``, so that noise does not become a direction.
    fill_values_ : ndarray of shape (n_features,)
        Medians over the training clips.
    %(failed_clips_)s

    See Also
    --------
    SpeakerNormalizer : Features relative to the other clips of the speaker.

    Examples
    --------
    >>> from savee_mm import FaceDescriptor, load_savee
    >>> savee = load_savee("SAVEE/")  # doctest: +SKIP
    >>> FaceDescriptor().fit_transform(savee.data).shape  # doctest: +SKIP
    (480, 648)
    """

    _describe_version = 1  # increased when a descriptor returns other values

    _parameter_constraints = {
        **FaceTableTransformer._parameter_constraints,
        "descriptors": ["array-like"],
        "statistics": ["array-like"],
        "n_cells": [tuple, list],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
        "symmetric": ["boolean"],
    }

    def __init__(
        self,
        sampler: FaceFrameSampler | None = None,
        *,
        descriptors: Sequence[str] = ("hog",),
        statistics: Sequence[str] = ("apex", "direction", "std"),
        n_cells: tuple[int, int] = (6, 6),
        n_bins: int = 12,
        symmetric: bool = True,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        on_error: Literal["raise", "fill"] = "raise",
        verbose: bool | int = False,
    ) -> None:
        self.sampler = sampler
        self.descriptors = descriptors
        self.statistics = statistics
        self.n_cells = n_cells
        self.n_bins = n_bins
        self.symmetric = symmetric
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _start(self, X):
        super()._start(X)
        if "geometry" in self.descriptors and self.sampler_.detector_ not in WITH_LANDMARKS:
            raise ValueError(
                f"descriptors={self.descriptors!r}: 'geometry' needs landmarks, which the detector "
                f'{self.sampler_.detector_!r} does not find. Use a FaceFrameSampler with detector="yunet", or remove '
                "'geometry'."
            )

    def _resolve(self):
        for name, known in (("descriptors", _DESCRIPTORS), ("statistics", _STATISTICS)):
            given = getattr(self, name)
            if isinstance(given, str) or not len(given) or len({*given} & {*known}) < len(given):
                raise ValueError(
                    f"The {name!r} parameter of FaceDescriptor must be a sequence of distinct names among "
                    f"{', '.join(known)}. Got {given!r} instead."
                )
        if len(self.n_cells) != 2 or not all(isinstance(n, Integral) and n > 0 for n in self.n_cells):
            raise ValueError(
                f"The 'n_cells' parameter of FaceDescriptor must be a tuple (rows, columns) of two ints above 0. "
                f"Got {self.n_cells!r} instead."
            )
        super()._resolve()

    def _describe(self):
        return partial(
            _describe_clip,
            descriptors=tuple(self.descriptors),
            n_cells=tuple(self.n_cells),
            n_bins=self.n_bins,
            symmetric=self.symmetric,
        )

    def _shape(self):
        return len(_KEPT), len(self._measures())

    def _default_sampler(self):
        return _default_sampler()

    def _chosen(self, kept):
        """Return the chosen statistics of each clip, in the order of the columns."""
        mean, std, onset, apex = np.moveaxis(kept.astype(np.float64), 1, 0)
        change = apex - onset
        blocks = self._by_descriptor(change)
        direction = np.concatenate([_direction(block, self.changes_[name]) for name, block in blocks], axis=1)
        found = dict(zip(_STATISTICS, (mean, std, onset, apex, mean - onset, change, direction), strict=True))
        return np.concatenate([found[name] for name in self.statistics], axis=1)

    def _learn(self, values):
        onset, apex = values[:, _KEPT.index("onset")], values[:, _KEPT.index("apex")]
        self.changes_ = {name: float(np.nanmedian(_size(block))) for name, block in self._by_descriptor(apex - onset)}
        super()._learn(self._chosen(values))

    def _by_descriptor(self, measures):
        """Split an array of all measures into (descriptor, its columns)."""
        lengths = [len(names) for names in self._names().values()]
        return zip(self.descriptors, np.split(measures, np.cumsum(lengths)[:-1], axis=1), strict=True)

    def _finish(self, values):
        return super()._finish(self._chosen(values))

    def _output_columns(self):
        return [(f"{measure}_{name}", unit) for name in self.statistics for measure, unit in self._measures()]

    def _measures(self):
        """Return (name, unit) of the measures of each frame."""
        return [measure for measures in self._names().values() for measure in measures]

    def _names(self):
        """Return (name, unit) of the measures of each frame by descriptor."""
        rows, columns = self.n_cells
        columns = _kept_columns(columns, self.symmetric)
        cells = [f"{row}_{column}" for row in range(rows) for column in range(columns)]
        names = {
            "hog": [(f"hog_{cell}_{k}", "1") for cell in cells for k in range(self.n_bins)],
            "lbp": [(f"lbp_{cell}_{k}", "1") for cell in cells for k in range(N_PATTERNS)],
            "geometry": [(name, "rad" if name in _ANGLES else "1") for name in GEOMETRY],
        }
        return {descriptor: names[descriptor] for descriptor in self.descriptors}


def _size(measures):
    return np.linalg.norm(measures, axis=1, keepdims=True)


def _direction(change, usual):
    """Divide changes by their norm. Changes much smaller than usual stay small."""
    size = _size(change) + _DAMPING * usual
    return change / np.where(size > 0, size, 1)


def _default_sampler():
    options = {"n_frames": 12, "color": "gray"}
    if resolve_detector("auto") in WITH_LANDMARKS:
        # Tighter than the box, since ears and hair differ between persons.
        return FaceFrameSampler(align="eyes", margin=-0.15, **options)
    return FaceFrameSampler(**options)


def _describe_clip(track, *, descriptors, n_cells, n_bins, symmetric):
    """Return mean, standard deviation, onset and apex of the measures of one clip, (4, n_measures) float32."""
    # Masked frames have no box.
    seen = ~np.isnan(track.boxes).any(axis=1)
    crops = track.crops[seen]
    images = crops @ _LUMA if crops.shape[-1] == 3 else crops[..., 0]
    histograms = {
        "hog": partial(hog, n_cells=n_cells, n_bins=n_bins),
        "lbp": partial(lbp_histograms, n_cells=n_cells),
    }
    described = {
        name: _describe_images(images, histogram, symmetric, mirror_hog if name == "hog" and n_bins % 2 == 0 else None)
        for name, histogram in histograms.items()
        if name == "hog" or name in descriptors
    }
    if "geometry" in descriptors:
        described["geometry"] = landmark_geometry(track.landmarks[seen])
    edges = described["hog"]
    apex = apex_frames(edges)
    measures = np.concatenate([described[name] for name in descriptors], axis=1)
    kept = (measures.mean(axis=0), measures.std(axis=0), measures[0], measures[apex].mean(axis=0))
    return np.stack(kept).astype(np.float32)


def _describe_images(images, histogram, symmetric, mirror=None):
    """Return the histograms of all cells, (n_frames, n_measures); ``mirror`` returns those of mirrored images."""
    cells = histogram(images)
    if symmetric:
        mirrored = histogram(images[..., ::-1]) if mirror is None else mirror(cells)
        cells = (cells + mirrored)[..., : _kept_columns(cells.shape[2], True), :] / 2
    return cells.reshape(len(cells), -1)


def _kept_columns(n_columns, symmetric):
    """Return the number of columns of cells; the other half of a symmetric image repeats them."""
    return (n_columns + 1) // 2 if symmetric else n_columns
