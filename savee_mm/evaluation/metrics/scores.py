"""Accuracy, precision, recall, F1 and log loss: of any predictions, of each fold, and averaged over folds."""

import numpy as np
import pandas as pd

from savee_mm.evaluation._predictions import read_probabilities, speaker_names
from savee_mm.evaluation.metrics.sentences import sentence_accuracy

SCORES = ("accuracy", "precision", "recall", "f1", "uar")
"""Names of the metrics, in the order of the tables."""

_FOLD = ["system", "protocol", "seed", "fold"]
_TRAINING = ("train_accuracy", "train_uar")
_LOSSES = ("log_loss", "train_log_loss")


def score(target, predicted):
    """Score predictions, with equal weight for every true class.

    Parameters
    ----------
    target, predicted : array-like of shape (n_clips,)
        True and predicted classes.

    Returns
    -------
    scores : dict of str to float
        ``accuracy``; ``precision``, ``recall`` and ``f1``, the unweighted means over the classes; ``uar``, the
        unweighted average recall, which equals ``recall``.

    Notes
    -----
    The classes are those in ``target``. A class that is only in ``predicted`` has no recall and does not count
    (scikit-learn's ``average="macro"`` counts it as 0). The precision of a class that is never predicted is 0.

    Examples
    --------
    >>> from savee_mm.evaluation.metrics import score
    >>> scores = score(["anger", "anger", "fear", "fear"], ["anger", "sadness", "fear", "anger"])
    >>> {name: round(value, 3) for name, value in scores.items()}
    {'accuracy': 0.5, 'precision': 0.75, 'recall': 0.5, 'f1': 0.583, 'uar': 0.5}
    """
    return {name: float(value) for name, value in score_counts(count(target, predicted)[0]).items()}


def count(target, predicted):
    """Return the confusion matrix.

    Parameters
    ----------
    target, predicted : array-like of shape (n_clips,)
        True and predicted classes.

    Returns
    -------
    counts : ndarray of shape (n_classes, n_classes)
        Clips by true class (rows) and predicted class (columns). Unlike scikit-learn's, without a warning for a single
        class, which small groups may have.
    classes : ndarray of shape (n_classes,)
        Sorted.
    """
    labels = np.concatenate([target, predicted])
    # Objects are strings, or numbers together with the mark of a failed fold.
    classes, numbers = np.unique(labels.astype(str) if labels.dtype == object else labels, return_inverse=True)
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, tuple(numbers.reshape(2, -1)), 1)
    return counts, classes


def score_counts(counts):
    """Score many confusion matrices at once.

    Parameters
    ----------
    counts : ndarray of shape (..., n_classes, n_classes)
        Clips by true class (rows) and predicted class (columns); they may be weighted.

    Returns
    -------
    scores : dict of str to ndarray of shape (...)
        See :func:`score`; NaN for a matrix without clips.
    """
    counts = np.asarray(counts, dtype=float)
    true = counts.sum(axis=-1)
    means = [_mean_over_classes(values, true > 0) for values in class_scores(counts)]
    accuracy = _ratio(np.trace(counts, axis1=-2, axis2=-1), true.sum(axis=-1), np.nan)
    return dict(zip(SCORES, (accuracy, *means, means[1]), strict=True))


def class_scores(counts):
    """Return precision, recall and F1 of each class.

    Parameters
    ----------
    counts : ndarray of shape (..., n_classes, n_classes)
        See :func:`score_counts`.

    Returns
    -------
    precision, recall, f1 : ndarray of shape (..., n_classes)
        The precision of a class that is never predicted is 0; the recall of a class without clips is NaN.
    """
    counts = np.asarray(counts, dtype=float)
    hits, true, predicted = np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-1), counts.sum(axis=-2)
    return _ratio(hits, predicted, 0.0), _ratio(hits, true, np.nan), _ratio(2 * hits, true + predicted, np.nan)


def log_losses(target, probabilities, classes):
    """Return the logarithmic loss of each clip in nats.

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
    losses : ndarray of shape (n_clips,)
        As in scikit-learn's ``log_loss``, the probability of the true class is at least the smallest step from 1: a
        true class with probability 0, or one that is not in ``classes``, costs 36 nats.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    is_true = np.asarray(target, dtype=object)[:, None] == np.asarray(list(classes), dtype=object)
    given = np.where(is_true, probabilities, 0).sum(axis=1)
    return -np.log(np.clip(given, np.finfo(float).eps, 1))


def score_folds(predictions):
    """Return one row for each fold, see :meth:`EvaluationReport.folds`."""
    folds = predictions.groupby(_FOLD, sort=False).apply(_score_fold, include_groups=False).reset_index()
    pairs = predictions.groupby(_FOLD[:2], sort=False)
    alone = {(*pair, *place): value for pair, rows in pairs for place, value in sentence_accuracy(rows).items()}
    return folds.assign(
        sentence_accuracy=[alone.get(place, np.nan) for place in zip(*map(folds.get, _FOLD), strict=True)]
    )


def average_folds(folds):
    """Return mean and standard deviation over the folds of each system and protocol, and the lowest accuracy."""
    aggregates = {}
    for name in (*SCORES, *_TRAINING, *_LOSSES):
        aggregates |= {name: (name, _mean), f"{name}_sd": (name, _deviation)}
    aggregates |= {
        "worst_fold": ("accuracy", _lowest),
        "sentence_accuracy": ("sentence_accuracy", _mean),
        "fit_seconds": ("fit_seconds", "mean"),
        "n_folds": ("fold", "size"),
    }
    return folds.groupby(["system", "protocol"], sort=False).agg(**aggregates).reset_index()


def average_curves(histories):
    """Return the mean curves over the epochs of several folds.

    Parameters
    ----------
    histories : sequence of dict
        One for each fold, see :func:`~savee_mm.evaluation._run.find_history`.

    Returns
    -------
    curves : DataFrame
        One row for each ``name`` of a curve and ``epoch`` (from 1): ``mean``, ``sd`` (with n in the denominator) and
        ``n_folds``. Folds that stopped early are in the means of their epochs only.
    """
    rows = [
        (name, epoch, value)
        for history in histories
        for name, values in history.items()
        for epoch, value in enumerate(values, 1)
    ]
    grouped = pd.DataFrame(rows, columns=["name", "epoch", "value"]).groupby(["name", "epoch"], sort=False)["value"]
    return grouped.agg(mean="mean", sd=lambda values: values.std(ddof=0), n_folds="size").reset_index()


def speakers_sd(rows):
    """Return the standard deviation of the accuracies of the known speakers, NaN with fewer than two."""
    accuracy = (rows["target"] == rows["predicted"]).groupby(speaker_names(rows)).mean().drop("", errors="ignore")
    return _deviation(accuracy.to_numpy()) if len(accuracy) > 1 else np.nan


def _score_fold(rows):
    first = rows.iloc[0]
    failed = "error" in rows and pd.notna(first["error"])
    probabilities, classes = read_probabilities(rows)
    losses = log_losses(rows["target"].astype(str), probabilities, classes) if classes else np.array([np.nan])
    return pd.Series(
        {
            "speakers": " ".join(sorted(speaker_names(rows).unique())),
            "n_test": len(rows),
            **(dict.fromkeys(SCORES, first["error_score"]) if failed else score(rows["target"], rows["predicted"])),
            "log_loss": losses.mean(),
            **{name: first[name] for name in (*_TRAINING, "fit_seconds")},
            "train_log_loss": first.get("train_log_loss", np.nan),
        }
    )


def _deviation(values):
    """Return the standard deviation with n in the denominator, as in numpy."""
    return np.std(np.asarray(values))


# A fold that failed may have NaN, which pandas would ignore.
def _mean(values):
    return np.mean(np.asarray(values))


def _lowest(values):
    return np.min(np.asarray(values))


def _mean_over_classes(values, present):
    return _ratio(np.where(present, values, 0).sum(axis=-1), present.sum(axis=-1), np.nan)


def _ratio(part, whole, otherwise):
    part, whole = np.broadcast_arrays(np.asarray(part, dtype=float), whole)
    return np.divide(part, whole, out=np.full(part.shape, otherwise), where=whole > 0)
