"""Another tempo, another pitch: time stretching and pitch shifting that keep the level.

The only module that imports python-stretch (the binding of Signalsmith Stretch, MIT), and only when a function is
called.

References
----------
G. Luff, "Four ways to write a pitch-shifter", Audio Developer Conference 2022; Signalsmith Stretch,
https://signalsmith-audio.co.uk/code/stretch/.
"""

from numbers import Integral

import numpy as np

from savee_mm.signal.augment import check_float32, check_within, root_mean_square

#: Limits of ``rate`` and of ``semitones``, a little beyond what is still speech.
RATES = (0.1, 10.0)
SEMITONES = (-36.0, 36.0)

# Where the stretcher has no phase to go by it takes a random one: that of this seed, always.
_SEED = 0
# Below this rate (Hz) a block would be left with a handful of samples.
_MIN_SR = 1000
# Largest correction of the level (18 dB). Speech needs up to 1.2; a sound that is further off has left the range of
# frequencies (a whistle shifted beyond half the sampling rate), and what leaked of it is not to become loud.
_MAX_CORRECTION = 8.0


def time_stretch(y: np.ndarray, sr: int, rate: float) -> np.ndarray:
    """Change the tempo of a sound and keep its pitch and its level.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : int
        Sampling rate (Hz), 1000 at least.
    rate : float
        How many times faster, 0.1 to 10: above 1 the result is shorter. As good as the original from about 0.75
        to 1.5.

    Returns
    -------
    stretched : ndarray of shape (round(n_samples / rate),), float32
        What was at sample ``i`` is at ``i / rate``. Its root mean square is that of ``y``. At least one sample, unless
        ``y`` is empty; silence stays silence. ``rate=1`` gives a copy.

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
    """Change the pitch of a sound and keep its tempo and its level.

    All frequencies move by one factor, the formants too: a voice shifted up is that of a smaller speaker.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : int
        Sampling rate (Hz), 1000 at least.
    semitones : float
        Semitones up, -36 to 36: 12 of them double every frequency.

    Returns
    -------
    shifted : ndarray of shape (n_samples,), float32
        In step with ``y``. Its root mean square is that of ``y``, save for a sound that has nothing below half of
        ``sr`` any more. Silence stays silence; ``semitones=0`` gives a copy.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or ``sr`` or ``semitones`` is out of range.

    References
    ----------
    Time stretching as in :func:`time_stretch`, then resampling (libsoxr) by ``2 ** (semitones / 12)``, which restores
    the tempo and moves the pitch.

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
    """Return ``length`` samples of ``y`` at another rate and pitch, as loud as ``y``."""
    sr = check_within("sr", sr, (_MIN_SR, 2**31 - 1), kind=Integral)
    if rate == 1 and semitones == 0:
        return y.copy()
    peak = float(np.abs(y).max(initial=0))
    if not peak:
        return np.zeros(length, np.float32)
    # Squares of very soft or very loud samples would leave the range of the stretcher's float32: it gets full scale.
    stretched = _run_stretcher((y / np.float64(peak)).astype(np.float32), sr, length, rate, 2 ** (semitones / 12))
    # The stretcher brings close partials out of step and spreads onsets over a block, some of it beyond the ends; most
    # speech comes out some percent too soft. Features of energy would learn that level in place of the emotion.
    level = root_mean_square(stretched)
    correction = min(root_mean_square(y) / (level * peak), _MAX_CORRECTION) if level else 1.0
    return (stretched * (peak * correction)).astype(np.float32)


def _run_stretcher(y, sr, length, rate, factor):
    """Return ``y`` at ``rate / factor`` times its tempo, then played ``factor`` times as fast by resampling."""
    from python_stretch.Signalsmith import Stretch

    stretcher = Stretch(_SEED)
    stretcher.preset(1, sr)
    stretcher.timeFactor = rate / factor
    # ``process`` makes up for its latency itself, but fades the first and last half block in and out: a block of
    # silence on either side takes the fades.
    margin = stretcher.blockSamples()
    stretched = stretcher.process(np.pad(y, margin)[np.newaxis])[0]
    # The stretcher's own transposition moves partials by whole bins and misses the F0 of a low tone by over 1%; this
    # way it is as exact as the resampling.
    if factor != 1:
        import soxr

        stretched = soxr.resample(stretched, factor, 1.0)
    start = round(margin / rate)
    return stretched[start : start + length]
