"""Extractors with one row of columns per clip, computed from the crops of a FaceFrameSampler."""

import numpy as np
from sklearn.base import clone

from savee_mm._cache import content_key, open_store
from savee_mm._validation import ClipError
from savee_mm._version import __version__
from savee_mm.features._tabular import TabularTransformer
from savee_mm.features.faces.sampler import FaceFrameSampler


class FaceTableTransformer(TabularTransformer):
    """Base of FaceDescriptor and FaceEmbedding.

    A subclass has the parameter ``sampler``, and implements ``_default_sampler()``, ``_describe()`` (a partial of a
    function of one FaceTrack) and ``_described_shape()`` (the shape that it returns). ``_describe_version`` is part of
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

    def _extract(self, X, *, fitting=False):
        """Return the described clips, NaN where a clip failed, and the failures."""
        tracks, failures = self.sampler_._tracks(X), self.sampler_._failures
        failed = np.isnan(tracks.boxes).all(axis=(1, 2))
        if fitting and failed.all():
            clip_id, path, reason = failures[0]
            raise ClipError(reason, path=path, clip_id=clip_id)
        describe, store = self._describe(), open_store(self.cache)
        parameters = (
            f"{__version__}.{self._describe_version} {describe.func.__qualname__} {sorted(describe.keywords.items())}"
        )
        described = np.full((len(failed), *self._described_shape()), np.nan, np.float32)
        for i in np.flatnonzero(~failed):
            described[i] = _look_up(store, parameters, describe, tracks[i])
        return described, failures

    def _default_sampler(self):
        raise NotImplementedError

    def _describe(self):
        raise NotImplementedError

    def _described_shape(self):
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
