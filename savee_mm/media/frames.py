"""Pictures of one video: frames evenly spaced in time or at given times, with the times at which they are shown."""

import os
from collections.abc import Callable
from functools import partial
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from savee_mm._validation import ClipError
from savee_mm.media._container import check_file, check_whole, damaged, open_container
from savee_mm.media._packets import ERRORS, PacketReader, packet_index
from savee_mm.media._pictures import PictureMaker, picture_stream

# Below any time base's step (s), above the rounding of linspace.
_TIME_EPS = 1e-6


def read_frames(
    path: str | os.PathLike[str], n_frames: int = 6, *, times: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read frames of a video: evenly spaced in time from its first to its last frame, or at given times.

    Parameters
    ----------
    path : str or path-like
        A video (avi, mp4, mpg, flv, mov ...). A picture counts as a video of one frame.
    n_frames : int, default=6
        Number of frames. One frame means the first.
    times : array-like of float, default=None
        The moments (s, on the container's clock) to read the frames of, in ascending order, instead of ``n_frames``
        evenly spaced ones. Before the first frame there is the first, after the last the last.

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
        Where ``n_frames`` is no positive integer, or ``times`` are no ascending numbers.

    Notes
    -----
    The i-th frame is the one on screen at the i-th of ``n_frames`` moments spread evenly from the first time
    stamp to the last: the last frame whose time stamp is not later. Time stamps come from the packets,
    undecoded; then only what leads up to the chosen frames is decoded, from the key frame before each. Where
    packets do not tell (raw streams, AVI with reordered frames) or a seek lands elsewhere, the video is
    decoded from its start. The result is the same either way. Formats that make no promise of their length
    (mpg, flv, mkv) are read as far as they go.
    """
    frames = _Frames(_check_number(n_frames) if times is None else len(_check_moments(times)))
    places, times = map_frames(frames.keep, path, n_frames, times=times)
    return frames.at(places), times


def map_frames(
    function: Callable, path: str | os.PathLike[str], n_frames: int = 6, *, times: ArrayLike | None = None
) -> tuple[list, np.ndarray]:
    """Do something with frames of a video one by one, so that no more than one is held at a time.

    Parameters
    ----------
    function : callable
        Of a picture ``(height, width, 3)``, uint8 RGB. It is called once for each different frame, and anew for all
        where a seek landed elsewhere and the video is read again from its start.
    path : str or path-like
        As in :func:`~savee_mm.read_frames`.
    n_frames : int, default=6
        As in :func:`~savee_mm.read_frames`.
    times : array-like of float, default=None
        As in :func:`~savee_mm.read_frames`.

    Returns
    -------
    results : list of length n_frames
        What the function made of each; that of a frame chosen twice is in it twice.
    times : ndarray of shape (n_frames,), float64
        As :func:`~savee_mm.read_frames` returns them.

    Raises
    ------
    ClipError, ValueError
        As :func:`~savee_mm.read_frames`.
    """
    choose = partial(choose_times, n=_check_number(n_frames)) if times is None else partial(_at, _check_moments(times))
    file = check_file(path)
    chosen = _map_by_packets(function, file, choose)
    return _map_from_start(function, file, choose) if chosen is None else chosen


class _Frames:
    """Pictures in one array, each put there as it comes: no second copy of all of them."""

    def __init__(self, n_frames):
        self._n_frames = n_frames
        self._n_kept = 0
        self._pictures = None

    def keep(self, picture):
        """Keep a picture, and return its place; beyond ``n_frames`` the first, of a reading that failed, go."""
        if self._pictures is None:
            self._pictures = np.empty((self._n_frames, *picture.shape), np.uint8)
        place = self._n_kept % self._n_frames
        self._pictures[place] = picture
        self._n_kept += 1
        return place

    def at(self, places):
        """Return the pictures of these places."""
        return self._pictures if places == list(range(self._n_frames)) else self._pictures[places]


def _check_number(n_frames):
    if isinstance(n_frames, bool) or not isinstance(n_frames, Integral) or n_frames < 1:
        raise ValueError(f"Expected n_frames to be a positive integer, got {n_frames!r}.")
    return n_frames


def _check_moments(times):
    moments = np.asarray(times, dtype=np.float64)
    if moments.ndim != 1 or not moments.size or not np.isfinite(moments).all() or (np.diff(moments) < 0).any():
        raise ValueError(f"Expected times to be one or more numbers (s) in ascending order, got {times!r}.")
    return moments


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
    return _at(np.linspace(times[0], times[-1], n), times)


def _at(moments, times):
    """Return the indices of the frames on screen at ``moments``."""
    return np.maximum(np.searchsorted(times, moments + _TIME_EPS, side="right") - 1, 0)


def _map_by_packets(function, file, choose):
    """Choose frames by the time stamps of the packets, undecoded, and decode what leads up to them.

    None where the time stamps do not name frames, or a chosen frame does not come up.
    """
    with open_container(file) as container:
        stream = picture_stream(file, container)
        check_whole(file, container)
        index = packet_index(file, container, stream)
        if index is None:
            return None
        shown = np.sort([entry.pts for entry in index if entry.shown])
        wanted = shown[choose(shown * float(stream.time_base))]
        times = wanted * float(stream.time_base)
        # A program stream (mpg) has no index: its seeks land by guess.
        seeks = container.format.name != "mpeg"
        if seeks:
            results = _map_chosen(function, PacketReader(container, stream, index, seeks=True, wanted=wanted), wanted)
            if results is not None:
                return results, times
    with open_container(file) as container:
        # Where seeking went wrong nothing is left out.
        stream, needed = picture_stream(file, container), None if seeks else wanted
        results = _map_chosen(function, PacketReader(container, stream, index, seeks=False, wanted=needed), wanted)
    return None if results is None else (results, times)


def _map_chosen(function, reader, wanted):
    """Return what the function makes of the pictures with the time stamps ``wanted`` (ascending).

    None where one of them does not come up.
    """
    results = {}
    for pts in wanted.tolist():
        if pts in results:
            continue
        try:
            picture = reader.picture_at(pts)
        except ERRORS:
            return None  # decoding from the start tells whether it was the seek or the file, and where
        if picture is None:
            return None
        results[pts] = function(picture)
    return [results[pts] for pts in wanted.tolist()]


def _map_from_start(function, file, choose):
    """Choose and decode frames the long way: once for the times, once for the pictures."""
    with open_container(file) as container:
        stream = picture_stream(file, container)
        times = _all_times(file, container, stream)
    choice = choose(times)
    with open_container(file) as container:
        frames = container.decode(picture_stream(file, container))
        pictures = _pictures_at(file, frames, times, set(choice.tolist()))
        results = {place: function(picture) for place, picture in pictures}
    return [results[place] for place in choice.tolist()], times[choice]


def _pictures_at(file, frames, times, wanted):
    """Yield the places ``wanted`` of a run of frames, and their pictures."""
    make, place, last = PictureMaker(), 0, max(wanted)
    try:
        for place, frame in enumerate(frames):
            if place in wanted:
                yield place, make(frame)
            if place == last:
                return
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
        raise ClipError("not one frame of its pictures decodes; convert it again or leave the clip out", path=file)
    if len(times) < n_decoded:
        # A raw stream carries no time stamps at all: its frame rate is all there is.
        return np.arange(n_decoded) / float(stream.average_rate or stream.guessed_rate or 25)
    # Frames come in the order of display; where their stamps do not (H.264 in AVI), the stamps were guessed.
    return np.sort(times)
