"""Short-time Fourier transform of a sound, in blocks, and amplitude, power and dB spectrograms.

Functions that need only a summary of each frame use the blocks, so that the full spectrogram is never in memory. All
is in single precision, as in librosa.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from scipy import fft

from savee_mm.signal._frames import BLOCK_FRAMES, check_sound, n_centred_frames, sample_blocks

# Lower limit of power (squared units of the sound) in logarithms, as in librosa.
MIN_POWER = 1e-10


def spectrum_blocks(y, *, n_fft, hop_length):
    """Yield the transform of each block of frames.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The sound, as ``check_sound`` returns it.
    n_fft, hop_length : int
        Length of a frame and distance between two (samples).

    Yields
    ------
    start : int
        Index of the first frame of the block.
    spectrum : ndarray of shape (n_block_frames, 1 + n_fft // 2), complex64
        The transform of the windowed frames.
    """
    window = hann(n_fft, np.float32)
    windowed = np.empty((BLOCK_FRAMES, n_fft), dtype=np.float32)
    frames = None
    for start, n, samples, _, _ in sample_blocks(y, frame_length=n_fft, hop_length=hop_length):
        if frames is None:
            # All blocks use the same buffer, so that one view suffices.
            frames = np.lib.stride_tricks.sliding_window_view(samples[1:-1], n_fft)[::hop_length]
        block = np.multiply(frames[:n], window, out=windowed[:n])
        yield start, fft.rfft(block, overwrite_x=True)


def stft_power_blocks(y: np.ndarray, *, n_fft: int = 2048, hop_length: int = 512) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the short-time power spectrum of a sound in blocks of consecutive frames.

    Frame ``t`` is centred on sample ``t * hop_length``; the sound is padded with zeros. The window is the
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
        Index of the first frame of the block.
    power : ndarray of shape (n_block_frames, 1 + n_fft // 2), float32
        Squared magnitudes, **valid until the next block**: the buffer is reused.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or a length is below 1.
    """
    y = check_sound(y)
    memory = np.empty((BLOCK_FRAMES, 1 + n_fft // 2), dtype=np.float32)
    for start, spectrum in spectrum_blocks(y, n_fft=n_fft, hop_length=hop_length):
        power = memory[: len(spectrum)]
        # Faster than the sum of two squares, because numpy vectorises the magnitude of complex numbers.
        np.square(np.abs(spectrum, out=power), out=power)
        yield start, power


def power_spectrogram(y: np.ndarray, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Short-time power spectrum of a sound: ``|X|**2`` of its windowed frames.

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
        ``abs(librosa.stft(y)) ** 2``, one row per frequency ``k * sr / n_fft`` (Hz);
        ``n_frames = 1 + n_samples // hop_length`` for an even ``n_fft``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or a length is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import power_spectrogram
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    >>> power = power_spectrogram(tone, n_fft=512, hop_length=256)
    >>> power.shape, int(power[:, 30].argmax()) * 16000 / 512
    ((257, 63), 1000.0)
    """
    y = check_sound(y)
    n_frames = n_centred_frames(len(y), frame_length=n_fft, hop_length=hop_length)
    power = np.empty((n_frames, 1 + n_fft // 2), dtype=np.float32)
    for start, block in stft_power_blocks(y, n_fft=n_fft, hop_length=hop_length):
        power[start : start + len(block)] = block
    return power.T


# Alias.
stft_power = power_spectrogram


def amplitude_spectrogram(y: np.ndarray, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Short-time amplitude spectrum of a sound: ``|X|`` of its windowed frames.

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
    amplitude : ndarray of shape (1 + n_fft // 2, n_frames), float32
        ``abs(librosa.stft(y))``, one row per frequency ``k * sr / n_fft`` (Hz), in the units of ``y`` times the sum
        of the window.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or a length is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import amplitude_spectrogram
    >>> amplitude_spectrogram(np.zeros(22050)).shape
    (1025, 44)
    """
    y = check_sound(y)
    n_frames = n_centred_frames(len(y), frame_length=n_fft, hop_length=hop_length)
    amplitude = np.empty((n_frames, 1 + n_fft // 2), dtype=np.float32)
    for start, spectrum in spectrum_blocks(y, n_fft=n_fft, hop_length=hop_length):
        np.abs(spectrum, out=amplitude[start : start + len(spectrum)])
    return amplitude.T


def db_spectrogram(y: np.ndarray, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Short-time level of a sound: ``20 log10(|X| / max |X|)``, limited to 80 dB below the maximum.

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
    db : ndarray of shape (1 + n_fft // 2, n_frames), float32
        Level (dB) relative to the maximum over the clip, in [-80, 0];
        ``librosa.amplitude_to_db(abs(librosa.stft(y)), ref=np.max)``. Silence, amplitudes below 1e-5, is all 0.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or a length is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import db_spectrogram
    >>> click = np.r_[np.zeros(4096), 1, np.zeros(4096)]
    >>> db = db_spectrogram(click)
    >>> float(db.min()), float(db.max())
    (-80.0, 0.0)
    """
    return amplitude_to_level(amplitude_spectrogram(y, n_fft=n_fft, hop_length=hop_length))


def amplitude_to_level(amplitude, *, range_db=80.0):
    """Convert amplitudes, in place, to levels relative to the largest.

    Parameters
    ----------
    amplitude : ndarray of float32
        Amplitudes, of any shape with at least one value; overwritten.
    range_db : float, default=80
        Range below the largest value (dB); lower values are set to its limit.

    Returns
    -------
    db : ndarray
        The same array: level (dB).
    """
    min_amplitude = MIN_POWER**0.5
    reference = max(float(amplitude.max()), min_amplitude)
    np.maximum(amplitude, max(reference * 10 ** (-range_db / 20), min_amplitude), out=amplitude)
    amplitude /= np.float32(reference)
    np.log10(amplitude, out=amplitude)
    amplitude *= 20
    return amplitude


def power_to_db(power: np.ndarray, *, amin: float = MIN_POWER, top_db: float = 80.0) -> np.ndarray:
    """Convert power to decibels: ``10 log10(power)``, limited from below.

    Parameters
    ----------
    power : array
        Power, of any shape.
    amin : float, default=1e-10
        Lower limit of the power.
    top_db : float, default=80
        Range below the largest value (dB); lower values are set to its limit. None for no limit.

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


@lru_cache(maxsize=16)
def hann(n_fft, dtype):
    """Return the periodic Hann window.

    Parameters
    ----------
    n_fft : int
        Its length (samples).
    dtype : type
        Its precision.

    Returns
    -------
    window : ndarray of shape (n_fft,)
    """
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(dtype)
