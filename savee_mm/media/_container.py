"""Opening of media files: the checks that audio and video share."""

import os
from pathlib import Path

import av

from savee_mm._validation import ClipError

# FFmpeg renders any text file as a screen of characters, and lavfi generates images without a file.
_NOT_MEDIA = {"tty", "bin", "xbin", "adf", "idf", "lavfi"}
# Headers written before the length was known contain 0, or a value near 2**31 or 2**32.
_UNKNOWN_LENGTH = 0x7FF00000
# Some writers count the header as content: such a file is complete.
_HEADER_SLACK = 64


def check_file(path):
    """Return ``path`` as the Path of a regular file that is not empty.

    Raises
    ------
    ClipError
        If the file does not exist, is a folder, is empty or cannot be read.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"Expected the path of a file, got {type(path).__name__}.")
    file = Path(path)
    if not file.exists():
        raise ClipError("no such file; check the path, and the folder that it is relative to", path=file)
    if file.is_dir():
        raise ClipError("expected a file, got a folder; name the file inside it", path=file)
    if not file.is_file():
        raise ClipError("expected a regular file, got a device or a pipe; save it to a file first", path=file)
    try:
        with file.open("rb") as stream:
            first_byte = stream.read(1)
    except OSError as error:
        raise ClipError(f"the file cannot be read ({error.strerror}); check its permissions", path=file) from error
    if not first_byte:
        raise ClipError("the file is empty (0 bytes); copy or download it again", path=file)
    return file


def open_container(file):
    """Open a checked media file with PyAV, from the local disk only.

    Raises
    ------
    ClipError
        If FFmpeg does not recognise a media format.
    """
    try:
        # Options of the container only: some versions of PyAV crash on an mpg if streams get options. The prefix
        # keeps names such as "a:b.mp4" from being read as URLs; the whitelist keeps a playlist from using the network.
        container = av.open(f"file:{file.absolute()}", container_options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise ClipError(
            f"not an audio or video file that FFmpeg can open, or cut short or damaged ({_message(error)}); "
            "copy it again, or convert it to wav or mp4",
            path=file,
        ) from error
    if _NOT_MEDIA & set(container.format.name.split(",")):
        container.close()
        raise ClipError("expected audio or video, got a text file; check the path", path=file)
    return container


def damaged(file, error, seconds):
    """Return the ClipError of a file that fails to decode after ``seconds`` (None if unknown)."""
    reached = "" if seconds is None else f" after {seconds:.2f} s"
    return ClipError(
        f"cut short or damaged{reached} ({_message(error)}); copy it again or leave the clip out", path=file
    )


def check_whole(file, container):
    """Raise ClipError if the file is shorter than its header or index states.

    Formats that state no length (mpg, flv, mkv, mp3) pass.
    """
    check_riff(file)
    size = file.stat().st_size
    for stream in container.streams:
        entries = getattr(stream, "index_entries", None)
        if not entries:
            continue
        last = max((entry.pos + entry.size for entry in (entries[0], entries[-1])), default=0)
        if last > size + _HEADER_SLACK:
            raise _cut(file, size, last)


def check_riff(file):
    """Raise ClipError if a wav or avi file is clearly shorter than its header states."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(12)
        if head[:4] != b"RIFF":
            return
        if head[8:12] != b"WAVE":
            stated = _length(head[4:8])
            if stated and stated + 8 > size + _HEADER_SLACK:
                raise _cut(file, size, stated + 8)
            return
        # The outer length of a wav is often wrong; readers rely on that of the data chunk.
        while len(chunk := stream.read(8)) == 8:
            length = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                stated = _length(chunk[4:])
                if stated and stream.tell() + stated > size + _HEADER_SLACK:
                    raise _cut(file, size, stream.tell() + stated)
                return
            stream.seek(length + length % 2, os.SEEK_CUR)


def _length(field):
    value = int.from_bytes(field, "little")
    return value if value < _UNKNOWN_LENGTH else None


def _cut(file, size, stated):
    return ClipError(
        f"cut short: expected {stated} bytes by its header, got {size}; copy or download it again",
        path=file,
    )


def _message(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
