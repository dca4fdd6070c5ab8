"""Extractors with one row of columns per clip, computed from the crops of a FaceFrameSampler."""

import numpy as np
from sklearn.base import clone

from savee_mm._cache import open_store, text_key
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
        describe, store, sampler = self._describe(), open_store(self.cache), self.sampler_
        parameters = (
            f"{__version__}.{self._describe_version} {sampler.color} {describe.func.__qualname__} "
            f"{sorted(describe.keywords.items())}"
        )
        missing, keys = [], []
        for i, key in enumerate(sampler._keys(clips, sampler._kernel())):
            keys.append(None if key is None else text_key(f"{key} {parameters}"))
            described = None if key is None else store.get(keys[i])
            if described is None:
                missing.append(i)
            else:
                yield i, described
        for n, packed in sampler._results([clips[i] for i in missing]):
            i = missing[n]
            if isinstance(packed, ClipError):
                yield i, packed
                continue
            described = run_on_clip(clips[i], describe, sampler._unpack(packed))
            if keys[i] is not None and not isinstance(described, ClipError):
                store.put(keys[i], described)
            yield i, described

    def _default_sampler(self):
        raise NotImplementedError

    def _describe(self):
        raise NotImplementedError


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
