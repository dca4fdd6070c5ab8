"""One-vs-rest receiver operating characteristics."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve


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
