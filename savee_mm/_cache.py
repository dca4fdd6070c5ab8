"""The per-clip cache: what was computed from a file's content with given parameters is not computed again."""

import hashlib
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np

from savee_mm._files import write_atomically

# Six 64 x 64 faces are 295 kB, an MFCC image 46 kB: room for 3,000 clips of both.
MEMORY_LIMIT = 1 << 30


def content_key(source, parameters):
    """Name a computation by the content that it reads and the parameters that matter.

    Parameters
    ----------
    source : str or ndarray
        Path of a file, or the samples or frames themselves.
    parameters : str
        Everything else that the result depends on.

    Returns
    -------
    key : str of 40 hexadecimal digits

    Raises
    ------
    OSError
        Where the file cannot be read.
    """
    digest = hashlib.blake2b(parameters.encode(), digest_size=20)
    if isinstance(source, str):
        with open(source, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    else:
        digest.update(f"{source.dtype.str}{source.shape}".encode())
        digest.update(np.ascontiguousarray(source).data)
    return digest.hexdigest()


class MemoryStore:
    """Arrays by key in this process, the least recently used leaving when ``limit`` bytes are passed."""

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
    """Arrays by key as ``.npy`` files in one folder, shared by processes and sessions."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def get(self, key):
        """Return the array kept under ``key``, or None where there is none, or none that can be read."""
        try:
            return np.load(self._path(key), allow_pickle=False)
        except (FileNotFoundError, ValueError, EOFError):
            return None

    def put(self, key, array):
        """Keep ``array`` under ``key``; another process never sees half a file."""
        with write_atomically(self._path(key)) as file:
            np.save(file, array, allow_pickle=False)

    def _path(self, key):
        return self.folder / f"{key}.npy"


class NoStore:
    """Keeps nothing."""

    def get(self, key):
        """Return None."""

    def put(self, key, array):
        """Do nothing."""


_PROCESS_STORE = MemoryStore()


def open_store(cache):
    """Return the store that an extractor's ``cache`` parameter names.

    Parameters
    ----------
    cache : "memory", path-like or None
        The store of this process, a folder (made where it is missing), or no store.

    Raises
    ------
    ValueError
        Where ``cache`` is an empty string or names something that is not a folder.
    """
    if cache is None:
        return NoStore()
    if isinstance(cache, str) and cache == "memory":
        return _PROCESS_STORE
    if not str(cache) or (Path(cache).exists() and not Path(cache).is_dir()):
        raise ValueError(f"cache must be 'memory', a folder or None, got {str(cache)!r}, which is not a folder.")
    return FolderStore(cache)
