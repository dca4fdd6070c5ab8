"""Centred frames of a sound, in blocks that fit into a processor's cache."""

import numpy as np

# Frames per block: with frames of 2048 samples, a block and its spectrum fit into a second-level cache.
BLOCK_FRAMES = 64


def check_sound(y):
    """Return ``y`` as a 1-D floating-point array, without a copy where possible.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        The sound.

    Returns
    -------
    y : ndarray of shape (n_samples,), float32 or float64

    Raises
    ------
    ValueError
        If ``y`` has another number of dimensions, or holds something other than real numbers.
    """
    y = np.asarray(y)
    if y.ndim != 1:
        raise ValueError(f"expected a sound of one channel, shape (n_samples,), got shape {y.shape}")
    if y.dtype in (np.float32, np.float64):
        return y
    if y.dtype.kind not in "iufb":
        raise ValueError(f"expected a sound of real numbers, got dtype {y.dtype}")
    return y.astype(np.float64)


def n_centred_frames(n_samples, *, frame_length, hop_length):
    """Return the number of frames of a sound, where frame ``t`` is centred on sample ``t * hop_length``.

    Parameters
    ----------
    n_samples : int
        Length of the sound (samples).
    frame_length, hop_length : int
        Length of a frame and distance between two (samples).

    Returns
    -------
    n_frames : int
        At least 1: an empty sound has one frame of padding.

    Raises
    ------
    ValueError
        If a length is below 1.

    Examples
    --------
    >>> n_centred_frames(22050, frame_length=2048, hop_length=512)
    44
    """
    if frame_length < 1 or hop_length < 1:
        raise ValueError(f"expected frame and hop of 1 sample or more, got frame {frame_length}, hop {hop_length}")
    # Half a frame of padding on either side; an odd frame loses one sample to rounding, as in librosa.
    return 1 + max(0, n_samples - frame_length % 2) // hop_length


def sample_blocks(y, *, frame_length, hop_length):
    """Yield the samples of each block of consecutive frames, padded with zeros, in a buffer that is reused.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The sound, as ``check_sound`` returns it.
    frame_length, hop_length : int
        Length of a frame and distance between two (samples).

    Yields
    ------
    start, n_frames : int
        Index of the first frame of the block, and its number of frames.
    samples : ndarray of shape (n_block_samples,), float32
        Frame ``start + i`` is ``samples[1 + i * hop_length :][:frame_length]``: there is one more sample on either
        side, for kernels that use neighbouring samples.
    first, last : int
        ``samples[first:last]`` are samples of ``y``, the others padding.

    Raises
    ------
    ValueError
        If a length is below 1.
    """
    n_frames = n_centred_frames(len(y), frame_length=frame_length, hop_length=hop_length)
    size = min(BLOCK_FRAMES, n_frames)
    samples = np.empty((size - 1) * hop_length + frame_length + 2, dtype=np.float32)
    for start in range(0, n_frames, size):
        offset = start * hop_length - frame_length // 2 - 1
        first = min(max(-offset, 0), len(samples))
        last = min(max(len(y) - offset, first), len(samples))
        samples[:first] = 0
        samples[first:last] = y[offset + first : offset + last]
        samples[last:] = 0
        yield start, min(size, n_frames - start), samples, first, last
