"""Extractors with one row of columns per clip, computed from the crops of a FaceFrameSampler."""

import numpy as np
from sklearn.base import clone

from savee_mm._cache import content_key, open_store
from savee_mm._validation import ClipError
from savee_mm._version import __version__
from savee_mm.features._base import run_on_clip
from savee_mm.features._tabular import TabularTransformer
from savee_mm.features.faces.sampler import FaceFrameSampler


class FaceTableTransformer(TabularTransformer):
    """Base of FaceDescriptor and FaceEmbedding.

    A subclass has the parameter ``sampler``, and implements ``_default_sampler()``, ``_describe()`` (a partial of a
    function of one FaceTrack) and ``_shape()`` (the shape that it returns). ``_describe_version`` is part of
    every cache key.
    """

    _column = "video"
    _array_ndim = 4
    _describe_version = 0

    _parameter_constraints = {**TabularTransformer._parameter_constraints, "sampler": [FaceFrameSampler, None]}

    def _start(self, X):
        super()._start(X)
        self.sampler_.fit(X)

    def _resolve(self):
        shared = {name: getattr(self, name) for name in ("n_jobs", "cache", "on_error", "verbose")}
        sampler = self._default_sampler() if self.sampler is None else clone(self.sampler)
        self.sampler_ = sampler.set_params(**shared)

    def _results(self, clips):
        """Yield position and description or ClipError of each clip, in any order."""
        describe, store = self._describe(), open_store(self.cache)
        parameters = (
            f"{__version__}.{self._describe_version} {describe.func.__qualname__} {sorted(describe.keywords.items())}"
        )
        for i, packed in self.sampler_._results(clips):
            if isinstance(packed, ClipError):
                yield i, packed
            else:
                track = self.sampler_._unpack(packed)
                yield i, run_on_clip(clips[i], _look_up, store, parameters, describe, track)

    def _default_sampler(self):
        raise NotImplementedError

    def _describe(self):
        raise NotImplementedError


def _look_up(store, parameters, describe, track):
    """Return the description of one clip, from the cache if it was computed of the same crops."""
    key = content_key(track.crops, content_key(track.landmarks, content_key(track.boxes, parameters)))
    described = store.get(key)
    if described is None:
        described = describe(track)
        store.put(key, described)
    return described


def apex_frames(values):
    """Return the positions of the third of the frames that differ most from the first.

    Parameters
    ----------
    values : ndarray of shape (n_frames, n_values)
        Description of each frame.

    Returns
    -------
    positions : ndarray of int
        One at least.
    """
    distances = np.linalg.norm(values - values[0], axis=1)
    return np.argsort(-distances, kind="stable")[: max(1, len(distances) // 3)]
