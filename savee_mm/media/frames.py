"""Frames of one video, evenly spaced in time or at given times, with their time stamps."""

import os
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from savee_mm._validation import ClipError, Segment
from savee_mm.media._container import (
    ERRORS,
    check_source,
    check_video,
    clock_start,
    damaged,
    default_stream,
    open_container,
)
from savee_mm.media._images import ImageConverter, read_still
from savee_mm.media._segments import before_begin, beyond_end, warn_late
from savee_mm.media._video import PacketReader, packet_index, segment_index

# 50 megapixels: more than 8K video and most cameras.
MAX_PIXELS = 50_000_000
# Smaller than the step of any time base (s), larger than the rounding of linspace.
_TIME_EPS = 1e-6


def read_frames(
    path: str | os.PathLike[str] | Segment,
    n_frames: int = 6,
    *,
    times: ArrayLike | None = None,
    max_pixels: int | None = MAX_PIXELS,
) -> tuple[np.ndarray, np.ndarray]:
    """Read frames of a video, evenly spaced in time from its first to its last frame, or at given times.

    Parameters
    ----------
    path : str, path-like or Segment
        A video (avi, mp4, mpg, flv, mov ...), or a part of one. An image file is a video of one frame, shown all the
        time.
    n_frames : int, default=6
        Number of frames. With 1, the first frame.
    times : array-like of float, default=None
        Times (s, on the clock of the container) in ascending order, instead of ``n_frames`` evenly spaced ones. Times
        before the first frame give the first frame, times after the last one the last.
    max_pixels : int or None, default=50_000_000
        Largest number of pixels of an image. None for no limit.

    Returns
    -------
    frames : ndarray of shape (n_frames, height, width, 3), uint8
        RGB as displayed: rotated and mirrored by the display matrix or the EXIF orientation, with square pixels. Frames
        of another size than the first one are scaled to fit, with black borders. A video with fewer frames repeats
        them.
    times : ndarray of shape (n_frames,), float64
        Presentation time stamps of these frames in the container (s). They need not start at 0, nor be evenly spaced.

    Raises
    ------
    ClipError
        If the file is missing, a folder, empty, of an unknown format, without a video stream, without a frame that
        decodes, shorter than its header states, damaged at a chosen frame, does not decode up to the last chosen
        frame, or has images of more than ``max_pixels``. If a segment starts after the end of the video.
    ValueError
        If ``n_frames`` or ``max_pixels`` is not a positive integer, or ``times`` are not ascending numbers.

    Notes
    -----
    The default video stream of the file is read. Frame i is the frame on screen at time i of ``n_frames`` times, evenly
    spaced from the first to the last time stamp: the last frame whose time stamp is not later. Time stamps are read
    from the packets without decoding them. Then only the frames from the key frame before each chosen frame are
    decoded. The video is decoded from its start if the packets have no reliable time stamps (raw streams, AVI with
    reordered frames) or a seek fails. The result is the same. Formats that do not state their length (mpg, ts, flv) are
    read to their end.

    The frames of a segment are those with ``start <= time < end``, or the frame on screen at ``start`` if there are
    none. The times that are returned stay on the clock of the container.
    """
    frames = _Frames(_check_number("n_frames", n_frames) if times is None else len(_check_times(times)))
    places, times = map_frames(frames.keep, path, n_frames, times=times, max_pixels=max_pixels)
    return frames.at(places), times


def map_frames(
    function: Callable,
    path: str | os.PathLike[str] | Segment,
    n_frames: int = 6,
    *,
    times: ArrayLike | None = None,
    max_pixels: int | None = MAX_PIXELS,
) -> tuple[list, np.ndarray]:
    """Apply a function to frames of a video one by one, with one frame in memory at a time.

    Parameters
    ----------
    function : callable
        Function of an image ``(height, width, 3)``, uint8 RGB. It is called once for each distinct frame, and again
        for all frames if a seek fails and the video is read again from its start.
    path : str, path-like or Segment
        As in :func:`~savee_mm.read_frames`.
    n_frames : int, default=6
        As in :func:`~savee_mm.read_frames`.
    times : array-like of float, default=None
        As in :func:`~savee_mm.read_frames`.
    max_pixels : int or None, default=50_000_000
        As in :func:`~savee_mm.read_frames`.

    Returns
    -------
    results : list of length n_frames
        Results of the function. The result of a frame that is chosen twice is in it twice.
    times : ndarray of shape (n_frames,), float64
        As :func:`~savee_mm.read_frames` returns them.

    Raises
    ------
    ClipError, ValueError
        As :func:`~savee_mm.read_frames`.
    """
    choose = (
        partial(choose_times, n=_check_number("n_frames", n_frames))
        if times is None
        else partial(_at, _check_times(times))
    )
    if max_pixels is not None:
        _check_number("max_pixels", max_pixels)
    file, segment = check_source(path)
    still = read_still(file, max_pixels)
    if still is not None:
        n_times = len(choose(np.zeros(1)))
        return [function(still)] * n_times, np.zeros(n_times)
    opened = partial(_opened, file, max_pixels)
    if segment is not None:
        choose = _Within(choose, segment, file)
        chosen = _map_segment(function, file, opened, choose)
        if chosen is not None:
            return chosen
    chosen = _map_by_packets(function, file, opened, choose)
    return _map_from_start(function, file, opened, choose) if chosen is None else chosen


@contextmanager
def _opened(file, max_pixels):
    """Open a video; the context is its container, its default video stream, and the converter of its frames."""
    with open_container(file) as container:
        stream = default_stream(file, container, "video")
        yield container, stream, ImageConverter(file, stream, max_pixels)


class _Within:
    """Choice of frames among those of a segment."""

    def __init__(self, choose, segment, file):
        self._choose = choose
        self._segment = segment
        self._file = file
        with open_container(file) as container:
            stream = default_stream(file, container, "video")
            self._origin = clock_start(container)
            self._frame = 1 / float(stream.average_rate or stream.guessed_rate or 25)  # duration (s)
        self.start, self.end = segment.start + self._origin, segment.end + self._origin

    def __call__(self, times):
        """Return the indices of the chosen frames.

        ``times`` (s) are those of all frames, or of those from a key frame before the segment to the end of either.
        """
        first, last = np.searchsorted(times, np.array([self.start, self.end]) - _TIME_EPS)
        ends = times[-1] + self._frame
        if self.end <= times[0] - _TIME_EPS:
            raise before_begin(self._file, self._segment, "video", times[0] - self._origin)
        if self.start > ends - _TIME_EPS:
            raise beyond_end(self._file, self._segment, "video", ends - self._origin)
        if self.end > ends + 2 * self._frame:
            warn_late(self._file, self._segment, ends - self._origin)
        if first == last:
            first = max(first - 1, 0)
            last = first + 1
        return first + self._choose(times[first:last])


class _Frames:
    """Images written into one array as they are decoded, so that there is no second copy of all of them."""

    def __init__(self, n_frames):
        self._n_frames = n_frames
        self._n_kept = 0
        self._images = None

    def keep(self, image):
        """Store an image and return its place. After ``n_frames`` images, those of a failed first reading go."""
        if self._images is None:
            self._images = np.empty((self._n_frames, *image.shape), np.uint8)
        place = self._n_kept % self._n_frames
        self._images[place] = image
        self._n_kept += 1
        return place

    def at(self, places):
        """Return the images of these places."""
        return self._images if places == list(range(self._n_frames)) else self._images[places]


def _check_number(name, value):
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"Expected {name} to be a positive integer, got {value!r}.")
    return value


def _check_times(times):
    moments = np.asarray(times, dtype=np.float64)
    if moments.ndim != 1 or not moments.size or not np.isfinite(moments).all() or (np.diff(moments) < 0).any():
        raise ValueError(f"Expected times to be one or more numbers (s) in ascending order, got {times!r}.")
    return moments


def choose_times(times, n):
    """Return the indices of the frames on screen at ``n`` evenly spaced times.

    Parameters
    ----------
    times : ndarray of shape (n_times,)
        Time stamps of all frames (s), ascending.
    n : int
        Number of frames to choose.

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
    return _at(np.linspace(times[0], times[-1], n), times)


def _at(moments, times):
    """Return the indices of the frames on screen at ``moments`` (s)."""
    return np.maximum(np.searchsorted(times, moments + _TIME_EPS, side="right") - 1, 0)


def _map_segment(function, file, opened, choose):
    """Choose frames of a segment by the time stamps of the packets near it; None if these are not enough."""
    with opened() as (container, stream, convert):
        check_video(file, container)
        index = segment_index(container, stream, choose.start, choose.end)
        if index is None:
            return None
        shown = np.sort([entry.pts for entry in index if entry.shown])
        base = float(stream.time_base)
        wanted = shown[choose(shown * base)]
        reader = PacketReader(container, stream, convert, index, seeks=True, wanted=wanted)
        results = _map_chosen(function, reader, wanted)
    return None if results is None else (results, wanted * base)


def _map_by_packets(function, file, opened, choose):
    """Choose frames by the time stamps of the packets, and decode no more frames than needed.

    None if the time stamps do not identify the frames, or a chosen frame is not decoded.
    """
    with opened() as (container, stream, convert):
        check_video(file, container)
        index = packet_index(file, container, stream)
        if index is None:
            return None
        shown = np.sort([entry.pts for entry in index if entry.shown])
        wanted = shown[choose(shown * float(stream.time_base))]
        times = wanted * float(stream.time_base)
        # A program stream (mpg) has no index: its seeks are inexact.
        seeks = container.format.name != "mpeg"
        if seeks:
            reader = PacketReader(container, stream, convert, index, seeks=True, wanted=wanted)
            results = _map_chosen(function, reader, wanted)
            if results is not None:
                return results, times
    with opened() as (container, stream, convert):
        # After a failed seek no frame is skipped.
        reader = PacketReader(container, stream, convert, index, seeks=False, wanted=None if seeks else wanted)
        results = _map_chosen(function, reader, wanted)
    return None if results is None else (results, times)


def _map_chosen(function, reader, wanted):
    """Return the results of the function for the images with the time stamps ``wanted`` (ascending).

    None if one of them is not decoded.
    """
    results = {}
    for pts in wanted.tolist():
        if pts in results:
            continue
        try:
            image = reader.image_at(pts)
        except ClipError:
            raise
        except ERRORS:
            return None  # decoding from the start shows whether the seek or the file is the cause, and where
        if image is None:
            return None
        results[pts] = function(image)
    return [results[pts] for pts in wanted.tolist()]


def _map_from_start(function, file, opened, choose):
    """Decode the whole video for the times, then again for the chosen frames."""
    with opened() as (container, stream, _):
        times = _all_times(file, container, stream)
    choice = choose(times)
    with opened() as (container, stream, convert):
        images = _images_at(file, container.decode(stream), convert, times, set(choice.tolist()))
        results = {place: function(image) for place, image in images}
    return [results[place] for place in choice.tolist()], times[choice]


def _images_at(file, frames, convert, times, wanted):
    """Yield the ``wanted`` places of a sequence of frames, and their images."""
    place, last = 0, max(wanted)
    try:
        for place, frame in enumerate(frames):
            if place in wanted:
                yield place, convert(frame)
            if place == last:
                return
    except ClipError:
        raise
    except ERRORS as error:
        raise damaged(file, error, times[place]) from error


def _all_times(file, container, stream):
    times, n_decoded = [], 0
    try:
        for frame in container.decode(stream):
            n_decoded += 1
            if frame.pts is not None:
                times.append(frame.pts * float(frame.time_base))
    except ERRORS as error:
        raise damaged(file, error, times[-1] if times else None) from error
    if not n_decoded:
        raise ClipError("no frame can be decoded; convert it again or leave the clip out", path=file)
    if len(times) < n_decoded:
        # A raw stream has no time stamps: use its frame rate.
        return np.arange(n_decoded) / float(stream.average_rate or stream.guessed_rate or 25)
    # Frames are decoded in the order of display. Stamps in another order (H.264 in AVI) are guesses.
    return np.sort(times)
