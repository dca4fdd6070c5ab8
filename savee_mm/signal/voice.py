"""Harmonics-to-noise ratio and timing of a voice: voiced segments, pauses, loudness peaks.

Features with the name of a feature of eGeMAPS (openSMILE's ``eGeMAPSv02``) are defined as there: voiced and unvoiced
segments, peaks of the smoothed loudness.

References
----------
P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
sampled sound", Proc. Institute of Phonetic Sciences, University of Amsterdam 17 (1993), pp. 97-110.
F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research and affective
computing", IEEE Transactions on Affective Computing 7 (2016), pp. 190-202.
"""

import numpy as np

from savee_mm.signal.f0 import check_voice, contour, harmonicity
from savee_mm.signal.temporal import short_time_energy

# Assumed time step of a single frame (s): the default of ``pitch``.
_TIME_STEP = 0.01
# Pauses: step of the frames, which have twice this length (s), and percentile that is the level of the clip.
_LEVEL_STEP = 0.01
_LEVEL_PERCENTILE = 95
# The power of a constant sound without its mean is rounding error, below this part of the squared mean.
_ROUNDING = 1e-13


def hnr(
    y: np.ndarray, sr: float, *, fmin: float = 75.0, fmax: float = 600.0, time_step: float = 0.01
) -> tuple[np.ndarray, np.ndarray]:
    """Harmonics-to-noise ratio of a voice over time.

    ``10 log10(r / (1 - r))``, where ``r`` is the normalised autocorrelation at the period of ``pitch``: the power of
    the periodic part over the power of the rest. The window is that of ``pitch``, three periods of ``fmin``. Praat's
    ``To Harmonicity (ac)`` has 4.5 periods, in which a voice changes more, and gives about 1.5 dB less on speech.
    ``voice_report`` computes it together with F0, jitter and shimmer in one pass.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : float
        Sampling rate (Hz).
    fmin, fmax : float, default=75, 600
        Lowest and highest pitch of the search (Hz); ``fmax`` is limited to half of ``sr``.
    time_step : float, default=0.01
        Distance between two frames (s).

    Returns
    -------
    hnr : ndarray of shape (n_frames,)
        Harmonics-to-noise ratio (dB, at most 60), NaN where unvoiced. About 50 for steady tones, because the
        autocorrelation is interpolated.
    times : ndarray of shape (n_frames,)
        Centres of the frames (s), those of ``pitch``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or the limits are not ``0 < fmin < fmax``.

    References
    ----------
    P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
    sampled sound", Proc. Institute of Phonetic Sciences, University of Amsterdam 17 (1993), pp. 97-110.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import hnr
    >>> tone = np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)
    >>> noise = np.random.default_rng(0).normal(scale=0.1 * np.sqrt(0.5), size=16000)
    >>> round(float(np.median(hnr(tone + noise, 16000)[0])))
    20
    """
    _, times, strengths = contour(check_voice(y, sr, fmin, fmax, time_step), sr, fmin, fmax, time_step)
    return harmonicity(strengths), times


def voiced_segments(f0: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the durations of the voiced and unvoiced segments of a voice.

    Parameters
    ----------
    f0 : array of shape (n_frames,)
        Fundamental frequency (Hz), NaN or 0 where unvoiced, as ``pitch`` returns it.
    times : array of shape (n_frames,)
        Centres of the frames (s), evenly spaced; the duration of a single frame is assumed to be 0.01 s.

    Returns
    -------
    voiced : ndarray of shape (n_voiced,)
        Duration of each run of voiced frames (s): the number of frames times their distance.
    unvoiced : ndarray of shape (n_unvoiced,)
        Duration of each run of unvoiced frames (s), including those at the beginning and the end.

    Raises
    ------
    ValueError
        If ``f0`` and ``times`` are not one-dimensional and of one shape.

    References
    ----------
    F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research and affective
    computing", IEEE Transactions on Affective Computing 7 (2016), pp. 190-202.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import voiced_segments
    >>> f0 = np.array([np.nan, 100, 101, 102, np.nan, np.nan, 120, np.nan])
    >>> voiced, unvoiced = voiced_segments(f0, 0.5 * np.arange(8))
    >>> voiced.tolist(), unvoiced.tolist()
    ([1.5, 0.5], [0.5, 1.0, 0.5])
    """
    f0, times = np.asarray(f0, dtype=np.float64), np.asarray(times, dtype=np.float64)
    if f0.ndim != 1 or f0.shape != times.shape:
        raise ValueError(f"expected f0 and times of one shape (n_frames,), got {f0.shape} and {times.shape}")
    step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else _TIME_STEP
    return tuple(step * np.diff(_runs(mask), axis=1)[:, 0] for mask in (f0 > 0, ~(f0 > 0)))


def pauses(
    y: np.ndarray, sr: float, *, threshold: float = -25.0, min_duration: float = 0.15
) -> tuple[np.ndarray, float]:
    """Find the pauses of a clip: quiet segments that are longer than gaps between syllables.

    The level of frames of 20 ms every 10 ms, without the mean of the sound, is compared with the level of the clip, its
    95th percentile, because recordings differ by tens of dB. Quiet frames at the beginning and the end depend on how
    the clip was cut and are not pauses.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : float
        Sampling rate (Hz).
    threshold : float, default=-25
        Level below which a frame is quiet (dB, relative to that of the clip).
    min_duration : float, default=0.15
        Minimum duration of a pause (s).

    Returns
    -------
    lengths : ndarray of shape (n_pauses,)
        Duration of each pause (s).
    share : float
        Fraction of the time from the first to the last loud frame, 0 to 1; NaN in silence.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or ``sr`` is not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import pauses
    >>> tone = np.sin(2 * np.pi * 200 * np.arange(8000) / 8000)
    >>> lengths, share = pauses(np.concatenate([tone, np.zeros(4000), tone]), 8000)
    >>> lengths.round(1).tolist(), round(share, 1)
    ([0.5], 0.2)
    """
    y = check_voice(y, sr)
    if not len(y):
        return np.empty(0), np.nan
    hop = max(1, round(_LEVEL_STEP * sr))
    mean = y.mean()
    power = short_time_energy(y - mean, frame_length=2 * hop, hop_length=hop)
    level = np.percentile(power, _LEVEL_PERCENTILE)
    if level <= (_ROUNDING * mean) ** 2:
        return np.empty(0), np.nan
    loud = np.flatnonzero(power >= level * 10 ** (threshold / 10))
    inner = power[loud[0] : loud[-1] + 1] < level * 10 ** (threshold / 10)
    lengths = hop / sr * np.diff(_runs(inner), axis=1)[:, 0]
    # With half a frame of margin for rounding.
    lengths = lengths[lengths > min_duration - 0.5 * hop / sr]
    return lengths, float(lengths.sum() / (len(inner) * hop / sr))


def loudness_peaks(loudness: np.ndarray, *, threshold: float = 0.1) -> np.ndarray:
    """Find the peaks of loudness over time, about one per syllable.

    Their number per second is a measure of the speech rate. Loudness is smoothed over three frames; a peak is a maximum
    whose prominence is more than ``threshold`` times the range.

    Parameters
    ----------
    loudness : array of shape (n_frames,)
        Loudness or another measure of strength over time, in frames of about 10 ms; finite.
    threshold : float, default=0.1
        Minimum prominence of a peak (parts of the range of loudness).

    Returns
    -------
    peaks : ndarray of shape (n_peaks,), int
        Frames of the peaks, ascending.

    Raises
    ------
    ValueError
        If ``loudness`` is not one-dimensional or not finite.

    References
    ----------
    F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research and affective
    computing", IEEE Transactions on Affective Computing 7 (2016), pp. 190-202.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import loudness_peaks
    >>> loudness_peaks(1 - np.cos(2 * np.pi * np.arange(101) / 20)).tolist()
    [10, 30, 50, 70, 90]
    """
    loudness = np.asarray(loudness, dtype=np.float64)
    if loudness.ndim != 1 or not np.isfinite(loudness).all():
        raise ValueError(f"expected finite loudness of shape (n_frames,), got shape {loudness.shape}")
    if not len(loudness):
        return np.empty(0, np.int64)
    smooth = np.convolve(np.pad(loudness, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")
    return np.array(_prominent_maxima(smooth.tolist(), threshold * float(np.ptp(smooth))), dtype=np.int64)


def _prominent_maxima(values, height):
    """Return the positions of maxima between a rise and a fall of more than ``height``."""
    peaks, rising, turn = [], False, 0
    for i, value in enumerate(values):
        if (value > values[turn]) == rising and value != values[turn]:
            turn = i
        elif abs(value - values[turn]) > height:
            if rising:
                peaks.append(turn)
            rising, turn = not rising, i
    return peaks


def _runs(mask):
    """Return first frame and end of each run of True, shape (n_runs, 2)."""
    return np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))).reshape(-1, 2)
