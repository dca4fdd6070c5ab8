"""Fundamental frequency of a voice by autocorrelation, equivalent to Praat's ``To Pitch (ac)`` in every frame.

An independent implementation of Boersma's published method on batched single-precision transforms and compiled inner
loops (numba, imported with the first call). It releases the GIL: clips may run in threads.

References
----------
P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
sampled sound", Proc. Institute of Phonetic Sciences, University of Amsterdam 17 (1993), pp. 97-110.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy import fft

from savee_mm.signal._frames import check_sound

# The Hann window spans this many periods of the lowest pitch.
PERIODS_PER_WINDOW = 3
# Praat's standard settings; the costs of octave jumps and of voicing changes are per 10 ms.
MAX_CANDIDATES = 15
SILENCE_THRESHOLD = 0.03
VOICING_THRESHOLD = 0.45
OCTAVE_COST = 0.01
OCTAVE_JUMP_COST = 0.35
VOICING_COST = 0.14
# Frames per transform: their spectra fit into the processor's cache.
BLOCK = 32
# Interpolation of the autocorrelation: samples on either side, and grid positions between two samples.
SINC_DEPTH = 70
N_FRACTIONS = 32
# Upper limit of periodic power over total power (60 dB): float32 does not resolve values nearer to 1.
MAX_STRENGTH = 1 - 1e-6
# Deviations from the mean below this part of the largest sample are rounding errors: the sound is constant.
ROUNDING = 1e-13
# Sounds whose peak is outside this range are scaled to a peak of 1.
SMALLEST, LARGEST = 1e-100, 1e100


class _Plan(NamedTuple):
    """Lengths (samples), window and tables, which depend on the rate and the lowest pitch only."""

    period: int
    max_lag: int
    n_fft: int
    window: np.ndarray
    gains: np.ndarray
    tables: np.ndarray


def pitch(
    y: np.ndarray, sr: float, *, fmin: float = 75.0, fmax: float = 600.0, time_step: float = 0.01
) -> tuple[np.ndarray, np.ndarray]:
    """Fundamental frequency of a voice over time.

    Candidates are the maxima of the autocorrelation of each frame (Hann window of three periods of ``fmin``) divided
    by that of the window. The path through the candidates minimizes costs of octaves, octave jumps and changes of
    voicing. Settings are Praat's standard ones.

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
    >>> from savee_mm.signal.f0 import pitch
    >>> y = np.sin(2 * np.pi * 220 * np.arange(8000) / 16000)
    >>> f0, times = pitch(y, 16000)
    >>> round(float(np.median(f0)), 2)
    220.0
    """
    return contour(check_voice(y, sr, fmin, fmax, time_step), sr, fmin, fmax, time_step)[:2]


def check_search(sr, fmin, fmax, time_step):
    """Raise ValueError unless range, rate and time step permit a pitch search."""
    if not 0 < fmin < fmax:
        raise ValueError(f"expected 0 < fmin < fmax (Hz), got fmin={fmin}, fmax={fmax}")
    if not sr > 0 or not time_step > 0:
        raise ValueError(f"expected sr (Hz) and time_step (s) above 0, got sr={sr}, time_step={time_step}")


def check_voice(y, sr, fmin=75.0, fmax=600.0, time_step=0.01):
    """Return the sound in double precision, scaled if necessary, or raise ValueError."""
    check_search(sr, fmin, fmax, time_step)
    y = np.ascontiguousarray(check_sound(y), dtype=np.float64)
    # Extremes propagate NaN and, unlike a mask, allocate no memory.
    peak = max(abs(y.max()), abs(y.min())) if len(y) else 0.0
    if not np.isfinite(peak):
        raise ValueError("expected a finite sound, got NaN or infinite samples")
    # The result does not depend on the gain, but squares must not overflow or underflow.
    if peak > LARGEST or 0 < peak < SMALLEST:
        return y / peak
    # For numba a read-only array has another type, for which all kernels would be compiled again.
    return y if y.flags.writeable else y.copy()


def contour(y, sr, fmin, fmax, time_step):
    """Return ``f0`` (Hz), ``times`` (s) and the autocorrelation at ``1 / f0`` of a sound that ``check_voice`` returned.

    ``f0`` is NaN where unvoiced, and the autocorrelation, normalised (1 is perfectly periodic), is 0.
    """
    times = _frame_times(len(y), sr, fmin, time_step)
    f0, strengths = np.zeros((2, len(times)))
    if len(times):
        _follow(y, float(sr), float(fmin), min(float(fmax), 0.5 * sr), float(time_step), times, f0, strengths)
    return np.where(f0 > 0, f0, np.nan), times, strengths


def harmonicity(strengths):
    """Return harmonics-to-noise ratios (dB) of normalised autocorrelations, NaN where they are 0 (unvoiced)."""
    r = np.where(strengths > 0, np.minimum(strengths, MAX_STRENGTH), np.nan)
    return 10 * np.log10(r / (1 - r))


def _frame_times(n_samples, sr, fmin, time_step):
    """Return the centres (s) of all frames that fit, placed symmetrically in the sound."""
    # With a small margin, as in savee_mm.signal.praat, so that rounding does not decide whether a window fits.
    if not (n_samples / sr * fmin > PERIODS_PER_WINDOW * (1 + 1e-9) and sr > 2 * fmin):
        return np.empty(0)
    # Rounding may decide how many frames fit and which sample is next to a centre: this is Praat's order of operations.
    duration = n_samples * (1 / sr)
    n_frames = math.floor((duration - PERIODS_PER_WINDOW / fmin) / time_step) + 1
    first = 0.5 * duration - 0.5 * (n_frames * time_step) + 0.5 * time_step
    return first + time_step * np.arange(n_frames)


def _follow(y, sr, fmin, fmax, time_step, times, f0, winners):
    """Fill ``f0`` and the strengths of its candidates (``winners``) for the frames at ``times``."""
    from savee_mm.signal import _pitch_kernels as kernels

    mean = y.mean()
    peak = max(y.max() - mean, mean - y.min())
    if peak <= ROUNDING * abs(mean):
        return
    plan = _plan(sr, fmin)
    intensities, means, rights = _measure(kernels, y, sr, times, peak, plan)
    voicing_cost = VOICING_COST * 0.01 / time_step
    freqs = np.zeros((len(times), max(MAX_CANDIDATES, math.floor(fmax / fmin))))
    strengths = np.zeros_like(freqs)
    counts = np.ones(len(times), np.int64)
    slope = (1 + VOICING_THRESHOLD) / SILENCE_THRESHOLD
    strengths[:, 0] = VOICING_THRESHOLD + np.maximum(0, 2 - slope * np.minimum(intensities, 1))
    # The strength of a voiced candidate is at most 1, and an unvoiced frame costs at most two voicing changes:
    # quieter frames are unvoiced on the best path, whatever their autocorrelation.
    loud = np.flatnonzero(strengths[:, 0] < 1 + 2 * voicing_cost)
    frames = np.zeros((BLOCK, plan.n_fft), np.float32)
    for start in range(0, len(loud), BLOCK):
        rows = loud[start : start + BLOCK]
        kernels.cut_frames(y, rights[rows], means[rows], 1 / peak, plan.window, frames)
        kernels.find_candidates(
            _autocorrelation(kernels, frames[: len(rows)]),
            rows,
            plan.gains,
            plan.tables,
            sr,
            plan.max_lag,
            0.5 * VOICING_THRESHOLD,
            OCTAVE_COST,
            freqs,
            strengths,
            counts,
        )
    jump_cost = OCTAVE_JUMP_COST * 0.01 / time_step
    kernels.best_path(freqs, strengths, counts, fmax, OCTAVE_COST, jump_cost, voicing_cost, f0, winners)


def _measure(kernels, y, sr, times, peak, plan):
    """Return the peak (relative to that of the sound), mean and first sample of the right half of each frame."""
    half = len(plan.window) // 2
    dx = 1 / sr
    rights = np.floor((times - 0.5 * dx) / dx).astype(np.int64) + 1
    rights = np.clip(rights, half, len(y) - half)
    means, peaks = np.empty(len(times)), np.empty(len(times))
    kernels.measure_frames(y, rights, plan.window, plan.period, plan.period // 2 + 1, means, peaks)
    return peaks / peak, means, rights


def _autocorrelation(kernels, frames):
    """Return the autocorrelation of each zero-padded frame, times a constant."""
    spectra = fft.rfft(frames)
    powers = np.empty(spectra.shape, np.float32)
    kernels.power(spectra.view(np.float32), powers)
    # The spectrum is real and even: the cosine transform is its inverse transform up to a factor.
    return fft.dct(powers, type=1, overwrite_x=True)


@functools.lru_cache(maxsize=8)
def _plan(sr, fmin):
    """Return lengths, window and tables for a rate and a lowest pitch (Hz)."""
    n_window = 2 * (math.floor(PERIODS_PER_WINDOW / fmin * sr) // 2 - 1)
    max_lag = min(n_window // PERIODS_PER_WINDOW + 2, n_window)
    # Beyond three quarters of the window, its autocorrelation is too small for a division.
    depth = max(1, min(SINC_DEPTH, int(0.75 * n_window) - max_lag))
    n_lags = max_lag + depth + 1
    n_fft = 2 * fft.next_fast_len((n_window + n_lags + 1) // 2, real=True)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, n_window + 1) / (n_window + 1))
    own = fft.irfft(np.abs(fft.rfft(window, n_fft)) ** 2, n_fft)[:n_lags]
    gains = own[0] / np.maximum(own, 1e-3 * own[0])
    tables = _sinc_tables(depth)
    for array in (window, gains, tables):
        array.flags.writeable = False
    return _Plan(math.floor(sr / fmin), max_lag, n_fft, window, gains, tables)


def _sinc_tables(depth):
    """Return interpolation weights of value, slope and curvature, shape (1 + N_FRACTIONS, 3, 2 * depth).

    Row ``q`` is for the position ``q / N_FRACTIONS`` after sample ``depth - 1``. The kernel is a sinc times a raised
    cosine that ends half a sample beyond the last sample.
    """
    x = np.arange(N_FRACTIONS + 1)[:, None] / N_FRACTIONS - np.arange(1 - depth, depth + 1)
    a = np.pi * x
    zero = x == 0
    safe = np.where(zero, 1, a)
    sinc = np.where(zero, 1, np.sin(safe) / safe)
    sinc1 = np.where(zero, 0, (np.cos(safe) - sinc) / safe)
    sinc2 = np.where(zero, -1 / 3, -sinc - 2 * sinc1 / safe)
    width = depth + 0.5
    taper = np.where(np.abs(x) < width, 0.5 + 0.5 * np.cos(a / width), 0)
    taper1 = np.where(np.abs(x) < width, -0.5 / width * np.sin(a / width), 0)
    taper2 = np.where(np.abs(x) < width, -0.5 / width**2 * np.cos(a / width), 0)
    slope = sinc1 * taper + sinc * taper1
    curvature = sinc2 * taper + 2 * sinc1 * taper1 + sinc * taper2
    # From derivatives with respect to ``a`` to those per sample.
    return np.stack([sinc * taper, np.pi * slope, np.pi**2 * curvature], axis=1).astype(np.float32)
