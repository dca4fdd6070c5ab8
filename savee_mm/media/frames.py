"""Pictures of one video: frames evenly spaced in time, with the times at which they are shown."""

from dataclasses import dataclass
from numbers import Integral

import av
import numpy as np

from savee_mm._validation import ClipError
from savee_mm.media._container import check_file, check_whole, damaged, open_container

_ERRORS = (av.error.FFmpegError, ValueError, OSError)
# Below any time base's step (s), above the rounding of linspace.
_TIME_EPS = 1e-6


def read_frames(path, n_frames=6):
    """Read frames of a video that are evenly spaced in time from its first to its last frame.

    Parameters
    ----------
    path : str or path-like
        A video (avi, mp4, mpg, flv, mov ...). A picture counts as a video of one frame.
    n_frames : int, default=6
        Number of frames. One frame means the first.

    Returns
    -------
    frames : ndarray of shape (n_frames, height, width, 3), uint8
        RGB, turned upright where the container says how. A video of fewer frames repeats them.
    times : ndarray of shape (n_frames,), float64
        The container's presentation time stamps of these frames (s); they need not start at 0, nor be evenly
        spaced where the video's are not.

    Raises
    ------
    ClipError
        Where the file is missing, a folder, empty, no media, without pictures, without a frame that decodes,
        shorter than its own header says, damaged at a chosen frame, or fails to decode on the way to the last
        chosen frame.
    ValueError
        Where ``n_frames`` is no positive integer.

    Notes
    -----
    The i-th frame is the one on screen at the i-th of ``n_frames`` moments spread evenly from the first time
    stamp to the last: the last frame whose time stamp is not later. Time stamps come from the packets,
    undecoded; then only what leads up to the chosen frames is decoded, from the key frame before each. Where
    packets do not tell (raw streams, AVI with reordered frames) or a seek lands elsewhere, the video is
    decoded from its start. The result is the same either way. Formats that make no promise of their length
    (mpg, flv, mkv) are read as far as they go.
    """
    if isinstance(n_frames, bool) or not isinstance(n_frames, Integral) or n_frames < 1:
        raise ValueError(f"Expected n_frames to be a positive integer, got {n_frames!r}.")
    file = check_file(path)
    with open_container(file) as container:
        stream = _picture_stream(file, container)
        check_whole(file, container)
        index = _packet_index(file, container, stream)
        chosen = None
        if index is not None:
            shown = np.sort([entry.pts for entry in index if entry.shown])
            choice = choose_times(shown * float(stream.time_base), n_frames)
            times = shown[choice] * float(stream.time_base)
            # A program stream (mpg) has no index: its seeks land by guess.
            if container.format.name != "mpeg":
                chosen = _decode_chosen(_Reader(container, stream, index), shown[choice])
    if chosen is None and index is not None:
        with open_container(file) as container:
            reader = _Reader(container, _picture_stream(file, container), index, seek=False)
            chosen = _decode_chosen(reader, shown[choice])
    if chosen is None:
        chosen, times = _decode_from_start(file, n_frames)
    return np.stack(chosen), times


def choose_times(times, n):
    """Return the indices of the frames on screen at ``n`` moments spread evenly over ``times``.

    Parameters
    ----------
    times : ndarray of shape (n_times,)
        Time stamps of all frames (s), ascending.
    n : int
        How many to choose.

    Returns
    -------
    indices : ndarray of shape (n,), int

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.media.frames import choose_times
    >>> choose_times(np.array([0.0, 0.04, 0.08, 0.12, 0.5]), 3)
    array([0, 3, 4])
    """
    moments = np.linspace(times[0], times[-1], n)
    return np.searchsorted(times, moments + _TIME_EPS, side="right") - 1


@dataclass(frozen=True)
class _Entry:
    """One packet of pictures, in the file's order."""

    pts: int
    dts: int | None
    key: bool
    shown: bool


def _picture_stream(file, container):
    for stream in container.streams.video:
        # The cover of a music file is a picture, but no video.
        if not stream.disposition & av.stream.Disposition.attached_pic and stream.codec_context is not None:
            return stream
    held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise ClipError(
        f"no pictures in it (it holds: {held}); name a video in the column 'video', or leave the clip out",
        path=file,
    )


def _packet_index(file, container, stream):
    """Return every packet's time stamps, or None where they cannot be relied on to name frames."""
    # AVI stores no presentation times: with reordered frames those of its packets are guesses.
    if "avi" in container.format.name and stream.codec_context.has_b_frames:
        return None
    try:
        packets = [packet for packet in container.demux(stream) if packet.size]
    except _ERRORS as error:
        raise damaged(file, error, None) from error
    if any(packet.pts is None for packet in packets):
        return None
    index = [_Entry(p.pts, p.dts, p.is_keyframe, not p.is_discard) for p in packets]
    shown = [entry.pts for entry in index if entry.shown]
    return index if shown and len(set(shown)) == len(shown) else None


def _decode_chosen(reader, wanted):
    """Return the pictures with the time stamps ``wanted`` (ascending), or None where one does not come up."""
    pictures = []
    try:
        for pts in wanted.tolist():
            picture = reader.picture_at(pts)
            if picture is None:
                return None
            pictures.append(picture)
    except _ERRORS:
        return None  # decoding from the start tells whether it was the seek or the file, and where
    return pictures


class _Reader:
    """Decodes the frames of one stream by ascending time stamp, seeking where that skips packets."""

    def __init__(self, container, stream, index, *, seek=True):
        self._container = container
        self._stream = stream
        self._index = index
        self._seek = seek
        self._place = {entry.pts: place for place, entry in enumerate(index) if entry.shown}
        self._next_place = -1  # of the packet to be decoded next
        self._frames = iter(()) if seek else container.decode(stream)
        self._current = (None, None)  # time stamp and picture of the frame decoded last
        self._size = None

    def picture_at(self, pts):
        """Return the RGB picture with that time stamp, or None where it does not come up."""
        if self._current[0] == pts:
            return self._current[1]
        if self._seek:
            key = self._key_place(pts)
            if key is None:
                return None
            if key > self._next_place:
                self._frames = self._decode_from(key)
        for frame in self._frames:
            if frame.pts is None or frame.pts > pts:
                return None
            if frame.pts == pts:
                picture, self._size = to_rgb(frame, self._size)
                self._current = (pts, picture)
                return picture
        return None

    def _key_place(self, pts):
        """Place of the key frame to start from: the last in file order that is not later in time."""
        for place in range(self._place[pts], -1, -1):
            if self._index[place].key and self._index[place].pts <= pts:
                return place
        return None

    def _decode_from(self, place):
        key = self._index[place]
        self._container.seek(key.pts if key.dts is None else key.dts, stream=self._stream)
        arrived = False
        for packet in self._container.demux(self._stream):
            if not arrived:
                # Some formats seek near, not to: go on to the very packet.
                arrived = packet.pts == key.pts and packet.is_keyframe
                if not arrived:
                    continue
                self._next_place = place
            self._next_place += 1
            yield from packet.decode()


def _decode_from_start(file, n_frames):
    """Choose and decode frames the long way: once for the times, once for the pictures."""
    with open_container(file) as container:
        stream = _picture_stream(file, container)
        times = _all_times(file, container, stream)
    choice = choose_times(times, n_frames)
    with open_container(file) as container:
        stream = _picture_stream(file, container)
        pictures = _pictures_at(file, container.decode(stream), times, set(choice.tolist()))
    return [pictures[place] for place in choice.tolist()], times[choice]


def _pictures_at(file, frames, times, wanted):
    """Return the pictures at the places ``wanted`` of a run of frames, by place."""
    pictures, size, place = {}, None, 0
    try:
        for place, frame in enumerate(frames):
            if place in wanted:
                pictures[place], size = to_rgb(frame, size)
                if len(pictures) == len(wanted):
                    break
    except _ERRORS as error:
        raise damaged(file, error, times[place]) from error
    return pictures


def _all_times(file, container, stream):
    times, n_decoded = [], 0
    try:
        for frame in container.decode(stream):
            n_decoded += 1
            if frame.pts is not None:
                times.append(frame.pts * float(frame.time_base))
    except _ERRORS as error:
        raise damaged(file, error, times[-1] if times else None) from error
    if not n_decoded:
        raise ClipError("not one frame of its pictures decodes; convert it again or leave the clip out", path=file)
    if len(times) < n_decoded:
        # A raw stream carries no time stamps at all: its frame rate is all there is.
        return np.arange(n_decoded) / float(stream.average_rate or stream.guessed_rate or 25)
    # Frames come in the order of display; where their stamps do not (H.264 in AVI), the stamps were guessed.
    return np.sort(times)


def to_rgb(frame, size=None):
    """Return a decoded frame as an upright RGB picture, and its size.

    Parameters
    ----------
    frame : av.VideoFrame
        Of any pixel format.
    size : tuple of int or None, default=None
        (width, height) before turning, to which a frame of another size is scaled.

    Returns
    -------
    picture : ndarray of shape (height, width, 3), uint8
    size : tuple of int
        (width, height) before turning.

    Raises
    ------
    ValueError
        Where the decoder says that the frame is damaged.
    """
    if frame.is_corrupt:
        raise ValueError("a damaged frame")
    size = size or (frame.width, frame.height)
    picture = frame.to_ndarray(format="rgb24", width=size[0], height=size[1])
    # Counter-clockwise degrees, as in numpy: FFmpeg's av_display_rotation_get.
    quarter_turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
    return np.rot90(picture, quarter_turns), size
