"""Files that are whole or not there at all."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_atomically(path):
    """Open a draft beside ``path`` for writing bytes, and put it in place once the block has ended well.

    Another process never sees half a file, and a failure leaves neither a draft nor a changed file. The folder is
    made where it is missing.

    Parameters
    ----------
    path : path-like
        The file.

    Yields
    ------
    file : binary file
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        # mkstemp makes files that only their owner may read; models and caches are often shared.
        os.chmod(draft, 0o666 & ~_umask())
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _umask():
    # The only way to read it is to set it.
    umask = os.umask(0o022)
    os.umask(umask)
    return umask
