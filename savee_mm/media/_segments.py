"""Pieces of a segment of a file, decoded from shortly before its start."""

from contextlib import suppress
from itertools import chain, islice

import numpy as np
import soundfile

from savee_mm._missing import missing_reason
from savee_mm._validation import ClipError, warn_of_correction
from savee_mm.media._container import ERRORS, check_whole, clock_start, damaged, has_video, open_container
from savee_mm.media._headers import check_length, find_recordings, is_joined_mp3
from savee_mm.media._pieces import SHORTEST_GAP, AudioStream, Piece, goes_back, next_block, open_samples, pieces

# Time that is decoded before a segment (s): codecs need some frames until their output no longer depends on earlier
# ones; Opus, with the slowest recovery, 0.08 s (RFC 7845, 4.6).
_PRE_ROLL, _SHORTEST_PRE_ROLL = 1.0, 0.2
# Segments that start sooner after the start of the file (s) are reached by decoding.
_NEAR = 3.0
# Formats in which stamps after a seek are wrong: WAV computes them from the header's bytes per second (G.722, Yamaha's
# ADPCM), program streams give that of a packet to another AC-3 frame. They are decoded from the start.
_NO_SEEK = {"wav", "w64", "mpeg"}
# Packets that a decoder may reject after a seek.
_REJECTED = 10
# Time stamps in steps of ms are wrong by less than this (s).
_ROUNDING = 1.5e-3
# A segment may end later than the file by this time (s), about a video frame, without a warning.
_LATE = 0.05
_MICROSECONDS = 1e6  # unit of the duration of a container


def segment_pieces(file, segment):
    """Yield the pieces of a segment.

    Parameters
    ----------
    file : Path
        A checked file.
    segment : Segment
        Its times are those of the samples of a file without video, and of the clock of the container, which starts at
        0, of a file with video.

    Yields
    ------
    piece : Piece
        The first one, at the start of the segment, is empty.

    Raises
    ------
    ClipError
        If the segment starts after the end of the file, or the file cannot be read.

    Warns
    -----
    ClipWarning
        If the segment ends after the end of the file.
    """
    sound = open_samples(file, None)
    if sound is not None:
        with sound:
            # Joined recordings follow each other: the first one may be all that the segment needs.
            last = round(segment.end * sound.samplerate)
            if sound.seekable() and (_is_in_first(sound, segment, last) or len(find_recordings(file)) == 1):
                check_length(file)
                yield from _cut(file, _sound_pieces(file, sound, segment), segment)
                return
    elif len(find_recordings(file)) == 1:
        with open_container(file) as container:
            check_whole(file, container)
            origin = clock_start(container)
            near = _stream_pieces(file, container, origin + segment.start)
            if near is not None:
                yield from _cut(file, _decoded(file, near), segment, origin)
                return
        with open_container(file) as container:
            origin = clock_start(container)
    else:
        origin = 0.0
    yield from _cut(file, pieces(file), segment, 0.0 if sound is not None else origin)


def _is_in_first(sound, segment, last):
    """Return whether a segment up to a sample is reached by a seek, in the first of joined recordings.

    libsndfile cannot seek in joined flac files whose channels differ.
    """
    try:
        return last <= sound.frames and sound.seek(round(segment.start * sound.samplerate)) >= 0
    except soundfile.LibsndfileError:
        return False


def _sound_pieces(file, sound, segment):
    """Yield the pieces of a segment of an opened SoundFile, which libsndfile seeks exactly."""
    sr = sound.samplerate
    first = min(round(segment.start * sr), sound.frames)
    last = min(round(segment.end * sr), sound.frames)
    yield Piece(0.0, np.empty((1, 0), np.float32), sr)
    try:
        sound.seek(first)
    except soundfile.LibsndfileError as error:
        raise ClipError(f"the start of the segment cannot be found ({error}); convert the file", path=file) from error
    gap, n_read = first / sr, first
    while n_read < last and len(channels := next_block(file, sound, n_read)):
        n_read += len(channels)
        yield Piece(0.0, channels.T, sr, gap)
        gap = 0.0
    if first == last:
        yield Piece(0.0, np.empty((1, 0), np.float32), sr, gap)


def _stream_pieces(file, container, target):
    """Return the pieces from the first frame, which jump to shortly before ``target`` (s); None if that fails."""
    audio = AudioStream(file, container)
    try:
        frames = audio.frames()
        head = list(islice(frames, 2))
        if not head or head[0].time is None:
            return None
        if target - head[0].time < _NEAR:
            # A packet may hold more than two frames, so that the same iterator goes on.
            return audio.pieces(chain(head, frames))
        if container.format.name in _NO_SEEK or (container.format.name == "mp3" and is_joined_mp3(file)):
            return None
        container.seek(int((target - _PRE_ROLL) / audio.stream.time_base), stream=audio.stream)
        landed, frames = _first_frame(audio)
    except ERRORS:
        return None
    if landed is None or landed.time > target - _SHORTEST_PRE_ROLL or landed.sample_rate != head[0].sample_rate:
        return None
    if not audio.counts_exactly(landed):
        return None
    first = next(audio.pieces(head))
    jump = _position(audio.stream, head, landed) - audio.skip - first.channels.shape[1]
    return _jumped(audio, first, landed, frames, jump / first.sr) if jump >= 0 else None


def _jumped(audio, first, landed, frames, jump):
    """Yield the first piece of the stream, then those from a frame after a seek; the gap between them is skipped."""
    yield first
    audio.restart()
    for piece in audio.pieces(chain([landed], frames)):
        yield piece._replace(gap=piece.gap + jump)
        jump = 0.0


def _decoded(file, near):
    """Yield pieces; errors of their decoder are ClipErrors."""
    try:
        yield from near
    except ERRORS as error:
        raise damaged(file, error, None) from error


def _first_frame(audio):
    """Return the first frame with a reliable time after a seek, and an iterator of the next ones."""
    for _ in range(_REJECTED):
        frames, landed = audio.frames(), None
        try:
            for n, frame in enumerate(frames):
                if landed is not None and (n > _REJECTED or not goes_back(landed, frame, SHORTEST_GAP)):
                    return landed, chain([frame], frames)
                landed = None if frame.time is None else frame
        except ERRORS:
            continue
        return landed, iter(())
    return None, None


def _position(stream, head, frame):
    """Return the number of samples between the first frame of a stream and a later one.

    Time stamps in steps of ms are refined if all frames have the same length.
    """
    sr = frame.sample_rate
    position = (frame.time - head[0].time) * sr
    step = frame.samples
    if stream.time_base * sr > 1 and step == head[-1].samples:
        exact = head[0].samples + round((position - head[0].samples) / step) * step
        if abs(exact - position) < _ROUNDING * sr:
            return exact
    return round(position)


def _cut(file, whole, segment, origin=0.0):
    """Yield the pieces of a segment.

    Parameters
    ----------
    file : Path
        The file, for messages.
    whole : iterator of Piece
        From the start of the recording; what is before the segment may be a gap.
    segment : Segment
        The segment.
    origin : float, default=0.0
        Time (s) of the start of the file on the clock of the pieces.

    Yields
    ------
    piece : Piece
        The first one is empty.

    Raises
    ------
    ClipError
        If the recording ends before the segment starts, or starts after it ends.
    """
    start = end = place = 0
    anchor = sr = None
    for piece in whole:
        if sr is None:
            # The rate and the clock are those of the first piece; positions are counted in samples from there.
            anchor, sr = piece.time, piece.sr
            start, end = (round((time + origin - anchor) * sr) for time in (segment.start, segment.end))
            _check_begun(file, segment, end, anchor - origin)
            yield Piece(anchor + max(start, 0) / sr, np.empty((1, 0), np.float32), sr)
        gap = round(piece.gap * sr)
        silence = max(0, min(place + gap, end) - max(place, start))
        place += gap
        scale = piece.sr / sr
        first, last = (max(0, round((limit - place) * scale)) for limit in (start, end))
        channels = piece.channels[:, first:last]
        if silence or channels.shape[1]:
            yield piece._replace(channels=channels, gap=silence / sr)
        place += piece.channels.shape[1] / scale
        if place >= end:
            return
    if sr is not None:
        _check_ended(file, segment, place - start, anchor - origin + place / sr)


def _check_begun(file, segment, end, begins):
    if end <= 0:
        raise before_begin(file, segment, "audio", begins)


def _check_ended(file, segment, n_samples, ends):
    """Raise if there are no samples of the segment, whose end is after the end of the audio (s); warn if it is late."""
    if n_samples <= 0:
        raise beyond_end(file, segment, "audio", ends)
    if segment.end - ends > _LATE:
        warn_late(file, segment, ends)


def before_begin(file, segment, modality, begins):
    """Return the ClipError of a segment that ends before the audio or the video of the file begins (s)."""
    what = (
        f"the {modality} of the file begins at {begins:.3f} s, after the end of the segment ({segment.end:g} s); "
        "correct the times, or leave the clip out"
    )
    return ClipError(missing_reason(modality, what), path=file)


def beyond_end(file, segment, modality, ends):
    """Return the ClipError of a segment that starts after the audio or the video of the file ends (s).

    The modality is missing if the other one goes on.
    """
    remedy = "correct the times, or leave the clip out"
    if _goes_on(file, segment.start):
        what = f"the {modality} of the file ends at {ends:.3f} s, before the segment ({segment.start:g} s); {remedy}"
        return ClipError(missing_reason(modality, what), path=file)
    return ClipError(
        f"the segment starts at {segment.start:g} s, and the file ends at {ends:.3f} s; {remedy}", path=file
    )


def _goes_on(file, seconds):
    """Return whether a file with audio and video lasts longer."""
    with suppress(ClipError), open_container(file) as container:
        both = has_video(container) and container.streams.audio
        return bool(both and container.duration and container.duration / _MICROSECONDS > seconds + _LATE)
    return False


def warn_late(file, segment, ends):
    """Warn of a segment that ends after the file (s)."""
    warn_of_correction(
        f"the segment ends at {segment.end:g} s, and the file at {ends:.3f} s, where reading stops; correct the times",
        file,
    )
