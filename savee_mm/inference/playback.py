"""Recordings as browsers play them: copied if they can be played, otherwise converted."""

import base64
import os
import shutil
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from savee_mm._files import write_atomically
from savee_mm._validation import ClipError
from savee_mm.inference._events import Frame, first_times, read_events, recording_start
from savee_mm.media._container import NOT_VIDEO, check_file, clock_start, open_container

# Suffix -> codecs of video and audio that current browsers play.
_PLAYABLE = {
    ".mp4": ({"h264"}, {"aac", "mp3"}),
    ".m4a": (set(), {"aac"}),
    ".webm": ({"vp8", "vp9"}, {"opus", "vorbis"}),
    ".wav": (set(), {"pcm_s16le"}),
    ".mp3": (set(), {"mp3"}),
    ".ogg": (set(), {"vorbis", "opus"}),
    ".flac": (set(), {"flac"}),
}
_TYPES = {".mp4": "video/mp4", ".m4a": "audio/mp4", ".webm": "video/webm", ".wav": "audio/wav", ".mp3": "audio/mpeg"}
_TYPES |= {".ogg": "audio/ogg", ".flac": "audio/flac"}
_MAX_EMBEDDED = 100_000_000  # bytes
_LATE = 0.05  # s; browsers do not agree on the start of videos whose time stamps begin later
_MAX_HEIGHT, _MAX_FPS, _RATE, _CLOCK = 720, 30, 48000, 90_000


def is_playable(path):
    """Return whether browsers play a file: a common container with common codecs, and a clock that starts at 0.

    Parameters
    ----------
    path : path-like
        A readable recording.

    Returns
    -------
    playable : bool
    """
    file = check_file(path)
    video, audio = _PLAYABLE.get(file.suffix.lower(), (set(), set()))
    with open_container(file) as container:
        streams = [
            stream
            for stream in container.streams
            if stream.type in ("video", "audio") and not stream.disposition & NOT_VIDEO
        ]
        # The decoder may have another name, such as mp3float.
        contexts = [stream.codec_context for stream in streams]
        codecs = {context.codec.canonical_name if context else None for context in contexts}
        is_late = clock_start(container) > _LATE
        formats = [stream.codec_context.format for stream in streams if stream.type == "video" and stream.codec_context]
    deep = any(pixels is not None and pixels.name not in ("yuv420p", "yuvj420p") for pixels in formats)
    return bool(streams) and codecs <= video | audio and not deep and not is_late


def write_playable(path, stem):
    """Write a copy of a recording that browsers play, without a change if they play it already.

    Parameters
    ----------
    path : path-like
        The recording.
    stem : Path
        The copy, without a suffix.

    Returns
    -------
    copy : Path
        The same format, or MP4 with H.264 and AAC, at most 720 lines and 30 frames per second, mono.

    Raises
    ------
    ClipError
        If the recording cannot be read to its end.
    """
    source = check_file(path)
    if is_playable(source):
        copy = stem.with_name(stem.name + source.suffix.lower())
        with open(source, "rb") as file, write_atomically(copy) as target:
            shutil.copyfileobj(file, target)
        return copy
    modalities = [name for name in ("audio", "video") if name in first_times(source)]
    copy = stem.with_name(stem.name + (".mp4" if "video" in modalities else ".m4a"))
    with write_atomically(copy) as target:
        _convert(source, modalities, target)
    return copy


def data_url(path):
    """Return a file as a data URL.

    Parameters
    ----------
    path : Path
        A file that :func:`write_playable` wrote.

    Returns
    -------
    url : str

    Raises
    ------
    ClipError
        If it has more than 100 MB, for which browsers need the file itself.
    """
    size = os.path.getsize(path)
    if size > _MAX_EMBEDDED:
        raise ClipError(
            f"{size / 1e6:.0f} MB are too many for a page with the recording in it; leave embed out", path=path
        )
    return f"data:{media_type(path)};base64,{base64.b64encode(Path(path).read_bytes()).decode()}"


def media_type(path):
    """Return the media type of a playable file by its suffix."""
    return _TYPES[Path(path).suffix.lower()]


def _convert(source, modalities, target):
    """Write sound and frames of a recording as MP4, on the clock of its timeline."""
    with av.open(target, "w", format="mp4", options={"movflags": "faststart"}) as container:
        video = audio = None
        origin = recording_start(source)
        if "video" in modalities:
            with closing(read_events(source, ["video"], 1)) as frames:
                size = _size(next(frames).pixels)
            video = container.add_stream("libx264", rate=_MAX_FPS)
            _set_up(video, size)
        if "audio" in modalities:
            audio = container.add_stream("aac", rate=_RATE, layout="mono")
        for event in read_events(source, modalities, _MAX_FPS):
            if isinstance(event, Frame):
                container.mux(video.encode(_picture(event, origin, size)))
            else:
                container.mux(audio.encode(_sound(event, origin)))
        for stream in filter(None, (video, audio)):
            container.mux(stream.encode(None))


def _size(pixels):
    """Return (width, height) of the converted video, even numbers."""
    height, width = pixels.shape[:2]
    scale = min(1.0, _MAX_HEIGHT / height)
    return tuple(max(2, round(side * scale / 2) * 2) for side in (width, height))


def _set_up(stream, size):
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    # A key frame each second: seeks are exact and quick.
    stream.options = {"preset": "veryfast", "crf": "26", "g": str(_MAX_FPS), "bf": "0"}
    stream.codec_context.time_base = Fraction(1, _CLOCK)
    stream.codec_context.thread_count = 1


def _picture(event, origin, size):
    pixels = cv2.resize(event.pixels, size, interpolation=cv2.INTER_AREA)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    frame.pts, frame.time_base = round((event.time - origin) * _CLOCK), Fraction(1, _CLOCK)
    return frame


def _sound(event, origin):
    samples = np.ascontiguousarray(event.samples, np.float32)[np.newaxis]
    frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
    sr = round(event.sr)
    frame.rate, frame.pts, frame.time_base = sr, round((event.time - origin) * sr), Fraction(1, sr)
    return frame
