"""Inputs of pretrained speech encoders: standardised samples, Whisper's log-mel, GE2E's mel power."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft

from savee_mm.signal._frames import check_sound
from savee_mm.signal.mel import mel_filterbank

ENCODER_SR = 16000
"""Sample rate of all these inputs (Hz)."""

# 25 ms every 10 ms (samples), in a transform of the same length.
_WINDOW = 400
_HOP = 160
_WHISPER_BANDS = 80
_WHISPER_FLOOR = 1e-10
# Whisper limits the dynamic range to 8 decades below the maximum, and scales the result to about [-1, 1].
_WHISPER_RANGE = 8.0
_GE2E_BANDS = 40
_GE2E_LEVEL_DB = -30.0
# Frames per transform: the memory for an hour of audio is that for half a minute.
_BLOCK = 3000


def standardized_samples(y: ArrayLike) -> np.ndarray:
    """Standardize samples to zero mean and unit variance, the input of wav2vec 2.0 and HuBERT.

    Parameters
    ----------
    y : array of shape (n_samples,)
        Audio at 16 kHz.

    Returns
    -------
    samples : ndarray of shape (n_samples,), float32

    References
    ----------
    A. Baevski et al., "wav2vec 2.0: a framework for self-supervised learning of speech representations", NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import standardized_samples
    >>> standardized_samples(np.array([-1.0, 1.0])).round(3).astype(int).tolist()
    [-1, 1]
    """
    y = check_sound(y).astype(np.float64)
    return ((y - y.mean()) / np.sqrt(y.var() + 1e-7)).astype(np.float32) if y.size else y.astype(np.float32)


def whisper_log_mel(y: ArrayLike) -> np.ndarray:
    """Log-mel spectrogram of Whisper: 80 bands every 10 ms, without padding to 30 s.

    Power of a centred Hann window of 25 ms in 80 mel bands of 0 to 8 kHz (Slaney), as ``log10``, limited to 8 decades
    below the maximum of the clip, then ``(x + 4) / 4``.

    Parameters
    ----------
    y : array of shape (n_samples,)
        Audio at 16 kHz, full scale at 1.

    Returns
    -------
    log_mel : ndarray of shape (80, n_frames), float32
        ``n_frames`` is ``n_samples // 160``, reduced to an even number, because the encoder halves it.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional, or shorter than 20 ms.

    References
    ----------
    A. Radford et al., "Robust speech recognition via large-scale weak supervision", 2022; the meaning of
    ``log_mel_spectrogram`` in github.com/openai/whisper.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import whisper_log_mel
    >>> whisper_log_mel(np.zeros(16000)).shape
    (80, 100)
    """
    y = check_sound(y)
    n_frames = len(y) // _HOP // 2 * 2
    if not n_frames:
        raise ValueError(f"expected at least {2 * _HOP} samples (20 ms), got {len(y)}")
    log_mel = np.log10(np.maximum(_mel_power(y, n_frames, _WHISPER_BANDS), _WHISPER_FLOOR))
    log_mel = np.maximum(log_mel, log_mel.max() - _WHISPER_RANGE)
    return np.ascontiguousarray((log_mel.T + 4.0) / 4.0, dtype=np.float32)


def ge2e_mel(y: ArrayLike) -> np.ndarray:
    """Mel power of the GE2E speaker encoder: 40 bands every 10 ms of audio raised to -30 dBFS.

    Audio above that level keeps its level.

    Parameters
    ----------
    y : array of shape (n_samples,)
        Audio at 16 kHz, full scale at 1.

    Returns
    -------
    mel : ndarray of shape (n_frames, 40), float32
        ``n_frames`` is ``1 + n_samples // 160``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional, or empty.

    References
    ----------
    L. Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018; the meaning of
    ``wav_to_mel_spectrogram`` in github.com/resemble-ai/Resemblyzer.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import ge2e_mel
    >>> ge2e_mel(np.zeros(16000)).shape
    (101, 40)
    """
    y = check_sound(y)
    if not y.size:
        raise ValueError("expected at least one sample, got none")
    power = np.mean(np.square(y, dtype=np.float64))
    gain = max(1.0, 10 ** (_GE2E_LEVEL_DB / 20) / np.sqrt(power)) if power else 1.0
    return _mel_power(y * np.float32(gain), 1 + len(y) // _HOP, _GE2E_BANDS)


def _mel_power(y, n_frames, n_bands):
    """Return (n_frames, n_bands) float32: power of centred Hann frames in mel bands; reflected at the ends."""
    mode = "reflect" if len(y) > _WINDOW // 2 else "constant"
    padded = np.pad(y.astype(np.float32, copy=False), _WINDOW // 2, mode=mode)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:n_frames]
    window, filters = _tables(n_bands)
    mel = np.empty((n_frames, n_bands), np.float32)
    for start in range(0, n_frames, _BLOCK):
        spectrum = fft.rfft(frames[start : start + _BLOCK] * window)
        mel[start : start + _BLOCK] = (spectrum.real**2 + spectrum.imag**2) @ filters
    return mel


@lru_cache(maxsize=2)
def _tables(n_bands):
    """Return the periodic Hann window and the transposed mel filters, float32."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)
    filters = mel_filterbank(ENCODER_SR, n_fft=_WINDOW, n_mels=n_bands, fmin=0.0, fmax=ENCODER_SR / 2)
    return window, np.ascontiguousarray(filters.T, dtype=np.float32)
