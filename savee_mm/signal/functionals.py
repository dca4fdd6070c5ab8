"""Functionals: statistics of low-level descriptors over time, and resampling to a fixed number of frames."""

from collections.abc import Sequence

import numpy as np

#: Statistics over time by name: a function of an array (n_rows, n_frames) and the time between frames (s).
STATISTICS = {
    "mean": lambda rows, step: rows.mean(axis=1),
    "std": lambda rows, step: rows.std(axis=1),
    "min": lambda rows, step: rows.min(axis=1),
    "max": lambda rows, step: rows.max(axis=1),
    "range": lambda rows, step: np.ptp(rows, axis=1),
    "median": lambda rows, step: np.median(rows, axis=1),
    "p5": lambda rows, step: np.percentile(rows, 5, axis=1),
    "p20": lambda rows, step: np.percentile(rows, 20, axis=1),
    "p80": lambda rows, step: np.percentile(rows, 80, axis=1),
    "p95": lambda rows, step: np.percentile(rows, 95, axis=1),
    "slope": lambda rows, step: _slope(rows, step),
    "midrange": lambda rows, step: np.ptp(np.percentile(rows, (20, 80), axis=1), axis=0),
    "delta_mean": lambda rows, step: _deltas(rows).mean(axis=1),
    "delta_std": lambda rows, step: _deltas(rows).std(axis=1),
}


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
    rows = _as_rows(descriptor)
    values = np.stack([STATISTICS[name](rows, time_step) for name in statistics], axis=1)
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


def _slope(rows, step):
    times = step * (np.arange(rows.shape[1]) - (rows.shape[1] - 1) / 2)
    return rows @ times / max(times @ times, np.finfo(float).tiny)


def _deltas(rows):
    return np.abs(np.diff(rows, axis=1)) if rows.shape[1] > 1 else np.zeros((len(rows), 1))
