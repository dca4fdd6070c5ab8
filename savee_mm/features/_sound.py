"""Load the audio of one clip, from a path or an array, at the recorded and at the working sample rate."""

import numpy as np

from savee_mm._missing import SILENT, is_silent
from savee_mm._validation import ClipError, path_of
from savee_mm.media._samples import to_full_scale
from savee_mm.media.audio import read_audio, resample
from savee_mm.signal import apply_recipe


def load_sound(source, *, sr, input_sr, recipe=None, keep_offset=True):
    """Return the samples of a clip at the working sample rate.

    Parameters
    ----------
    source : str, Segment or ndarray of shape (n_samples,)
        Path of a file, part of a file, or mono samples in [-1, 1].
    sr : int or None
        Working sample rate (Hz). None keeps the recorded rate.
    input_sr : int or None
        Sample rate of an array (Hz); ``sr`` when None.
    recipe : str, default=None
        Augmentation to apply at the working rate, see :func:`savee_mm.signal.apply_recipe`.
    keep_offset : bool, default=True
        Whether to keep the mean of the samples, the constant offset of some recordings.

    Returns
    -------
    y : ndarray of shape (n_samples,), float32
    sr : int
        Sample rate (Hz).

    Raises
    ------
    ClipError
        If the clip has no usable audio, or the recipe is not valid.
    """
    recording, recorded_sr = _read(source, input_sr or sr)
    return _at_rate(recording, recorded_sr, sr or recorded_sr, recipe, source, keep_offset=keep_offset)


def load_both_rates(source, *, sr, input_sr, recipe=None):
    """Return the samples of a clip at the recorded and at the working sample rate, from one reading.

    Parameters
    ----------
    source, sr, input_sr, recipe : object
        As for :func:`load_sound`. The recipe is applied at each of the two rates.

    Returns
    -------
    recorded, working : tuple of (ndarray of shape (n_samples,), int)
        Samples (float32) and sample rate (Hz). At the working rate, the mean of the samples is removed.

    Raises
    ------
    ClipError
        If the clip has no usable audio, or the recipe is not valid.
    """
    recording, recorded_sr = _read(source, input_sr or sr)
    recorded = _at_rate(recording, recorded_sr, recorded_sr, recipe, source)
    return recorded, _at_rate(recording, recorded_sr, sr or recorded_sr, recipe, source, keep_offset=False)


def _read(source, array_sr):
    """Return the checked samples of a file or an array, and their sample rate."""
    y, sr = _check_array(source, array_sr) if isinstance(source, np.ndarray) else read_audio(source)
    if is_silent(y):
        raise ClipError(SILENT)
    return y, sr


def _check_array(source, array_sr):
    if array_sr is None:
        raise ClipError("an array of samples does not state its sample rate; pass input_sr (Hz)")
    if source.dtype.kind != "f":
        raise ClipError(f"expected floating-point samples in [-1, 1], got {source.dtype}; for int16, divide by 32768")
    if not source.size:
        raise ClipError("the array has 0 samples; leave the clip out")
    return to_full_scale(source), array_sr


def _at_rate(recording, recorded_sr, sr, recipe, source, *, keep_offset=True):
    y = recording
    if sr != recorded_sr:
        # The resampling filter would ring at both ends of a sound with an offset.
        offset = np.float32(0) if keep_offset else _mean(y)
        y = resample(y - offset, recorded_sr, sr, path_of(source)) + offset
    if recipe is not None:
        try:
            y = apply_recipe(y, sr, recipe)
        except ValueError as error:
            raise ClipError(str(error)) from None
    return (y if keep_offset else y - _mean(y)), sr


def _mean(y):
    return np.float32(y.mean(dtype=np.float64)) if y.size else np.float32(0)
