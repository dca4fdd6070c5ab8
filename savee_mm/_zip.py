"""Zip archives of unknown origin: their directory is checked before anything is unpacked."""

import io
import zipfile

_FREE = 1 << 24  # bytes that any archive may hold
_RATIO = 200  # times its own size that an archive may hold; model files have 1 to 30
_LARGEST = 1 << 32  # bytes in all
_LARGEST_MEMBER, _LARGEST_TEXT = 1 << 31, 1 << 26  # bytes of a member; of a card, a description or a configuration


def read_zip(content, *, names=None):
    """Return the members of a zip archive.

    Parameters
    ----------
    content : bytes or path-like
        The archive, or its file.
    names : container of str, default=None
        Names that members may have; any when None.

    Returns
    -------
    members : dict of str to bytes
        By name. The last one counts of several with one name.

    Raises
    ------
    ValueError
        If members are encrypted, have other names, or are too large, each or in all.
    zipfile.BadZipFile
        If it is no zip archive, or damaged.
    """
    with open_zip(content) as archive:
        found = dict.fromkeys(archive.namelist())
        if names is not None and (others := sorted(set(found) - set(names))):
            raise ValueError(f"it has members that nothing uses: {', '.join(map(repr, others[:5]))}")
        return {name: archive.read(name) for name in found}


def open_zip(content):
    """Open a zip archive for reading, with a checked directory.

    Parameters
    ----------
    content : bytes or path-like
        The archive, or its file.

    Returns
    -------
    archive : ZipFile
        To be closed.

    Raises
    ------
    ValueError
        If members are encrypted, or too large, each or in all.
    zipfile.BadZipFile
        If it is no zip archive.
    """
    archive = zipfile.ZipFile(io.BytesIO(content) if isinstance(content, bytes) else content)
    try:
        _check_directory(archive)
    except ValueError:
        archive.close()
        raise
    return archive


def write_zip(members):
    """Return a zip archive without compression.

    Parameters
    ----------
    members : dict of str to bytes
        By name.

    Returns
    -------
    archive : bytes
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _check_directory(archive):
    members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise ValueError("it has encrypted members")
    # Reading never returns more than the size in the directory.
    for member in members:
        limit = _LARGEST_TEXT if member.filename.endswith(".json") else _LARGEST_MEMBER
        if member.file_size > limit:
            raise ValueError(
                f"its member {member.filename!r} would be unpacked to {member.file_size} bytes, more than the limit of "
                f"{limit}"
            )
    size, unpacked = archive.fp.seek(0, io.SEEK_END), sum(member.file_size for member in members)
    limit = min(max(_FREE, _RATIO * size), _LARGEST)
    if unpacked > limit:
        raise ValueError(f"its {size} bytes would be unpacked to {unpacked}, more than the limit of {limit}")
