"""Voice analysis by Praat: F0, harmonics-to-noise ratio, jitter and shimmer.

The only module that imports parselmouth (Praat's Python binding, GPL-3), and only when a function is called. Praat
holds the GIL: run clips in processes, not threads.

References
----------
P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
sampled sound", Proc. Institute of Phonetic Sciences, University of Amsterdam 17 (1993), pp. 97-110.
Y. Jadoul, B. Thompson, B. de Boer, "Introducing Parselmouth: A Python interface to Praat", Journal of
Phonetics 71 (2018), pp. 1-15.
"""

import numpy as np

from savee_mm.signal._frames import check_sound
from savee_mm.signal.f0 import check_search, harmonicity
from savee_mm.signal.pulses import (
    LONGEST_PERIOD,
    MAX_AMPLITUDE_RATIO,
    MAX_PERIOD_RATIO,
    MIN_PERIOD_SAMPLES,
    SHORTEST_PERIOD,
    VoiceReport,
)

# Length of the window of Praat's autocorrelation method (periods of the lowest pitch).
_PERIODS_PER_WINDOW = 3.0
_PERIOD_LIMITS = (SHORTEST_PERIOD, LONGEST_PERIOD, MAX_PERIOD_RATIO)


def pitch(y, sr, *, fmin=75.0, fmax=600.0, time_step=0.01):
    """Fundamental frequency of a voice over time, by Praat's autocorrelation method.

    Praat's ``Sound: To Pitch (ac)`` with its standard settings.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : float
        Sampling rate (Hz).
    fmin, fmax : float, default=75, 600
        Lowest and highest pitch of the search (Hz); Praat limits ``fmax`` to half of ``sr``.
    time_step : float, default=0.01
        Distance between two frames (s).

    Returns
    -------
    f0 : ndarray of shape (n_frames,)
        Fundamental frequency (Hz), NaN where unvoiced. Empty if the sound is not longer than three periods of
        ``fmin`` (40 ms at 75 Hz) or half its rate not above ``fmin``.
    times : ndarray of shape (n_frames,)
        Centres of the frames (s).

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or the limits are not ``0 < fmin < fmax``.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal.praat import pitch
    >>> y = np.sin(2 * np.pi * 220 * np.arange(8000) / 16000)
    >>> f0, times = pitch(y, 16000)
    >>> round(float(np.nanmedian(f0)), 2)
    220.0
    """
    y = _check_voice(y, sr, fmin, fmax, time_step)
    if not _is_long_enough(y, sr, fmin):
        return np.empty(0), np.empty(0)
    return _contour(_to_pitch(_to_sound(y, sr), fmin, fmax, time_step))


def voice_report(y, sr, *, fmin=75.0, fmax=600.0, time_step=0.01):
    """F0, harmonics-to-noise ratio, jitter and shimmer of a voice in one pass of Praat.

    Pitch marks are those of Praat's ``Sound & Pitch: To PointProcess (cc)`` (cross-correlation) for the pitch that is
    returned; jitter and shimmer are Praat's *local* with its standard limits (periods of 0.1
    to 20 ms, neighbours that differ by a factor of at most 1.3 in length and 1.6 in amplitude).

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : float
        Sampling rate (Hz).
    fmin, fmax : float, default=75, 600
        Lowest and highest pitch of the search (Hz); Praat limits ``fmax`` to half of ``sr``.
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
    >>> from savee_mm.signal.praat import voice_report
    >>> y = np.sin(2 * np.pi * 220 * np.arange(8000) / 16000)
    >>> report = voice_report(y, 16000)
    >>> report.jitter < 0.001, report.shimmer < 0.001
    (True, True)
    """
    y = _check_voice(y, sr, fmin, fmax, time_step)
    if not _is_long_enough(y, sr, fmin):
        return VoiceReport(np.empty(0), np.empty(0), np.nan, np.nan, np.empty(0))
    from parselmouth.praat import call

    sound = _to_sound(y, sr)
    contour = _to_pitch(sound, fmin, fmax, time_step)
    f0, times = _contour(contour)
    hnr = harmonicity(contour.selected_array["strength"] * (f0 > 0))
    if not (f0 > 0).any() or np.nanmax(f0) * MIN_PERIOD_SAMPLES > sr:
        return VoiceReport(f0, times, np.nan, np.nan, hnr)
    pulses = call([sound, contour], "To PointProcess (cc)")
    jitter = call(pulses, "Get jitter (local)", 0.0, 0.0, *_PERIOD_LIMITS)
    shimmer = call([sound, pulses], "Get shimmer (local)", 0.0, 0.0, *_PERIOD_LIMITS, MAX_AMPLITUDE_RATIO)
    return VoiceReport(f0, times, float(jitter), float(shimmer), hnr)


def jitter(y, sr, *, fmin=75.0, fmax=600.0, time_step=0.01):
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


def shimmer(y, sr, *, fmin=75.0, fmax=600.0, time_step=0.01):
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


def _check_voice(y, sr, fmin, fmax, time_step):
    """Return the sound in double precision, or raise ValueError."""
    check_search(sr, fmin, fmax, time_step)
    y = check_sound(y).astype(np.float64, copy=False)
    if not np.isfinite(y).all():
        raise ValueError("expected a finite sound, got NaN or infinite samples")
    return y


def _is_long_enough(y, sr, fmin):
    """Return whether Praat can search for ``fmin``: three periods fit into the sound, and the rate is high enough."""
    # With a small margin: Praat compares the same quotients, rounded in another order.
    return len(y) / sr * fmin > _PERIODS_PER_WINDOW * (1 + 1e-9) and sr > 2 * fmin


def _to_sound(y, sr):
    from parselmouth import Sound

    return Sound(y, sampling_frequency=float(sr))


def _to_pitch(sound, fmin, fmax, time_step):
    return sound.to_pitch_ac(time_step=float(time_step), pitch_floor=float(fmin), pitch_ceiling=float(fmax))


def _contour(contour):
    """Return F0 (Hz, NaN where unvoiced) and times (s) of Praat's Pitch object."""
    f0 = contour.selected_array["frequency"]
    return np.where(f0 > 0, f0, np.nan), contour.xs()
