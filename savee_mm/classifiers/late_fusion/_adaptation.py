"""Adaptation to new speakers: clips of one speaker that are alike are told alike."""

import numpy as np
import pandas as pd
from scipy.linalg import solve
from scipy.special import log_softmax, softmax
from sklearn.metrics.pairwise import rbf_kernel

from savee_mm._composition import steps
from savee_mm._validation import are_recordings, names_in
from savee_mm.classifiers._inner_split import parts_groups
from savee_mm.classifiers.late_fusion._combination import judge

# Settled on training speakers left out in turn, of the chimera and of RAVDESS (docs/results.md). Of fewer clips of a
# speaker there was nothing to learn.
_FEWEST = 16
# Of the ridge, for a kernel that is 1 on its diagonal. Three and ten times as much did about as well.
_ALPHA = 0.1
# Ahead of the logarithm: a ridge's mean of probabilities may be negative.
_FLOOR = 1e-2
# The system of equations grows with the square of a speaker's clips, and its solution with their cube.
_MOST = 1000
# A column that differs by less, of its size or of what others differ by, tells nothing of a clip.
_ROUNDING = 1e-12


def adapt(log_proba, views, speakers):
    """Revise what is told of each clip by what is told of the other clips of its speaker that are like it.

    Parameters
    ----------
    log_proba : ndarray of shape (n_clips, n_classes)
        Log-probabilities, of each clip by itself; NaN where nothing is told.
    views : list of ndarray of shape (n_clips, n_features)
        What clips are compared by, of one kind each; NaN in rows where a clip has nothing of that kind.
    speakers : array-like of shape (n_clips,)
        Who speaks; missing where nothing is to be revised.

    Returns
    -------
    log_proba : ndarray of shape (n_clips, n_classes)
        Unchanged for a clip whose speaker has fewer than 16 clips in every view that it has.

    Notes
    -----
    Each view is standardised over the speaker's clips, and kernel ridge regression over the other clips foretells the
    probabilities of a clip (Gaussian kernel ``exp(-mean((a - b)**2))``). The logarithm of their ratio to the mean of
    the other clips is evidence: none where no clip is like it. The mean of the evidence of all views is added. With two
    views one teaches the other, as in co-training, here in one step and with soft labels. More than 1000 clips of one
    speaker are dealt out in turn to parts of at most so many.

    References
    ----------
    A. Blum, T. Mitchell, "Combining labeled and unlabeled data with co-training", COLT 1998; R. Rifkin, R. Lippert,
    "Notes on regularized least squares", MIT-CSAIL-TR-2007-025, for the leave-one-out predictions.
    """
    evidence, n_views = np.zeros_like(log_proba), np.zeros(len(log_proba))
    told = ~np.isnan(log_proba[:, 0])
    for view in views:
        usable = told & ~np.isnan(view).all(axis=1)
        for rows in _parts(np.asarray(speakers, dtype=object), usable):
            evidence[rows] += _told_by_others(softmax(log_proba[rows], axis=1), view[rows])
            n_views[rows] += 1
    revised = n_views > 0
    adapted = log_proba.copy()
    adapted[revised] = log_softmax(log_proba[revised] + evidence[revised] / n_views[revised, np.newaxis], axis=1)
    return adapted


def judge_adaptation(log_proba, views, speakers, clips):
    """Adapt to the speakers of inner folds, to whom those of the other folds are in training, and judge it.

    Parameters
    ----------
    log_proba : ndarray of shape (n_clips, n_classes)
        What was told of each clip without its own label.
    views : dict of int to list of ndarray
        By fold, the views of its clips.
    speakers : ndarray of shape (n_clips,)
        Who speaks; missing where a clip neither learns nor teaches.
    clips : InnerClips
        Their folds, true classes and weights. Clips of weight 0 neither learn nor teach.

    Returns
    -------
    judged : tuple of float or None
        Accuracy and log loss over the clips that lack nothing. None where there are none, where nobody was new, for a
        speaker's clips are in several folds, and where nothing was revised.
    helps : bool
        Whether the accuracy is not lower and the log loss lower than without.
    """
    folds, counts = clips.folds, clips.weights > 0
    judged_on = counts & ~np.isnan(clips.scores[:, :, 0]).any(axis=0)
    if not judged_on.any() or parts_groups(folds, speakers):
        return None, False
    adapted = log_proba.copy()
    for fold, own in views.items():
        rows = folds == fold
        adapted[rows] = adapt(log_proba[rows], own, np.where(counts[rows], speakers[rows], None))
    if np.array_equal(adapted[judged_on], log_proba[judged_on]):
        return None, False
    before, after = (judge(log_p[judged_on], clips.of(judged_on)) for log_p in (log_proba, adapted))
    # Rounding must not part what is equally good.
    return after, after[0] > before[0] - 1e-9 and after[1] < before[1] - 1e-9


def speakers_of(table):
    """Return the speakers of a training table.

    Parameters
    ----------
    table : DataFrame
        The training clips.

    Returns
    -------
    speakers : list of str

    Raises
    ------
    ValueError
        Where it does not say of every clip who speaks.
    """
    names = set(names_in(table, "speaker"))
    if None in names:
        raise ValueError(
            "adapt_speakers=True has to know who is new; fill the column 'speaker' of every training clip, or leave "
            "adapt_speakers out."
        )
    return sorted(names)


def strangers(table, known):
    """Return who speaks in each clip of a table.

    Parameters
    ----------
    table : DataFrame
        Clips.
    known : collection of str
        Speakers who are not new.

    Returns
    -------
    speakers : ndarray of object of shape (n_clips,)
        None where it is somebody known or not said, and for an augmented copy, which would teach its recording.
    """
    clips = zip(names_in(table, "speaker"), are_recordings(table), strict=True)
    return np.array([name if own and name not in known else None for name, own in clips], dtype=object)


def check_views(branches):
    """Raise ValueError where a branch has no last step whose input could be compared.

    Parameters
    ----------
    branches : list of (str, estimator, ...)
        Names and estimators.
    """
    for name, estimator, *_ in branches:
        if len(steps(estimator)) == 1:
            raise ValueError(
                f"adapt_speakers=True compares clips by what the last step of each branch reads; branch {name!r} "
                f"({type(estimator).__name__}) is no Pipeline with a transformer ahead of its classifier, nor a search "
                "over one. Make it one, or leave adapt_speakers out."
            )


def _parts(speakers, usable):
    """Yield the rows of each speaker who has enough, in parts that are not too large."""
    codes = np.full(len(speakers), -1)
    codes[usable] = pd.factorize(speakers[usable])[0]
    for code in range(codes.max(initial=-1) + 1):
        rows = np.flatnonzero(codes == code)
        if len(rows) >= _FEWEST:
            n_parts = -(-len(rows) // _MOST)
            # In turn: clips of one emotion often stand together.
            yield from (rows[part::n_parts] for part in range(n_parts))


def _told_by_others(p, view):
    """Return the logarithm of what clips like it tell of each clip, over what all others tell on average."""
    kernel = rbf_kernel(_standardized(view))
    smoother = solve(kernel + _ALPHA * np.eye(len(p)), kernel, assume_a="pos")
    # Ridge regression without a clip, in closed form: its own share is left out, and the others' grow.
    shares = smoother / (1 - np.diag(smoother))[:, np.newaxis]
    np.fill_diagonal(shares, 0)
    others = (p.sum(axis=0) - p) / (len(p) - 1)
    told = shares @ p + (1 - shares.sum(axis=1, keepdims=True)) * others
    return np.log(np.maximum(told, _FLOOR)) - np.log(np.maximum(others, _FLOOR))


def _standardized(view):
    """Return the columns that differ between clips with mean 0 and deviation 1; what is unknown is at the mean."""
    view = view[:, ~np.isnan(view).all(axis=0)].astype(np.float64)
    mean, spread = np.nanmean(view, axis=0), np.nanstd(view, axis=0)
    differs = spread > _ROUNDING * np.maximum(np.abs(mean), spread.max(initial=0))
    if not differs.any():
        return np.zeros((len(view), 1))
    return np.nan_to_num((view - mean)[:, differs] / spread[differs])
