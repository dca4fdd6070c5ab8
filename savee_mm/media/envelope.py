"""RMS envelope of the audio of one file, on the clock of its frames."""

import math
import os
from functools import partial
from numbers import Real

import numpy as np

from savee_mm._validation import ClipError, Segment
from savee_mm.media._blocks import read_mono
from savee_mm.media._container import check_source


def read_envelope(path: str | os.PathLike[str] | Segment, step: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Read the RMS envelope of the audio of a file, without keeping the samples in memory.

    Parameters
    ----------
    path : str, path-like or Segment
        A video with audio, or an audio file, or a part of one.
    step : float, default=0.02
        Length of the consecutive windows (s).

    Returns
    -------
    rms : ndarray of shape (n_steps,), float64
        Root mean square in each window of the samples that :func:`~savee_mm.read_audio` returns; full scale is 1.
    times : ndarray of shape (n_steps,), float64
        Centre of each window (s), on the clock of :func:`~savee_mm.read_frames`.

    Raises
    ------
    ClipError
        As :func:`~savee_mm.read_audio`.
    ValueError
        If ``step`` is not a positive number.
    """
    if isinstance(step, bool) or not isinstance(step, Real) or not math.isfinite(step) or step <= 0:
        raise ValueError(f"Expected step to be a positive number of seconds, got {step!r}.")
    file, segment = check_source(path)
    power, start, length = read_mono(file, partial(_mean_squares, step=step), segment)
    if not power.size:
        raise ClipError("no samples (0 s); record or copy it again", path=file)
    if not np.isfinite(power).all():
        raise ClipError("some samples are NaN or infinite; export the recording again", path=file)
    return np.sqrt(power), start + (np.arange(len(power)) + 0.5) * length


def _mean_squares(blocks, *, step):
    """Return the mean square of every window (the last of the rest), the first time and the length of a window (s)."""
    power, start, length, rest = [], 0.0, step, np.empty(0, np.float32)
    for time, samples, sr in blocks:
        if not power and not rest.size:
            start = time
        n_samples = max(1, round(step * sr))
        length = n_samples / sr
        rest = np.concatenate([rest, samples])
        whole = len(rest) // n_samples * n_samples
        power.extend(np.square(rest[:whole], dtype=np.float64).reshape(-1, n_samples).mean(axis=1))
        rest = rest[whole:]
    if rest.size:
        power.append(np.square(rest, dtype=np.float64).mean())
    return np.array(power), start, length
