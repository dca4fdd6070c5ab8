"""Opening a media container: the checks that sound and pictures share."""

import os
from pathlib import Path

import av

from savee_mm._validation import ClipError

# FFmpeg shows any text file as characters on a screen, and can make pictures out of nothing.
_NOT_MEDIA = {"tty", "bin", "xbin", "adf", "idf", "lavfi"}
# Headers written before the length was known say 0, or something near 2**31 or 2**32.
_UNKNOWN_LENGTH = 0x7FF00000
# Some writers count the header as content: that is no sign of a cut file.
_HEADER_SLACK = 64


def check_file(path):
    """Return ``path`` as a Path to a file that has something in it.

    Raises
    ------
    ClipError
        Where there is no such file, or it is a folder, or empty, or must not be read.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"Expected the path of a file, got {type(path).__name__}.")
    file = Path(path)
    if not file.exists():
        raise ClipError("there is no such file; check the path, and the folder that it starts from", path=file)
    if file.is_dir():
        raise ClipError("this is a folder, expected a file; name the file inside it", path=file)
    if not file.is_file():
        raise ClipError("this is no regular file (a device or a pipe); save it to a file first", path=file)
    try:
        with file.open("rb") as stream:
            first_byte = stream.read(1)
    except OSError as error:
        raise ClipError(f"the file cannot be read ({error.strerror}); check its permissions", path=file) from error
    if not first_byte:
        raise ClipError("the file is empty (0 bytes); copy or download it again", path=file)
    return file


def open_container(file):
    """Open a checked media file with PyAV, from the disk and nowhere else.

    Raises
    ------
    ClipError
        Where FFmpeg finds no media in it.
    """
    try:
        # Options of the container only: some versions of PyAV crash on an mpg when they hand any to the streams. The
        # prefix keeps names such as "a:b.mp4" from being read as addresses; a playlist opens no network.
        container = av.open(f"file:{file.absolute()}", container_options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise ClipError(
            f"no sound or video file that can be opened, or cut short or damaged ({_words(error)}); "
            "copy it again, or convert it to wav or mp4",
            path=file,
        ) from error
    if _NOT_MEDIA & set(container.format.name.split(",")):
        container.close()
        raise ClipError("a text file, expected sound or video; check the path", path=file)
    return container


def damaged(file, error, seconds):
    """Return the ClipError for a file that decodes up to ``seconds`` (None: not known) and then fails."""
    reached = "" if seconds is None else f" after {seconds:.2f} s"
    return ClipError(f"cut short or damaged{reached} ({_words(error)}); copy it again or leave the clip out", path=file)


def check_whole(file, container):
    """Raise ClipError where the file is shorter than its own header or index says.

    Files whose format makes no such promise (mpg, flv, mkv, mp3) pass.
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
    """Raise ClipError where a wav or avi file holds clearly less than its header promises."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(12)
        if head[:4] != b"RIFF":
            return
        if head[8:12] != b"WAVE":
            promised = _length(head[4:8])
            if promised and promised + 8 > size + _HEADER_SLACK:
                raise _cut(file, size, promised + 8)
            return
        # The outer length of a wav is often wrong; that of its chunk of samples is what readers go by.
        while len(chunk := stream.read(8)) == 8:
            length = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                promised = _length(chunk[4:])
                if promised and stream.tell() + promised > size + _HEADER_SLACK:
                    raise _cut(file, size, stream.tell() + promised)
                return
            stream.seek(length + length % 2, os.SEEK_CUR)


def _length(field):
    value = int.from_bytes(field, "little")
    return value if value < _UNKNOWN_LENGTH else None


def _cut(file, size, promised):
    return ClipError(
        f"cut short: its header promises {promised} bytes and {size} are there; copy or download it again",
        path=file,
    )


def _words(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
