"""The zip file of a model: its card, its skops archive, and its networks beside it."""

import io
import json
import zipfile
import zlib

from savee_mm._files import write_atomically
from savee_mm._version import __version__

FORMAT = 3
"""Number of the format; it grows when older versions of the library cannot read what is written."""

# Format 1: networks are in the skops archive, and folders of caches stay in it. Format 2: classes have the name of the
# module that defines them.
_OLDEST = 1
_CARD, _ESTIMATOR, _NETWORKS, _SCHEMA = "card.json", "estimator.skops", "networks/", "schema.json"
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
)


def write_archive(path, card, payload):
    """Write a model file; one that is there is replaced once the new one is whole.

    Parameters
    ----------
    path : Path
        The file.
    card : dict
        What JSON can hold.
    payload : bytes
        A skops archive.
    """
    text = json.dumps({"format": FORMAT, **card}, indent=2, ensure_ascii=False)
    with write_atomically(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_CARD, text)
        with zipfile.ZipFile(io.BytesIO(payload)) as whole:
            networks = [name for name in whole.namelist() if name.endswith(".bin")]
            for name in networks:
                archive.writestr(f"{_NETWORKS}{name.removesuffix('.bin')}.keras", whole.read(name))
            rest = {name: whole.read(name) for name in dict.fromkeys(whole.namelist()) if name not in networks}
        archive.writestr(_ESTIMATOR, _zipped(rest))


def read_card(path):
    """Return the card of a model file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    card : dict

    Raises
    ------
    FileNotFoundError
        Where there is no such file.
    ValueError
        Where it is no model file, or of a format that this version does not read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            card = json.loads(archive.read(_CARD))
            form, version = int(card["format"]), str(card["savee_mm"])
    except _DAMAGE as error:
        raise damaged(path, error) from error
    if form > FORMAT:
        raise ValueError(
            f"{path}: written in format {form} by savee_mm {version}; this is savee_mm {__version__}, which reads up "
            f"to format {FORMAT}. Install that version or a newer one."
        )
    if form < _OLDEST:
        raise ValueError(
            f"{path}: written in format {form}, which savee_mm {__version__} does not read any more. Load it with "
            f"savee_mm {version}, and save it with a version in between."
        )
    return card


def read_payload(path):
    """Return the skops archive of a model file, its networks put back into it.

    Parameters
    ----------
    path : Path
        A file whose card :func:`read_card` has read.

    Returns
    -------
    payload : bytes

    Raises
    ------
    ValueError
        Where the file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            payload = archive.read(_ESTIMATOR)
            names = [name for name in archive.namelist() if name.startswith(_NETWORKS)]
            networks = {f"{name[len(_NETWORKS) :].removesuffix('.keras')}.bin": archive.read(name) for name in names}
        if networks:
            with zipfile.ZipFile(io.BytesIO(payload)) as rest:
                payload = _zipped({**{name: rest.read(name) for name in rest.namelist()}, **networks})
    except _DAMAGE as error:
        raise damaged(path, error) from error
    return payload


def change_schema(payload, change):
    """Return a skops archive with another description.

    Parameters
    ----------
    payload : bytes
        The archive.
    change : callable
        ``change(schema: bytes) -> bytes``.

    Returns
    -------
    payload : bytes
    """
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        members = {name: archive.read(name) for name in dict.fromkeys(archive.namelist())}
    return _zipped({**members, _SCHEMA: change(members[_SCHEMA])})


def damaged(path, error):
    """Return the error that says that a file is no model file.

    Parameters
    ----------
    path : Path
        The file.
    error : Exception
        What was wrong with it.

    Returns
    -------
    error : ValueError
    """
    return ValueError(f"{path}: not a model file of savee_mm, or damaged ({error}); save_model writes one.")


def _zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
