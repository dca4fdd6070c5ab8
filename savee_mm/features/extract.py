"""extract_features and open_features: the features of a table of any length, as a folder of Parquet files."""

import copy
import dataclasses
import hashlib
import os
import time
import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from numbers import Integral
from typing import Literal

import joblib
import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from tqdm.auto import tqdm

from savee_mm._rows import RowFile
from savee_mm._validation import ClipError, ClipWarning, Segment, check_clips, clip_names
from savee_mm._version import __version__
from savee_mm._workers import WorkerDied, run_tasks
from savee_mm.features._base import KERNEL_VERSION, ClipTransformer
from savee_mm.features._chunks import local_files, read_chunks
from savee_mm.features._tabular import TabularTransformer

_ENGINES = ("joblib", "dask")
# "weights" is a path; the extractors keep the hash of the file.
_WITHOUT_EFFECT = ("cache", "n_jobs", "on_error", "verbose", "weights")
_PAUSE = 0.5  # s between two looks at parts that other processes write


def extract_features(
    table: pd.DataFrame | str | os.PathLike[str] | Iterable[pd.DataFrame],
    extractor: ClipTransformer,
    out: str | os.PathLike[str],
    *,
    engine: Literal["joblib", "dask"] = "joblib",
    chunk_size: int = 256,
    overwrite: bool = False,
) -> Bunch:
    """Extract the features of a clip table of any length into a folder of Parquet files.

    The table is read in chunks, and each chunk becomes one file, so memory does not grow with the number of clips. An
    interrupted call continues when it is repeated. Several processes and machines may make the same call on a shared
    folder: each chunk is computed by one of them.

    Parameters
    ----------
    table : DataFrame, path, URL or iterable of DataFrame
        The clip table: a CSV file (all columns are read as text), a Parquet file, a folder of Parquet files, or tables
        that are read one after the other. Relative paths in a file start at its folder. The columns ``audio`` and
        ``video`` may contain URLs of fsspec, such as ``s3://bucket/clip.wav``; such files are copied to a temporary
        folder, one chunk at a time.
    extractor : extractor
        An extractor of ``savee_mm.features``. Values are those of its ``transform`` if it is fitted. Otherwise,
        values that a clip does not have (the pitch of a clip without voiced frames) are NaN. Its ``n_jobs`` and
        ``verbose`` apply. Its ``cache`` applies if it is a folder: a cache in memory would grow. ``on_error`` has no
        effect.
    out : path-like
        The folder to write, local or on a file system that all workers share.
    engine : {"joblib", "dask"}, default="joblib"
        Where chunks are computed: in the active backend of joblib, by default ``n_jobs`` processes of this machine, or
        on the Dask cluster of the current ``distributed.Client`` (extra ``dask``).
    chunk_size : int, default=256
        Number of clips of a task and a file. It determines the memory of a worker, and the work that is lost when a
        worker is killed.
    overwrite : bool, default=False
        Whether features of other rows in ``out`` are replaced. Those of equal chunks are kept in any case.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``folder``; ``n_clips``, number of clips with features; ``n_failed``, number of other clips; ``n_parts``.

    Raises
    ------
    TypeError
        If ``extractor`` is not an extractor of this library.
    ValueError
        If the table has no rows or lacks the column that the extractor reads, if a column has the name of a feature, if
        an extractor that must be fitted is not, if ``out`` holds features that were made in another way or, without
        ``overwrite``, of another table, or if the values of a column change their type along the table.
    ImportError
        If ``engine="dask"`` and Dask is not installed, or a URL is read without fsspec.

    Warns
    -----
    ClipWarning
        If clips were corrected or could not be used.

    Notes
    -----
    ``out`` contains ``part-*.parquet``, which ``pandas.read_parquet(out)`` reads as one table: one row for each usable
    clip in the order of the table, with the columns of the table (and ``clip_id``) and the features. Arrays such as
    images are flattened into the column ``values``; their shape is in the manifest. ``_failures/part-*.parquet`` has
    ``clip_id``, ``path`` and ``reason`` of each other clip. ``_manifest.json`` has the settings, and at the end
    ``"complete": true`` with the numbers of clips. A clip that kills its worker is a failure; others are not lost.

    With ``overwrite``, a file is computed again if the rows of its chunk change. It is not if only the content of a
    recording changes.

    Examples
    --------
    >>> import tempfile
    >>> from savee_mm import ProsodyFeatures, extract_features, make_talking_faces
    >>> folder = tempfile.TemporaryDirectory()
    >>> corpus = make_talking_faces(folder.name, n_speakers=2, n_sentences=1, random_state=0)
    >>> result = extract_features(corpus.data, ProsodyFeatures(), folder.name + "/features", chunk_size=4)
    >>> result.n_clips, result.n_failed, result.n_parts
    (14, 0, 4)
    >>> folder.cleanup()
    """
    if engine not in _ENGINES:
        raise ValueError(f"engine must be one of {', '.join(map(repr, _ENGINES))}, got {engine!r}.")
    if not isinstance(chunk_size, Integral) or chunk_size < 1:
        raise ValueError(f"chunk_size must be an integer of at least 1, got {chunk_size!r}.")
    prepared = _prepare(extractor)
    chunks = read_chunks(table, int(chunk_size))
    first = next(chunks, None)
    if first is None:
        raise ValueError("The clip table has no rows: expected one row per clip.")
    parts = _part_folder(out, prepared, chunk_size, first, overwrite)
    parts.start(first)
    with _backend(engine):
        run = _Run(parts, prepared, extractor.n_jobs, extractor.verbose)
        run.extract(first, chunks)
    parts.finish(run.n_parts, run.n_clips, run.n_failed)
    if run.n_failed:
        message = f"{run.n_failed} clips could not be used; see {os.fspath(out)}/_failures."
        warnings.warn(message, ClipWarning, stacklevel=2)
    if run.corrections:
        message = f"Clips were corrected in {len(run.corrections)} parts. {run.corrections[min(run.corrections)]}"
        warnings.warn(message, ClipWarning, stacklevel=2)
    return Bunch(folder=os.fspath(out), n_clips=run.n_clips, n_failed=run.n_failed, n_parts=run.n_parts)


def open_features(folder: str | os.PathLike[str]) -> Bunch:
    """Open the arrays that :func:`extract_features` has written, without reading them into memory.

    Classifiers over arrays, such as :class:`~savee_mm.ConvLSTMClassifier`, read one batch at a time.

    Parameters
    ----------
    folder : path-like
        Result of an extractor whose values have no names, such as :class:`~savee_mm.FaceFrameSampler` or
        :class:`~savee_mm.MFCCImage`. Others are read by ``pandas.read_parquet(folder)``.

    Returns
    -------
    features : :class:`~sklearn.utils.Bunch`
        ``data``, DataFrame with the columns of the clip table; ``X``, the array of shape (n_clips, ...), float32. Parts
        of it, such as the training clips of a fold, also stay in the file; ``numpy.asarray(X[:10])`` reads some clips.

    Raises
    ------
    FileNotFoundError
        If the folder is not a result of :func:`extract_features`.
    ValueError
        If it is not complete, or if the features have names.

    Notes
    -----
    The first call writes ``_values.npy`` to the folder: rows of a Parquet file cannot be read one by one. It is written
    again if a part is newer.

    Examples
    --------
    >>> import tempfile
    >>> from savee_mm import MFCCImage, extract_features, make_talking_faces, open_features
    >>> folder = tempfile.TemporaryDirectory()
    >>> corpus = make_talking_faces(folder.name, n_speakers=2, n_sentences=1, random_state=0)
    >>> result = extract_features(corpus.data, MFCCImage(), folder.name + "/mfcc")
    >>> open_features(result.folder).X.shape
    (14, 40, 290, 1)
    >>> folder.cleanup()
    """
    from savee_mm.features._parts import read_parts

    data, path, shape, offset = read_parts(folder)
    return Bunch(data=data, X=RowFile(path, shape, np.float32, offset=offset))


def _backend(engine):
    if engine == "joblib":
        return nullcontext()
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise ImportError("engine='dask' needs Dask: pip install 'savee-mm[dask]'.") from error
    return joblib.parallel_config(backend="dask")


def _prepare(extractor):
    """Return a copy of the extractor for use in workers."""
    if not isinstance(extractor, ClipTransformer):
        raise TypeError(
            f"Expected an extractor of savee_mm.features, such as AudioFeatures(), got {type(extractor).__name__}."
        )
    prepared = copy.deepcopy(extractor)
    cache = None if isinstance(extractor.cache, str) and extractor.cache == "memory" else extractor.cache
    in_workers = {"n_jobs": 1, "verbose": False, "cache": cache}
    prepared.set_params(**in_workers)
    if prepared.__sklearn_is_fitted__():
        for part in vars(prepared).values():
            if isinstance(part, ClipTransformer):
                part.set_params(**in_workers)
        return prepared
    prepared._validate_params()
    prepared._resolve()
    for part in vars(prepared).values():
        if isinstance(part, ClipTransformer):
            part._resolve()
    if isinstance(prepared, TabularTransformer):
        prepared.fill_values_ = np.array(np.nan)
    try:
        _no_values(prepared)
    except AttributeError as error:  # a NotFittedError is one
        raise ValueError(
            f"{type(prepared).__name__} learns from training clips with these parameters: fit it to a sample of the "
            "clips first."
        ) from error
    return prepared


def _settings(extractor, chunk_size):
    """Return what the values depend on as plain data."""
    learned = hashlib.blake2b(digest_size=20)
    for name, value in sorted(vars(extractor).items()):
        if name.endswith("_"):
            learned.update(name.encode())
            learned.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    parameters = {name: repr(value) for name, value in extractor.get_params().items() if name not in _WITHOUT_EFFECT}
    return {
        "versions": f"{__version__}.{KERNEL_VERSION}",
        "extractor": type(extractor).__name__,
        "parameters": parameters,
        "learned": learned.hexdigest(),
        "shape": list(_no_values(extractor).shape[1:]),
        "chunk_size": int(chunk_size),
    }


def _no_values(extractor):
    """Return the output of an extractor for no clip."""
    return extractor._finish(extractor._blank()[np.newaxis][:0])


def _part_folder(out, extractor, chunk_size, first, overwrite):
    """Return the folder of parts, whose columns are those of the first chunk and the features."""
    try:
        from savee_mm.features._parts import PartFolder, make_schema
    except ImportError as error:  # the light installation
        raise ImportError("Parquet files need pyarrow: pip install pyarrow.") from error
    check_clips(first.iloc[:1], extractor._column)  # raises if the table lacks the column of the files
    settings = _settings(extractor, chunk_size)
    if isinstance(extractor, TabularTransformer):
        schema = make_schema(_with_names(first, extractor), names=[name for name, _ in extractor._output_columns()])
    else:
        schema = make_schema(_with_names(first, extractor), size=int(np.prod(settings["shape"])))
    return PartFolder(out, settings, schema, overwrite=overwrite)


def _with_names(chunk, extractor):
    return chunk if "clip_id" in chunk.columns else chunk.assign(clip_id=clip_names(chunk, extractor._column))


class _Run:
    """The loop over the chunks of a table, and its counts."""

    def __init__(self, parts, extractor, n_jobs, verbose):
        self.parts, self.extractor, self.n_jobs = parts, extractor, n_jobs
        self.n_parts = self.n_clips = self.n_failed = 0
        self.corrections = {}
        self._open = {}  # chunks by number whose files are not counted yet
        self._elsewhere = set()  # those of them that another process has claimed
        self._bar = tqdm(unit="clip", disable=not verbose)

    def extract(self, first, others):
        """Extract all chunks; those that another process has claimed are waited for, or taken over if it ends."""
        with self._bar:
            self._extract(self._numbered(first, others))
            while self._open:
                self._elsewhere.clear()
                n_open = len(self._open)
                self._extract(list(self._open.items()))
                if len(self._open) == n_open:
                    time.sleep(_PAUSE)

    def _numbered(self, first, others):
        for chunk in (chunk for chunks in ([first], others) for chunk in chunks):
            number = self.n_parts
            self.n_parts += 1
            self._open[number] = chunk
            yield number, chunk

    def _extract(self, chunks):
        numbers = []

        def tasks():
            for number, chunk in chunks:
                numbers.append(number)
                yield self.parts, self.extractor, number, chunk

        for position, result in run_tasks(_extract_part, tasks(), n_jobs=self.n_jobs):
            number = numbers[position]
            if isinstance(result, WorkerDied):
                result = self._extract_each(number, self._open[number])
            if result is None:
                self._elsewhere.add(number)
            else:
                self._count(number, *result)
            # Others may have written parts since. Their chunks are not kept longer than necessary.
            for number in list(self._elsewhere):
                if counts := self.parts.counts(number, self._open[number]):
                    self._elsewhere.remove(number)
                    self._count(number, counts)

    def _count(self, number, counts, correction=None):
        del self._open[number]
        self.n_clips += counts[0]
        self.n_failed += counts[1]
        self._bar.update(sum(counts))
        if correction:
            self.corrections[number] = correction

    def _extract_each(self, number, chunk):
        """Extract a chunk that killed its worker, each clip in a task of its own."""
        tasks = ((self.extractor, chunk.iloc[[n]]) for n in range(len(chunk)))
        results = dict(run_tasks(_extract_chunk, tasks, n_jobs=self.n_jobs))
        clips = check_clips(chunk, self.extractor._column)
        values = [
            clips[n].error(f"{result.reason}; give the workers more memory, or leave the clip out")
            if isinstance(result, WorkerDied)
            else result[0][0]
            for n, result in sorted(results.items())
        ]
        with self.parts.claim(number):
            return _write(self.parts, self.extractor, number, chunk, values), None


def _extract_part(parts, extractor, number, chunk):
    """Extract and write one chunk, unless it is finished or another process has claimed it.

    Returns
    -------
    result : tuple or None
        Numbers of clips with features and of failures, as a tuple, and a warning about corrected clips or None. None
        if another process has claimed the chunk.
    """
    with parts.claim(number) as is_mine:
        counts = parts.counts(number, chunk)
        if counts is not None:
            return counts, None
        if not is_mine:
            return None
        values, correction = _extract_chunk(extractor, chunk)
        return _write(parts, extractor, number, chunk, values), correction


def _extract_chunk(extractor, chunk):
    """Return an array or a ClipError for each clip, and a warning about corrected clips or None."""
    clips = check_clips(chunk, extractor._column)
    with local_files(clip.path for clip in clips) as copies, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        usable = [n for n, clip in enumerate(clips) if not isinstance(copies.get(clip.path), Exception)]
        values = extractor._extract_clips([_local(clips[n], copies) for n in usable])
    results = [clip.error(f"the file cannot be read: {copies.get(clip.path)!r}") for clip in clips]
    for n, value in zip(usable, values, strict=True):
        results[n] = clips[n].error(value.reason) if isinstance(value, ClipError) else value
    corrected = [str(warning.message) for warning in caught if issubclass(warning.category, ClipWarning)]
    return results, corrected[0] if corrected else None


def _local(clip, copies):
    """Return a clip whose file is the local copy, if there is one."""
    if clip.path not in copies:
        return clip
    source = copies[clip.path]
    if isinstance(clip.source, Segment):
        source = dataclasses.replace(clip.source, path=source)
    return dataclasses.replace(clip, source=source)


def _write(parts, extractor, number, chunk, values):
    """Write the file of a chunk with the values of its clips."""
    usable = [n for n, value in enumerate(values) if not isinstance(value, ClipError)]
    failures = [(value.clip_id, value.path, value.reason) for value in values if isinstance(value, ClipError)]
    array = extractor._finish(np.stack([values[n] for n in usable])) if usable else _no_values(extractor)
    known = _with_names(chunk, extractor).iloc[usable]
    return parts.write(number, chunk, known, array, failures)
