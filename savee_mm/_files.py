"""Files that are complete or absent."""

import os
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_DRAFT = ".savee_mm.part"
_DAY = 86400  # s; after that, a draft that cannot be locked counts as abandoned
_swept: set[Path] = set()  # folders in which this process has deleted abandoned drafts


@contextmanager
def write_atomically(path, *, sync=True):
    """Open a draft for writing bytes, and move it to ``path`` if the block ends without an error.

    Other processes never read a partial file. After an error, the file is as before and the draft is deleted; drafts
    of processes that were killed are deleted by the next process that writes to the folder.

    Parameters
    ----------
    path : path-like
        The file. Its folder is created if missing. A file that is replaced passes its mode on; the target of a
        symbolic link is replaced, not the link. A pipe or device is written directly.
    sync : bool, default=True
        Whether the content is on the disk before the file is replaced. False is for files with a checksum.

    Yields
    ------
    file : binary file

    Raises
    ------
    OSError
        If the file cannot be written; the error names ``path``, also if the disk is full.
    """
    if _is_stream(path):
        with _errors_name(path), open(path, "wb") as file:
            yield file
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    delete_abandoned_drafts(path.parent)
    with _errors_name(path), _draft(path.parent) as file:
        yield file
        file.flush()
        if sync:
            os.fsync(file.fileno())
        os.chmod(file.name, _mode(path))
        if fcntl is None:
            file.close()
        # The draft is locked until it has its name: no other process takes it for abandoned.
        os.replace(file.name, path)
    if sync:
        _sync_folder(path.parent)


def write_text(path, text):
    """Write a UTF-8 text file, complete or not at all.

    Parameters
    ----------
    path : path-like
        See :func:`write_atomically`.
    text : str
        Its content.
    """
    with write_atomically(path) as file:
        # File names that are not UTF-8 have surrogates.
        file.write(text.encode("utf-8", "backslashreplace"))


def check_destination(path):
    """Check that a file can be written, before the work whose result it will hold.

    Parameters
    ----------
    path : path-like
        The file. Its folder is created if missing; nothing else is left behind.

    Raises
    ------
    OSError
        If ``path`` is a folder or write-protected, or if its folder cannot be created or written.
    """
    if _is_stream(path):
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file.")
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(f"{path} is write-protected; give another name, or change its mode.")
    with _errors_name(path), tempfile.TemporaryFile(dir=path.parent):
        pass


@contextmanager
def claim(path):
    """Hold a lock file while the block runs, so that one of several processes does the work that the file names.

    The system releases the lock of a process that ends in any way. On network file systems, locks hold between
    machines where the server supports them (NFS 4, SMB, Lustre mounted with ``flock``).

    Parameters
    ----------
    path : path-like
        The lock file. Its folder is created if missing; the file is deleted at the end.

    Yields
    ------
    is_mine : bool
        False if another process holds the lock. True on file systems without locks, and on Windows: work may be done
        twice there, so its result must be the same each time and be written atomically.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        is_mine = _lock(file, path)
        try:
            yield is_mine
        finally:
            if is_mine:
                with suppress(OSError):  # Windows deletes no open file
                    path.unlink(missing_ok=True)


def _lock(file, path):
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    # The process that held the lock before may have deleted this file.
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    return False


def delete_abandoned_drafts(folder):
    """Delete drafts of processes that were killed, once for each process and folder.

    Parameters
    ----------
    folder : Path
        Folder of the drafts; drafts that another process is writing stay.
    """
    if folder in _swept:
        return
    _swept.add(folder)
    for entry in os.scandir(folder):
        if entry.name.endswith(_DRAFT) and _is_abandoned(entry.path):
            Path(entry.path).unlink(missing_ok=True)


def _is_stream(path):
    """Return whether ``path`` is a pipe or a device, such as ``/dev/stdout``."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _is_abandoned(draft):
    try:
        if fcntl is None:
            return time.time() - os.stat(draft).st_mtime > _DAY
        with open(draft, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False


@contextmanager
def _draft(folder):
    """Open a new draft, locked; it is deleted if the block leaves it."""
    while True:
        file = tempfile.NamedTemporaryFile("wb", dir=folder, prefix=".", suffix=_DRAFT, delete=False)  # noqa: SIM115
        if fcntl is not None:
            # Not every file system has locks; drafts are not deleted by others there.
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
        # Another process may have deleted it before it was locked.
        if os.path.exists(file.name):
            break
        file.close()
    try:
        with file:
            yield file
    finally:
        Path(file.name).unlink(missing_ok=True)


@contextmanager
def _errors_name(path):
    """Let errors of the system that name no file, or a draft, name ``path``."""
    try:
        yield
    except OSError as error:
        if error.errno is None or (error.filename is not None and not str(error.filename).endswith(_DRAFT)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _mode(path):
    """Return the mode of the file at ``path``, or the one that new files get."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    # The only way to read the umask is to set it.
    umask = os.umask(0o022)
    os.umask(umask)
    return 0o666 & ~umask


def _sync_folder(folder):
    """Write the new name to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
