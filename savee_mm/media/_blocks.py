"""The audio of a file as blocks of mono samples, at one rate and on one clock."""

from operator import add

import numpy as np
import soxr

from savee_mm._validation import warn_of_correction
from savee_mm.media._pieces import pieces
from savee_mm.media._samples import full_scale
from savee_mm.media._segments import segment_pieces

_SILENCE = 1.0  # longest block of silence (s)
# A channel with a smaller fraction of the power of the strongest one (40 dB) is not used.
_DEAD = 1e-4
# Two channels with a lower correlation have opposite phase: their mean loses half of the level, or more. Of more
# channels, those with a smaller fraction of the largest power (13 dB), such as ambience, are not compared.
_OPPOSITE, _COMPARED = -0.5, 0.05


class Downmix:
    """Mono mix of channels with full scale at 1, which depends on the levels and correlations in the whole file.

    The mix is the mean of the channels. :meth:`settle` changes that after all blocks were seen: channels without a
    signal are left out, of channels in opposite phase only the strongest one is used, and integers that were
    written as floats are divided by their full scale.
    """

    def __init__(self):
        self.weights = {}  # number of channels -> array; a file can change its channels
        self._moments = {}
        self._peak, self._are_whole = 0.0, True
        self._scale = 1.0
        self._has_chosen = False

    def __call__(self, channels):
        """Return the mix of a block of shape (n_channels, n_samples)."""
        if not self._has_chosen:
            self._observe(channels)
        elif self._scale != 1:
            channels = channels / np.float32(self._scale)
        n_channels = len(channels)
        if n_channels == 1:
            return np.ascontiguousarray(channels[0])
        if n_channels in self.weights:
            return self.weights[n_channels] @ channels
        return channels.mean(axis=0, dtype=np.float32)

    def _observe(self, channels):
        """Add a block to the peak, and of several channels to the moments."""
        with np.errstate(all="ignore"):
            if channels.size:
                self._peak = max(self._peak, float(channels.max()), -float(channels.min()))
                self._are_whole = self._are_whole and np.array_equal(channels, np.rint(channels))
            if len(channels) > 1:
                # In double precision: the variance of a constant channel is not to be rounding errors.
                block = channels.astype(np.float64)
                added = block.shape[1], block.sum(axis=1), block @ block.T
                before = self._moments.get(len(block), (0, 0.0, 0.0))
                self._moments[len(block)] = tuple(map(add, before, added))

    @property
    def is_settled(self):
        """Whether the blocks so far are mono and no integers, so that the others cannot change the mix."""
        return not self._moments and not self._are_whole

    def settle(self, file):
        """Choose scale and weights. Return whether the file is to be read again, for they are not 1 and the mean.

        Raises
        ------
        ClipError
            If samples are so large that their full scale is unknown.
        """
        self._has_chosen = True
        if np.isfinite(self._peak):
            self._scale = full_scale(self._peak, self._are_whole, file) or 1.0
        for n_channels, (n_samples, sums, products) in self._moments.items():
            covariance = products / n_samples - np.outer(sums, sums) / n_samples**2
            weights, correlation = _channel_weights(covariance)
            if weights is not None:
                self.weights[n_channels] = weights.astype(np.float32)
            if correlation is not None:
                _warn_opposite(file, correlation)
        return self._scale != 1 or bool(self.weights)


def _channel_weights(covariance):
    """Return weights of channels (None: their mean), and the correlation of those in opposite phase (None: none)."""
    power = np.diag(covariance)
    if not np.isfinite(covariance).all() or power.max() <= 0:
        return None, None
    used = power > _DEAD * power.max()
    scale = np.sqrt(np.maximum(power, 0))
    compared = used if len(power) == 2 else power > _COMPARED * power.max()
    lowest = (covariance[np.ix_(compared, compared)] / np.outer(scale[compared], scale[compared])).min()
    if lowest < _OPPOSITE:
        return np.arange(len(power)) == power.argmax(), lowest
    return (None if used.all() else used / used.sum()), None


def _warn_opposite(file, correlation):
    reason = (
        f"channels of opposite phase (correlation {correlation:.2f}) cancel in their mean, so the louder one is read; "
        "check the cable, or export one channel"
    )
    warn_of_correction(reason, file)


def read_mono(file, consume, segment=None):
    """Return ``consume(blocks)`` of the mono mix of a file, or of a segment.

    The file is read again if the mix is not the mean of its channels.

    Parameters
    ----------
    file : Path
        A checked file.
    consume : callable
        Function of the iterator of :func:`audio_blocks`.
    segment : Segment, default=None
        Part to read, whose channels are mixed as if it were a file.

    Raises
    ------
    ClipError
        If the file cannot be read to its end.
    """
    mix = Downmix()
    result = consume(audio_blocks(file, mix, segment))
    return consume(audio_blocks(file, mix, segment)) if mix.settle(file) else result


def settled_mix(file):
    """Return the Downmix of a file, for :func:`audio_blocks`. A file with several channels is read to its end."""
    mix = Downmix()
    for _ in audio_blocks(file, mix):
        if mix.is_settled:
            break
    mix.settle(file)
    return mix


def audio_blocks(file, mix, segment=None):
    """Read the audio of a file, or of a segment, block by block.

    Gaps in its time stamps are filled with silence. Blocks of another rate than the first are resampled.

    Parameters
    ----------
    file : Path
        A checked file.
    mix : Downmix
        Mix of the channels.
    segment : Segment, default=None
        Part to read.

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
    rate, clock = _OneRate(), None
    for piece in pieces(file) if segment is None else segment_pieces(file, segment):
        clock = piece.time if clock is None else clock
        for samples in (*rate.silence(piece.gap), rate(mix(piece.channels), piece.sr)):
            yield clock, samples, rate.sr
            clock += len(samples) / rate.sr
    if clock is not None:
        yield clock, rate.flush(), rate.sr


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
