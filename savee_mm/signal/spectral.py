"""Power spectrum, mel spectrum and MFCC of a sound, from one short-time Fourier transform in blocks.

The transform is handed on in blocks of frames, so that whoever wants only a summary of each frame (mel bands
here) never holds the full spectrogram. Single precision throughout, as in librosa.
"""

import math
from functools import lru_cache

import numpy as np
from scipy import fft

from savee_mm.signal.energy import check_sound, n_centred_frames

# Frames per block: at n_fft=2048 its samples, spectrum and power stay in a core's second-level cache.
_BLOCK_FRAMES = 32
# Neighbouring mel bands that are summed by one matrix product over the bins which they share.
_MEL_GROUP = 8


def stft_power_blocks(y, *, n_fft=2048, hop_length=512):
    """Yield the short-time power spectrum of a sound in blocks of consecutive frames.

    Frame ``t`` is centred on sample ``t * hop_length``; beyond its ends the sound is zero. The window is the
    periodic Hann window. These are the frames of ``librosa.stft(center=True, pad_mode="constant")``.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound; may be shorter than a frame.
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Yields
    ------
    start : int
        Index of the block's first frame.
    power : ndarray of shape (n_block_frames, 1 + n_fft // 2), float32
        Squared magnitudes, **valid until the next block is asked for**: the memory is used again.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or a length is below 1.
    """
    y = check_sound(y)
    n_frames = n_centred_frames(len(y), frame_length=n_fft, hop_length=hop_length)
    window = _hann(n_fft)
    size = min(_BLOCK_FRAMES, n_frames)
    samples = np.empty((size - 1) * hop_length + n_fft, dtype=np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop_length]
    windowed = np.empty((size, n_fft), dtype=np.float32)
    power = np.empty((size, 1 + n_fft // 2), dtype=np.float32)
    for start in range(0, n_frames, size):
        n = min(size, n_frames - start)
        _copy_padded(y, start * hop_length - n_fft // 2, samples)
        np.multiply(frames[:n], window, out=windowed[:n])
        spectrum = fft.rfft(windowed[:n], overwrite_x=True)
        # numpy's magnitude of complex numbers is vectorised: faster than adding squares of the two parts.
        np.square(np.abs(spectrum, out=power[:n]), out=power[:n])
        yield start, power[:n]


def stft_power(y, *, n_fft=2048, hop_length=512):
    """Short-time power spectrum of a sound: squared magnitudes of its windowed frames.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound; may be shorter than a frame.
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    power : ndarray of shape (1 + n_fft // 2, n_frames), float32
        ``abs(librosa.stft(y)) ** 2``, a row for each frequency ``k * sr / n_fft`` (Hz);
        ``n_frames = 1 + n_samples // hop_length`` for an even ``n_fft``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or a length is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import stft_power
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    >>> power = stft_power(tone, n_fft=512, hop_length=256)
    >>> power.shape, int(power[:, 30].argmax()) * 16000 / 512
    ((257, 63), 1000.0)
    """
    y = check_sound(y)
    n_frames = n_centred_frames(len(y), frame_length=n_fft, hop_length=hop_length)
    power = np.empty((n_frames, 1 + n_fft // 2), dtype=np.float32)
    for start, block in stft_power_blocks(y, n_fft=n_fft, hop_length=hop_length):
        power[start : start + len(block)] = block
    return power.T


@lru_cache(maxsize=16)
def mel_filterbank(sr, *, n_fft=2048, n_mels=128, fmin=0.0, fmax=None):
    """Triangular filters that are evenly spaced on Slaney's mel scale and of equal area.

    The scale is linear up to 1 kHz and logarithmic above. A band so narrow that no bin falls into it is
    all zeros.

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
        As ``librosa.filters.mel`` with its defaults; kept for the next call.

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


def mel_spectrogram(y, sr, *, n_fft=2048, hop_length=512, n_mels=128, fmin=0.0, fmax=None):
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
    groups = _mel_groups(sr, n_fft, n_mels, fmin, fmax)
    mel = np.empty((n_frames, n_mels), dtype=np.float32)
    for start, power in stft_power_blocks(y, n_fft=n_fft, hop_length=hop_length):
        for bands, bins, weights in groups:
            np.matmul(power[:, bins], weights, out=mel[start : start + len(power), bands])
    return mel.T


def power_to_db(power, *, amin=1e-10, top_db=80.0):
    """Power in decibels: ``10 log10(power)`` relative to 1, with a floor.

    Parameters
    ----------
    power : array
        Power, of any shape.
    amin : float, default=1e-10
        Power below it counts as ``amin``.
    top_db : float, default=80
        The result is cut at this distance below its largest value (dB); None for no cut.

    Returns
    -------
    db : ndarray of the same shape
        Level (dB), as ``librosa.power_to_db`` with ``ref=1``.

    Raises
    ------
    ValueError
        If ``amin`` is not above 0 or ``top_db`` is below 0.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import power_to_db
    >>> power_to_db(np.array([1.0, 0.1, 0.0]))
    array([  0., -10., -80.])
    """
    if amin <= 0 or (top_db is not None and top_db < 0):
        raise ValueError(f"expected amin > 0 and top_db >= 0, got amin={amin}, top_db={top_db}")
    db = np.asarray(np.maximum(power, amin))
    np.log10(db, out=db)
    db *= 10
    if top_db is not None and db.size:
        np.maximum(db, db.max() - top_db, out=db)
    return db


def mfcc(y, sr, *, n_mfcc=40, n_fft=2048, hop_length=512, n_mels=128):
    """Mel-frequency cepstral coefficients of a sound.

    The orthonormal DCT-II of the mel spectrogram in dB, which is cut 80 dB below its loudest value.

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
    if not 1 <= n_mfcc <= n_mels:
        raise ValueError(f"expected 1 <= n_mfcc <= n_mels, got n_mfcc={n_mfcc}, n_mels={n_mels}")
    mel = mel_spectrogram(y, sr, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels)
    cepstrum = fft.dct(power_to_db(mel).T, type=2, norm="ortho")
    return np.ascontiguousarray(cepstrum[:, :n_mfcc].T)


@lru_cache(maxsize=16)
def _hann(n_fft):
    """Return the periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)


def _copy_padded(y, first, out):
    """Fill ``out`` with the samples of ``y`` from index ``first`` on; zero beyond the ends of ``y``."""
    before = min(max(-first, 0), len(out))
    stop = min(max(len(y) - first, before), len(out))
    out[:before] = 0
    out[before:stop] = y[first + before : first + stop]
    out[stop:] = 0


@lru_cache(maxsize=16)
def _mel_groups(sr, n_fft, n_mels, fmin, fmax):
    """Return the filterbank as small dense products: (slice of bands, slice of bins, weights) each.

    A filter covers few bins: taken in groups of neighbours the products are a fraction of the full one.
    """
    filters = mel_filterbank(sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
    groups = []
    for start in range(0, n_mels, _MEL_GROUP):
        bands = slice(start, min(start + _MEL_GROUP, n_mels))
        used = np.flatnonzero(filters[bands].any(axis=0))
        bins = slice(used[0], used[-1] + 1) if len(used) else slice(0, 1)
        groups.append((bands, bins, np.ascontiguousarray(filters[bands, bins].T)))
    return tuple(groups)


# Slaney's scale: 15 mel per kHz up to 1 kHz, then 27 mel for each factor of 6.4.
_LINEAR_HZ = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP = math.log(6.4) / 27


def _hz_to_mel(hz):
    if hz < _BREAK_HZ:
        return hz / _LINEAR_HZ
    return _BREAK_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP


def _mel_to_hz(mel):
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ, above)
