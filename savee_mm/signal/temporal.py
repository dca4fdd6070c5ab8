"""Descriptors in the time domain: energy, amplitude envelope, zero crossings, Teager energy."""

import math

import numpy as np

from savee_mm.signal._frames import check_sound, n_centred_frames
from savee_mm.signal.low_level_descriptors import one_descriptor


def short_time_energy(y: np.ndarray, *, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Mean square of each frame of a sound.

    Frames are centred on multiples of ``hop_length``; the sound is padded with zeros.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound; may be shorter than a frame.
    frame_length : int, default=2048
        Length of a frame (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    energy : ndarray of shape (n_frames,), float64
        Mean square (squared units of ``y``); ``n_frames = 1 + n_samples // hop_length`` for an even frame.
        Exactly 0 where the sound is 0. Proportional to the square of the gain.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or a length is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import short_time_energy
    >>> short_time_energy(np.full(8, 0.5), frame_length=4, hop_length=4)
    array([0.125, 0.25 , 0.125])
    """
    y = check_sound(y)
    n_frames = n_centred_frames(len(y), frame_length=frame_length, hop_length=hop_length)
    # Frames and hops are whole numbers of blocks, so that each sample is squared once however much frames overlap.
    # A running sum would lose precision after a loud passage.
    block = math.gcd(frame_length, hop_length)
    padded = np.zeros((n_frames - 1) * hop_length + frame_length)
    start = frame_length // 2
    stop = min(start + len(y), len(padded))
    padded[start:stop] = y[: stop - start]
    blocks = padded.reshape(-1, block)
    squares = np.einsum("ij,ij->i", blocks, blocks)
    windows = np.lib.stride_tricks.sliding_window_view(squares, frame_length // block)
    return windows[:: hop_length // block].sum(axis=-1) / frame_length


def rms(y: np.ndarray, *, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Root mean square of each frame of a sound.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound; may be shorter than a frame.
    frame_length : int, default=2048
        Length of a frame (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    rms : ndarray of shape (n_frames,), float64
        In the units of ``y``; the values of ``librosa.feature.rms`` with ``center=True``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or a length is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import rms
    >>> rms(np.full(8, -0.5), frame_length=4, hop_length=4)[1]
    np.float64(0.5)
    """
    return np.sqrt(short_time_energy(y, frame_length=frame_length, hop_length=hop_length))


def amplitude_envelope(y: np.ndarray, *, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Amplitude envelope of a sound: the largest ``|y|`` of each frame.

    The sound is padded with zeros.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    frame_length : int, default=2048
        Length of a frame (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    envelope : ndarray of shape (n_frames,), float32
        In the units of ``y``; frame ``t`` is centred on sample ``t * hop_length``, and
        ``n_frames = 1 + n_samples // hop_length`` for an even frame.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import amplitude_envelope
    >>> amplitude_envelope(np.array([0.0, 0.25, -0.5, 0.0]), frame_length=2, hop_length=2)
    array([0. , 0.5, 0. ], dtype=float32)
    """
    return one_descriptor("amplitude_envelope", y, 1.0, n_fft=frame_length, hop_length=hop_length)


def zero_crossing_rate(y: np.ndarray, *, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Zero-crossing rate of a sound: the fraction of samples of each frame whose sign differs from the sample before.

    Zero, and values nearer to it than 1e-10, count as positive; therefore a sound with exact zeros and its negative
    differ. There are no crossings in the padding. Times ``sr / 2`` it is the frequency of a tone (Hz).

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    frame_length : int, default=2048
        Length of a frame (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    rate : ndarray of shape (n_frames,), float32
        Crossings per sample, in [0, 1]; the values of ``librosa.feature.zero_crossing_rate``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import zero_crossing_rate
    >>> tone = np.sin(2 * np.pi * 1000 * (np.arange(16000) + 0.5) / 16000)
    >>> round(float(zero_crossing_rate(tone)[10]) * 16000 / 2, -1)
    1000.0
    """
    return one_descriptor("zcr", y, 1.0, n_fft=frame_length, hop_length=hop_length)


def mean_teager_energy(y: np.ndarray, *, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Mean Teager energy of each frame of a sound: mean of ``psi[n] = y[n]**2 - y[n-1] * y[n+1]``.

    The sum of ``teager_energy`` in a frame divided by the length of the frame; the first and last sample of the sound,
    and the padding, count as 0.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    frame_length : int, default=2048
        Length of a frame (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    energy : ndarray of shape (n_frames,), float32
        Squared units of ``y``; ``A**2 sin(w)**2`` where the sound is ``A sin(w n)``. May be negative.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1.

    References
    ----------
    J. F. Kaiser, "On a simple algorithm to calculate the 'energy' of a signal", ICASSP 1990, pp. 381-384.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import mean_teager_energy
    >>> round(float(mean_teager_energy(0.5 * np.sin(0.3 * np.arange(8192)))[8] / (0.5 * np.sin(0.3)) ** 2), 6)
    1.0
    """
    return one_descriptor("teo", y, 1.0, n_fft=frame_length, hop_length=hop_length)


def teager_energy(y: np.ndarray) -> np.ndarray:
    """Teager-Kaiser energy of a sound: ``psi[n] = y[n]**2 - y[n-1] * y[n+1]``.

    For a sinusoid ``A sin(w n + phase)`` it is ``A**2 sin(w)**2`` at every sample: it depends on amplitude and
    frequency and follows both without delay.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound.

    Returns
    -------
    psi : ndarray of shape (max(n_samples - 2, 0),), float64
        Squared units of ``y``; ``psi[0]`` belongs to ``y[1]``. May be negative.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional.

    References
    ----------
    J. F. Kaiser, "On a simple algorithm to calculate the 'energy' of a signal", ICASSP 1990, pp. 381-384.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import teager_energy
    >>> teager_energy(np.array([0.0, 1.0, 0.0, -1.0, 0.0]))
    array([1., 1., 1.])
    """
    # In double precision, because the two products nearly cancel at low frequencies.
    y = check_sound(y).astype(np.float64, copy=False)
    psi = y[1:-1] * y[1:-1]
    psi -= y[:-2] * y[2:]
    return psi
