"""Normalization of a recording: no offset, no rumble, a given RMS level."""

from functools import lru_cache

import numpy as np

# Below the lowest voices (Hz); the second-order filter has 12 dB per octave.
_CUTOFF = 60.0
_ORDER = 2


def normalize_rms(y: np.ndarray, sr: float, *, rms: float = 0.05) -> tuple[np.ndarray, float]:
    """Remove offset and rumble, and scale a sound to a given RMS level.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite, full scale at 1.
    sr : float
        Its rate (Hz), above 120.
    rms : float, default=0.05
        Root mean square of the result (full scale at 1): about -26 dB.

    Returns
    -------
    levelled : ndarray of shape (n_samples,), float32
        High-passed at 60 Hz (Butterworth, second order) and scaled; silence stays silence.
    level : float
        Level of the sound before it was scaled (dB re full scale); that of ``rms`` for silence.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import normalize_rms
    >>> tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(16000) / 16000) + 0.03
    >>> levelled, level = normalize_rms(tone, 16000)
    >>> round(float(np.sqrt(np.mean(levelled**2))), 3), round(level, 1)
    (0.05, -9.1)
    """
    # Imported here: scipy.signal takes longer to import than the whole package.
    from scipy.signal import sosfilt

    y = np.asarray(y, dtype=np.float64)
    if y.ndim != 1:
        raise ValueError(f"expected a sound of shape (n_samples,), got {y.shape}")
    if not y.size:
        return y.astype(np.float32), 20 * np.log10(rms)
    high = sosfilt(_high_pass(sr), y - y.mean())
    found = np.sqrt(np.mean(high**2))
    if found < np.finfo(np.float32).eps * np.abs(y).max() or not found:
        return np.zeros(len(y), np.float32), 20 * np.log10(rms)
    return (high * (rms / found)).astype(np.float32), float(20 * np.log10(found))


@lru_cache(maxsize=16)
def _high_pass(sr):
    from scipy.signal import butter

    return butter(_ORDER, _CUTOFF, "highpass", fs=sr, output="sos")
