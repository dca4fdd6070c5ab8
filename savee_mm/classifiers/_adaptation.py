"""Adaptation to new speakers: clips of one speaker that are alike are told alike."""

import numpy as np
import pandas as pd
from scipy.linalg import solve
from scipy.special import log_softmax, softmax
from sklearn.metrics.pairwise import rbf_kernel

# Of fewer clips of a speaker there is nothing to learn; as in SpeakerNormalizer.
_FEWEST = 8
# Of the ridge, for a kernel that is 1 on its diagonal. A third and ten times as much do about as well.
_ALPHA = 0.1
# What the like clips tell counts half in each view, so that two views count as much as the clip by itself.
_STRENGTH = 0.5
# Ahead of the logarithm: a ridge's mean of probabilities may be negative.
_FLOOR = 1e-2


def adapt(log_proba, views, speakers):
    """Revise what is told of each clip by what is told of the other clips of its speaker that are like it.

    Parameters
    ----------
    log_proba : ndarray of shape (n_clips, n_classes)
        Log-probabilities, of each clip by itself.
    views : list of ndarray of shape (n_clips, n_features)
        What clips are compared by, of one kind each; NaN in rows where a clip has nothing of that kind.
    speakers : ndarray of shape (n_clips,)
        Who speaks; missing where nothing is to be revised.

    Returns
    -------
    log_proba : ndarray of shape (n_clips, n_classes)
        Those of speakers with fewer than 8 clips as they came.

    Notes
    -----
    In each view, kernel ridge regression over the speaker's other clips foretells the probabilities of a clip. The
    logarithm of their ratio to the mean of the other clips is evidence that is added: none where no clip is like it.
    With two views one teaches the other, as in co-training, here in one step and with soft labels.

    References
    ----------
    A. Blum, T. Mitchell, "Combining labeled and unlabeled data with co-training", COLT 1998; R. Rifkin, R. Lippert,
    "Notes on regularized least squares", MIT-CSAIL-TR-2007-025, for the leave-one-out predictions.
    """
    evidence = np.zeros_like(log_proba)
    codes = pd.factorize(pd.Series(speakers, dtype=object))[0]
    for code in range(codes.max(initial=-1) + 1):
        for view in views:
            rows = np.flatnonzero((codes == code) & np.isfinite(view).all(axis=1) & np.isfinite(log_proba).all(axis=1))
            if len(rows) >= _FEWEST:
                evidence[rows] += _told_by_others(softmax(log_proba[rows], axis=1), view[rows])
    return log_softmax(log_proba + _STRENGTH * evidence, axis=1)


def adapt_inner(log_proba, views, speakers, folds):
    """Adapt to the speakers of inner folds, to whom those of the other folds are in training.

    Parameters
    ----------
    log_proba : ndarray of shape (n_clips, n_classes)
        What was told of each clip by a fit to the other folds.
    views : dict of int to list of ndarray
        By fold, the views of its clips.
    speakers, folds : ndarray of shape (n_clips,)
        Who speaks, and in which fold the clip is.

    Returns
    -------
    log_proba : ndarray of shape (n_clips, n_classes) or None
        None where a speaker's clips are in several folds: then nobody was new.
    """
    if (pd.Series(folds).groupby(speakers).nunique() > 1).any():
        return None
    adapted = np.empty_like(log_proba)
    for fold, own in views.items():
        rows = folds == fold
        adapted[rows] = adapt(log_proba[rows], own, speakers[rows])
    return adapted


def check_speakers(table):
    """Return the speakers of a training table.

    Raises
    ------
    ValueError
        Where it does not say of every clip who speaks.
    """
    if "speaker" not in table.columns or table["speaker"].isna().any():
        raise ValueError(
            "adapt_speakers=True has to know who is new; fill the column 'speaker' of every training clip, or leave "
            "adapt_speakers out."
        )
    return table["speaker"].unique().tolist()


def _told_by_others(p, view):
    """Return the logarithm of what clips like it tell of each clip, over what all others tell on average."""
    spread = view.std(axis=0)
    kernel = rbf_kernel((view - view.mean(axis=0)) / np.where(spread > 0, spread, 1))
    smoother = solve(kernel + _ALPHA * np.eye(len(p)), kernel, assume_a="pos")
    # Ridge regression without a clip, in closed form: its own share is left out, and the others' grow.
    shares = smoother / (1 - np.diag(smoother))[:, np.newaxis]
    np.fill_diagonal(shares, 0)
    others = (p.sum(axis=0) - p) / (len(p) - 1)
    told = shares @ p + (1 - shares.sum(axis=1, keepdims=True)) * others
    told, others = (np.maximum(values, _FLOOR) for values in (told, others))
    return np.log(told / told.sum(axis=1, keepdims=True)) - np.log(others)
