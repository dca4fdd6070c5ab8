"""The audio of a file as blocks of mono samples, at one rate and on one clock."""

import io
import os
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np
import soundfile
import soxr

from savee_mm._validation import ClipError, warn_of_correction
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
_SHORTEST_GAP = 0.003  # s, above the rounding of time stamps to milliseconds
_SPLICE = 1.0  # s: stamps that are earlier by more belong to another recording
_SILENCE = 1.0  # longest block of silence (s)
# Samples by which the decoded audio is late. Other containers state it (mp4, mkv) or shift their time stamps (mpg, ts):
# AVI does not. mp3: 576 of the encoder (LAME), 529 of the decoder; AAC: one frame, as of FFmpeg's encoder.
_AVI_DELAY = {"mp3": 1105, "mp3float": 1105, "mp2": 481, "mp2float": 481, "ac3": 256, "eac3": 256, "aac": 1024}
# Marks of tags (ID3, APE, Lyrics3), which are between the packets of joined mp3 files, and after the last one.
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICS")
_FULL_SCALE = {"u1": 1 << 7, "i2": 1 << 15, "i4": 1 << 31, "i8": 1 << 63}
# A channel with a smaller fraction of the power of the strongest one (40 dB) is not used.
_DEAD = 1e-4
# Two channels with a lower correlation have opposite phase: their mean loses half of the level, or more.
_OPPOSITE = -0.5


class Downmix:
    """Mono mix of channels, whose weights depend on the levels and correlations in the whole file.

    The mix is the mean of the channels. :meth:`settle` changes that after all blocks were seen: channels without a
    signal are left out, and of channels in opposite phase only the strongest one is used.
    """

    def __init__(self):
        self.weights = {}  # number of channels -> array; a file can change its channels
        self._moments = {}

    def __call__(self, channels):
        """Return the mix of a block of shape (n_channels, n_samples)."""
        n_channels = len(channels)
        if n_channels == 1:
            return np.ascontiguousarray(channels[0])
        if n_channels in self.weights:
            return self.weights[n_channels] @ channels
        moments = self._moments.setdefault(n_channels, [0, np.zeros(n_channels), np.zeros((n_channels, n_channels))])
        with np.errstate(all="ignore"):
            for moment, added in enumerate((channels.shape[1], channels.sum(axis=1), channels @ channels.T)):
                moments[moment] = moments[moment] + added
            return channels.mean(axis=0, dtype=np.float32)

    @property
    def n_channels(self):
        """Largest number of channels of a block so far, 1 if all were mono."""
        return max(self._moments, default=1)

    def settle(self, file):
        """Choose the weights. Return whether a mix is not the mean, so that the file is to be read again."""
        for n_channels, (n_samples, sums, products) in self._moments.items():
            covariance = products / n_samples - np.outer(sums, sums) / n_samples**2
            weights, correlation = _channel_weights(covariance)
            if weights is not None:
                self.weights[n_channels] = weights.astype(np.float32)
            if correlation is not None:
                _warn_opposite(file, correlation)
        return bool(self.weights)


def _channel_weights(covariance):
    """Return weights of channels (None: their mean), and the correlation of those in opposite phase (None: none)."""
    power = np.diag(covariance)
    if not np.isfinite(covariance).all() or power.max() <= 0:
        return None, None
    used = power > _DEAD * power.max()
    scale = np.sqrt(np.maximum(power, 0))
    lowest = (covariance[np.ix_(used, used)] / np.outer(scale[used], scale[used])).min()
    if lowest < _OPPOSITE:
        return np.arange(len(power)) == power.argmax(), lowest
    return (None if used.all() else used / used.sum()), None


def _warn_opposite(file, correlation):
    reason = (
        f"channels of opposite phase (correlation {correlation:.2f}) cancel in their mean, so the louder one is read; "
        "check the cable, or export one channel"
    )
    warn_of_correction(reason, file)


def read_mono(file, consume):
    """Return ``consume(blocks)`` of the mono mix of a file.

    The file is read again if the mix is not the mean of its channels.

    Parameters
    ----------
    file : Path
        A checked file.
    consume : callable
        Function of the iterator of :func:`audio_blocks`.

    Raises
    ------
    ClipError
        If the file cannot be read to its end.
    """
    mix = Downmix()
    result = consume(audio_blocks(file, mix))
    return consume(audio_blocks(file, mix)) if mix.settle(file) else result


def settled_mix(file):
    """Return the Downmix of a file, for :func:`audio_blocks`. A file with several channels is read to its end."""
    mix = Downmix()
    for _ in audio_blocks(file, mix):
        if mix.n_channels == 1:
            break
    mix.settle(file)
    return mix


def audio_blocks(file, mix):
    """Read the audio of a file block by block.

    Gaps in its time stamps are filled with silence. Blocks of another rate than the first are resampled.

    Parameters
    ----------
    file : Path
        A checked file.
    mix : Downmix
        Mix of the channels.

    Yields
    ------
    time : float
        Time of the first sample (s), on the clock of the frames of the file; 0 at the start of a file without video.
    samples : ndarray of shape (n_samples,), float32
        Mono samples, without a gap to the last block.
    sr : int
        Rate (Hz), of the first block for all.

    Raises
    ------
    ClipError
        If the file has no audio or cannot be read to its end.
    """
    recordings = find_recordings(file)
    rate, clock = _OneRate(), None
    for start, stop in recordings:
        content = None if len(recordings) == 1 else io.BytesIO(_slice(file, start, stop))
        check_length(file, content)
        for piece in _read(file, content):
            clock = piece.time if clock is None else clock
            for samples in (*rate.silence(piece.gap), rate(mix(piece.channels), piece.sr)):
                yield clock, samples, rate.sr
                clock += len(samples) / rate.sr
    if clock is not None:
        yield clock, rate.flush(), rate.sr


class _Piece(NamedTuple):
    """Decoded samples of shape (n_channels, n_samples): their time (s), rate (Hz), and the gap before them (s)."""

    time: float
    channels: np.ndarray
    sr: int
    gap: float = 0.0


class _OneRate:
    """Convert blocks to the rate of the first one."""

    def __init__(self):
        self.sr = None
        self._rate = None  # of the last block
        self._resampler = None

    def __call__(self, samples, sr):
        self.sr = self.sr or sr
        rest = np.empty(0, np.float32)
        if sr != (self._rate or sr):
            rest = self.flush()
        if sr != self.sr and self._resampler is None:
            self._resampler = soxr.ResampleStream(sr, self.sr, 1, dtype="float32", quality="HQ")
        self._rate = sr
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        return np.concatenate([rest, samples]) if rest.size else samples

    def flush(self):
        """Return the samples that the resampler holds back."""
        if self._resampler is None:
            return np.empty(0, np.float32)
        rest = self._resampler.resample_chunk(np.empty(0, np.float32), last=True)
        self._resampler = None
        return rest

    def silence(self, seconds):
        """Yield zeros for a gap, after the samples before it."""
        if seconds and self.sr:
            yield self.flush()
            for start in np.arange(0, seconds, _SILENCE):
                yield np.zeros(round(min(_SILENCE, seconds - start) * self.sr), np.float32)


def _slice(file, start, stop):
    with file.open("rb") as stream:
        stream.seek(start)
        return stream.read(stop - start)


def _read(file, content):
    """Yield the pieces of one recording: of a file, or of ``content`` in its place."""
    sound = _open_samples(file, content)
    if sound is None:
        yield from _read_container(file, content)
        return
    with sound:
        n_read = 0
        while n_read < sound.frames and len(channels := _next_block(file, sound, n_read)):
            n_read += len(channels)
            yield _Piece(0.0, channels.T, sound.samplerate)
        if n_read < sound.frames:
            found, stated = n_read / sound.samplerate, sound.frames / sound.samplerate
            raise ClipError(
                f"cut short: expected {stated:.2f} s by its header, got {found:.2f} s; copy it again", path=file
            )


def _open_samples(file, content):
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


def _next_block(file, sound, n_read):
    try:
        return sound.read(_BLOCK, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise damaged(file, error, n_read / sound.samplerate if n_read else None) from error


def _read_container(file, content):
    """Yield the pieces of the default audio stream of a container."""
    if content is not None:
        content.seek(0)
    with open_container(file, content) as container:
        stream = default_stream(file, container, "audio")
        if content is None:
            check_whole(file, container)
        clock = _StreamClock(set(container.format.name.split(",")))
        skip = _AVI_DELAY.get(stream.codec_context.name, 0) if container.format.name == "avi" else 0
        # FFmpeg writes the video of an AVI later by the delay, other programs do not.
        shift = skip / stream.rate if "Lavf" in container.metadata.get("software", "") else 0.0
        start = 0.0 if has_video(container) else None
        try:
            for frame in _decode(container, stream):
                gap, time = clock(frame)
                start = time + shift if start is None else start
                channels = _channels(frame)[:, skip:]
                skip -= min(skip, frame.samples)
                yield _Piece(time + shift - start, channels, frame.sample_rate, gap)
        except ERRORS as error:
            raise damaged(file, error, clock.end) from error


def _decode(container, stream):
    """Yield the frames of a stream. Between and after the frames of an mp3, tags and other bytes are skipped."""
    error = None
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except ERRORS as caught:
            if container.format.name != "mp3":
                raise
            error = None if any(tag in bytes(packet) for tag in _TAGS) else caught
            continue
        if frames and error is not None:
            raise error
        yield from frames


class _StreamClock:
    """Times of the frames of a stream, and the gaps between them."""

    def __init__(self, formats):
        self._honours = bool(formats & _STAMPED)
        self._longest = _LONGEST_GAP if formats & _SPLICED else np.inf
        self._first_rate = None
        self._last = 0.0  # duration of the last frame (s)
        self._counted = 0.0  # end of the last frame (s) by the samples since the rate changed
        self.end = None  # of the last frame (s)

    def __call__(self, frame):
        """Return the gap before a frame and its time (s)."""
        self._first_rate = self._first_rate or frame.sample_rate
        duration = frame.samples / frame.sample_rate
        time, gap = frame.time, 0.0
        if self.end is None:
            time = 0.0 if time is None else time
        elif time is None or not self._honours:
            time = self.end
        elif time - self.end > max(_SHORTEST_GAP, self._last / 2, duration / 2) and time - self.end < self._longest:
            gap = time - self.end
        self._last = duration
        self._set_end(frame, time, duration, gap)
        return gap, time

    def _set_end(self, frame, time, duration, gap):
        """Set the time at which the next frame is expected."""
        spliced = self.end is not None and self.end - time > _SPLICE
        if frame.sample_rate == self._first_rate or gap or spliced:
            self.end = self._counted = time + duration
        else:
            # FFmpeg counts stamps between those of the container as at the first rate, and so do some writers.
            self._counted += duration
            self.end = max(self._counted, time + frame.samples / self._first_rate)


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
