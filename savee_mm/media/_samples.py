"""Check of the samples of a sound, from a file or an array: finite, floats, full scale at 1."""

import numpy as np

from savee_mm._validation import ClipError, warn_of_correction

# Above this peak (20 dB above full scale) samples are no sound with full scale at 1. Overloaded floats stay below it.
_MAX_PEAK = 10.0
# From this peak on, samples that are not whole numbers are averages or resampled values of integers.
_MIN_INTEGER_PEAK = 1000.0
# Full scales of integers of 16, 24 and 32 bits. Resampling and lossy codecs exceed them by less than this factor.
_FULL_SCALES, _OVERSHOOT = (2.0**15, 2.0**23, 2.0**31), 1.5


def to_full_scale(y, path=None):
    """Return the samples of a sound in float32 with full scale at 1.

    Integers that were written as floats are divided by their full scale.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), float
        Samples.
    path : path-like, default=None
        The file, for messages.

    Returns
    -------
    y : ndarray of shape (n_samples,), float32

    Raises
    ------
    ClipError
        If samples are not finite, or so large that their full scale is unknown.

    Warns
    -----
    ClipWarning
        If samples are divided by the full scale of integers.
    """
    peak = max(abs(float(y.max())), abs(float(y.min()))) if y.size else 0.0
    if not np.isfinite(peak):
        n_bad = np.count_nonzero(~np.isfinite(y))
        raise ClipError(f"{n_bad} of {y.size} samples are NaN or infinite; export the recording again", path=path)
    scale = full_scale(peak, 1 < peak < _MIN_INTEGER_PEAK and np.array_equal(y, np.rint(y)), path)
    return y.astype(np.float32, copy=False) if scale is None else (y / scale).astype(np.float32)


def full_scale(peak, are_whole, path=None):
    """Return the full scale of samples that were integers, None for samples with full scale at 1.

    Parameters
    ----------
    peak : float
        Largest absolute value of the samples.
    are_whole : bool
        Whether all samples are whole numbers.
    path : path-like, default=None
        The file, for messages.

    Raises
    ------
    ClipError
        If the samples are so large that their full scale is unknown.

    Warns
    -----
    ClipWarning
        If the samples were integers.
    """
    are_integers = peak >= _MIN_INTEGER_PEAK or (peak > 1 and are_whole)
    if not are_integers and peak <= _MAX_PEAK:
        return None
    scale = next((scale for scale in _FULL_SCALES if peak <= _OVERSHOOT * scale), None)
    if not are_integers or scale is None:
        raise ClipError(
            f"samples of up to {peak:.4g}; expected floats with full scale at 1; divide them by their full scale",
            path=path,
        )
    warn_of_correction(f"samples of up to {peak:.4g}, expected full scale at 1; they were divided by {scale:.0f}", path)
    return scale
