"""Time stretching and pitch shifting that preserve the level.

The only module that imports python-stretch (the Python binding of Signalsmith Stretch, MIT), and only when a function
is called.

References
----------
G. Luff, "Four ways to write a pitch-shifter", Audio Developer Conference 2022; Signalsmith Stretch,
https://signalsmith-audio.co.uk/code/stretch/.
"""

from numbers import Integral

import numpy as np

from savee_mm.signal.augment import check_float32, check_within, root_mean_square

#: Limits of ``rate`` and of ``semitones``, somewhat wider than the range of intelligible speech.
RATES = (0.1, 10.0)
SEMITONES = (-36.0, 36.0)

# Seed of the stretcher, which uses random phases where it has no phase to continue.
_SEED = 0
# Below this rate (Hz) a block of the stretcher has only a few samples.
_MIN_SR = 1000
# Largest correction of the level (18 dB). Speech needs factors up to 1.2. A larger factor means that the sound was
# shifted beyond half the rate; its residue must not become loud.
_MAX_CORRECTION = 8.0


def time_stretch(y: np.ndarray, sr: int, rate: float) -> np.ndarray:
    """Change the tempo of a sound; pitch and level are preserved.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : int
        Sampling rate (Hz), 1000 at least.
    rate : float
        Factor of the tempo, 0.1 to 10: above 1 the result is shorter. Artefacts are inaudible from about 0.75 to
        1.5.

    Returns
    -------
    stretched : ndarray of shape (round(n_samples / rate),), float32
        Sample ``i`` of ``y`` is at ``i / rate``. The root mean square is that of ``y``. At least one sample, unless
        ``y`` is empty; silence stays silence. ``rate=1`` returns a copy.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or ``sr`` or ``rate`` is out of range.

    References
    ----------
    Signalsmith Stretch in its default setting (blocks of 120 ms every 30 ms),
    https://signalsmith-audio.co.uk/code/stretch/.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import pitch, time_stretch
    >>> tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(22050) / 22050)
    >>> faster = time_stretch(tone, 22050, 1.25)
    >>> len(faster), round(float(np.nanmedian(pitch(faster, 22050)[0])))
    (17640, 200)
    """
    y, rate = check_float32(y), check_within("rate", rate, RATES)
    length = max(1, round(len(y) / rate)) if len(y) else 0
    return _stretch(y, sr, length, rate=rate)


def pitch_shift(y: np.ndarray, sr: int, semitones: float) -> np.ndarray:
    """Change the pitch of a sound; tempo and level are preserved.

    All frequencies change by the same factor, including the formants: a voice shifted up sounds like a smaller speaker.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : int
        Sampling rate (Hz), 1000 at least.
    semitones : float
        Shift upwards (semitones), -36 to 36: 12 double every frequency.

    Returns
    -------
    shifted : ndarray of shape (n_samples,), float32
        Aligned with ``y``. The root mean square is that of ``y``, unless most of the sound is shifted beyond half of
        ``sr``. Silence stays silence; ``semitones=0`` returns a copy.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or ``sr`` or ``semitones`` is out of range.

    References
    ----------
    Time stretching as in :func:`time_stretch`, then resampling (libsoxr) by ``2 ** (semitones / 12)``, which restores
    the tempo and shifts the pitch.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import pitch, pitch_shift
    >>> tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(22050) / 22050)
    >>> round(float(np.nanmedian(pitch(pitch_shift(tone, 22050, 12), 22050)[0])))
    400
    """
    y, semitones = check_float32(y), check_within("semitones", semitones, SEMITONES)
    return _stretch(y, sr, len(y), semitones=semitones)


def _stretch(y, sr, length, *, rate=1.0, semitones=0.0):
    """Return ``length`` samples of ``y`` at another rate and pitch, with the level of ``y``."""
    sr = check_within("sr", sr, (_MIN_SR, 2**31 - 1), kind=Integral)
    if rate == 1 and semitones == 0:
        return y.copy()
    peak = float(np.abs(y).max(initial=0))
    if not peak:
        return np.zeros(length, np.float32)
    # The stretcher squares samples in float32: scaled to a peak of 1, no sound overflows or underflows.
    stretched = _run_stretcher((y / np.float64(peak)).astype(np.float32), sr, length, rate, 2 ** (semitones / 12))
    # The stretcher changes the phases of close partials and smears onsets, partly beyond the ends: speech loses a few
    # per cent of its level. Uncorrected, a classifier could learn that level from energy features.
    level = root_mean_square(stretched)
    correction = min(root_mean_square(y) / (level * peak), _MAX_CORRECTION) if level else 1.0
    return (stretched * (peak * correction)).astype(np.float32)


def _run_stretcher(y, sr, length, rate, factor):
    """Return ``y`` at ``rate / factor`` times its tempo, resampled to ``factor`` times its speed."""
    from python_stretch.Signalsmith import Stretch

    stretcher = Stretch(_SEED)
    stretcher.preset(1, sr)
    stretcher.timeFactor = rate / factor
    # ``process`` compensates its latency, but fades the first and last half block in and out: blocks of silence at both
    # ends absorb the fades.
    margin = stretcher.blockSamples()
    stretched = stretcher.process(np.pad(y, margin)[np.newaxis])[0]
    # The transposition of the stretcher moves partials by whole bins, with errors of F0 above 1% for low tones;
    # resampling is exact.
    if factor != 1:
        import soxr

        stretched = soxr.resample(stretched, factor, 1.0)
    start = round(margin / rate)
    return stretched[start : start + length]
