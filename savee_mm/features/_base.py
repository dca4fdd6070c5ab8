"""Base class of the extractors: the loop over clips with cache, worker processes and report."""

import os
import traceback
import warnings
from numbers import Integral
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from savee_mm._cache import content_key, open_store
from savee_mm._missing import fills_missing, is_missing, missing_reason
from savee_mm._rows import map_rows
from savee_mm._validation import ClipError, Clips, ClipWarning, check_clips, record_corrections
from savee_mm._version import __version__
from savee_mm._workers import WorkerDied, run_tasks

# Part of every cache key. Increase it when a kernel returns other values.
KERNEL_VERSION = 5
# Time (s) after which the progress bar appears.
_BAR_DELAY = 2


class ClipTransformer(TransformerMixin, BaseEstimator):
    """Base of the extractors: X is a clip table, a list of paths or a list of arrays.

    A subclass sets ``_column``, returns a kernel (a picklable function of one path or array, with the parameters
    that affect its result bound) and extends ``_learn`` if it learns from the training clips. The kernel of an audio
    extractor also takes ``recipe=``, for the augmented copies in a table.
    """

    _column = "audio"
    _array_ndim = 1
    _learns_from_clips = False
    _failures: list[tuple]

    _parameter_constraints = {
        "n_jobs": [None, Integral],
        "cache": [None, str, os.PathLike],
        "on_error": [StrOptions({"raise", "fill"})],
        "verbose": ["verbose"],
    }

    def fit(self, X: Clips, y: object = None) -> Self:
        """Learn fill values and statistics from the training clips, and choose the detector.

        Parameters
        ----------
        X : DataFrame, list of paths or list of arrays
            The training clips.
        y : Ignored

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
        """Extract the features of each clip.

        Parameters
        ----------
        X : DataFrame, list of paths or list of arrays
            The clips.

        Returns
        -------
        X_out : ndarray of shape (n_clips, ...)
            In the order of X; finite.

        Raises
        ------
        ClipError
            If a clip cannot be used and ``on_error="raise"``. The values of the other clips stay in the cache.
        """
        check_is_fitted(self)
        values, self._failures = self._extract(X)
        return self._finish(values)

    @property
    def failed_clips_(self):
        """Clips of the last call that could not be used: ``clip_id``, ``path`` and ``reason``."""
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

    def _output_rows(self, X, change, allocate, *, fitting):
        """Fit and transform, or transform, with a result that may be larger than memory.

        Parameters
        ----------
        X : DataFrame, list of paths or list of arrays
            The clips.
        change : callable
            Applied to the output, some clips at a time.
        allocate : callable
            As :func:`savee_mm._rows.new_rows`.
        fitting : bool
            Whether to fit.

        Returns
        -------
        rows : ndarray or RowFile
        """
        if fitting:
            self._start(X)
            values = self._fit_extracted(X, allocate)
        else:
            check_is_fitted(self)
            values, self._failures = self._extract(X, allocate=allocate)
        return map_rows(lambda block: change(self._finish(block)), values, allocate)

    def _fit_extracted(self, X, allocate=np.empty):
        """Extract the training clips and learn from them. An error leaves the estimator unfitted."""
        values, failures = self._extract(X, fitting=True, allocate=allocate)
        if self._learns_from_clips:
            self._learn(values)
        self._failures = failures
        return values

    def _resolve(self):
        """Check parameters against each other and set the fitted attributes that need no clip."""

    def _learn(self, values):
        """Learn from the extracted training clips."""

    def _kernel(self):
        """Return ``functools.partial(function, **parameters)``, which maps a path or array to a float array."""
        raise NotImplementedError

    def _shape(self):
        """Return the shape of the kernel's result for one clip."""
        raise NotImplementedError

    def _finish(self, values):
        """Turn extracted values into the output. A clip that failed is all NaN."""
        return values

    def _blank(self):
        """Return the values of a clip that failed."""
        return np.full(self._shape(), np.nan, np.float32)

    def _extract(self, X, *, fitting=False, allocate=np.empty):
        """Return the values of all clips, ``_blank()`` where a clip failed, and the failures as tuples."""
        clips = check_clips(X, self._column, array_ndim=self._array_ndim)
        self._warn_of_assumed_rate(clips)
        values, failed = None, {}
        for i, result in self._results(clips):
            if isinstance(result, ClipError):
                failed[i] = result
                continue
            if values is None:
                values = allocate((len(clips), *result.shape), result.dtype)
            values[i] = result
        errors = [failed[i] for i in sorted(failed)]
        # A fusion predicts clips with a missing modality by its other branches, and warns.
        unexpected = [error for error in errors if not (fills_missing() and is_missing(error.reason))]
        if unexpected and self.on_error == "raise":
            raise unexpected[0]
        # A fit needs at least one clip; transform fills even a table in which all clips failed.
        if errors and fitting and len(errors) == len(clips):
            raise errors[0]
        if unexpected:
            warnings.warn(
                f"{len(unexpected)} of {len(clips)} clips could not be used and were filled; see failed_clips_. "
                f"First error: {unexpected[0]}",
                ClipWarning,
                stacklevel=3,
            )
        if failed:
            blank = self._blank()
            if values is None:
                values = allocate((len(clips), *blank.shape), blank.dtype)
            for i in failed:
                values[i] = blank
        return values, [(error.clip_id, error.path, error.reason) for error in errors]

    def _array_sr(self):
        """Return the assumed sample rate of arrays (Hz)."""
        return self.sr

    def _warn_of_assumed_rate(self, clips):
        if self._column != "audio" or getattr(self, "input_sr", 0) is not None or self._array_sr() is None:
            return
        if any(isinstance(clip.source, np.ndarray) for clip in clips):
            warnings.warn(
                f"arrays do not state their sample rate; {self._array_sr()} Hz was assumed. Pass input_sr to "
                f"{type(self).__name__}: at a wrong rate, pitch and duration are wrong",
                ClipWarning,
                stacklevel=4,
            )

    def _extract_clips(self, clips):
        """Return an array or a ClipError for each clip, from the cache if possible."""
        results = dict(self._results(clips))
        return [results[i] for i in range(len(clips))]

    def _results(self, clips):
        """Yield position and array or ClipError of each clip, in any order, from the cache if possible."""
        kernel, store = self._kernel(), open_store(self.cache)
        missing, keys = [], self._keys(clips, kernel)
        for i, key in enumerate(keys):
            kept = None if key is None else store.get(key)
            if kept is None:
                missing.append(i)
            else:
                yield i, kept
        fresh = run_tasks(_run, ((kernel, clips[i], self._column) for i in missing), n_jobs=self.n_jobs)
        corrected = {}
        for n, result in self._with_progress(fresh, len(missing)):
            i = missing[n]
            if isinstance(result, WorkerDied):
                yield i, clips[i].error(f"{result.reason}; give the workers more memory, or leave the clip out")
                continue
            values, corrections = result
            if corrections:
                corrected[i] = [str(clips[i].error(reason)) for reason in corrections]
            if keys[i] is not None and not isinstance(values, ClipError):
                store.put(keys[i], values)
            yield i, values
        # Clips finish in any order.
        if messages := [message for i in sorted(corrected) for message in corrected[i]]:
            message = f"{len(messages)} of {len(clips)} clips were corrected. First correction: {messages[0]}"
            warnings.warn(message, ClipWarning, stacklevel=4)

    def _keys(self, clips, kernel):
        """Return the cache key of each clip, None for a clip whose content cannot be read."""
        if self.cache is None:
            # A key reads the whole file.
            return [None] * len(clips)
        parameters = f"{__version__}.{KERNEL_VERSION} {kernel.func.__qualname__} {sorted(kernel.keywords.items())}"
        return [_key(clip, parameters) for clip in clips]

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
    """Return the cache key of a clip, None if its content cannot be read."""
    if clip.recipe is not None:
        parameters = f"{parameters} recipe={clip.recipe}"
    try:
        return None if clip.source is None else content_key(clip.source, parameters)
    except OSError:
        return None  # the kernel's reader raises the error


def _run(kernel, clip, column):
    """Run the kernel on one clip; return values or a ClipError, and a list of corrections of the clip."""
    if clip.source is None:
        what = (
            f"no path in the column {column!r}; add it (a video with sound can be in both 'audio' and 'video'), or "
            "leave the clip out"
        )
        return clip.error(missing_reason(column, what)), []
    with record_corrections() as corrections:
        values = run_on_clip(clip, kernel, clip.source, **({} if clip.recipe is None else {"recipe": clip.recipe}))
    return values, corrections


def run_on_clip(clip, function, *args, **options):
    """Run a function that extracts values from one clip.

    Errors are returned, so that the values of other clips are kept.

    Parameters
    ----------
    clip : Clip
        The clip, named in errors.
    function : callable
        Returns an array.
    *args, **options : object
        Its arguments.

    Returns
    -------
    values : ndarray or ClipError
        An error if the function raises any exception, which is its cause, or if a value is infinite.
    """
    try:
        values = function(*args, **options)
    except Exception as cause:
        # The arrays of a function that ran out of memory are freed.
        traceback.clear_frames(cause.__traceback__)
        failed = f"the extraction failed with {cause!r}; convert the file, or leave the clip out"
        error = clip.error(cause.reason if isinstance(cause, ClipError) else failed)
        error.__cause__ = cause
        return error
    if np.isinf(values).any():
        return clip.error("some values are infinite; check its samples or frames, or leave the clip out")
    return values
