"""What all extractors share: the loop over clips with its cache, its workers and its report."""

import os
import warnings
from typing import Self

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from savee_mm._cache import content_key, open_store
from savee_mm._validation import ClipError, Clips, ClipWarning, check_clips
from savee_mm._version import __version__

# Part of every cache key: to be raised when a kernel changes what it returns.
KERNEL_VERSION = 4
# What is done sooner (s) needs no bar.
_BAR_DELAY = 2


class ClipTransformer(TransformerMixin, BaseEstimator):
    """Base of the extractors: X is a clip table, a list of paths or a list of arrays.

    A subclass names its ``_column``, gives a kernel (a picklable function of one path or array, with the
    parameters that matter bound) and, where it learns from the training clips, extends ``_learn``. A kernel of
    sounds takes ``recipe=`` too, for the augmented copies of a table.
    """

    _column = "audio"
    _array_ndim = 1
    _learns_from_clips = False
    _failures: list[tuple]

    _parameter_constraints = {
        "n_jobs": [None, int],
        "cache": [None, str, os.PathLike],
        "on_error": [StrOptions({"raise", "fill"})],
        "verbose": ["verbose"],
    }

    def fit(self, X: Clips, y: object = None) -> Self:
        """Learn what the training clips decide (stand-ins, normalisation, detector).

        Parameters
        ----------
        X : DataFrame, list of paths or list of arrays
            The training clips.
        y : ignored

        Returns
        -------
        self : object
        """
        self._start(X)
        if self._learns_from_clips:
            self._fit_extracted(X)
        else:
            self._failures = []
        return self

    def fit_transform(self, X, y=None):
        """Fit and transform with a single pass over the clips."""
        self._start(X)
        return self._finish(self._fit_extracted(X))

    def transform(self, X: Clips) -> np.ndarray:
        """Extract every clip of X.

        Parameters
        ----------
        X : DataFrame, list of paths or list of arrays
            The clips.

        Returns
        -------
        X_out : ndarray of shape (n_clips, ...)
            In the order of X, without NaN.

        Raises
        ------
        ClipError
            On the first clip that cannot be used, with ``on_error="raise"``. What the other clips gave is kept
            in the cache.
        """
        check_is_fitted(self)
        values, self._failures = self._extract(X)
        return self._finish(values)

    @property
    def report_(self):
        """The clips of the last call that could not be used: ``clip_id``, ``path`` and ``reason``."""
        check_is_fitted(self)
        return pd.DataFrame(self._failures, columns=["clip_id", "path", "reason"], dtype=object)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_failures")

    def _columns_read(self):
        return [self._column]

    def _start(self, X):
        self._validate_params()
        check_clips(X, self._column, array_ndim=self._array_ndim)
        self._resolve()

    def _fit_extracted(self, X):
        """Extract the training clips, learn from them, and return them; a failure leaves the estimator unfitted."""
        values, failures = self._extract(X, fitting=True)
        if self._learns_from_clips:
            self._learn(values)
        self._failures = failures
        return values

    def _resolve(self):
        """Settle at fit what the parameters leave open."""

    def _learn(self, values):
        """Learn from the extracted training clips."""

    def _kernel(self):
        """Return ``functools.partial(function, **parameters)``: a path or an array -> a float array."""
        raise NotImplementedError

    def _shape(self):
        """Return the shape of what the kernel makes of one clip."""
        raise NotImplementedError

    def _finish(self, values):
        """Make the output of extracted values in which a clip that failed is all NaN."""
        return values

    def _extract(self, X, *, fitting=False):
        """Return the values of all clips, NaN for a clip that failed, and the failures as plain tuples."""
        clips = check_clips(X, self._column, array_ndim=self._array_ndim)
        results = self._extract_clips(clips)
        errors = [result for result in results if isinstance(result, ClipError)]
        # Of clips that all failed there is nothing to learn; at prediction even a single one is filled.
        if errors and (self.on_error == "raise" or (fitting and len(errors) == len(clips))):
            raise errors[0]
        if errors:
            warnings.warn(
                f"{len(errors)} of {len(clips)} clips could not be used and were filled; see report_. "
                f"The first: {errors[0]}",
                ClipWarning,
                stacklevel=3,
            )
            blank = np.full(self._shape(), np.nan, np.float32)
            results = [blank if isinstance(result, ClipError) else result for result in results]
        return np.stack(results), [(error.clip_id, error.path, error.reason) for error in errors]

    def _extract_clips(self, clips):
        """Return an array or a ClipError for each clip, from the cache where it has the clip."""
        kernel, store = self._kernel(), open_store(self.cache)
        parameters = f"{__version__}.{KERNEL_VERSION} {kernel.func.__qualname__} {sorted(kernel.keywords.items())}"
        # Without a store there is no need to read every file for its name.
        keys = [None if self.cache is None else _key(clip, parameters) for clip in clips]
        results = {key: store.get(key) for key in set(keys) - {None}}
        missing = [i for i, key in enumerate(keys) if key is None or results[key] is None]
        fresh = Parallel(n_jobs=self.n_jobs, return_as="generator")(delayed(_run)(kernel, clips[i]) for i in missing)
        by_clip = {}
        for i, result in zip(missing, self._with_progress(fresh, len(missing)), strict=True):
            by_clip[i] = result
            if keys[i] is not None and not isinstance(result, ClipError):
                store.put(keys[i], result)
        return [by_clip.get(i, results.get(key)) for i, key in enumerate(keys)]

    def _with_progress(self, results, total):
        if not self.verbose or not total:
            return results
        return tqdm(results, total=total, desc=type(self).__name__, unit="clip", delay=_BAR_DELAY)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _key(clip, parameters):
    """Name the computation, or None where the clip has no content to name it by."""
    if clip.recipe is not None:
        parameters = f"{parameters} recipe={clip.recipe}"
    try:
        return None if clip.source is None else content_key(clip.source, parameters)
    except OSError:
        return None  # the kernel's reader says what is wrong with the file


def _run(kernel, clip):
    """Run the kernel on one clip; an error comes back as a value, so that no other clip's work is lost."""
    if clip.source is None:
        return clip.error("nothing in its column; give the path of its file, or leave the clip out")
    try:
        return kernel(clip.source) if clip.recipe is None else kernel(clip.source, recipe=clip.recipe)
    except ClipError as error:
        return clip.error(error.reason)
