"""Energy of a sound over time: mean square and root mean square of short frames."""

import math

import numpy as np

from savee_mm.signal._frames import check_sound, n_centred_frames


def short_time_energy(y: np.ndarray, *, frame_length: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Mean square of each frame of a sound.

    Frames are centred on multiples of ``hop_length``; beyond its ends the sound is zero.

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
        Exactly 0 where the sound is. Grows with the square of the gain.

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
    # Frames and hops are whole numbers of blocks: each sample is squared once however far frames overlap,
    # and sums of squares never cancel, which a running sum would after a loud passage.
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
