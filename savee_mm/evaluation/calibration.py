"""Calibration: whether clips that are given a probability of 70 % are right in 70 % of cases."""

import numpy as np
import pandas as pd


def reliability(target, probabilities, classes, n_bins=10):
    """Return how often the likeliest class is right, by the probability that it was given.

    Parameters
    ----------
    target : array-like of shape (n_clips,)
        What is displayed.
    probabilities : ndarray of shape (n_clips, n_classes)
        What was given to each class.
    classes : sequence of length n_classes
        Their names.
    n_bins : int, default=10
        Bins of equal width between 0 and 1; a value on an edge belongs to the bin below.

    Returns
    -------
    table : DataFrame
        One row per bin: ``low``, ``high``, ``n`` clips, and the mean ``confidence`` and the ``accuracy`` in it (NaN in
        an empty one).

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    confidence = probabilities.max(axis=1)
    right = np.asarray(list(classes), dtype=object)[probabilities.argmax(axis=1)] == np.asarray(target, dtype=object)
    edges = np.linspace(0, 1, n_bins + 1)
    bins = np.clip(np.searchsorted(edges, confidence) - 1, 0, n_bins - 1)
    n = np.bincount(bins, minlength=n_bins)
    sums = [np.bincount(bins, values, minlength=n_bins) for values in (confidence, right.astype(float))]
    means = [np.divide(values, n, out=np.full(n_bins, np.nan), where=n > 0) for values in sums]
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "n": n, "confidence": means[0], "accuracy": means[1]})


def expected_calibration_error(table):
    """Return the mean distance between confidence and accuracy, bins weighing as many clips as they hold.

    Parameters
    ----------
    table : DataFrame
        Of :func:`reliability`.

    Returns
    -------
    error : float
        0 is calibrated. With few clips it is above 0 for a calibrated system too: the accuracies of the bins scatter.

    Examples
    --------
    >>> from savee_mm.evaluation.calibration import expected_calibration_error, reliability
    >>> table = reliability(["joy", "joy"], [[0.75, 0.25], [0.25, 0.75]], ["joy", "fear"])
    >>> expected_calibration_error(table)
    0.25
    """
    distance = (table["confidence"] - table["accuracy"]).abs()
    return float((distance * table["n"]).sum() / table["n"].sum())
