"""Changes of a recording that preserve the emotion: noise, gain, equalization, polarity.

Tempo and pitch are in ``savee_mm.signal.stretch``; ``savee_mm.signal.recipe`` writes changes as text and applies them.

References
----------
T. Ko, V. Peddinti, D. Povey, S. Khudanpur, "Audio augmentation for speech recognition", Proc. Interspeech 2015,
pp. 3586-3589.
"""

from numbers import Integral, Real

import numpy as np

from savee_mm.signal._frames import check_sound

# Limits of parameters, also of those in recipes. 200 dB exceed the range of float32.
DECIBELS = (-200.0, 200.0)
SEEDS = (0, 2**32 - 1)
DEPTHS = (0.0, 40.0)  # dB
_N_KNOTS = 8


def add_noise(y: np.ndarray, snr_db: float, *, seed: int) -> np.ndarray:
    """Add white Gaussian noise at a given signal-to-noise ratio.

    This is the expected ratio; the ratio to the noise that is drawn differs by about ``6 / sqrt(n_samples)`` dB
    (standard deviation).

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    snr_db : float
        Ratio of the mean squares of sound and noise (dB), -200 to 200.
    seed : int
        Seed of the noise, 0 to 2 ** 32 - 1. The same seed gives the same noise; no global state is used.

    Returns
    -------
    noisy : ndarray of shape (n_samples,), float32
        Silence stays silence.

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
    """Amplify or attenuate a sound.

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
    """Filter a sound randomly, as a simulation of another microphone, room or channel.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : float
        Its rate (Hz).
    depth : float
        Standard deviation of the gain at eight frequencies that are equally spaced in mel (dB), 0 to 40. The gain is
        interpolated linearly between them; the phase does not change.
    seed : int
        Seed of the gains, 0 to 2 ** 32 - 1.

    Returns
    -------
    coloured : ndarray of shape (n_samples,), float32
        The root mean square is that of ``y``.

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
    """Invert the polarity of a sound, as a microphone with reversed wires does.

    Neither hearing nor power spectra depend on it, but networks on samples may.

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
    Multiplication by -1.

    Examples
    --------
    >>> from savee_mm.signal import invert_polarity
    >>> invert_polarity([0.5, -0.25]).tolist()
    [-0.5, 0.25]
    """
    return -check_float32(y)


def check_float32(y):
    """Return ``y`` as a 1-D finite float32 array, without a copy where possible.

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
    # Refuses values that are finite in double precision only; the comparison is False for NaN.
    if not (np.abs(y) <= np.finfo(np.float32).max).all():
        raise ValueError("expected a finite sound, got NaN or infinite samples")
    return y.astype(np.float32, copy=False)


def check_within(name, value, limits, *, kind=Real):
    """Return a number of a given kind within limits, or raise ValueError.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : object
        Its value.
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
        If ``value`` is not such a number.
    """
    low, high = limits
    # The comparison is False for NaN.
    if not isinstance(value, kind) or isinstance(value, bool) or not low <= value <= high:
        what = "a whole number" if kind is Integral else "a number"
        raise ValueError(f"{name} must be {what} from {low} to {high}, got {value!r}")
    return int(value) if kind is Integral else float(value)


def root_mean_square(y):
    """Return the root mean square of a non-empty sound, computed in double precision.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The sound.

    Returns
    -------
    rms : float
    """
    return float(np.sqrt(np.mean(np.square(y, dtype=np.float64))))
