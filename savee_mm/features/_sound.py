"""One clip's sound, from a path or an array, at the working rate."""

import numpy as np

from savee_mm._validation import ClipError
from savee_mm.media import read_audio
from savee_mm.signal import apply_recipe


def load_sound(source, *, sr, input_sr, recipe=None):
    """Return the samples and rate of a path or an array, augmented where there is a recipe.

    Parameters
    ----------
    source : str or ndarray of shape (n_samples,)
        A file, or mono samples in [-1, 1].
    sr : int or None
        Working rate (Hz); None = as recorded.
    input_sr : int or None
        Rate of an array (Hz); ``sr`` when None.
    recipe : str, default=None
        What is done to the sound at its working rate, see :func:`savee_mm.signal.apply_recipe`.

    Returns
    -------
    y : ndarray of shape (n_samples,), float32
    sr : int
        Its rate (Hz).

    Raises
    ------
    ClipError
        Where there is no sound, or none that can be used, or the recipe is none.
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
        raise ClipError("an array of samples has no rate of its own; pass input_sr (Hz)")
    if source.dtype.kind != "f":
        raise ClipError(
            f"samples of type {source.dtype}; pass floats with full scale at 1 (divide int16 by 32768, for instance)"
        )
    y = source.astype(np.float32, copy=False)
    if not y.size:
        raise ClipError("an array of 0 samples; leave the clip out")
    if not np.isfinite(y).all():
        raise ClipError(
            f"{np.count_nonzero(~np.isfinite(y))} of {y.size} samples are NaN or infinite; mend or leave out the clip"
        )
    if sr is None or sr == recorded:
        return y, recorded
    import soxr

    return soxr.resample(y, recorded, sr), sr
