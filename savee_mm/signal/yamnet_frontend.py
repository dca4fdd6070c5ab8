"""Log-mel patches, the input of YAMNet."""

from functools import lru_cache

import numpy as np
from scipy import fft

from savee_mm.signal._frames import check_sound

YAMNET_SR = 16000
"""Rate of the sounds that YAMNet was trained on (Hz)."""

# 25 ms every 10 ms, in a transform of the next power of two (samples).
_WINDOW = 400
_HOP = 160
_N_FFT = 512
_N_MELS = 64
_FMIN, _FMAX = 125.0, 7500.0
_OFFSET = np.float32(0.001)
# 0.96 s every 0.48 s (frames).
_PATCH = 96
_PATCH_HOP = 48
# Frames per transform, which limits memory.
_BLOCK = 512


def yamnet_patches(y):
    """Log-mel patches of a sound, as in the training of YAMNet.

    Magnitudes of a 25 ms Hann window every 10 ms, in 64 bands of 125-7500 Hz on the HTK mel scale, as
    ``log(band + 0.001)``; patches of 96 frames (0.96 s) every 48 frames. Frames are not centred: the first begins
    with the sound. The sound is padded with zeros until the last patch is whole; an empty sound gives one patch.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound at 16 kHz (``YAMNET_SR``), full scale at 1.

    Returns
    -------
    patches : ndarray of shape (n_patches, 96, 64), float32, read-only
        Frames by bands; ``n_patches = 1 + ceil((n_samples - 15600) / 7680)``, at least 1.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional.

    References
    ----------
    M. Plakal, D. Ellis, "YAMNet", 2019, github.com/tensorflow/models/tree/master/research/audioset/yamnet:
    ``features.py`` and ``params.py``.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal.yamnet_frontend import yamnet_patches
    >>> yamnet_patches(np.zeros(4 * 16000)).shape
    (8, 96, 64)
    """
    log_mel = _log_mel(_padded(check_sound(y)))
    return np.lib.stride_tricks.sliding_window_view(log_mel, _PATCH, axis=0)[::_PATCH_HOP].transpose(0, 2, 1)


def _padded(y):
    """Return the sound as float32, padded with zeros to whole patches."""
    first, step = _WINDOW + (_PATCH - 1) * _HOP, _PATCH_HOP * _HOP
    n_more = max(0, -(-(len(y) - first) // step))
    padded = np.zeros(first + n_more * step, np.float32)
    padded[: len(y)] = y
    return padded


def _log_mel(y):
    """Return the log-mel spectrogram (n_frames, 64) of a sound of at least one window."""
    frames = np.lib.stride_tricks.sliding_window_view(y, _WINDOW)[::_HOP]
    window, filters = _hann(), _htk_filterbank()
    log_mel = np.empty((len(frames), _N_MELS), np.float32)
    for start in range(0, len(frames), _BLOCK):
        spectrum = fft.rfft(frames[start : start + _BLOCK] * window, n=_N_FFT)
        np.log(np.abs(spectrum) @ filters + _OFFSET, out=log_mel[start : start + _BLOCK])
    return log_mel


@lru_cache(maxsize=1)
def _hann():
    """Return the periodic Hann window, float32."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)


@lru_cache(maxsize=1)
def _htk_filterbank():
    """Return filters of shape (257, 64), float32: triangles of height 1 over the HTK mel scale.

    Those of ``mel_filterbank`` are triangles over Hz, of equal area, on Slaney's scale.
    """
    edges = np.linspace(_hz_to_mel(_FMIN), _hz_to_mel(_FMAX), _N_MELS + 2)
    bins = _hz_to_mel(np.arange(1 + _N_FFT // 2) * (YAMNET_SR / _N_FFT))[:, np.newaxis]
    widths = np.diff(edges)
    rising = (bins - edges[:-2]) / widths[:-1]
    falling = (edges[2:] - bins) / widths[1:]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _hz_to_mel(hz):
    return 1127.0 * np.log1p(np.asarray(hz) / 700.0)
