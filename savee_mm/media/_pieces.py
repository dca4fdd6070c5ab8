"""Decoded samples of a file, piece by piece, before channels are mixed and rates converted."""

import io
import os
from contextlib import nullcontext
from fractions import Fraction
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
import soundfile

from savee_mm._validation import ClipError
from savee_mm.media._container import ERRORS, check_whole, damaged, default_stream, has_video, open_container
from savee_mm.media._headers import check_length, complete_header, find_recordings, is_sample_file

# Samples that soundfile decodes at a time.
_BLOCK = 1 << 18
# Frames of a file of unknown length, as libsndfile counts them.
_UNKNOWN_LENGTH = 1 << 62
# Formats with time stamps of their own. In the others, stamps are counted from the samples.
_STAMPED = {"matroska", "webm", "mov", "mpegts", "mpeg", "flv", "asf", "ogg", "nut", "rm", "mxf"}
# Formats in which a jump is a splice of recordings, not a gap, if it is long (s), as in FFmpeg's command line.
_SPLICED, _LONGEST_GAP = {"mpegts", "mpeg", "ogg"}, 10.0
SHORTEST_GAP = 0.003  # s, above the rounding of time stamps to milliseconds
_SPLICE = 1.0  # s: stamps that are earlier by more belong to another recording
# Samples by which the decoded audio is late. Other containers state it (mp4, mkv) or shift their time stamps (mpg, ts):
# AVI does not. mp3: 576 of the encoder (LAME), 529 of the decoder; AAC: one frame, as of FFmpeg's encoder.
_AVI_DELAY = {"mp3": 1105, "mp3float": 1105, "mp2": 481, "mp2float": 481, "ac3": 256, "eac3": 256, "aac": 1024}
# Marks of tags (ID3, APE, Lyrics3), which are between the packets of joined mp3 files, and after the last one.
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICS")
_FULL_SCALE = {"u1": 1 << 7, "i2": 1 << 15, "i4": 1 << 31, "i8": 1 << 63}


class Piece(NamedTuple):
    """Decoded samples of shape (n_channels, n_samples): their time (s), rate (Hz), and the gap before them (s)."""

    time: float
    channels: np.ndarray
    sr: int
    gap: float = 0.0


def pieces(file):
    """Yield the pieces of a whole file.

    Parameters
    ----------
    file : Path
        A checked file.

    Yields
    ------
    piece : Piece
        In order, of all recordings that are joined in the file.

    Raises
    ------
    ClipError
        If the file has no audio or cannot be read to its end.
    """
    recordings = find_recordings(file)
    for start, stop in recordings:
        content = None if len(recordings) == 1 else io.BytesIO(_slice(file, start, stop))
        check_length(file, content)
        yield from _read(file, content)


def _slice(file, start, stop):
    with file.open("rb") as stream:
        stream.seek(start)
        return stream.read(stop - start)


def _read(file, content):
    """Yield the pieces of one recording: of a file, or of ``content`` in its place."""
    sound = open_samples(file, content)
    if sound is None:
        yield from read_container(file, content)
        return
    with sound:
        n_read = 0
        while n_read < sound.frames and len(channels := next_block(file, sound, n_read)):
            n_read += len(channels)
            yield Piece(0.0, channels.T, sound.samplerate)
        if n_read < sound.frames:
            found, stated = n_read / sound.samplerate, sound.frames / sound.samplerate
            raise ClipError(
                f"cut short: expected {stated:.2f} s by its header, got {found:.2f} s; copy it again", path=file
            )


def open_samples(file, content):
    """Open a recording with soundfile. None if FFmpeg reads it better."""
    with file.open("rb") if content is None else nullcontext(content) as stream:
        if not is_sample_file(stream):
            return None
    # A name as bytes: soundfile refuses a str that is not UTF-8.
    name = os.fsencode(file) if os.name == "posix" else file
    sources = [name if content is None else content]
    if content is None and (completed := complete_header(file)) is not None:
        sources = [completed, name]
    for source in sources:
        if source is content:
            content.seek(0)
        try:
            sound = soundfile.SoundFile(source)
        except soundfile.LibsndfileError:
            continue
        # Libsndfile estimates the length of mp3 in a wav file, and fails at the end of a flac of unknown length.
        if sound.frames < _UNKNOWN_LENGTH and not sound.subtype.startswith("MPEG"):
            return sound
        sound.close()
    return None


def next_block(file, sound, n_read):
    """Read the next block of a SoundFile, of shape (n_samples, n_channels)."""
    try:
        return sound.read(_BLOCK, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise damaged(file, error, n_read / sound.samplerate if n_read else None) from error


def read_container(file, content):
    """Yield the pieces of the default audio stream of a container."""
    if content is not None:
        content.seek(0)
    with open_container(file, content) as container:
        audio = AudioStream(file, container)
        if content is None:
            check_whole(file, container)
        try:
            yield from audio.pieces(audio.frames())
        except ERRORS as error:
            raise damaged(file, error, audio.clock.end) from error


class AudioStream:
    """Default audio stream of an opened container: its frames as pieces, with times on the clock of the video.

    Without video, the first sample has the time 0.
    """

    def __init__(self, file, container):
        self.container = container
        self.stream = default_stream(file, container, "audio")
        self._formats = set(container.format.name.split(","))
        self.clock = StreamClock(self._formats)
        self.skip = _AVI_DELAY.get(self.stream.codec_context.name, 0) if container.format.name == "avi" else 0
        # FFmpeg writes the video of an AVI later by the delay, other programs do not.
        self._shift = self.skip / self.stream.rate if "Lavf" in container.metadata.get("software", "") else 0.0
        self._start = 0.0 if has_video(container) else None

    def frames(self):
        """Yield the frames from the current position. Tags between and after those of an mp3 are skipped."""
        error = None
        for packet in self.container.demux(self.stream):
            try:
                frames = packet.decode()
            except ERRORS as caught:
                if self.container.format.name != "mp3":
                    raise
                error = None if any(tag in bytes(packet) for tag in _TAGS) else caught
                continue
            if frames and error is not None:
                raise error
            yield from frames

    def counts_exactly(self, frame):
        """Return whether the time of a frame does not drift: stored in the file, or counted in whole steps."""
        steps = Fraction(frame.samples, frame.sample_rate) / self.stream.time_base
        return bool(self._formats & _STAMPED) or steps.denominator == 1

    def restart(self):
        """Expect frames from another place of the stream, after a seek."""
        self.clock = StreamClock(self._formats)
        self.skip = 0

    def pieces(self, frames):
        """Yield frames, of which the first is the first of the stream, as pieces."""
        skip = self.skip
        # With the frame that follows, None after the last.
        for frame, following in pairwise(chain(frames, [None])):
            gap, time = self.clock(frame, following)
            self._start = time + self._shift if self._start is None else self._start
            channels = _channels(frame)[:, skip:]
            skip -= min(skip, frame.samples)
            yield Piece(time + self._shift - self._start, channels, frame.sample_rate, gap)


class StreamClock:
    """Times of the frames of a stream, and the gaps between them."""

    def __init__(self, formats):
        self._honours = bool(formats & _STAMPED)
        self._longest = _LONGEST_GAP if formats & _SPLICED else np.inf
        self._first_rate = None
        self._last = 0.0  # duration of the last frame (s)
        self._counted = 0.0  # end of the last frame (s) by the samples since the rate changed
        self.end = None  # of the last frame (s)

    def __call__(self, frame, following=None):
        """Return the gap before a frame and its time (s).

        A late stamp is no gap: the following frame takes it back.
        """
        self._first_rate = self._first_rate or frame.sample_rate
        duration = frame.samples / frame.sample_rate
        time, gap = frame.time, 0.0
        if self.end is None:
            time = 0.0 if time is None else time
        elif time is None or not self._honours or self._is_early(frame):
            time = self.end
        elif max(SHORTEST_GAP, self._last / 2, duration / 2) < time - self.end < self._longest:
            if goes_back(frame, following, (time - self.end) / 2):
                time = self.end
            else:
                gap = time - self.end
        self._last = duration
        self._set_end(frame, time, duration, gap)
        return gap, time

    def _is_early(self, frame):
        """Return whether a stamp is earlier than the end of the samples before it, as capture times are that jitter."""
        return frame.sample_rate == self._first_rate and 0 < self.end - frame.time <= _SPLICE

    def _set_end(self, frame, time, duration, gap):
        """Set the time at which the next frame is expected."""
        spliced = self.end is not None and self.end - time > _SPLICE
        if frame.sample_rate == self._first_rate or gap or spliced:
            self.end = self._counted = time + duration
        else:
            # FFmpeg counts stamps between those of the container as at the first rate, and so do some writers.
            self._counted += duration
            self.end = max(self._counted, time + frame.samples / self._first_rate)


def goes_back(frame, following, seconds):
    """Return whether the stamp of the following frame is earlier than the end of a frame by more than that.

    Then the frame is stamped late: FFmpeg 8 stamps a Vorbis frame between a long and a short block by the length of a
    short one, about 10 ms too late.
    """
    if following is None or following.time is None:
        return False
    return following.time < frame.time + frame.samples / frame.sample_rate - seconds


def _channels(frame):
    """Return the samples of a decoded frame as float32, of shape (n_channels, n_samples)."""
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, frame.layout.nb_channels).T
    if array.dtype.kind == "f":
        return array.astype(np.float32, copy=False)
    scale = np.float32(1 / _FULL_SCALE[array.dtype.str[1:]])
    offset = 128 if array.dtype == np.uint8 else 0
    return (array.astype(np.float32) - np.float32(offset)) * scale
