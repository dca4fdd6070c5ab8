"""Functionals: statistics of low-level descriptors over time, and resampling to a fixed number of frames."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np


class _Frames:
    """A descriptor over time, (n_rows, n_frames) with a frame every ``step`` (s); statistics share what is costly."""

    def __init__(self, rows, step):
        self.rows, self.step = rows, step

    @cached_property
    def sorted(self):
        """The values of each row in ascending order: one sort for all percentiles."""
        return np.sort(self.rows, axis=1)

    @cached_property
    def deltas(self):
        """The absolute differences between consecutive frames."""
        return np.abs(np.diff(self.rows, axis=1)) if self.rows.shape[1] > 1 else np.zeros((len(self.rows), 1))

    def percentile(self, q):
        """Return a percentile of each row, linear between two values."""
        position = (self.rows.shape[1] - 1) * q / 100
        below = int(position)
        low, high = self.sorted[:, below], self.sorted[:, min(below + 1, self.rows.shape[1] - 1)]
        return low + (high - low) * (position - below)

    def slope(self):
        """Return the slope of the regression line of each row (1/s)."""
        times = self.step * (np.arange(self.rows.shape[1]) - (self.rows.shape[1] - 1) / 2)
        return self.rows @ times / max(times @ times, np.finfo(float).tiny)


# Statistics over time by name: a function of _Frames.
_FUNCTIONS = {
    "mean": lambda frames: frames.rows.mean(axis=1),
    "std": lambda frames: frames.rows.std(axis=1),
    "min": lambda frames: frames.rows.min(axis=1),
    "max": lambda frames: frames.rows.max(axis=1),
    "range": lambda frames: np.ptp(frames.rows, axis=1),
    "median": lambda frames: frames.percentile(50),
    "p5": lambda frames: frames.percentile(5),
    "p20": lambda frames: frames.percentile(20),
    "p80": lambda frames: frames.percentile(80),
    "p95": lambda frames: frames.percentile(95),
    "slope": _Frames.slope,
    "midrange": lambda frames: frames.percentile(80) - frames.percentile(20),
    "delta_mean": lambda frames: frames.deltas.mean(axis=1),
    "delta_std": lambda frames: frames.deltas.std(axis=1),
}
#: Names of the statistics over time.
STATISTICS = tuple(_FUNCTIONS)


def summarize(descriptor: np.ndarray, statistics: Sequence[str], *, time_step: float) -> np.ndarray:
    """Compute statistics of a descriptor over time.

    Parameters
    ----------
    descriptor : array of shape (n_frames,) or (n_rows, n_frames)
        One descriptor over time, at least one frame.
    statistics : sequence of str
        Names among ``mean, std, min, max, range, median, p5, p20, p80, p95`` (percentiles), ``midrange`` (p80 - p20),
        ``slope`` (of the regression line, per second), and ``delta_mean, delta_std`` (of the absolute
        difference between consecutive frames). The last three are 0 for a single frame.
    time_step : float
        Distance between two frames (s).

    Returns
    -------
    values : ndarray of shape (n_statistics,) or (n_rows, n_statistics), float64

    Raises
    ------
    ValueError
        If a statistic is unknown or there are no frames.

    Examples
    --------
    >>> from savee_mm.signal import summarize
    >>> summarize([1.0, 2.0, 3.0, 4.0], ["mean", "range", "slope"], time_step=0.5).tolist()
    [2.5, 3.0, 2.0]
    """
    unknown = [name for name in statistics if name not in STATISTICS]
    if unknown:
        raise ValueError(f"Unknown statistics {unknown}; known are {', '.join(STATISTICS)}.")
    frames = _Frames(_as_rows(descriptor), time_step)
    values = np.stack([_FUNCTIONS[name](frames) for name in statistics], axis=1)
    return values[0] if np.ndim(descriptor) == 1 else values


def resample_frames(descriptor: np.ndarray, n_frames: int) -> np.ndarray:
    """Resample a descriptor to a fixed number of frames by linear interpolation; first and last frame are kept.

    Parameters
    ----------
    descriptor : array of shape (n,) or (n_rows, n)
        One descriptor over time, at least one frame.
    n_frames : int
        Number of frames to return; 1 returns the first frame.

    Returns
    -------
    resampled : ndarray of shape (n_frames,) or (n_rows, n_frames), float64

    Raises
    ------
    ValueError
        If there are no frames.

    Examples
    --------
    >>> from savee_mm.signal import resample_frames
    >>> resample_frames([0.0, 1.0, 2.0], 5).tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    rows = _as_rows(descriptor)
    positions = np.linspace(0, rows.shape[1] - 1, n_frames)
    before = np.minimum(positions.astype(np.intp), max(rows.shape[1] - 2, 0))
    share = positions - before
    after = np.minimum(before + 1, rows.shape[1] - 1)
    resampled = rows[:, before] * (1 - share) + rows[:, after] * share
    return resampled[0] if np.ndim(descriptor) == 1 else resampled


def _as_rows(descriptor):
    rows = np.atleast_2d(np.asarray(descriptor, dtype=np.float64))
    if rows.ndim != 2 or not rows.size:
        raise ValueError(
            f"Expected a descriptor of shape (n_frames,) or (n_rows, n_frames) with at least one frame, got "
            f"{np.shape(descriptor)}."
        )
    return rows
