"""Mel spectrogram and mel-frequency cepstral coefficients of a sound."""

import math
from functools import lru_cache

import numpy as np
from scipy import fft

from savee_mm.signal._frames import check_sound, n_centred_frames
from savee_mm.signal.spectrogram import MIN_POWER, stft_power_blocks

# Bins per filter are a multiple of this, padded with weights of 0: whole vectors are summed faster.
_VECTOR = 8
# Range of levels below the maximum over the clip before the cepstrum (dB).
_RANGE_DB = 80.0
# Frames per transform.
_CEPSTRUM_FRAMES = 256


@lru_cache(maxsize=16)
def mel_filterbank(
    sr: float, *, n_fft: int = 2048, n_mels: int = 128, fmin: float = 0.0, fmax: float | None = None
) -> np.ndarray:
    """Triangular filters of equal area, evenly spaced on Slaney's mel scale.

    The scale is linear up to 1 kHz and logarithmic above. A band that is too narrow to contain a bin is all zeros.

    Parameters
    ----------
    sr : float
        Sampling rate (Hz).
    n_fft : int, default=2048
        Length of the transform (samples).
    n_mels : int, default=128
        Number of bands.
    fmin : float, default=0
        Lower edge of the lowest band (Hz).
    fmax : float, default=None
        Upper edge of the highest band (Hz); ``sr / 2`` if None.

    Returns
    -------
    filters : ndarray of shape (n_mels, 1 + n_fft // 2), float32, read-only
        The values of ``librosa.filters.mel`` with its defaults; cached.

    Raises
    ------
    ValueError
        If ``n_mels`` is below 1 or the edges are not ``0 <= fmin < fmax``.

    References
    ----------
    M. Slaney, "Auditory Toolbox, version 2", Interval Research Corporation, Technical Report 1998-010.

    Examples
    --------
    >>> from savee_mm.signal import mel_filterbank
    >>> mel_filterbank(22050, n_fft=2048, n_mels=128).shape
    (128, 1025)
    """
    fmax = sr / 2 if fmax is None else fmax
    if n_mels < 1 or not 0 <= fmin < fmax:
        raise ValueError(f"expected n_mels >= 1 and 0 <= fmin < fmax, got n_mels={n_mels}, fmin={fmin}, fmax={fmax}")
    edges = _mel_to_hz(np.linspace(_hz_to_mel(fmin), _hz_to_mel(fmax), n_mels + 2))
    bins = np.arange(1 + n_fft // 2) * (sr / n_fft)
    widths = np.diff(edges)
    rising = (bins - edges[:-2, None]) / widths[:-1, None]
    falling = (edges[2:, None] - bins) / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    filters = (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)
    filters.flags.writeable = False
    return filters


def mel_spectrogram(
    y: np.ndarray,
    sr: float,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
) -> np.ndarray:
    """Mel spectrogram of a sound: its short-time power spectrum, summed into mel bands.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound; may be shorter than a frame.
    sr : float
        Sampling rate (Hz).
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).
    n_mels : int, default=128
        Number of bands.
    fmin : float, default=0
        Lower edge of the lowest band (Hz).
    fmax : float, default=None
        Upper edge of the highest band (Hz); ``sr / 2`` if None.

    Returns
    -------
    mel : ndarray of shape (n_mels, n_frames), float32
        Power in each band; the values of ``librosa.feature.melspectrogram``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional, a length is below 1, or the bands are not ``0 <= fmin < fmax``.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import mel_spectrogram
    >>> mel_spectrogram(np.zeros(22050), 22050).shape
    (128, 44)
    """
    y = check_sound(y)
    n_frames = n_centred_frames(len(y), frame_length=n_fft, hop_length=hop_length)
    filters = _sparse_filterbank(sr, n_fft, n_mels, fmin, fmax)
    mel = np.empty((n_frames, n_mels), dtype=np.float32)
    for start, power in stft_power_blocks(y, n_fft=n_fft, hop_length=hop_length):
        mel[start : start + len(power)] = (filters @ power.T).T
    return mel.T


def mfcc(
    y: np.ndarray, sr: float, *, n_mfcc: int = 40, n_fft: int = 2048, hop_length: int = 512, n_mels: int = 128
) -> np.ndarray:
    """Mel-frequency cepstral coefficients of a sound.

    The orthonormal DCT-II of the mel spectrogram in dB, limited to 80 dB below its maximum.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound; may be shorter than a frame.
    sr : float
        Sampling rate (Hz).
    n_mfcc : int, default=40
        Number of coefficients, the zeroth (level) included.
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).
    n_mels : int, default=128
        Number of mel bands, ``n_mfcc`` or more.

    Returns
    -------
    mfcc : ndarray of shape (n_mfcc, n_frames), float32
        The values of ``librosa.feature.mfcc``; ``n_frames = 1 + n_samples // hop_length`` for an even
        ``n_fft``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional, a length is below 1, or ``n_mfcc`` is not in ``1 .. n_mels``.

    References
    ----------
    S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
    continuously spoken sentences", IEEE Transactions on ASSP 28 (1980), pp. 357-366.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import mfcc
    >>> mfcc(np.random.default_rng(0).standard_normal(22050), 22050, n_mfcc=13).shape
    (13, 44)
    """
    check_n_mfcc(n_mfcc, n_mels)
    return mel_to_cepstrum(mel_spectrogram(y, sr, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels).T, n_mfcc)


def mfcc_delta(mfcc: np.ndarray, *, width: int = 9) -> np.ndarray:
    """Slope over time of MFCC or other descriptors: that of the least-squares line through ``width`` frames.

    ``sum(i * (c[t+i] - c[t-i])) / (2 * sum(i**2))`` over ``i = 1 .. width // 2``; frames at both ends get the
    slope of the nearest whole window.

    Parameters
    ----------
    mfcc : array of shape (n_rows, n_frames)
        Descriptors, one per row.
    width : int, default=9
        Length of the window (frames), odd, 3 or more. For shorter clips it is the longest odd window that fits; the
        slope of 1 or 2 frames is 0.

    Returns
    -------
    delta : ndarray of shape (n_rows, n_frames), float32
        Change per frame, in the units of ``mfcc``; the values of ``librosa.feature.delta``, which raises an
        error for clips of fewer than ``width`` frames.

    Raises
    ------
    ValueError
        If ``mfcc`` is not two-dimensional or ``width`` not odd and 3 or more.

    References
    ----------
    S. Furui, "Speaker-independent isolated word recognition using dynamic features of speech spectrum", IEEE
    Transactions on ASSP 34 (1986), pp. 52-59.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import mfcc_delta
    >>> mfcc_delta(np.arange(20).reshape(1, 20))[0, [0, 10, 19]]
    array([1., 1., 1.], dtype=float32)
    """
    mfcc = np.ascontiguousarray(mfcc, dtype=np.float32)
    if mfcc.ndim != 2 or width < 3 or width % 2 == 0:
        raise ValueError(f"expected shape (n_rows, n_frames) and an odd width >= 3, got {mfcc.shape}, width={width}")
    half_width = (min(width, mfcc.shape[1]) - 1) // 2
    if half_width == 0:
        return np.zeros_like(mfcc)
    from savee_mm.signal import _spectral_kernels as kernels

    delta = np.empty_like(mfcc)
    kernels.slopes(mfcc, half_width, delta)
    return delta


def check_n_mfcc(n_mfcc, n_mels):
    """Raise ValueError if there are more coefficients than mel bands.

    Parameters
    ----------
    n_mfcc, n_mels : int
        Number of coefficients and of mel bands.

    Raises
    ------
    ValueError
        If ``n_mfcc`` is not in ``1 .. n_mels``.
    """
    if not 1 <= n_mfcc <= n_mels:
        raise ValueError(f"expected 1 <= n_mfcc <= n_mels, got n_mfcc={n_mfcc}, n_mels={n_mels}")


def mel_to_cepstrum(mel, n_mfcc):
    """Compute cepstral coefficients from mel power, block by block.

    Parameters
    ----------
    mel : ndarray of shape (n_frames, n_mels), float32
        Power in each band.
    n_mfcc : int
        Number of coefficients.

    Returns
    -------
    mfcc : ndarray of shape (n_mfcc, n_frames), float32
    """
    floor = np.float32(max(MIN_POWER, float(mel.max()) * 10 ** (-_RANGE_DB / 10)))
    cepstrum = np.empty((n_mfcc, len(mel)), dtype=np.float32)
    for start in range(0, len(mel), _CEPSTRUM_FRAMES):
        level = np.maximum(mel[start : start + _CEPSTRUM_FRAMES], floor)
        # The natural logarithm is the fastest of numpy in single precision.
        np.log(level, out=level)
        level *= np.float32(10 / math.log(10))
        # Not a matrix product, whose rounding errors would depend on the position of the frame in the block.
        block = fft.dct(level, type=2, norm="ortho", overwrite_x=True)
        cepstrum[:, start : start + _CEPSTRUM_FRAMES] = block[:, :n_mfcc].T
    return cepstrum


@lru_cache(maxsize=16)
def _sparse_filterbank(sr, n_fft, n_mels, fmin, fmax):
    """Return ``mel_filterbank`` as a sparse array.

    Unlike a compiled kernel, it needs no numba, whose import takes a fifth of a prediction in a new process. In a dense
    product, rounding errors would depend on the position of the frame in the block.
    """
    # Imported here: scipy.sparse takes longer to import than the whole package.
    from scipy.sparse import csr_array

    return csr_array(mel_filterbank(sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax))


@lru_cache(maxsize=16)
def mel_filters(sr, n_fft, n_mels, fmin, fmax):
    """Return ``mel_filterbank`` in the form of ``weighted_bands``: first bins, numbers of bins, weights in a row."""
    return _packed(mel_filterbank(sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax))


@lru_cache(maxsize=16)
def loudness_filters(sr, n_fft, n_bands):
    """Return mel bands of 20 Hz to 8 kHz that compute the mean square per band, weighted by an equal-loudness curve.

    In the form of ``weighted_bands``. The curve is Hermansky's for 40 dB at the centre of each band. Weights include
    the factor from the power under a Hann window to the mean square of the sound.
    """
    fmax = min(8000.0, sr / 2)
    filters = mel_filterbank(sr, n_fft=n_fft, n_mels=n_bands, fmin=min(20.0, fmax / 2), fmax=fmax)
    frequencies = np.arange(filters.shape[1]) * (sr / n_fft)
    peaks = np.maximum(filters.max(axis=1), np.finfo(np.float32).tiny)
    # Mean frequency of a triangle; the weights of a band without a bin are 0.
    centres = filters @ frequencies / np.maximum(filters.sum(axis=1), np.finfo(np.float32).tiny)
    weights = _equal_loudness(centres) / _equal_loudness(1000.0)
    # One-sided spectrum, mean square 3/8 of the window: 2 / (n_fft**2 * 3/8) for each squared magnitude.
    scale = weights / peaks * (16 / (3 * n_fft**2))
    return _packed((filters * scale[:, None]).astype(np.float32))


def _packed(filters):
    n_bins = filters.shape[1]
    begins, sizes = np.zeros((2, len(filters)), dtype=np.int64)
    for band, weights in enumerate(filters):
        used = np.flatnonzero(weights)
        begin, end = (used[0], used[-1] + 1) if len(used) else (0, 1)
        sizes[band] = min(-(-(end - begin) // _VECTOR) * _VECTOR, n_bins)
        begins[band] = min(begin, n_bins - sizes[band])
    parts = [weights[b : b + n] for weights, b, n in zip(filters, begins, sizes, strict=True)]
    return begins, sizes, np.concatenate(parts)


# Slaney's scale: 15 mel per kHz up to 1 kHz, then 27 mel for each factor of 6.4.
_LINEAR_HZ = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP = math.log(6.4) / 27


def _equal_loudness(hz):
    """Return Hermansky's approximation of the sensitivity of the ear to power at 40 dB."""
    squared = (2 * np.pi * hz) ** 2
    return (squared + 56.8e6) * squared**2 / ((squared + 6.3e6) ** 2 * (squared + 0.38e9))


def _hz_to_mel(hz):
    if hz < _BREAK_HZ:
        return hz / _LINEAR_HZ
    return _BREAK_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP


def _mel_to_hz(mel):
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ, above)
