"""Opening of media files with PyAV, and the errors that audio and video share."""

import os
from pathlib import Path

import av

from savee_mm._missing import missing_reason
from savee_mm._validation import ClipError, Segment, path_of
from savee_mm.media._headers import SLACK, check_end, check_length, find_recordings

ERRORS = (av.error.FFmpegError, ValueError, OSError)

# FFmpeg renders any text file as a screen of characters, and lavfi generates images without a file.
_NOT_MEDIA = {"tty", "bin", "xbin", "adf", "idf", "lavfi"}
# Playlists name other files, which a recording must not open.
_PLAYLISTS = {"concat", "concatf", "dash", "hls", "imf", "webm_dash_manifest"}
_FORMATS = ",".join(sorted(av.formats_available - _PLAYLISTS))
# Streams that are not the video: the cover of an audio file, thumbnails of chapters.
NOT_VIDEO = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails


def check_source(path):
    """Return the checked Path of a file, and the Segment to read of it, None for the whole file.

    Parameters
    ----------
    path : str, path-like or Segment
        The source.

    Raises
    ------
    ClipError
        As :func:`check_file`.
    """
    segment = path if isinstance(path, Segment) else None
    return check_file(path_of(path) if segment else path), segment


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


def open_container(file, content=None):
    """Open a checked media file with PyAV, from the local disk only.

    Parameters
    ----------
    file : Path
        The file.
    content : file object, default=None
        Read instead of the file, for one recording out of several that are joined in the file.

    Raises
    ------
    ClipError
        If FFmpeg does not recognise a media format.
    """
    # The prefix keeps names such as "a:b.mp4" from being read as URLs.
    source = f"file:{file.absolute()}" if content is None else content
    try:
        # Options of the container only: some versions of PyAV crash on an mpg if streams get options.
        container = av.open(source, container_options={"protocol_whitelist": "file", "format_whitelist": _FORMATS})
    except ERRORS as error:
        raise ClipError(
            f"not an audio or video file that FFmpeg can open, or cut short or damaged ({_message(error)}); "
            "copy it again, or convert it to wav or mp4",
            path=file,
        ) from error
    if _NOT_MEDIA & set(container.format.name.split(",")):
        container.close()
        raise ClipError("expected audio or video, got a text file; check the path", path=file)
    return container


def default_stream(file, container, kind):
    """Return the default stream of an opened container.

    FFmpeg's ``av_find_best_stream`` chooses it: the stream that the container marks as default, of several the one
    with more frames in the first seconds or the larger bit rate.

    Parameters
    ----------
    file : Path
        The file, for messages.
    container : av.container.InputContainer
        The container.
    kind : {"audio", "video"}
        Type of the stream.

    Raises
    ------
    ClipError
        If there is none.
    """
    streams = _streams(container, kind)
    if not streams:
        held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        name = "an audio file" if kind == "audio" else "a video"
        what = f"no {kind} stream (the file has: {held}); name {name} in the column {kind!r}, or leave the clip out"
        raise ClipError(missing_reason(kind, what), path=file)
    best = container.streams.best(kind)
    if best in streams:
        return best
    return next((s for s in streams if s.disposition & av.stream.Disposition.default), streams[0])


def clock_start(container):
    """Return the time (s) that media players show as 0, on the clock of the time stamps.

    A file without video starts at its first sample, whatever its time stamps.
    """
    return (container.start_time or 0) / av.time_base if has_video(container) else 0.0


def has_video(container):
    """Return whether a container has a video stream, other than the cover of an audio file."""
    return bool(_streams(container, "video"))


def _streams(container, kind):
    return [s for s in getattr(container.streams, kind) if not s.disposition & NOT_VIDEO and s.codec_context]


def damaged(file, error, seconds):
    """Return the ClipError of a file that fails to decode after ``seconds`` (None if unknown)."""
    reached = "" if seconds is None else f" after {seconds:.2f} s"
    return ClipError(
        f"cut short or damaged{reached} ({_message(error)}); copy it again or leave the clip out", path=file
    )


def check_whole(file, container):
    """Raise ClipError if the file is shorter than its header or index states."""
    check_length(file)
    size = file.stat().st_size
    for stream in container.streams:
        entries = getattr(stream, "index_entries", None)
        if not entries:
            continue
        last = max((entry.pos + entry.size for entry in (entries[0], entries[-1])), default=0)
        check_end(file, size, last, slack=SLACK)


def check_video(file, container):
    """Raise ClipError if a file for its frames is cut short, or several joined ones."""
    check_whole(file, container)
    # Also raises if an Ogg file is cut short. FFmpeg reads on in Ogg files that are joined.
    if len(find_recordings(file)) > 1 and container.format.name != "ogg":
        raise ClipError("several recordings that are joined; split them, or join them with ffmpeg", path=file)


def _message(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
