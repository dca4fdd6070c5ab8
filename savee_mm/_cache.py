"""Cache of values by clip: the key is the content of the file and the parameters of the computation."""

import hashlib
import io
import os
import re
import threading
import time
import warnings
from collections import OrderedDict
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np

from savee_mm._files import write_atomically
from savee_mm._validation import Segment

# Six 64 x 64 faces are 74 kB, an MFCC image 46 kB: 8,900 clips of both.
MEMORY_LIMIT = 1 << 30
LIMIT_VARIABLE = "SAVEE_MM_CACHE_GB"
_DEFAULT_LIMIT = 20  # GB: faces and images of 166,000 clips
_SETTLED = 2_000_000_000  # ns after which file systems give a changed file another time
_KEPT = 0.9  # share of the limit that remains after entries were deleted
_DIGEST_SIZE = 20  # bytes
_ENTRY = re.compile(r"[0-9a-f]{40}\.npy")


def content_key(source, parameters):
    """Return the key of a computation: a digest of the content that it reads and of its parameters.

    Parameters
    ----------
    source : str, Segment or ndarray
        Path of a file, part of a file, or the samples or frames themselves.
    parameters : str
        All parameters that the result depends on.

    Returns
    -------
    key : str of 40 hexadecimal digits

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    digest = hashlib.blake2b(parameters.encode(), digest_size=_DIGEST_SIZE)
    if isinstance(source, str):
        digest.update(_content(source))
    elif isinstance(source, Segment):
        digest.update(f"segment {source.start!r} {source.end!r}".encode() + _content(source.path))
    else:
        digest.update(f"{source.dtype.str}{source.shape}".encode())
        digest.update(np.ascontiguousarray(source).data)
    return digest.hexdigest()


def text_key(text):
    """Return the key of a computation that a text identifies, such as the key of another one and parameters."""
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_SIZE).hexdigest()


def _content(path):
    """Return the digest of a file: a search reads the same files for every fold and extractor."""
    state = os.stat(path)
    # A file that has just been written can change again without a change of its time.
    is_settled = time.time_ns() - state.st_mtime_ns > _SETTLED
    digest = _file_digest if is_settled else _file_digest.__wrapped__
    return digest(os.path.realpath(path), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1 << 16)
def _file_digest(path, size, modified):
    """Return the digest of a file, read again only if its size or time of modification (ns) changes."""
    digest = hashlib.blake2b(digest_size=_DIGEST_SIZE)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()


class MemoryStore:
    """Store of arrays in this process; above ``limit`` bytes, the least recently used are deleted."""

    def __init__(self, limit=MEMORY_LIMIT):
        self.limit = limit
        self._arrays = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key):
        """Return the array kept under ``key``, or None."""
        with self._lock:
            if key not in self._arrays:
                return None
            self._arrays.move_to_end(key)
            return self._arrays[key]

    def put(self, key, array):
        """Keep ``array`` (made read-only) under ``key``."""
        array.flags.writeable = False
        with self._lock:
            if key in self._arrays:
                return
            self._arrays[key] = array
            self._size += array.nbytes
            while self._size > self.limit:
                self._size -= self._arrays.popitem(last=False)[1].nbytes


class FolderStore:
    """Store of arrays in a folder, shared by processes and sessions.

    An entry is a ``.npy`` file, followed by a checksum of the key, shape, type and values. An entry whose checksum does
    not hold counts as missing, so that it is computed again. If the entries exceed ``limit`` bytes, the least recently
    used are deleted.

    Parameters
    ----------
    folder : path-like
        Created by the first entry.
    limit : int, default=None
        Size in bytes; None means :func:`folder_limit`.
    """

    def __init__(self, folder, limit=None):
        self.folder = Path(folder)
        self.limit = folder_limit() if limit is None else limit
        self._room = 0  # bytes until the folder is measured again; other processes also write to it

    def get(self, key):
        """Return the array kept under ``key``, or None if it is missing, damaged or not readable."""
        path = self._path(key)
        try:
            content = memoryview(path.read_bytes())
            body = content[:-_DIGEST_SIZE]
            if content[-_DIGEST_SIZE:] != _checksum(key, body):
                return None
            array = np.load(io.BytesIO(body), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        with suppress(OSError):
            os.utime(path)
        return array

    def put(self, key, array):
        """Keep ``array`` under ``key``; if the folder cannot be written, warn and go on."""
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        body = buffer.getbuffer()
        try:
            with write_atomically(self._path(key), sync=False) as file:
                file.write(body)
                file.write(_checksum(key, body))
            self._room -= len(body)
            if self._room < 0:
                self._evict()
        except OSError as error:
            message = f"The cache folder {self.folder} cannot be written ({error}); its values are computed every time."
            warnings.warn(message, UserWarning, stacklevel=2)

    def entries(self):
        """Return (last use in s, size in bytes, path) of every entry, least recently used first."""
        found = []
        for entry in os.scandir(self.folder):
            if _ENTRY.fullmatch(entry.name):
                with suppress(FileNotFoundError):
                    status = entry.stat()
                    found.append((status.st_mtime, status.st_size, entry.path))
        return sorted(found)

    def summary(self):
        """Return number and size (bytes) of the entries, the limit, and first and last use (s)."""
        entries = self.entries()
        return {
            "entries": len(entries),
            "bytes": sum(size for _, size, _ in entries),
            "limit": self.limit,
            "first_use": entries[0][0] if entries else None,
            "last_use": entries[-1][0] if entries else None,
        }

    def _evict(self):
        entries = self.entries()
        size = sum(n_bytes for _, n_bytes, _ in entries)
        if size > self.limit:
            for _, n_bytes, path in entries:
                Path(path).unlink(missing_ok=True)
                size -= n_bytes
                if size <= _KEPT * self.limit:
                    break
        self._room = max((self.limit - size) // 4, self.limit // 100)

    def _path(self, key):
        return self.folder / f"{key}.npy"


class NoStore:
    """Store that keeps nothing."""

    def get(self, key):
        """Return None."""

    def put(self, key, array):
        """Do nothing."""


_PROCESS_STORE = MemoryStore()


def folder_limit():
    """Return the size limit of a cache folder.

    Returns
    -------
    limit : int
        Bytes: the environment variable ``SAVEE_MM_CACHE_GB`` times 10**9, by default 20 GB.

    Raises
    ------
    ValueError
        If the variable is not a positive number.
    """
    text = os.environ.get(LIMIT_VARIABLE, str(_DEFAULT_LIMIT))
    try:
        limit = int(float(text) * 1e9)
    except (ValueError, OverflowError):
        limit = 0
    if limit <= 0:
        raise ValueError(f"{LIMIT_VARIABLE} must be a positive number of gigabytes, got {text!r}.")
    return limit


def open_store(cache):
    """Return the store that an extractor's ``cache`` parameter names.

    Parameters
    ----------
    cache : "memory", path-like or None
        The store of this process, a folder (created if missing), or no store.

    Raises
    ------
    ValueError
        If ``cache`` is an empty string or the path of a file.
    """
    if cache is None:
        return NoStore()
    if isinstance(cache, str) and cache == "memory":
        return _PROCESS_STORE
    if not str(cache) or (Path(cache).exists() and not Path(cache).is_dir()):
        raise ValueError(f"cache must be 'memory', a folder or None, got {str(cache)!r}, which is not a folder.")
    return _folder_store(Path(cache), folder_limit())


@lru_cache(maxsize=64)
def _folder_store(folder, limit):
    return FolderStore(folder, limit)


def _checksum(key, body):
    return hashlib.blake2b(body, key=key.encode()[:64], digest_size=_DIGEST_SIZE).digest()
