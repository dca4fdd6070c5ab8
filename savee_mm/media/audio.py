"""Audio of one file: mono samples at the requested rate."""

import math
import os
from functools import partial
from numbers import Integral, Real

import numpy as np
import soxr

from savee_mm._validation import ClipError, Segment
from savee_mm.media._blocks import read_mono
from savee_mm.media._container import check_source
from savee_mm.media._samples import to_full_scale

# About an hour: 69 minutes at 48 kHz, 75 at 44.1 kHz. As float32 it fills 0.8 GB.
MAX_SAMPLES = 200_000_000


def read_audio(
    path: str | os.PathLike[str] | Segment, sr: float | None = None, *, max_samples: int | None = MAX_SAMPLES
) -> tuple[np.ndarray, float]:
    """Read the audio of an audio or video file as mono float32 samples.

    Parameters
    ----------
    path : str, path-like or Segment
        An audio file (wav, flac, mp3, ogg ...) or a video with audio (avi, mp4, mpg, flv, mov ...). Of a
        :class:`~savee_mm.Segment`, only the part near it is decoded.
    sr : float or None, default=None
        Rate (Hz) to resample to with soxr's HQ recipe; None keeps the rate of the recording.
    max_samples : int or None, default=200_000_000
        Largest number of samples to read, and to resample to: about an hour. None for no limit.

    Returns
    -------
    y : ndarray of shape (n_samples,), float32
        Mean of the channels with a signal; full scale is 1. Lossy codecs and resampling overshoot it slightly; such
        samples are not clipped.
    sr : int or float
        Rate of ``y`` (Hz).

    Raises
    ------
    ClipError
        If the file is missing, a folder, empty, damaged, of an unknown format, or without an audio stream or samples,
        or if samples are not finite, of unknown full scale or more than ``max_samples``. A file that is shorter than
        its header states is an error ("cut short"). If a segment starts after the end of the file.
    ValueError
        If ``sr`` is not a positive number, or ``max_samples`` not a positive integer.

    Warns
    -----
    ClipWarning
        If two channels have opposite phase: their mean is nearly silent, and the louder channel is read instead.
        If the samples are integers that were written as floats: they are divided by 2**15, 2**23 or 2**31.
        If a segment ends after the end of the file: it is read up to there.

    Notes
    -----
    The default audio stream of the file is read. The first sample of ``y`` is the first sample of that stream;
    :func:`~savee_mm.media.read_envelope` has its time on the clock of the frames. From there on, ``y`` keeps that
    clock: gaps in the time stamps (lost packets, Opus DTX) are silence. Recordings that are joined in one file (mp3,
    Ogg, FLAC, wav) are all read, and a sample rate that changes is converted to the first one.

    A segment has the samples ``round(start * sr)`` to ``round(end * sr)``, at the rate of the file, as if they were a
    file of their own: its channels are mixed, and its rate is converted, without regard to the rest of the file.

    A channel that is silent, or 40 dB below the strongest one, is not part of the mean: it would halve the level.
    Channels have opposite phase if their correlation is below -0.5. The documentation lists what is read from which
    format.

    Examples
    --------
    >>> import tempfile, numpy as np, soundfile
    >>> from savee_mm.media import read_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/tone.wav", np.zeros((44100, 2)), 44100)
    ...     y, sr = read_audio(f"{folder}/tone.wav", sr=16000)
    >>> y.shape, sr
    ((16000,), 16000)
    """
    sr = _check_rate(sr)
    if max_samples is not None and (not isinstance(max_samples, Integral) or max_samples < 1):
        raise ValueError(f"Expected max_samples to be a positive integer or None, got {max_samples!r}.")
    file, segment = check_source(path)
    y, recorded_sr = read_mono(file, partial(_collect, file=file, max_samples=max_samples), segment)
    if y.size == 0:
        raise ClipError(
            "no samples (0 s): an empty recording, or not an audio file; record or copy it again", path=file
        )
    y = to_full_scale(y, file)
    return (y, recorded_sr) if sr is None else (resample(y, recorded_sr, sr, file, max_samples=max_samples), sr)


def resample(y, recorded_sr, sr, file=None, *, max_samples=MAX_SAMPLES):
    """Return samples at another rate, by soxr's HQ recipe.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float32
        Samples.
    recorded_sr, sr : float
        Their rate, and the new rate (Hz).
    file : path-like, default=None
        The file that they are from. An array may have no sample at the new rate, a file may not.
    max_samples : int or None, default=200_000_000
        Maximum number of samples at the new rate.

    Returns
    -------
    y : ndarray of shape (n_resampled,), float32

    Raises
    ------
    ClipError
        If the sound is too short or too long.
    """
    if sr == recorded_sr:
        return y
    _check_length(file, y.size * sr / recorded_sr, sr, max_samples)
    resampled = soxr.resample(y, recorded_sr, sr, quality="HQ")
    if file is not None and resampled.size == 0:
        raise ClipError(
            f"too short: {y.size} samples at {recorded_sr} Hz are none at {sr} Hz; leave the clip out", path=file
        )
    return resampled


def _check_rate(sr):
    if sr is None:
        return None
    if isinstance(sr, bool) or not isinstance(sr, Real) or not math.isfinite(sr) or sr <= 0:
        raise ValueError(f"Expected sr to be a positive rate in Hz or None, got {sr!r}.")
    return int(sr) if sr == int(sr) else float(sr)


def _collect(blocks, *, file, max_samples):
    """Return all samples of the blocks, and their rate (Hz)."""
    parts, n_samples, sr = [], 0, None
    for _, samples, sr in blocks:
        n_samples += len(samples)
        _check_length(file, n_samples, sr, max_samples)
        if len(samples):
            parts.append(samples)
    if len(parts) == 1:
        return parts[0], sr
    return np.concatenate(parts) if parts else np.empty(0, np.float32), sr


def _check_length(file, n_samples, sr, max_samples):
    if max_samples is not None and n_samples > max_samples:
        raise ClipError(
            f"longer than {max_samples} samples ({max_samples / sr:.0f} s at {sr} Hz); split the file, or call "
            "read_audio with a larger max_samples",
            path=file,
        )
