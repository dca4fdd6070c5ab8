"""Formants: resonances of the vocal tract, from the poles of linear prediction.

Equivalent to Praat's ``To Formant (burg)``. The inner loops are compiled (numba, imported with the first call).

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
# Frames per block, which fits into the processor's cache.
BLOCK = 64
# Largest denominator of the ratio of two rates.
MAX_DENOMINATOR = 1000
# Resampling, as in Praat: zeros before and after the sound, and samples on either side that interpolate (samples).
PADDING, SINC_DEPTH = 1000, 50


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
        # Imported here: numba takes half a second to import.
        from savee_mm.signal import _formant_kernels as kernels

        windows, begins = _windows(kernels, y, sr, rate, times)
        gaussian = _gaussian(windows.shape[1])
        for first in range(0, len(times), BLOCK):
            frames = windows[begins[first : first + BLOCK]] * gaussian
            predictors = np.empty((len(frames), ORDER))
            kernels.burg(frames, predictors)
            frequencies[:, first : first + BLOCK] = _resonances(_poles(kernels, predictors), rate, n_formants)
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


def _windows(kernels, y, sr, rate, times):
    """Return all windows of the pre-emphasised sound at a rate, and the indices of those at ``times``."""
    # The result does not depend on the gain; the autocorrelation of faint sounds must not underflow.
    y = y / max(abs(y.max()), abs(y.min()), np.finfo(float).tiny)
    start = 0.5 / sr  # the time of the first sample, in the middle of its interval
    if rate < sr:
        y, start = _resample(kernels, y, sr, rate)
    y[1:] -= math.exp(-2 * math.pi * PREEMPHASIS_FROM / rate) * y[:-1]
    n_window = max(2 * (math.floor(WINDOW_LENGTH * rate) // 2), ORDER + 2)
    begins = np.floor((times - start) / (1 / rate)).astype(np.int64) + 1 - n_window // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(y, n_window), n_window)
    return windows, begins + n_window


def _resample(kernels, y, sr, rate):
    """Return the sound at a lower rate and the time of its first sample (s), as Praat resamples.

    The spectrum is cut off at half the new rate, and samples are interpolated by a sinc under a raised cosine. A
    gradual cutoff would attract a pole to the upper end of the band and shift the others.
    """
    n_fft = 1 << (len(y) + 2 * PADDING - 1).bit_length()
    padded = np.zeros(n_fft, np.float32)
    padded[PADDING : PADDING + len(y)] = y
    # Numbers below the cutoff, two for each frequency: the last one may be the real part alone.
    n_numbers = math.floor(rate * (1 / sr) * n_fft)
    spectrum = fft.rfft(padded, overwrite_x=True)[: n_numbers // 2]
    if n_numbers % 2 == 0:
        spectrum[-1] = spectrum[-1].real
    # The inverse transform decimates, by at most 4, to a rate of at least twice the new one: fewer samples interpolate.
    decimation = 1 << min(max(0, math.floor(math.log2(sr / rate)) - 1), 2)
    depth = SINC_DEPTH // decimation
    low, low_sr = fft.irfft(spectrum, n_fft // decimation) / decimation, sr / decimation
    n_samples = math.floor(len(y) / sr * rate + 0.5)
    start = 0.5 * (len(y) / sr - (n_samples - 1) / rate)
    ratio = Fraction(low_sr / rate).limit_denominator(MAX_DENOMINATOR)
    # Positions of one period of the phases, in samples of ``low``.
    x = (start * sr - 0.5 + PADDING) / decimation + np.arange(ratio.denominator) * float(ratio)
    left = np.floor(x)
    distances = (x - left)[:, None] - np.arange(1 - depth, depth + 1)
    fraction = (x - left)[:, None]
    width = np.where(distances >= 0, fraction, 1 - fraction) + depth
    weights = np.sinc(distances) * (0.5 + 0.5 * np.cos(np.pi * distances / width))
    resampled = np.empty(n_samples)
    kernels.interpolate(low, left.astype(np.int64) + 1 - depth, ratio.numerator, weights, resampled)
    return resampled, start


def _gaussian(n):
    """Return Praat's Gaussian window, shifted and scaled to be zero just outside its ends."""
    x = (np.arange(1, n + 1) - 0.5 * (n + 1)) / (n + 1)
    return (np.exp(-48 * x**2) - math.exp(-12)) / (1 - math.exp(-12))


def _poles(kernels, predictors):
    """Return the poles of predictors, shape (n_frames, ORDER)."""
    poles, is_found = np.empty(predictors.shape, complex), np.empty(len(predictors), bool)
    kernels.find_poles(predictors, poles, is_found)
    if not is_found.all():
        # The eigenvalues of companion matrices: slower, but found for multiple poles too, as those of silence.
        companion = np.zeros((len(predictors) - is_found.sum(), ORDER, ORDER))
        companion[:, 0] = predictors[~is_found]
        companion[:, np.arange(1, ORDER), np.arange(ORDER - 1)] = 1
        poles[~is_found] = np.linalg.eigvals(companion)
    return poles


def _resonances(poles, rate, n):
    """Return the ``n`` lowest resonances of each frame (Hz), shape (n, n_frames), NaN where there are fewer."""
    frequencies = np.angle(poles) * (0.5 * rate / np.pi)
    # One of each conjugate pair is above 0 Hz; poles on the real axis, such as those of silence, are dropped.
    frequencies[(frequencies < MARGIN) | (frequencies > 0.5 * rate - MARGIN)] = np.nan
    # NaN sorts last.
    return np.sort(frequencies, axis=1)[:, :n].T
