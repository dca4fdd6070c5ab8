"""Formants: resonances of the vocal tract, from the poles of linear prediction.

Equivalent to Praat's ``To Formant (burg)``, but by the autocorrelation method: with a Gaussian window, whose ends are
nearly zero, both give the same formants, and it takes a seventh of the time.

References
----------
P. Boersma, D. Weenink, "Praat: doing phonetics by computer", manual page "Sound: To Formant (burg)...",
www.praat.org.
J. D. Markel, A. H. Gray, "Linear Prediction of Speech", Springer, 1976.
"""

import math
from fractions import Fraction

import numpy as np
from scipy import fft

from savee_mm.signal.f0 import check_voice

# Praat's standard settings: number of poles, two per formant; whole length of the window (s), twice the effective
# length; start of the pre-emphasis (Hz); margin at both ends of the band (Hz), within which a pole is no formant.
ORDER = 10
WINDOW_LENGTH = 0.05
PREEMPHASIS_FROM = 50.0
MARGIN = 50.0
# White noise of -90 dB keeps the predictor of pure tones stable.
WHITENING = 1e-9
# Frames per block, which fits into the processor's cache.
BLOCK = 64
# Largest denominator of the ratio of two rates.
MAX_DENOMINATOR = 1000
# Silence after the sound for the ringing of the resampling filter (s).
RINGING = 0.1


def formants(
    y: np.ndarray,
    sr: float,
    *,
    times: np.ndarray | None = None,
    n_formants: int = 3,
    max_frequency: float = 5500.0,
    time_step: float = 0.01,
) -> tuple[np.ndarray, np.ndarray]:
    """Formant frequencies of a voice over time.

    The sound is resampled to twice ``max_frequency`` and pre-emphasised by 6 dB per octave; the poles of a linear
    predictor of order 10 are the resonances of a frame. Resonances of unvoiced frames are hardly formants: pass the
    times of voiced frames. Formants are not tracked: if one is missed, the next one takes its place.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : float
        Sampling rate (Hz).
    times : array of shape (n_frames,), default=None
        Centres of the frames (s), within the sound, which is padded with zeros. None for all frames of 50 ms that
        fit, placed as in Praat.
    n_formants : int, default=3
        Number of formants to return, from the lowest, 1 to 5.
    max_frequency : float, default=5500
        Upper limit of the search for five formants (Hz), limited to half of ``sr``; 5500 is usual for women, 5000
        for men.
    time_step : float, default=0.01
        Distance between two frames where ``times`` is None (s).

    Returns
    -------
    frequencies : ndarray of shape (n_formants, n_frames)
        F1, F2, F3 ... (Hz); NaN where there are fewer, as in silence.
    times : ndarray of shape (n_frames,)
        Centres of the frames (s).

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, ``times`` are not within the sound, ``n_formants`` is not in
        1 .. 5, or another number not above 0.

    References
    ----------
    P. Boersma, D. Weenink, "Praat: doing phonetics by computer", manual page "Sound: To Formant (burg)...",
    www.praat.org.
    J. D. Markel, A. H. Gray, "Linear Prediction of Speech", Springer, 1976.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.datasets.synthetic import synthesize_voice
    >>> from savee_mm.signal import formants
    >>> y, _ = synthesize_voice(["a"], sr=22050)
    >>> frequencies, times = formants(y, 22050)
    >>> np.median(frequencies, axis=1).round(-2).tolist()
    [700.0, 1100.0, 2400.0]
    """
    if not (1 <= n_formants <= ORDER // 2 and max_frequency > 0 and sr > 0 and time_step > 0):
        raise ValueError(
            f"expected 1 to {ORDER // 2} formants, and max_frequency, sr (Hz), time_step (s) above 0; "
            f"got n_formants={n_formants}, max_frequency={max_frequency}, sr={sr}, time_step={time_step}"
        )
    y = check_voice(y, sr)
    rate = min(2 * max_frequency, float(sr))
    times = _all_frames(len(y) / sr, rate, time_step) if times is None else _check_times(times, len(y) / sr)
    frequencies = np.full((n_formants, len(times)), np.nan)
    if len(times) and len(y):
        windows, begins, rate = _windows(y, sr, rate, times)
        gaussian = _gaussian(windows.shape[1])
        for first in range(0, len(times), BLOCK):
            frames = windows[begins[first : first + BLOCK]] * gaussian
            poles = _poles(_linear_prediction(frames))
            frequencies[:, first : first + BLOCK] = _resonances(poles, rate, n_formants)
    return frequencies, times


def _check_times(times, duration):
    times = np.asarray(times, dtype=np.float64)
    if times.ndim != 1 or not ((times >= 0) & (times <= duration)).all():
        raise ValueError(f"expected times of shape (n_frames,) within the sound of {duration} s")
    return times


def _all_frames(duration, rate, time_step):
    """Return the centres (s) of all frames that fit the resampled sound, placed symmetrically."""
    rest = round(duration * rate) / rate - WINDOW_LENGTH
    # With a small margin for rounding.
    n_frames = math.floor(rest / time_step + 1e-9) + 1 if rest >= 0 else 0
    return 0.5 * duration + time_step * (np.arange(n_frames) - 0.5 * (n_frames - 1))


def _windows(y, sr, rate, times):
    """Return all windows of the pre-emphasised sound, the indices of those at ``times``, and the rate of the sound."""
    # The result does not depend on the gain; the autocorrelation of faint sounds must not underflow.
    y = y / max(abs(y.max()), abs(y.min()), np.finfo(float).tiny)
    if rate < sr:
        y, rate = _resample(y, sr, rate)
    y[1:] -= math.exp(-2 * math.pi * PREEMPHASIS_FROM / rate) * y[:-1]
    n_window = max(2 * (math.floor(WINDOW_LENGTH * rate) // 2), ORDER + 2)
    # The time of a sample is the middle of its interval; resampling keeps the place of the first sample.
    begins = np.floor((times - 0.5 / sr) * rate).astype(np.int64) + 1 - n_window // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(y, n_window), n_window)
    return windows, begins + n_window, rate


def _resample(y, sr, rate):
    """Return the sound at a lower rate, about ``rate``, and the exact rate.

    The filter has a sharp cutoff, as in Praat: a gradual one would attract a pole to the upper end of the band and
    shift the others.
    """
    ratio = Fraction(rate / sr).limit_denominator(MAX_DENOMINATOR)
    if not ratio:
        ratio = Fraction(1, math.ceil(sr / rate))
    n_steps = fft.next_fast_len(math.ceil((len(y) + RINGING * sr) / ratio.denominator), real=True)
    n_out = n_steps * ratio.numerator
    spectrum = fft.rfft(y, n_steps * ratio.denominator)[: n_out // 2 + 1]
    resampled = fft.irfft(spectrum, n_out)[: math.ceil(len(y) * ratio)] * float(ratio)
    return resampled, sr * float(ratio)


def _gaussian(n):
    """Return Praat's Gaussian window, shifted and scaled to be zero just outside its ends."""
    x = (np.arange(1, n + 1) - 0.5 * (n + 1)) / (n + 1)
    return (np.exp(-48 * x**2) - math.exp(-12)) / (1 - math.exp(-12))


def _linear_prediction(frames):
    """Return the coefficients ``a`` of ``y[n] ~ sum(a[i] y[n - i])`` of each frame (Levinson-Durbin); 0 in silence."""
    n = frames.shape[1]
    r = np.stack([np.einsum("ij,ij->i", frames[:, : n - lag], frames[:, lag:]) for lag in range(ORDER + 1)], axis=1)
    error = r[:, 0] * (1 + WHITENING)
    sounding = error > np.finfo(float).tiny
    error[~sounding] = 1
    a = np.zeros((len(frames), 0))
    for m in range(1, ORDER + 1):
        reflection = (r[:, m] - np.einsum("ij,ij->i", a, r[:, m - 1 : 0 : -1])) / error
        a = np.concatenate([a - reflection[:, None] * a[:, ::-1], reflection[:, None]], axis=1)
        error *= 1 - reflection**2
    return np.where(sounding[:, None], a, 0)


def _poles(predictors):
    """Return the poles of predictors, shape (n_frames, ORDER): the eigenvalues of their companion matrices."""
    companion = np.zeros((len(predictors), ORDER, ORDER))
    companion[:, 0] = predictors
    companion[:, np.arange(1, ORDER), np.arange(ORDER - 1)] = 1
    return np.linalg.eigvals(companion).astype(complex)


def _resonances(poles, rate, n):
    """Return the ``n`` lowest resonances of each frame (Hz), shape (n, n_frames), NaN where there are fewer."""
    frequencies = np.angle(poles) * (0.5 * rate / np.pi)
    # One of each conjugate pair is above 0 Hz; poles on the real axis, such as those of silence, are dropped.
    frequencies[(frequencies < MARGIN) | (frequencies > 0.5 * rate - MARGIN)] = np.nan
    # NaN sorts last.
    return np.sort(frequencies, axis=1)[:, :n].T
