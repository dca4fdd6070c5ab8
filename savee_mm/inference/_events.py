"""Sound and frames of a recording as events, in the order of their times."""

import heapq
from contextlib import closing, suppress
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from savee_mm._missing import SILENT, is_silent
from savee_mm._validation import ClipError
from savee_mm.media._blocks import audio_blocks, settled_mix
from savee_mm.media._container import ERRORS, check_file, clock_start, damaged, default_stream, open_container
from savee_mm.media._images import ImageConverter, read_still
from savee_mm.media.frames import MAX_PIXELS

# Longest piece of sound (s): a window is complete as soon as the piece after its end begins.
_PIECE = 0.05
_EPS = 1e-6


@dataclass(frozen=True)
class Sound:
    """A piece of sound: its time (s), mono samples, and their sample rate (Hz)."""

    time: float
    samples: np.ndarray
    sr: float

    @property
    def end(self):
        """Time of its end (s)."""
        return self.time + len(self.samples) / self.sr


@dataclass(frozen=True)
class Frame:
    """A video frame, RGB, and the time from which it is shown (s)."""

    time: float
    pixels: np.ndarray

    @property
    def end(self):
        """The time itself: the duration of a frame is not known before the next one."""
        return self.time


def read_events(path, modalities, fps):
    """Read the sound and the frames of a file as a stream.

    Parameters
    ----------
    path : path-like
        The file.
    modalities : list of str
        ``"audio"``, ``"video"`` or both.
    fps : float or None
        Maximum number of frames per second, None for all.

    Yields
    ------
    event : Sound or Frame
        On the container's clock, in the order of their times.

    Raises
    ------
    ClipError
        If the file cannot be read to its end, or one of the modalities is missing.
    """
    file, readers = check_file(path), {"audio": _read_sound, "video": _read_frames}
    # One reader each: in many files sound and frames of one time are far apart.
    return in_order([readers[name](file, fps) for name in modalities])


def first_times(path):
    """Return the times (s) of the first sound and the first frame of a file, on the container's clock.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    times : dict of str to float
        By modality; one that cannot be read is left out.

    Raises
    ------
    ClipError
        If neither can be read.
    """
    times, errors = {}, []
    for modality in ("audio", "video"):
        try:
            with closing(read_events(path, [modality], 1)) as events:
                times[modality] = next(events).time
        except ClipError as error:
            errors.append(error)
    if not times:
        raise errors[0]
    return times


def recording_start(path):
    """Return the time (s) that media players show as 0, on the clock of :func:`read_events`.

    Timelines, utterances and faces count from it, as segments do. Sound may start later, or images.

    Parameters
    ----------
    path : path-like
        The file.

    Raises
    ------
    ClipError
        If there is no such file.
    """
    file = check_file(path)
    # Sound in formats that only libsndfile reads starts at 0.
    with suppress(ClipError), open_container(file) as container:
        return clock_start(container)
    return 0.0


def check_sound(path):
    """Raise if the audio of a file is silent from start to end.

    Parameters
    ----------
    path : path-like
        The file; it is read until the first sound.

    Raises
    ------
    ClipError
        If the audio is silent or missing, or cannot be read.
    """
    low, high = np.inf, -np.inf
    for piece in read_events(path, ["audio"], None):
        low, high = min(low, piece.samples.min()), max(high, piece.samples.max())
        if not is_silent(np.array([low, high])):
            return
    raise ClipError(SILENT, path=path)


def in_order(sources):
    """Merge streams of events by time, without reading ahead.

    Parameters
    ----------
    sources : list of iterable
        Each in the order of time.

    Yields
    ------
    event : Sound or Frame
    """
    return heapq.merge(*sources, key=attrgetter("time"))


def in_pieces(time, samples, sr):
    """Cut a block of sound into short pieces.

    Parameters
    ----------
    time : float
        Start of the block (s).
    samples : ndarray of shape (n_samples,)
        Mono.
    sr : float
        Sample rate (Hz).

    Yields
    ------
    piece : Sound
    """
    step = max(1, round(_PIECE * sr))
    for start in range(0, len(samples), step):
        yield Sound(time + start / sr, samples[start : start + step], sr)


def thinned(frames, fps):
    """Leave out frames where there are more than ``fps`` per second.

    Parameters
    ----------
    frames : iterable of (float, frame)
        Times (s) and frames.
    fps : float or None
        Frames per second, None for all.

    Yields
    ------
    time, frame
    """
    last = None
    for time, frame in frames:
        slot = None if fps is None else int(np.floor(time * fps + _EPS))
        if last is None or slot is None or slot != last:
            yield time, frame
        last = slot


def _read_sound(file, fps):
    for time, samples, sr in audio_blocks(file, settled_mix(file)):
        if not np.isfinite(samples).all():
            raise ClipError("some of its samples are NaN or infinite; export the recording again", path=file)
        yield from in_pieces(time, samples, sr)


def _read_frames(file, fps):
    if (still := read_still(file, MAX_PIXELS)) is not None:
        yield Frame(0.0, still)
        return
    with open_container(file) as container:
        stream, clock = default_stream(file, container, "video"), None
        convert = ImageConverter(file, stream, MAX_PIXELS)
        try:
            for time, frame in thinned(_timed(stream, container), fps):
                clock = time if clock is None else max(time, clock)
                yield Frame(clock, convert(frame))
        except ERRORS as error:
            if isinstance(error, ClipError):
                raise
            raise damaged(file, error, clock) from error
    if clock is None:
        raise ClipError("no frame can be decoded; convert it again or leave the clip out", path=file)


def _timed(stream, container):
    """Yield frames with their times (s); in a raw stream, times follow from the frame rate."""
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    for number, frame in enumerate(container.decode(stream)):
        yield (number / rate if frame.time is None else frame.time), frame
