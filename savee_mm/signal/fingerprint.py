"""Acoustic fingerprints, which identify copies of a recording.

Another codec, rate, gain or polarity, or a slightly different beginning or end, hardly change a fingerprint. Another
recording of the same words by the same speaker has a different fingerprint.
"""

from collections.abc import Sequence

import numpy as np
from scipy import fft

from savee_mm.signal._frames import check_sound

# Haitsma and Kalker: 33 bands of equal width in log frequency (Hz), 32 differences.
_LOW, _HIGH, _N_BITS = 300.0, 2000.0, 32
# Length of a frame and distance between two (s).
_FRAME, _HOP = 0.37, 0.0116
# Frames with less power, relative to the loudest frame, are ignored (-30 dB).
_FLOOR = 1e-3
# Differences below this share of a frame's power are rounding.
_ROUNDING = 1e-7
# Frames per transform; fingerprints per block of comparisons.
_FRAMES, _BLOCK = 64, 128

# In SAVEE and RAVDESS, different recordings had similarities below .49 (same actor and text), copies with noise at
# 20 dB or a lossy codec of medium quality above .71.
SAME_RECORDING = 0.6
# The similarity of n unrelated frames at the best lag is below this divided by the square root of n.
_CHANCE = 5.5

# The search first compares every fourth frame; pairs above this similarity are compared frame by frame.
_COARSE, _CANDIDATE = 4, 0.35


def sound_fingerprint(y: np.ndarray, sr: float) -> np.ndarray:
    """Fingerprint of a sound: signs of the change of the balance of neighbouring bands from frame to frame.

    The sign of the difference, between consecutive frames and neighbouring bands, of the power in 33 bands from 300 to
    2000 Hz. Frames are 0.37 s long and 11.6 ms apart, so that the alignment of the frames hardly matters.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound.
    sr : float
        Sampling rate (Hz), 4000 or more; fingerprints of different rates are comparable.

    Returns
    -------
    fingerprint : ndarray of shape (n_frames, 32), int8
        1 or -1; 0 in frames more than 30 dB below the loudest one and where nothing changes, as in silence. Empty for
        a sound of less than two frames.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional, or ``sr`` is below 4000.

    References
    ----------
    J. Haitsma, T. Kalker, "A highly robust audio fingerprinting system", Proc. ISMIR 2002, pp. 107-115. The mask of
    quiet frames is ours.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import sound_fingerprint
    >>> noise = np.random.default_rng(0).standard_normal(16000)
    >>> sound_fingerprint(noise, 16000).shape
    (54, 32)
    """
    y = check_sound(y)
    if sr < 2 * _HIGH:
        raise ValueError(f"expected a rate of {2 * _HIGH:g} Hz or more, got {sr:g}")
    n_fft = round(_FRAME * sr)
    n_frames = 1 + int((len(y) - n_fft) / (_HOP * sr)) if len(y) >= n_fft else 0
    if n_frames < 2:
        return np.zeros((0, _N_BITS), dtype=np.int8)
    # Rounded one by one: a hop of whole samples would accumulate errors that depend on the rate.
    starts = np.round(np.arange(n_frames) * (_HOP * sr)).astype(int)
    starts = starts[starts + n_fft <= len(y)]
    power = _band_power(y, starts, n_fft, sr)
    change = np.diff(np.diff(power, axis=1), axis=0)
    total = power.sum(axis=1)
    bits = np.sign(change).astype(np.int8)
    bits[np.abs(change) <= _ROUNDING * total[1:, None]] = 0
    bits[total[1:] <= _FLOOR * total.max()] = 0
    return bits


def fingerprint_similarity(first: np.ndarray, second: np.ndarray) -> tuple[float, float, bool]:
    """Compare two fingerprints at the lag of the largest similarity.

    Parameters
    ----------
    first, second : ndarray of shape (n_frames, 32)
        Of :func:`sound_fingerprint`.

    Returns
    -------
    similarity : float
        Fraction of equal bits minus fraction of different bits, over the common frames: near 1 for copies of a
        recording, about 0 for unrelated recordings. At least half of the frames of the shorter one are compared.
    lag : float
        Delay of the second fingerprint relative to the first (s).
    is_same : bool
        Whether both are of one recording: the similarity is at least 0.6, or more if fewer than 84 frames (1 s) are
        compared.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import fingerprint_similarity, sound_fingerprint
    >>> noise = np.random.default_rng(0).standard_normal(48000)
    >>> whole, cut = sound_fingerprint(noise, 16000), sound_fingerprint(-0.1 * noise[1600:], 16000)
    >>> similarity, lag, is_same = fingerprint_similarity(whole, cut)
    >>> round(similarity, 1), round(lag, 1), is_same
    (0.9, -0.1, True)
    """
    if not len(first) or not len(second):
        return 0.0, 0.0, False
    similarity, overlap, lag = (float(values[0, 0]) for values in _best_lags([first], [second]))
    return similarity, lag * _HOP, _is_same(similarity, overlap)


def similar_fingerprints(fingerprints: Sequence[np.ndarray]) -> list[tuple[int, int, float]]:
    """Find all pairs of fingerprints that are of one recording.

    Parameters
    ----------
    fingerprints : sequence of ndarray of shape (n_frames, 32)
        Of :func:`sound_fingerprint`.

    Returns
    -------
    pairs : list of (int, int, float)
        Positions (the smaller first) and similarity of the pairs for which ``fingerprint_similarity`` returns
        ``is_same``.

    Notes
    -----
    Every fourth frame is compared at all lags, by Fourier transform; promising pairs are then compared frame by frame.
    The time is quadratic in the number of fingerprints: about a second for 500 clips of 4 s.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import similar_fingerprints, sound_fingerprint
    >>> a, b = np.random.default_rng(0).standard_normal((2, 48000))
    >>> [pair[:2] for pair in similar_fingerprints([sound_fingerprint(y, 16000) for y in (a, b, -a)])]
    [(0, 2)]
    """
    # Sorted by length, so that transforms are not much longer than the clips.
    order = np.argsort([len(bits) for bits in fingerprints], kind="stable")
    order = [i for i in order if fingerprints[i].any()]
    pairs = []
    for i, j, lag in _candidates([fingerprints[i][::_COARSE] for i in order]):
        i, j, lag = (order[i], order[j], lag) if order[i] < order[j] else (order[j], order[i], -lag)
        similarity, overlap = _near_lag(fingerprints[i], fingerprints[j], lag * _COARSE)
        if _is_same(similarity, overlap):
            pairs.append((int(i), int(j), similarity))
    return sorted(pairs)


def _band_power(y, starts, n_fft, sr):
    """Return the power in each band of the frames that start at ``starts``, shape (n_frames, 33)."""
    window = np.hanning(n_fft).astype(np.float32)
    n_padded = fft.next_fast_len(n_fft, real=True)
    edges = np.round(np.geomspace(_LOW, _HIGH, _N_BITS + 2) * (n_padded / sr)).astype(int)
    frames = np.lib.stride_tricks.sliding_window_view(y, n_fft)
    power = np.empty((len(starts), _N_BITS + 1))
    for first in range(0, len(starts), _FRAMES):
        block = frames[starts[first : first + _FRAMES]] * window
        spectrum = np.abs(fft.rfft(block, n_padded)[:, : edges[-1]]).astype(np.float64) ** 2
        power[first : first + _FRAMES] = np.add.reduceat(spectrum, edges[:-1], axis=1)
    return power


def _candidates(fingerprints):
    """Yield positions and lag (frames) of the pairs to be compared frame by frame."""
    for a in range(0, len(fingerprints), _BLOCK):
        for b in range(a, len(fingerprints), _BLOCK):
            similarity, _, lags = _best_lags(fingerprints[a : a + _BLOCK], fingerprints[b : b + _BLOCK])
            for i, j in np.argwhere(similarity >= _CANDIDATE):
                if a + i < b + j:
                    yield a + i, b + j, int(lags[i, j])


def _best_lags(first, second):
    """Compare all fingerprints of two lists at all lags.

    Returns
    -------
    similarity, overlap, lag : ndarray of shape (n_first, n_second)
        Similarity at the best lag, number of frames that are compared there, and this lag (frames).
    """
    n = fft.next_fast_len(max(map(len, first)) + max(map(len, second)), real=True)
    (bits_1, active_1, n_1), (bits_2, active_2, n_2) = _spectra(first, n), _spectra(second, n)
    agreement = fft.irfft(bits_1.conj() @ bits_2.transpose(0, 2, 1), n, axis=0)
    overlap = np.round(fft.irfft(active_1.conj()[:, :, None] * active_2[:, None, :], n, axis=0))
    needed = np.maximum(np.minimum.outer(n_1, n_2) / 2, 1)
    similarity = np.where(overlap >= needed, agreement / (_N_BITS * np.maximum(overlap, 1)), -1)
    best = similarity.argmax(axis=0)
    similarity, overlap = (np.take_along_axis(values, best[None], axis=0)[0] for values in (similarity, overlap))
    return similarity, overlap, np.where(best < max(map(len, second)), best, best - n)


def _spectra(fingerprints, n):
    """Return the transforms over time of the bits and of the mask of non-zero frames, and the numbers of these frames.

    Shapes (n_frequencies, n_fingerprints, 32), (n_frequencies, n_fingerprints) and (n_fingerprints,).
    """
    bits = np.zeros((n, len(fingerprints), _N_BITS), dtype=np.float32)
    for i, fingerprint in enumerate(fingerprints):
        bits[: len(fingerprint), i] = fingerprint
    active = bits.any(axis=2).astype(np.float32)
    return fft.rfft(bits, axis=0), fft.rfft(active, axis=0), active.sum(axis=0)


def _near_lag(first, second, lag):
    """Return similarity and overlap (frames) at the best lag within one coarse step of ``lag``."""
    return max(_at_lag(first, second, lag + step) for step in range(-_COARSE, _COARSE + 1))


def _at_lag(first, second, lag):
    first, second = first[max(-lag, 0) :], second[max(lag, 0) :]
    n = min(len(first), len(second))
    first, second = first[:n], second[:n]
    overlap = np.count_nonzero(first.any(axis=1) & second.any(axis=1))
    if not overlap:
        return -1.0, 0
    return float(np.einsum("ij,ij->", first, second, dtype=np.int64) / (_N_BITS * overlap)), overlap


def _is_same(similarity, overlap):
    return bool(overlap and similarity >= max(SAME_RECORDING, _CHANCE / np.sqrt(overlap)))
