"""Descriptors of a sound's frames that need no spectrum: envelope, zero crossings, Teager energy."""

import numpy as np

from savee_mm.signal.contours import one_contour


def amplitude_envelope(y: np.ndarray, *, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Amplitude envelope of a sound: the largest ``|y|`` of each frame.

    Beyond its ends the sound is zero.

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
    return one_contour("amplitude_envelope", y, 1.0, n_fft=frame_length, hop_length=hop_length)


def zcr(y: np.ndarray, *, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Zero-crossing rate of a sound: the share of a frame's samples whose sign is not that of the sample before.

    Zero, and what is nearer to it than 1e-10, counts as positive; so a sound that has exact zeros and its negative
    differ. Beyond the ends there is no crossing. Times ``sr / 2`` it is the frequency of a tone (Hz).

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
    >>> from savee_mm.signal import zcr
    >>> round(float(zcr(np.sin(2 * np.pi * 1000 * (np.arange(16000) + 0.5) / 16000))[10]) * 16000 / 2, -1)
    1000.0
    """
    return one_contour("zcr", y, 1.0, n_fft=frame_length, hop_length=hop_length)


def teo(y: np.ndarray, *, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Mean Teager energy of each frame of a sound: of ``psi[n] = y[n]**2 - y[n-1] * y[n+1]``.

    The sum of ``teager_energy`` in a frame over the frame's length; the sound's first and last sample, and what is
    beyond, count as 0.

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
    >>> from savee_mm.signal import teo
    >>> round(float(teo(0.5 * np.sin(0.3 * np.arange(8192)))[8] / (0.5 * np.sin(0.3)) ** 2), 6)
    1.0
    """
    return one_contour("teo", y, 1.0, n_fft=frame_length, hop_length=hop_length)
