"""Tables larger than memory: read in chunks, with files that may be remote."""

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from savee_mm._validation import SEGMENT_COLUMNS
from savee_mm.datasets.table import column_names

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_FILES = ("audio", "video")
_READ_AHEAD = 1  # batches and files that Arrow reads in advance; its default of 16 needs memory


def read_chunks(table, chunk_size):
    """Read a clip table in chunks.

    Parameters
    ----------
    table : DataFrame, path, URL or iterable of DataFrame
        See :func:`savee_mm.extract_features`.
    chunk_size : int
        Rows of a chunk. Only the last one may have fewer.

    Yields
    ------
    chunk : DataFrame
        Its index are the numbers of the rows in the whole table.

    Raises
    ------
    ValueError
        If ``table`` is none of these.
    """
    start, rest = 0, None
    for frame in _frames(table, chunk_size):
        if not isinstance(frame, pd.DataFrame):
            raise ValueError(f"Expected an iterable of DataFrames, got an item of type {type(frame).__name__}.")
        rest = frame.reset_index(drop=True) if rest is None else pd.concat([rest, frame], ignore_index=True)
        for _ in range(len(rest) // chunk_size):
            yield _numbered(rest.iloc[:chunk_size], start)
            start += chunk_size
            rest = rest.iloc[chunk_size:]
        rest = rest.copy()  # a slice keeps the whole table
    if rest is not None and len(rest):
        yield _numbered(rest, start)


def _numbered(rows, start):
    """Return rows with their numbers as index, and paths as text, as Parquet files have them."""
    rows = rows.set_axis(range(start, start + len(rows)))
    for name, column in rows.items():
        if column.dtype == object and any(isinstance(value, os.PathLike) for value in column):
            paths = [os.fspath(value) if isinstance(value, os.PathLike) else value for value in column]
            rows = rows.assign(**{str(name): pd.Series(paths, rows.index, dtype=object)})
    return rows


def _frames(table, chunk_size):
    if isinstance(table, pd.DataFrame):
        return [table]
    if isinstance(table, str | os.PathLike):
        return _read_file(os.fspath(table), chunk_size)
    if isinstance(table, Iterable) and not isinstance(table, dict | bytes):
        return table
    raise ValueError(
        f"Expected a clip table as DataFrame, file, folder or iterable of DataFrames, got {type(table).__name__}."
    )


def _read_file(path, chunk_size):
    """Yield the parts of a CSV file, a Parquet file or a folder of Parquet files."""
    is_csv = path.endswith((".csv", ".csv.gz"))
    folder = os.path.dirname(path) if is_csv or path.endswith(".parquet") else path
    for frame in _read_csv(path, chunk_size) if is_csv else _read_parquet(path, chunk_size):
        frame.columns = column_names(frame.columns)
        for column in frame.columns.intersection(_FILES):
            frame[column] = [_join(folder, value) for value in frame[column]]
        yield frame


def _read_csv(path, chunk_size):
    # Types that pandas finds in one chunk may differ from those of the next.
    form = {"encoding": "utf-8-sig", "skipinitialspace": True}
    header = pd.read_csv(path, nrows=0, **form).columns
    times = [own for own, name in zip(header, column_names(header), strict=True) if name in SEGMENT_COLUMNS]
    kinds = defaultdict(lambda: str, dict.fromkeys(times, float))
    with pd.read_csv(path, chunksize=chunk_size, dtype=kinds, keep_default_na=False, na_values=[""], **form) as frames:
        yield from frames


def _read_parquet(path, chunk_size):
    import pyarrow.dataset

    filesystem = None
    if is_url(path):
        filesystem, path = import_fsspec().core.url_to_fs(path)
    elif not os.path.exists(path):
        raise FileNotFoundError(
            f"There is no table {path!r}. Expected a CSV file, a Parquet file or a folder of Parquet files."
        )
    dataset = pyarrow.dataset.dataset(path, format="parquet", partitioning="hive", filesystem=filesystem)
    batches = dataset.to_batches(
        batch_size=chunk_size, batch_readahead=_READ_AHEAD, fragment_readahead=_READ_AHEAD, cache_metadata=False
    )
    for batch in batches:
        yield batch.to_pandas()


def _join(folder, value):
    """Return a path that starts with the folder of its table; URLs, absolute paths and missing values as they are."""
    return value if not isinstance(value, str) or not value or is_url(value) else os.path.join(folder, value)


def is_url(path):
    """Return whether a path is a URL of fsspec, such as ``s3://bucket/clip.wav``."""
    return isinstance(path, str) and _URL.match(path) is not None


def import_fsspec():
    """Return fsspec, or raise an ImportError that names the extra."""
    try:
        import fsspec
    except ImportError as error:
        raise ImportError("Reading from URLs needs fsspec: pip install 'savee-mm[dask]'.") from error
    return fsspec


@contextmanager
def local_files(paths):
    """Copy remote files to a temporary folder, which is deleted at the end of the block.

    Parameters
    ----------
    paths : iterable of (str or None)
        Paths, some of which are URLs of fsspec.

    Yields
    ------
    copies : dict of str to (str or Exception)
        Path of the copy of each URL; the error where it could not be read.
    """
    urls = {path for path in paths if is_url(path)}
    if not urls:
        yield {}
        return
    fsspec = import_fsspec()
    with TemporaryDirectory() as folder:
        yield {url: _copy(fsspec, url, Path(folder, f"{n}{_suffix(url)}")) for n, url in enumerate(sorted(urls))}


def _copy(fsspec, url, to):
    try:
        with fsspec.open(url, "rb") as source, open(to, "wb") as target:
            shutil.copyfileobj(source, target)
    # Each file system has errors of its own.
    except Exception as error:
        return error
    return str(to)


def _suffix(url):
    return Path(url.partition("::")[0].partition("?")[0]).suffix
