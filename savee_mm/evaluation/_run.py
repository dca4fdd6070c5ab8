"""Fit one fold of an evaluation and collect its predictions."""

import time

import numpy as np
from sklearn.base import clone

from savee_mm._composition import chosen, steps
from savee_mm.evaluation._predictions import PREFIX
from savee_mm.evaluation.metrics.scores import log_losses, score

_COMBINED = "combined"


def run_fold(job, corpus, groups):
    """Return the columns of a table with one row per test clip, as lists: what is kept in a file, and shown."""
    target = np.asarray(corpus.target)
    training, clips = corpus.data.iloc[job.train], corpus.data.iloc[job.test]
    estimator = clone(job.estimator)
    started = time.perf_counter()
    estimator.fit(training, target[job.train])
    seconds = time.perf_counter() - started
    learnt = score(target[job.train], estimator.predict(training))
    columns = groups.iloc[job.test].to_dict("list") | {
        # A table of one's own may know neither; which row it was is always known.
        "clip_id": clips.get("clip_id", clips.index).tolist(),
        "speaker": clips["speaker"].tolist() if "speaker" in clips else [""] * len(clips),
        "target": target[job.test].tolist(),
        "predicted": np.asarray(estimator.predict(clips)).tolist(),
        "train_accuracy": [learnt["accuracy"]] * len(clips),
        "train_uar": [learnt["uar"]] * len(clips),
        "fit_seconds": [seconds] * len(clips),
    }
    if hasattr(estimator, "predict_proba"):
        probabilities = estimator.predict_proba(clips)
        columns |= {f"p_{name}": probabilities[:, i].tolist() for i, name in enumerate(estimator.classes_)}
        losses = log_losses(target[job.train], estimator.predict_proba(training), estimator.classes_)
        columns["train_log_loss"] = [float(losses.mean())] * len(clips)
    columns |= branch_answers(estimator, clips)
    history = find_history(estimator)
    if history is not None:
        columns["history"] = [history] + [None] * (len(clips) - 1)
    return columns


def find_history(estimator):
    """Return the training curves of the network in a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        A network classifier, a Pipeline that ends in one, or a search around either.

    Returns
    -------
    history : dict of str to list of float, or None
        ``accuracy`` and ``loss`` after each epoch, ``val_accuracy`` and ``val_loss`` where training watched clips of
        its own; None for what is not trained in epochs.
    """
    last = steps(estimator)[-1]
    if hasattr(last, "history_"):
        return dict(last.history_)
    wrapped = getattr(last, "estimator_", None)
    return None if wrapped is None else find_history(wrapped)


def branch_answers(estimator, clips):
    """Return the emotion that each branch of a fitted late fusion would answer by itself.

    Parameters
    ----------
    estimator : estimator
        A :class:`~savee_mm.LateFusionClassifier`, or a search around one; of any other there are no answers.
    clips : DataFrame
        Clip table.

    Returns
    -------
    answers : dict of str to list
        By column, ``branch_<name>``: a label for each clip, None where the clip lacks what the branch reads.
    """
    estimator = chosen(estimator)
    if not hasattr(estimator, "branch_proba"):
        return {}
    said = estimator.branch_proba(clips)
    names = [name for name in said.columns.unique(level=0) if name != _COMBINED]
    return {f"{PREFIX}{name}": _likeliest(said[name]) for name in names}


def _likeliest(probabilities):
    known = probabilities.notna().all(axis=1).to_numpy()
    best = np.nan_to_num(probabilities.to_numpy()).argmax(axis=1)
    labels = probabilities.columns.to_numpy()[best]
    return [label if is_known else None for label, is_known in zip(labels.tolist(), known, strict=True)]
