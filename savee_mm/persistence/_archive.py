"""The zip file of a model: its card, its skops archive, and its networks."""

import hashlib
import json
import zipfile
from contextlib import contextmanager

from savee_mm._files import write_atomically
from savee_mm._version import __version__
from savee_mm._zip import open_zip, read_zip, write_zip

FORMAT = 3
"""Number of the format; it grows when older versions of the library cannot read what is written."""

# Format 1: networks are in the skops archive, and folders of caches stay in it. Format 2: classes have the name of the
# module that defines them, and there is no digest.
_OLDEST, _FIRST_WITH_DIGEST = 1, 3
_CARD, _ESTIMATOR, _NETWORKS, _SCHEMA = "card.json", "estimator.skops", "networks/", "schema.json"
_NOT_DIGESTED = ("sha256", "signature")


def write_archive(path, card, payload, sign=None):
    """Write a model file, complete or not at all.

    Parameters
    ----------
    path : Path
        The file.
    card : dict
        JSON-serialisable.
    payload : bytes
        A skops archive.
    sign : callable, default=None
        ``sign(sha256) -> str``; the signature goes into the card.
    """
    inner = read_zip(payload)
    networks = {name: inner.pop(name) for name in list(inner) if name.endswith(".bin")}
    members = {f"{_NETWORKS}{name.removesuffix('.bin')}.keras": content for name, content in networks.items()}
    members[_ESTIMATOR] = write_zip(inner)
    card = {"format": FORMAT, **{name: value for name, value in card.items() if name not in _NOT_DIGESTED}}
    # As it is read again: keys that are no text become text.
    card = json.loads(json.dumps(card))
    card["sha256"] = _digest(card, members)
    if sign is not None:
        card["signature"] = str(sign(card["sha256"]))
    text = json.dumps(card, indent=2, ensure_ascii=False)
    with write_atomically(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_CARD, text)
        for name, content in members.items():
            archive.writestr(name, content)


def read_card(path):
    """Return the card of a model file. Nothing else is read, and the digest is not verified.

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
        If there is no such file.
    ValueError
        If it is not a model file, or of a format that this version does not read.
    """
    try:
        with open_zip(path) as archive:
            card = json.loads(archive.read(_CARD))
        form, version = int(card["format"]), str(card["savee_mm"])
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:
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


def read_payload(path, expect_sha256=None):
    """Return the skops archive of a model file, with its networks in it.

    Parameters
    ----------
    path : Path
        A file whose card :func:`read_card` has read.
    expect_sha256 : str, default=None
        Digest that the file must have.

    Returns
    -------
    payload : bytes
        Its members are those that its description uses.

    Raises
    ------
    ValueError
        If the file is damaged, has members that nothing uses, or has another digest.
    """
    try:
        members = read_zip(path)
        card = json.loads(members.pop(_CARD))
        digest = _digest(card, members)
        if int(card["format"]) >= _FIRST_WITH_DIGEST and card.get("sha256") != digest:
            raise ValueError("its digest is not the one in its card")
        inner = read_zip(members.pop(_ESTIMATOR))
        for name, content in members.items():
            inner[f"{name.removeprefix(_NETWORKS).removesuffix('.keras')}.bin"] = content
        if others := sorted(set(inner) - {_SCHEMA} - _used(inner[_SCHEMA])):
            raise ValueError(f"it has members that nothing uses: {', '.join(map(repr, others[:5]))}")
        for name, content in inner.items():
            if name.endswith(".npz"):
                open_zip(content).close()
    except Exception as error:
        raise damaged(path, error) from error
    if expect_sha256 is not None and digest != expect_sha256.lower():
        raise ValueError(f"{path}: its digest is {digest}, expected {expect_sha256}. Nothing was loaded.")
    return write_zip(inner)


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
    members = read_zip(payload)
    return write_zip({**members, _SCHEMA: change(members[_SCHEMA])})


def damaged(path, error):
    """Return the error that says that a file is not a model file.

    Parameters
    ----------
    path : Path
        The file.
    error : Exception
        The reason.

    Returns
    -------
    error : ValueError
    """
    reason = str(error) or type(error).__name__
    return ValueError(f"{path}: not a model file of savee_mm, or damaged ({reason}); save_model writes one.")


@contextmanager
def errors_name(path):
    """Raise any error about the content of a file as a ValueError that names the file.

    Parameters
    ----------
    path : Path
        The file.
    """
    try:
        yield
    except Exception as error:
        raise damaged(path, error) from error


def _digest(card, members):
    """Return the SHA-256 of card and members, whatever their order and compression."""
    kept = {name: value for name, value in card.items() if name not in _NOT_DIGESTED}
    contents = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    return hashlib.sha256(json.dumps([kept, contents], sort_keys=True).encode()).hexdigest()


def _used(schema):
    """Return the names of the files that a description of skops names."""
    names, waiting = set(), [json.loads(schema)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(node.get("file"), str):
                names.add(node["file"])
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return names
