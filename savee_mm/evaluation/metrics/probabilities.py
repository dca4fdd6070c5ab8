"""Metrics of probabilities: calibration, and one-vs-rest receiver operating characteristics."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve


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
    >>> from savee_mm.evaluation.metrics import expected_calibration_error, reliability
    >>> table = reliability(["joy", "joy"], [[0.75, 0.25], [0.25, 0.75]], ["joy", "fear"])
    >>> expected_calibration_error(table)
    0.25
    """
    distance = (table["confidence"] - table["accuracy"]).abs()
    return float((distance * table["n"]).sum() / table["n"].sum())


def roc_curves(target, probabilities, classes):
    """Return each class's curve against all others.

    Parameters
    ----------
    target : array-like of shape (n_clips,)
        What is displayed.
    probabilities : ndarray of shape (n_clips, n_classes)
        What was given to each class.
    classes : sequence of length n_classes
        Their names.

    Returns
    -------
    curves : dict of str to (ndarray, ndarray)
        False and true positive rates; a class without clips, or without others, has none.
    """
    target = np.asarray(target, dtype=object)
    return {
        name: roc_curve(target == name, probabilities[:, number])[:2]
        for number, name in enumerate(classes)
        if 0 < np.sum(target == name) < len(target)
    }


def auc_table(target, probabilities, classes, folds):
    """Return the area under each class's curve.

    Parameters
    ----------
    target, probabilities, classes
        As of :func:`roc_curves`.
    folds : array-like of shape (n_clips,)
        The fold of each row.

    Returns
    -------
    table : DataFrame
        By emotion: ``auc``, over all rows taken together, and ``auc_folds``, the mean over the folds that have the
        class and others. Probabilities of two folds come from two models, and where these differ in their level
        the first figure is the lower one.
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
