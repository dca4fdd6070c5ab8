"""What may happen to a recording and leaves the emotion in it: noise, another level, colour or polarity.

``savee_mm.signal.stretch`` has tempo and pitch; ``savee_mm.signal.recipe`` writes what was done as a text, and does it
again from the text.

References
----------
T. Ko, V. Peddinti, D. Povey, S. Khudanpur, "Audio augmentation for speech recognition", Proc. Interspeech 2015,
pp. 3586-3589.
"""

from numbers import Integral, Real

import numpy as np

from savee_mm.signal._frames import check_sound

# Limits of what is asked for, by a call or by a recipe. Beyond 200 dB nothing of a float32 is left.
DECIBELS = (-200.0, 200.0)
SEEDS = (0, 2**32 - 1)
DEPTHS = (0.0, 40.0)  # dB
_N_KNOTS = 8


def add_noise(y: np.ndarray, snr_db: float, *, seed: int) -> np.ndarray:
    """Add white Gaussian noise at a given signal-to-noise ratio.

    The ratio is the expected one; that of the noise drawn differs from it by about ``6 / sqrt(n_samples)`` dB
    (standard deviation).

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    snr_db : float
        Mean square of the clip over that of the noise (dB), -200 to 200.
    seed : int
        Seed of the noise, 0 to 2 ** 32 - 1. The same seed gives the same noise; no global state is touched.

    Returns
    -------
    noisy : ndarray of shape (n_samples,), float32
        Silence stays silence, for its ratio to any noise is 0.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or ``snr_db`` or ``seed`` is out of range.

    References
    ----------
    The power of a sum of independent signals is the sum of their powers: noise of variance
    ``mean(y ** 2) / 10 ** (snr_db / 10)``.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import add_noise
    >>> tone = np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)
    >>> noise = add_noise(tone, 20, seed=0) - tone
    >>> round(float(10 * np.log10(np.mean(tone**2) / np.mean(noise**2))))
    20
    """
    y = check_float32(y)
    snr_db, seed = check_within("snr_db", snr_db, DECIBELS), check_within("seed", seed, SEEDS, kind=Integral)
    if not y.any():
        return y.copy()
    deviation = root_mean_square(y) / 10 ** (snr_db / 20)
    noise = np.random.default_rng(seed).standard_normal(len(y))
    return (y + deviation * noise).astype(np.float32)


def apply_gain(y: np.ndarray, gain: float) -> np.ndarray:
    """Make a sound louder or softer.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    gain : float
        Gain (dB), -200 to 200. Samples beyond full scale are not clipped.

    Returns
    -------
    louder : ndarray of shape (n_samples,), float32

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or ``gain`` is out of range.

    References
    ----------
    Amplitudes by ``10 ** (gain / 20)``.

    Examples
    --------
    >>> from savee_mm.signal import apply_gain
    >>> [round(float(value), 3) for value in apply_gain([0.01, -0.02], 20)]
    [0.1, -0.2]
    """
    factor = 10 ** (check_within("gain", gain, DECIBELS) / 20)
    return (check_float32(y) * np.float64(factor)).astype(np.float32)


def equalize(y: np.ndarray, sr: float, depth: float, *, seed: int) -> np.ndarray:
    """Colour a sound as another microphone, room or channel would.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : float
        Its rate (Hz).
    depth : float
        Standard deviation of the gain at eight frequencies that are equally spaced in mel (dB), 0 to 40. Between them
        the gain is linear; the phase stays as it is.
    seed : int
        Seed of the gains, 0 to 2 ** 32 - 1.

    Returns
    -------
    coloured : ndarray of shape (n_samples,), float32
        With the root mean square of ``y``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or ``depth`` or ``seed`` is out of range.

    References
    ----------
    The mel scale is ``2595 log10(1 + f / 700)`` (D. O'Shaughnessy, Speech Communication, 1987).

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import equalize
    >>> noise = np.random.default_rng(0).normal(scale=0.1, size=16000)
    >>> round(float(np.sqrt(np.mean(equalize(noise, 16000, 6, seed=0) ** 2) / np.mean(noise**2))), 1)
    1.0
    """
    y = check_float32(y)
    depth, seed = check_within("depth", depth, DEPTHS), check_within("seed", seed, SEEDS, kind=Integral)
    if not y.any():
        return y.copy()
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(len(y), 1 / sr) / 700)
    knots = np.linspace(0, mel[-1], _N_KNOTS)
    gain = np.interp(mel, knots, np.random.default_rng(seed).normal(0, depth, _N_KNOTS))
    coloured = np.fft.irfft(np.fft.rfft(y) * 10 ** (gain / 20), len(y))
    return (coloured * (root_mean_square(y) / root_mean_square(coloured))).astype(np.float32)


def invert_polarity(y: np.ndarray) -> np.ndarray:
    """Turn a sound upside down, as a microphone wired the other way round would.

    The ear and every power spectrum are deaf to it; a network on samples is not.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.

    Returns
    -------
    inverted : ndarray of shape (n_samples,), float32

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite.

    References
    ----------
    A change of sign.

    Examples
    --------
    >>> from savee_mm.signal import invert_polarity
    >>> invert_polarity([0.5, -0.25]).tolist()
    [-0.5, 0.25]
    """
    return -check_float32(y)


def check_float32(y):
    """Return ``y`` as a 1-D finite float32 array, without a copy where it is one already.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        The sound.

    Returns
    -------
    y : ndarray of shape (n_samples,), float32

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional, or has samples that are not finite.
    """
    y = check_sound(y)
    # Also what is finite in double precision alone; the comparison is False for NaN.
    if not (np.abs(y) <= np.finfo(np.float32).max).all():
        raise ValueError("expected a finite sound, got NaN or infinite samples")
    return y.astype(np.float32, copy=False)


def check_within(name, value, limits, *, kind=Real):
    """Return ``value`` where it is a number of its kind within the limits, or say what is wrong with it.

    Parameters
    ----------
    name : str
        What the number is called.
    value : object
        What came.
    limits : tuple of two numbers
        Smallest and largest.
    kind : type, default=Real
        ``numbers.Real`` or ``numbers.Integral``.

    Returns
    -------
    value : float or int

    Raises
    ------
    ValueError
        Where it is not.
    """
    low, high = limits
    # NaN is on no side of a limit.
    if not isinstance(value, kind) or isinstance(value, bool) or not low <= value <= high:
        what = "a whole number" if kind is Integral else "a number"
        raise ValueError(f"{name} must be {what} from {low} to {high}, got {value!r}")
    return int(value) if kind is Integral else float(value)


def root_mean_square(y):
    """Return the root of the mean square of a sound that is not empty, in double precision.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The sound.

    Returns
    -------
    rms : float
    """
    return float(np.sqrt(np.mean(np.square(y, dtype=np.float64))))
