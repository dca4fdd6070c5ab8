"""Adaptation to unseen speakers: similar clips of one speaker get similar predictions."""

import numpy as np
import pandas as pd
from scipy.linalg import solve
from scipy.special import log_softmax, softmax
from sklearn.metrics.pairwise import rbf_kernel

from savee_mm._composition import steps
from savee_mm.classifiers.late_fusion._combination import accuracy_and_loss, is_improvement

# Chosen by leave-one-speaker-out on training speakers of the chimera and of RAVDESS (docs/results.md). Fewer clips of a
# speaker did not help.
_FEWEST = 16
# Of the ridge, for a kernel that is 1 on its diagonal. Three and ten times as much gave similar results.
_ALPHA = 0.1
# Lower bound ahead of the logarithm: predictions of ridge regression may be negative.
_FLOOR = 1e-2
# The system of equations grows with the square of the clips of a speaker, and the time to solve it with their cube.
_MOST = 1000
# Relative to its mean and to the largest deviation: a column with a smaller deviation counts as constant.
_ROUNDING = 1e-12


def adapt(log_proba, features, speakers):
    """Revise the prediction of each clip by the predictions of similar clips of its speaker.

    Parameters
    ----------
    log_proba : ndarray of shape (n_clips, n_classes)
        Log-probabilities of each clip by itself; NaN where it is not predicted.
    features : list of ndarray of shape (n_clips, n_features)
        What clips are compared by, one array for each branch; NaN in the rows of clips that lack it.
    speakers : array-like of shape (n_clips,)
        Names; None or NaN for a clip whose prediction stays as it is.

    Returns
    -------
    log_proba : ndarray of shape (n_clips, n_classes)
        Unchanged for a clip whose speaker has fewer than 16 clips in every array that has the clip.

    Notes
    -----
    Each array is standardised over the speaker's clips. Kernel ridge regression, fitted to the other clips, predicts
    the probabilities of a clip (Gaussian kernel ``exp(-mean((a - b)**2))``). The logarithm of their ratio to the mean
    of the other clips is the evidence; it is zero where no clip is similar. The mean of the evidence over all arrays is
    added. With two branches, one labels the clips for the other, as in co-training, here in one step and with soft
    labels. More than 1000 clips of one speaker are divided, in turn, into parts of at most 1000.

    References
    ----------
    A. Blum, T. Mitchell, "Combining labeled and unlabeled data with co-training", COLT 1998; R. Rifkin, R. Lippert,
    "Notes on regularized least squares", MIT-CSAIL-TR-2007-025, for the leave-one-out predictions.
    """
    evidence, n_arrays = np.zeros_like(log_proba), np.zeros(len(log_proba))
    predicted = ~np.isnan(log_proba[:, 0])
    for array in features:
        usable = predicted & ~np.isnan(array).all(axis=1)
        for rows in _clips_by_speaker(np.asarray(speakers, dtype=object), usable):
            evidence[rows] += _evidence_of_others(softmax(log_proba[rows], axis=1), array[rows])
            n_arrays[rows] += 1
    revised = n_arrays > 0
    adapted = log_proba.copy()
    adapted[revised] = log_softmax(log_proba[revised] + evidence[revised] / n_arrays[revised, np.newaxis], axis=1)
    return adapted


def evaluate_adaptation(log_proba, features, speakers, clips):
    """Adapt to the speakers of each inner fold, who are unseen to the branches of that fold, and evaluate it.

    Parameters
    ----------
    log_proba : ndarray of shape (n_clips, n_classes)
        Out-of-fold log-probabilities.
    features : dict of int to list of ndarray
        By fold, what its clips are compared by.
    speakers : ndarray of object of shape (n_clips,)
        Speakers who are unseen in their fold; None for a clip that is not adapted.
    clips : OutOfFold
        Folds, true classes and weights. A clip of weight 0 is neither adapted nor used for others.

    Returns
    -------
    metrics : tuple of float or None
        Accuracy and log loss over the clips that every branch predicts. None where there are none, and where no
        prediction changes.
    helps : bool
        Whether the accuracy is not lower and the log loss lower than without adaptation.
    """
    counts = clips.weights > 0
    rows = counts & clips.predicted.all(axis=0)
    adapted = log_proba.copy()
    for fold, own in features.items():
        held_out = clips.folds == fold
        adapted[held_out] = adapt(log_proba[held_out], own, np.where(counts, speakers, None)[held_out])
    if np.array_equal(adapted[rows], log_proba[rows]):
        return None, False
    before, after = (accuracy_and_loss(log_p[rows], clips.take(rows)) for log_p in (log_proba, adapted))
    return after, is_improvement(after, before)


def check_features(branches):
    """Raise ValueError where a branch has no step ahead of its classifier that gives features to compare.

    Parameters
    ----------
    branches : list of (str, estimator, ...)
        Names and estimators.
    """
    for name, estimator, *_ in branches:
        if len(steps(estimator)) == 1:
            raise ValueError(
                "adapt_speakers=True compares clips by the features that the last step of each branch reads; branch "
                f"{name!r} ({type(estimator).__name__}) is no Pipeline with a transformer ahead of its classifier, nor "
                "a search over one. Make it one, or leave adapt_speakers out."
            )


def _clips_by_speaker(speakers, usable):
    """Yield the rows of each speaker with enough clips, divided into parts that are not too large."""
    codes = np.full(len(speakers), -1)
    codes[usable] = pd.factorize(speakers[usable])[0]
    for code in range(codes.max(initial=-1) + 1):
        rows = np.flatnonzero(codes == code)
        if len(rows) >= _FEWEST:
            n_parts = -(-len(rows) // _MOST)
            # In turn, because clips of one emotion often follow each other.
            yield from (rows[part::n_parts] for part in range(n_parts))


def _evidence_of_others(p, features):
    """Return the log ratio of the probabilities that similar clips predict for each clip to the mean of all others."""
    kernel = rbf_kernel(_standardized(features))
    smoother = solve(kernel + _ALPHA * np.eye(len(p)), kernel, assume_a="pos")
    # Leave-one-out ridge regression in closed form: the clip's own share is left out, and the others' are scaled up.
    shares = smoother / (1 - np.diag(smoother))[:, np.newaxis]
    np.fill_diagonal(shares, 0)
    others = (p.sum(axis=0) - p) / (len(p) - 1)
    predicted = shares @ p + (1 - shares.sum(axis=1, keepdims=True)) * others
    return np.log(np.maximum(predicted, _FLOOR)) - np.log(np.maximum(others, _FLOOR))


def _standardized(features):
    """Return the columns that are not constant with mean 0 and deviation 1; missing values are the mean."""
    features = features[:, ~np.isnan(features).all(axis=0)].astype(np.float64)
    mean, spread = np.nanmean(features, axis=0), np.nanstd(features, axis=0)
    differs = spread > _ROUNDING * np.maximum(np.abs(mean), spread.max(initial=0))
    if not differs.any():
        return np.zeros((len(features), 1))
    return np.nan_to_num((features - mean)[:, differs] / spread[differs])
