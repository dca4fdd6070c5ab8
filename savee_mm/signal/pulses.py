"""Pitch marks of a voice by cross-correlation, jitter and shimmer.

Equivalent to Praat's ``Sound & Pitch: To PointProcess (cc)``, ``Get jitter (local)`` and ``Get shimmer (local)``;
written from the descriptions in the manual and from comparison with Praat's results. The inner loops are compiled
(numba, imported with the first call) and release the GIL.

References
----------
P. Boersma, D. Weenink, "Praat: doing phonetics by computer", manual pages "Sound & Pitch: To PointProcess (cc)",
"PointProcess: Get jitter (local)..." and "PointProcess & Sound: Get shimmer (local)...", www.praat.org.
"""

import math
from typing import NamedTuple

import numpy as np

from savee_mm.signal.f0 import check_voice, contour, harmonicity

# Praat's standard limits on neighbouring periods: shortest and longest (s), largest ratio of their lengths
# and, for shimmer, of their amplitudes.
SHORTEST_PERIOD, LONGEST_PERIOD, MAX_PERIOD_RATIO = 0.0001, 0.02, 1.3
MAX_AMPLITUDE_RATIO = 1.6
# Jitter of shorter periods would be interpolation only, and Praat's search for them may not end (parselmouth 0.4.7).
MIN_PERIOD_SAMPLES = 4


class VoiceReport(NamedTuple):
    """F0, harmonics-to-noise ratio, jitter and shimmer of a voice.

    Attributes
    ----------
    f0 : ndarray of shape (n_frames,)
        Fundamental frequency (Hz), NaN where unvoiced.
    times : ndarray of shape (n_frames,)
        Centres of the frames (s).
    jitter : float
        Jitter (local): mean absolute difference of consecutive periods over the mean period (fraction).
    shimmer : float
        Shimmer (local): the same of the amplitudes of consecutive periods (fraction).
    hnr : ndarray of shape (n_frames,)
        Harmonics-to-noise ratio (dB, at most 60), NaN where unvoiced.
    """

    f0: np.ndarray
    times: np.ndarray
    jitter: float
    shimmer: float
    hnr: np.ndarray


def pitch_marks(y: np.ndarray, sr: float, f0: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Pitch marks (pulses) of a voice, one per period.

    In each voiced segment, the first mark is the largest absolute sample within one period around the middle. The
    others follow outwards: each has the largest correlation of its period with that around the mark before, 0.8 to
    1.25 periods away. Marks with a correlation below 0.3, or a peak below a hundredth of the largest sample, are
    dropped.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : float
        Sampling rate (Hz).
    f0, times : arrays of shape (n_frames,)
        Pitch (Hz, NaN where unvoiced) at evenly spaced times (s), as ``pitch`` returns them.

    Returns
    -------
    marks : ndarray of shape (n_marks,)
        Times (s), ascending; empty without a voiced frame.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, ``f0`` and ``times`` differ in shape, ``f0`` exceeds half of
        ``sr``, or ``times`` do not ascend inside the sound.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal.f0 import pitch
    >>> from savee_mm.signal.pulses import pitch_marks
    >>> y = np.sin(2 * np.pi * 200 * np.arange(8000) / 16000)
    >>> marks = pitch_marks(y, 16000, *pitch(y, 16000))
    >>> bool(np.allclose(np.diff(marks), 0.005, rtol=1e-3))
    True
    """
    f0, times = np.asarray(f0, dtype=np.float64), np.asarray(times, dtype=np.float64)
    if f0.ndim != 1 or f0.shape != times.shape:
        raise ValueError(f"expected f0 and times of one shape (n_frames,), got {f0.shape} and {times.shape}")
    y = check_voice(y, sr)
    if np.max(f0, initial=0, where=~np.isnan(f0)) > sr / 2:
        raise ValueError(f"expected f0 of at most half the rate, {sr / 2} Hz")
    duration = len(y) / sr
    if not ((times >= 0).all() and (times <= duration).all() and (np.diff(times) > 0).all()):
        raise ValueError(f"expected ascending times inside the sound of {duration} s")
    step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else duration
    return _marks(y, float(sr), f0, times, step)


def voice_report(
    y: np.ndarray, sr: float, *, fmin: float = 75.0, fmax: float = 600.0, time_step: float = 0.01
) -> VoiceReport:
    """F0, harmonics-to-noise ratio, jitter and shimmer of a voice in one pass.

    Jitter and shimmer are Praat's *local* with its standard limits (periods of 0.1 to 20 ms, neighbours that differ
    by a factor of at most 1.3 in length and 1.6 in amplitude).

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
    report : VoiceReport
        ``f0, times, jitter, shimmer, hnr``; jitter and shimmer are NaN where there are too few periods, or
        where periods are shorter than 4 samples.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or the limits are not ``0 < fmin < fmax``.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal.pulses import voice_report
    >>> y = np.sin(2 * np.pi * 220 * np.arange(8000) / 16000)
    >>> report = voice_report(y, 16000)
    >>> report.jitter < 0.001, report.shimmer < 0.001
    (True, True)
    """
    y = check_voice(y, sr, fmin, fmax, time_step)
    f0, times, strengths = contour(y, sr, fmin, fmax, time_step)
    hnr = harmonicity(strengths)
    voiced = f0[np.isfinite(f0)]
    if len(voiced) == 0 or voiced.max() * MIN_PERIOD_SAMPLES > sr:
        return VoiceReport(f0, times, np.nan, np.nan, hnr)
    marks = _marks(y, float(sr), f0, times, float(time_step))
    return VoiceReport(f0, times, _jitter(marks), _shimmer(y, float(sr), marks), hnr)


def jitter(y: np.ndarray, sr: float, *, fmin: float = 75.0, fmax: float = 600.0, time_step: float = 0.01) -> float:
    """Jitter (local) of a voice, as a fraction; NaN where there are too few periods.

    ``voice_report`` gives it together with F0 and shimmer in one pass; it describes parameters, errors and sources.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr, fmin, fmax, time_step : float
        As in ``voice_report`` (Hz, Hz, Hz, s).

    Returns
    -------
    jitter : float
    """
    return voice_report(y, sr, fmin=fmin, fmax=fmax, time_step=time_step).jitter


def shimmer(y: np.ndarray, sr: float, *, fmin: float = 75.0, fmax: float = 600.0, time_step: float = 0.01) -> float:
    """Shimmer (local) of a voice, as a fraction; NaN where there are too few periods.

    ``voice_report`` gives it together with F0 and jitter in one pass; it describes parameters, errors and sources.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr, fmin, fmax, time_step : float
        As in ``voice_report`` (Hz, Hz, Hz, s).

    Returns
    -------
    shimmer : float
    """
    return voice_report(y, sr, fmin=fmin, fmax=fmax, time_step=time_step).shimmer


def _marks(y, sr, f0, times, step):
    from savee_mm.signal import _pulse_kernels as kernels

    voiced = np.where(f0 > 0, f0, 0.0)
    if len(y) == 0 or not voiced.any():
        return np.empty(0)
    # Marks are at least half a period apart, and a segment may have one more on either side.
    marks = np.empty(math.ceil(2 * voiced.max() * len(y) / sr) + 3 * len(times))
    n_marks = kernels.find_marks(y, sr, voiced, times[0], step, marks)
    return np.sort(marks[:n_marks])


def _jitter(marks):
    """Mean difference of neighbouring periods over their mean, within the limits."""
    periods = np.diff(marks)
    if len(periods) < 2:
        return np.nan
    regular = (periods >= SHORTEST_PERIOD) & (periods <= LONGEST_PERIOD)
    near = np.maximum(periods[1:], periods[:-1]) <= MAX_PERIOD_RATIO * np.minimum(periods[1:], periods[:-1])
    pairs = near & regular[1:] & regular[:-1]
    if not pairs.any():
        return np.nan
    # As in Praat, a period enters the mean if it is similar to one of its neighbours, or has only one.
    used = regular & (np.append(near, True) | np.append(True, near))
    return float(np.abs(np.diff(periods))[pairs].mean() / periods[used].mean())


def _shimmer(y, sr, marks):
    """Mean difference of the amplitudes of neighbouring periods over their mean, within the limits."""
    from savee_mm.signal import _pulse_kernels as kernels

    if len(marks) < 3:
        return np.nan
    amplitudes = np.zeros(len(marks))
    kernels.measure_amplitudes(y, sr, marks, SHORTEST_PERIOD, LONGEST_PERIOD, MAX_PERIOD_RATIO, amplitudes)
    known = amplitudes > 0
    marks, amplitudes = marks[known], amplitudes[known]
    if len(marks) < 2:
        return np.nan
    periods = np.diff(marks)
    pairs = (periods >= SHORTEST_PERIOD) & (periods <= LONGEST_PERIOD)
    low, high = np.minimum(amplitudes[1:], amplitudes[:-1]), np.maximum(amplitudes[1:], amplitudes[:-1])
    pairs &= high <= MAX_AMPLITUDE_RATIO * low
    if not pairs.any():
        return np.nan
    return float(np.abs(np.diff(amplitudes))[pairs].mean() / amplitudes[:-1].mean())
