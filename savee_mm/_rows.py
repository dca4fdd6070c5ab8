"""Arrays with one row per clip that may be larger than memory: in memory if they are small, in a file otherwise."""

import io
import math
import os
import tempfile
from pathlib import Path

import numpy as np

# Largest array that is kept in memory (bytes).
MEMORY_LIMIT = 16 << 20
# Rows that are computed at a time.
BLOCK = 256


class RowFile:
    """Array in a file. Only the rows that are read are in memory.

    It has the shape, type and length of an ndarray. Indexing with a slice, a mask or an array of row numbers returns
    another RowFile; :func:`numpy.asarray` reads the rows.

    Parameters
    ----------
    file : path-like or binary file
        Where the values are, in C order. A path is opened for each read, so that the object can be pickled.
    shape : tuple of int
        Shape of the whole array.
    dtype : dtype
        Type of the values.
    offset : int, default=0
        Position of the first value in the file (bytes).
    rows : ndarray of int, default=None
        Numbers of the rows that are visible; None for all.

    Notes
    -----
    A :class:`numpy.memmap` for the whole time of a training counts as memory of the process up to its full size. This
    class maps the file for each read.
    """

    def __init__(self, file, shape, dtype, *, offset=0, rows=None):
        self._file = file
        self._file_shape = tuple(shape)
        self._offset = offset
        self._rows = np.arange(shape[0]) if rows is None else rows
        self.dtype = np.dtype(dtype)
        self.shape = (len(self._rows), *shape[1:])
        self.ndim = len(self.shape)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        if isinstance(rows, tuple):  # scikit-learn indexes with (rows, ...)
            rows, *rest = rows
            if rest not in ([], [Ellipsis]):
                raise IndexError("A file of rows is indexed by rows only; numpy.asarray reads it into memory.")
        chosen = self._rows[rows]
        view = RowFile(self._file, self._file_shape, self.dtype, offset=self._offset, rows=np.atleast_1d(chosen))
        return view if np.ndim(chosen) else np.asarray(view)[0]

    def __setitem__(self, rows, values):
        chosen = np.atleast_1d(self._rows[rows])
        values = np.broadcast_to(np.asarray(values, self.dtype), (len(chosen), *self.shape[1:]))
        # Written, not mapped: on a full disk, that is an error instead of a signal.
        size = math.prod(self.shape[1:]) * self.dtype.itemsize
        for row, value in zip(chosen.tolist(), values, strict=True):
            self._file.seek(self._offset + row * size)
            rest = memoryview(value.tobytes())
            while rest:  # a disk that is almost full takes a part
                rest = rest[self._file.write(rest) :]

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("The rows are in a file; reading them makes a copy.")
        if not len(self):
            return np.empty(self.shape, dtype or self.dtype)
        mapped = np.memmap(self._file, self.dtype, "r", offset=self._offset, shape=self._file_shape)
        return np.array(mapped[self._rows], dtype=dtype)


class _SharedFile(io.FileIO):
    """File of an array and its parts, closed with the last of them."""

    def __del__(self):
        self.close()


def new_rows(shape, dtype, folder=None):
    """Return an array of zeros: an ndarray, or a RowFile if it is larger than :data:`MEMORY_LIMIT`.

    Parameters
    ----------
    shape : tuple of int
        Number of rows, then the shape of a row.
    dtype : dtype
        Type of the values.
    folder : path-like, default=None
        Where to keep the file if it is a folder that can be written; otherwise the temporary folder of the system. The
        file has no name, or is deleted when the array is.

    Returns
    -------
    rows : ndarray or RowFile
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= MEMORY_LIMIT:
        return np.zeros(shape, dtype)
    usable = folder is not None and Path(folder).is_dir() and os.access(folder, os.W_OK)
    with tempfile.TemporaryFile(dir=folder if usable else None, buffering=0) as file:
        kept = _SharedFile(os.dup(file.fileno()), "rb+")
    kept.truncate(size)
    return RowFile(kept, shape, dtype)


def map_rows(function, rows, allocate=new_rows):
    """Apply a function to the rows of an array, a block at a time.

    Parameters
    ----------
    function : callable
        Array of shape (n, ...) -> array of shape (n, ...), row by row.
    rows : ndarray or RowFile
        The array.
    allocate : callable, default=new_rows
        Shape and type -> array for the result.

    Returns
    -------
    result : ndarray or RowFile
    """
    result = None
    for start in range(0, max(len(rows), 1), BLOCK):  # no rows are one block
        block = function(np.asarray(rows[start : start + BLOCK]))
        if result is None:
            result = allocate((len(rows), *block.shape[1:]), block.dtype)
        result[start : start + BLOCK] = block
    return result


def spread_rows(rows, present, allocate=new_rows):
    """Return a longer array that has the rows at some positions, and zeros elsewhere.

    Parameters
    ----------
    rows : ndarray or RowFile
        The array.
    present : ndarray of bool
        The positions.
    allocate : callable, default=new_rows
        Shape and type -> array of zeros for the result.

    Returns
    -------
    result : ndarray or RowFile
    """
    result, positions = allocate((len(present), *rows.shape[1:]), rows.dtype), np.flatnonzero(present)
    for start in range(0, len(rows), BLOCK):
        result[positions[start : start + BLOCK]] = np.asarray(rows[start : start + BLOCK])
    return result
