"""Fit one fold of an evaluation and collect its predictions."""

import time
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from savee_mm._composition import parts, steps
from savee_mm.evaluation._describe import pretrained_files
from savee_mm.evaluation._predictions import PREFIX
from savee_mm.evaluation.metrics.scores import log_losses, score

_COMBINED = "combined"
FAILED = "(failed)"
"""The label of test clips of a fold that failed; it is no class."""


def run_fold(job, X, y):
    """Fit one fold and predict its test clips.

    Parameters
    ----------
    job : Job
        The fold.
    X : DataFrame, ndarray or list of length n_clips
        The clips.
    y : ndarray of shape (n_clips,)
        Their classes.

    Returns
    -------
    columns : dict of str to list
        Columns of the predictions, with one entry for each test clip.
    """
    training, clips = (_safe_indexing(X, rows) for rows in (job.train, job.test))
    estimator = clone(job.estimator)
    started = time.perf_counter()
    estimator.fit(training, y[job.train])
    seconds = time.perf_counter() - started
    labels, probabilities, branches = predict_once(estimator, clips)
    trained, train_probabilities, _ = predict_once(estimator, training)
    scores = score(y[job.train], trained)
    n = len(job.test)
    columns = {
        "predicted": labels.tolist(),
        "train_accuracy": [scores["accuracy"]] * n,
        "train_uar": [scores["uar"]] * n,
        "fit_seconds": [seconds] * n,
    }
    if probabilities is not None:
        columns |= {f"p_{name}": probabilities[:, i].tolist() for i, name in enumerate(estimator.classes_)}
        losses = log_losses(y[job.train], train_probabilities, estimator.classes_)
        columns["train_log_loss"] = [float(losses.mean())] * n
    columns |= branches
    history = find_history(estimator)
    if history is not None:
        columns["history"] = [history] + [None] * (n - 1)
    files = {file.sha256: file for part in parts(estimator) for file in pretrained_files(part)}
    if files:
        named = sorted(f"{Path(file.path).name} (SHA-256 {file.sha256[:12]})" for file in files.values())
        columns["pretrained"] = [named] + [None] * (n - 1)
    return columns


def failed_fold(job, error, error_score):
    """Return the columns of a fold that failed; see :func:`run_fold`."""
    columns = {
        "predicted": FAILED,
        "train_accuracy": error_score,
        "train_uar": error_score,
        "fit_seconds": np.nan,
        "error": f"{type(error).__name__}: {error}",
        "error_score": error_score,
    }
    return {name: [value] * len(job.test) for name, value in columns.items()}


def predict_once(estimator, clips):
    """Predict clips with one pass through every step of an estimator.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    clips : DataFrame, ndarray or list of length n_clips
        As the estimator takes them.

    Returns
    -------
    labels : ndarray of shape (n_clips,)
        The most probable classes. ``predict`` is called where there are no probabilities, and on classifiers of
        scikit-learn, some of which predict another class than the most probable one (SVC, tuned thresholds).
    probabilities : ndarray of shape (n_clips, n_classes) or None
    branches : dict of str to list
        By column, ``branch_<name>``: the label that each branch of a late fusion predicts, None for clips without
        the modality that the branch reads. Empty for other estimators.
    """
    *before, last = steps(estimator)
    for step in before:
        clips = step.transform(clips)
    if hasattr(last, "branch_proba"):
        table = last.branch_proba(clips)
        names = [name for name in table.columns.unique(level=0) if name != _COMBINED]
        branches = {f"{PREFIX}{name}": _most_probable(table[name]) for name in names}
        probabilities = table[_COMBINED].to_numpy()
    else:
        branches, probabilities = {}, last.predict_proba(clips) if hasattr(last, "predict_proba") else None
    if probabilities is None or type(last).__module__.startswith("sklearn."):
        return np.asarray(last.predict(clips)), probabilities, branches
    return np.asarray(last.classes_)[np.argmax(probabilities, axis=1)], probabilities, branches


def find_history(estimator):
    """Return the training curves of the network in a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        A network classifier, a Pipeline that ends in one, or a search around either.

    Returns
    -------
    history : dict of str to list of float, or None
        ``accuracy`` and ``loss`` after each epoch; with inner validation clips also ``val_accuracy`` and
        ``val_loss``. None for an estimator that is not trained in epochs.
    """
    last = steps(estimator)[-1]
    if hasattr(last, "history_"):
        return dict(last.history_)
    wrapped = getattr(last, "estimator_", None)
    return None if wrapped is None else find_history(wrapped)


def _most_probable(probabilities):
    """Return the most probable class of each row as a list, None for rows with missing values."""
    known = probabilities.notna().all(axis=1).to_numpy()
    best = np.nan_to_num(probabilities.to_numpy()).argmax(axis=1)
    labels = probabilities.columns.to_numpy()[best]
    return [label if is_known else None for label, is_known in zip(labels.tolist(), known, strict=True)]
