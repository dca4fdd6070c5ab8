"""Metrics of probabilities: calibration, and one-vs-rest receiver operating characteristics."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve


def reliability(target, probabilities, classes, n_bins=10):
    """Return the share of correct predictions, by the probability of the most probable class.

    Parameters
    ----------
    target : array-like of shape (n_clips,)
        True classes.
    probabilities : ndarray of shape (n_clips, n_classes)
        Predicted probabilities.
    classes : sequence of length n_classes
        Their names.
    n_bins : int, default=10
        Bins of equal width between 0 and 1; a value on an edge is in the lower bin.

    Returns
    -------
    table : DataFrame
        One row for each bin: ``low``, ``high``, ``n`` clips, and their mean ``confidence`` and ``accuracy`` (NaN in an
        empty bin).

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
    """Return the mean distance between confidence and accuracy, with bins weighted by their clips.

    Parameters
    ----------
    table : DataFrame
        See :func:`reliability`.

    Returns
    -------
    error : float
        0 for a calibrated system with many clips. With few clips it is larger, because the accuracies of bins vary.

    Examples
    --------
    >>> from savee_mm.evaluation.metrics import expected_calibration_error, reliability
    >>> table = reliability(["joy", "joy"], [[0.75, 0.25], [0.25, 0.75]], ["joy", "fear"])
    >>> expected_calibration_error(table)
    0.25
    """
    distance = (table["confidence"] - table["accuracy"]).abs()
    return float((distance * table["n"]).sum() / table["n"].sum())


def roc_curves(target, probabilities, classes):
    """Return the curve of each class against all others.

    Parameters
    ----------
    target : array-like of shape (n_clips,)
        True classes.
    probabilities : ndarray of shape (n_clips, n_classes)
        Predicted probabilities.
    classes : sequence of length n_classes
        Their names.

    Returns
    -------
    curves : dict of str to (ndarray, ndarray)
        False and true positive rates; a class without clips, or without clips of other classes, has none.
    """
    target = np.asarray(target, dtype=object)
    return {
        name: roc_curve(target == name, probabilities[:, number])[:2]
        for number, name in enumerate(classes)
        if 0 < np.sum(target == name) < len(target)
    }


def auc_table(target, probabilities, classes, folds):
    """Return the area under the curve of each class.

    Parameters
    ----------
    target, probabilities, classes
        See :func:`roc_curves`.
    folds : array-like of shape (n_clips,)
        The fold of each row.

    Returns
    -------
    table : DataFrame
        By emotion: ``auc``, over all rows together, and ``auc_folds``, the mean over the folds that have clips of the
        class and of others. Probabilities of two folds come from two models; if their levels differ, ``auc`` is lower.
    """
    target, folds = np.asarray(target, dtype=object), np.asarray(folds)
    parts = [folds == fold for fold in pd.unique(folds)]
    table = {}
    for number, name in enumerate(classes):
        areas = [_area(target[part] == name, probabilities[part, number]) for part in parts]
        known = [area for area in areas if not np.isnan(area)]
        table[name] = {
            "auc": _area(target == name, probabilities[:, number]),
            "auc_folds": np.mean(known) if known else np.nan,
        }
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("emotion")


def _area(is_class, scores):
    return float(roc_auc_score(is_class, scores)) if 0 < is_class.sum() < len(is_class) else np.nan
