"""Folder of Parquet files with the features of a table, one file for each chunk."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from savee_mm._files import claim, write_atomically, write_text

# Readers of Parquet folders ignore names that start with an underscore.
MANIFEST = "_manifest.json"
FAILURES = "_failures"
_CLAIMS = "_claims"
_ARRAY = "_values.npy"
_N_ROWS = 64  # of a part that are in memory at a time
_METADATA = b"savee_mm"
_VALUES = "values"  # column of the arrays of an extractor whose values have no names
_FAILURE_COLUMNS = pa.schema([("clip_id", pa.string()), ("path", pa.string()), ("reason", pa.string())])


def make_schema(known, *, names=None, size=None):
    """Return the columns of a dataset.

    Parameters
    ----------
    known : DataFrame
        The first rows of the table.
    names : list of str, default=None
        Names of the features, double precision.
    size : int, default=None
        Without names, number of values of each clip, single precision.

    Returns
    -------
    schema : :class:`pyarrow.Schema`

    Raises
    ------
    ValueError
        If a column of the table has the name of a feature.
    """
    fields = pa.Schema.from_pandas(known, preserve_index=False)
    # A column that is empty in the first rows.
    fields = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in fields]
    if names is None:
        values = [pa.field(_VALUES, pa.list_(pa.float32(), size))]
    else:
        values = [pa.field(name, pa.float64()) for name in names]
    if clashes := sorted({field.name for field in fields} & {field.name for field in values}):
        raise ValueError(f"Columns of the table have names of features: {clashes}. Rename or drop them.")
    return pa.schema([*fields, *values])


class PartFolder:
    """Parquet dataset that several processes write, one part at a time.

    A part is a file that is complete or absent, and that names the settings and rows that it was made of. It is written
    after its failures, so that a process may end at any point.

    Parameters
    ----------
    folder : path-like
        Created if missing.
    settings : dict
        What all parts depend on, as plain data.
    schema : :class:`pyarrow.Schema`
        Columns of the parts.
    overwrite : bool
        Whether parts of other rows are replaced.
    """

    def __init__(self, folder, settings, schema, *, overwrite):
        self.folder = Path(folder)
        self.settings = settings
        self.schema = schema
        self.overwrite = overwrite

    def start(self, first):
        """Write the manifest, or check that the folder has the same settings and the same first chunk.

        Raises
        ------
        ValueError
            If the folder holds features that were made in another way, of another table, or other files.
        """
        path = self.folder / MANIFEST
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))["settings"]
            if differing := [name for name in self.settings if found.get(name) != self.settings[name]]:
                raise ValueError(
                    f"{self.folder} holds features that were made in another way ({', '.join(differing)} differ). "
                    "Choose another folder, or delete this one."
                )
            self.counts(0, first)
            self._write_manifest(complete=False)
        elif self.folder.exists() and any(self.folder.glob("*.parquet")):
            raise ValueError(f"{self.folder} holds Parquet files of another origin. Choose another folder.")
        else:
            self._write_manifest(complete=False)

    def finish(self, n_parts, n_clips, n_failed):
        """Delete parts of an earlier, longer table, and write the manifest with the numbers of clips.

        Raises
        ------
        ValueError
            If there are such parts, unless they may be replaced.
        """
        for folder in (self.folder, self.folder / FAILURES):
            for path in folder.glob("part-*.parquet"):
                if int(path.stem.removeprefix("part-")) >= n_parts:
                    if not self.overwrite:
                        raise self._other_table(path.name)
                    path.unlink(missing_ok=True)
        with suppress(OSError):  # another process may work on the folder
            (self.folder / _CLAIMS).rmdir()
        self._write_manifest(complete=True, n_parts=n_parts, n_clips=n_clips, n_failed=n_failed)

    def claim(self, number):
        """Return a context manager that yields whether no other process works on a part; it keeps others off."""
        return claim(self.folder / _CLAIMS / _name(number))

    def counts(self, number, chunk):
        """Return the numbers of rows and of failures of a part, or None if it is missing or may be replaced.

        Raises
        ------
        ValueError
            If it is of other rows, unless it may be replaced.
        """
        try:
            metadata = pq.read_metadata(self.folder / _name(number))
            stored = json.loads(metadata.metadata[_METADATA])
        except (OSError, pa.ArrowException, LookupError, TypeError, ValueError):
            return None
        if stored["key"] == self._key(chunk):
            return metadata.num_rows, stored["n_failed"]
        if not self.overwrite:
            raise self._other_table(_name(number))
        return None

    def _other_table(self, name):
        return ValueError(
            f"{self.folder} holds features of another table ({name} differs). Choose another folder, or replace them "
            "with overwrite=True."
        )

    def write(self, number, chunk, known, values, failures):
        """Write a part.

        Parameters
        ----------
        number : int
            Number of the part.
        chunk : DataFrame
            All clips of the part.
        known : DataFrame
            Columns of the table for the clips with features.
        values : ndarray of shape (n_rows, ...)
            Their features.
        failures : list of tuple
            ``clip_id``, ``path`` and ``reason`` of the other clips.

        Returns
        -------
        counts : tuple of int
            Numbers of rows and of failures.

        Raises
        ------
        ValueError
            If a column of the table has another type than in the first rows.
        """
        rows = self._table(chunk, known, values)
        path = self.folder / FAILURES / _name(number)
        if failures:
            table = pd.DataFrame(failures, columns=_FAILURE_COLUMNS.names)
            _write(pa.Table.from_pandas(table, schema=_FAILURE_COLUMNS, preserve_index=False), path)
        else:
            path.unlink(missing_ok=True)
        stored = json.dumps({"key": self._key(chunk), "n_failed": len(failures)})
        _write(rows.replace_schema_metadata({_METADATA: stored.encode()}), self.folder / _name(number))
        return len(rows), len(failures)

    def _table(self, chunk, known, values):
        fields = list(self.schema)
        try:
            schema = pa.schema(fields[: len(known.columns)])
            table = pa.Table.from_pandas(known, schema=schema, preserve_index=False)
        except (pa.ArrowException, KeyError) as error:
            raise ValueError(
                f"Rows {chunk.index[0]} to {chunk.index[-1]} of the clip table differ from the first ones in a column "
                f"or its type: {error}. Give each column one type, for example text."
            ) from error
        for n, field in enumerate(fields[len(known.columns) :]):
            if field.name == _VALUES:
                column = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel(), pa.float32()), type=field.type)
            else:
                column = pa.array(values[:, n], field.type)
            table = table.append_column(field, column)
        return table

    def _key(self, chunk):
        settings = json.dumps([self.settings, list(map(str, chunk.columns))], sort_keys=True)
        digest = hashlib.blake2b(settings.encode(), digest_size=20)
        digest.update(pd.util.hash_pandas_object(chunk).to_numpy().tobytes())
        return digest.hexdigest()

    def _write_manifest(self, **state):
        write_text(self.folder / MANIFEST, json.dumps({**state, "settings": self.settings}, indent=1) + "\n")


def read_parts(folder):
    """Return the columns of the clip table of a finished dataset, and its arrays as a file.

    Parameters
    ----------
    folder : path-like
        The folder of a :class:`PartFolder` whose values have no names.

    Returns
    -------
    data : DataFrame
        The other columns.
    path : str
        File of the arrays, float32, one clip after the other.
    shape : tuple of int
        ``(n_clips, ...)``.
    offset : int
        Position of the first value in the file (bytes).

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it is not complete, or if its values have names.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{folder} is not a folder that extract_features has written.") from None
    if not manifest["complete"]:
        raise ValueError(f"{folder} is not complete: repeat the call of extract_features.")
    files = sorted(folder.glob("part-*.parquet"))
    names = pq.read_schema(files[0]).names
    if _VALUES not in names:
        raise ValueError(f"The features in {folder} have names: read them with pandas.read_parquet.")
    known = [name for name in names if name != _VALUES]
    data = pd.concat([pd.read_parquet(file, columns=known) for file in files], ignore_index=True)
    path, shape = folder / _ARRAY, (len(data), *manifest["settings"]["shape"])
    if not path.exists() or path.stat().st_mtime_ns < max(file.stat().st_mtime_ns for file in files):
        _write_array(files, path, shape)
    return data, str(path), shape, np.load(path, mmap_mode="r").offset


def _write_array(files, path, shape):
    """Copy the arrays of all parts into one file, a row group at a time."""
    with write_atomically(path) as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for part in map(pq.ParquetFile, files):
            with part:
                for batch in part.iter_batches(_N_ROWS, columns=[_VALUES]):
                    file.write(batch.column(0).flatten().to_numpy().astype("<f4", copy=False).data)


def _name(number):
    return f"part-{number:08d}.parquet"


def _write(table, path):
    with write_atomically(path) as file:
        pq.write_table(table, file, compression="zstd")
