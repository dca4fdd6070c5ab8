"""Load the audio of one clip, from a path or an array, at the working sample rate."""

import numpy as np

from savee_mm._validation import ClipError
from savee_mm.media import read_audio
from savee_mm.signal import apply_recipe


def load_sound(source, *, sr, input_sr, recipe=None):
    """Return the samples of a clip and their rate, augmented if a recipe is given.

    Parameters
    ----------
    source : str or ndarray of shape (n_samples,)
        Path of a file, or mono samples in [-1, 1].
    sr : int or None
        Working sample rate (Hz). None keeps the recorded rate.
    input_sr : int or None
        Sample rate of an array (Hz); ``sr`` when None.
    recipe : str, default=None
        Augmentation to apply at the working rate, see :func:`savee_mm.signal.apply_recipe`.

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
    y, sr = _read_sound(source, sr, input_sr)
    if recipe is None:
        return y, sr
    try:
        return apply_recipe(y, sr, recipe), sr
    except ValueError as error:
        raise ClipError(str(error)) from None


def _read_sound(source, sr, input_sr):
    if isinstance(source, str):
        return read_audio(source, sr=sr)
    recorded = input_sr or sr
    if recorded is None:
        raise ClipError("an array of samples does not state its sample rate; pass input_sr (Hz)")
    if source.dtype.kind != "f":
        raise ClipError(f"expected floating-point samples in [-1, 1], got {source.dtype}; for int16, divide by 32768")
    y = source.astype(np.float32, copy=False)
    if not y.size:
        raise ClipError("the array has 0 samples; leave the clip out")
    if not np.isfinite(y).all():
        raise ClipError(
            f"{np.count_nonzero(~np.isfinite(y))} of {y.size} samples are not finite; fix them or leave the clip out"
        )
    if sr is None or sr == recorded:
        return y, recorded
    import soxr

    return soxr.resample(y, recorded, sr), sr
