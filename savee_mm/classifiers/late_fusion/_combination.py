"""Combinations of branches: one alone, a weighted sum of log-probabilities, or a small stacker."""

from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from savee_mm.classifiers._temperature import fit_temperature, log_loss

# Added ahead of the logarithm, so that a branch with probability 0 does not outvote all others.
_FLOOR = 1e-3
# Finite, so that a branch keeps its order of the classes.
_TEMPERATURES = (1 / 30, 100.0)
# Shares are multiples of a tenth, of five branches and more of a quarter, which limits the number of candidates.
_N_STEPS, _N_COARSE_STEPS, _FEW = 10, 4, 4
# Inverse strength of the stacker's L2 penalty: strong, because it has n_classes**2 weights a branch and few clips.
_STACKER_C = 0.05
# Differences of a rounding error must not decide between accuracies.
_ROUNDING = 1e-9


class OutOfFold(NamedTuple):
    """Out-of-fold predictions: of every clip, by branches that were fitted to the other folds.

    ``scores`` are log-probabilities of shape (n_branches, n_clips, n_classes), NaN where a branch does not predict the
    clip; ``codes`` the true classes, ``folds`` the inner folds and ``weights`` the weights of the clips, each of shape
    (n_clips,).
    """

    scores: np.ndarray
    codes: np.ndarray
    folds: np.ndarray
    weights: np.ndarray

    def take(self, rows):
        """Return these clips only."""
        return OutOfFold(self.scores[:, rows], self.codes[rows], self.folds[rows], self.weights[rows])

    @property
    def predicted(self):
        """Which clips each branch predicts, of shape (n_branches, n_clips)."""
        return ~np.isnan(self.scores[:, :, 0])


@dataclass
class Combination:
    """A combination of the log-probabilities of branches.

    The scores of branch b are multiplied by ``weights[b]`` and summed; with a ``stacker``, a regression, they are
    multiplied and passed to it.
    """

    weights: np.ndarray
    stacker: LogisticRegression | None = None

    def log_proba(self, scores):
        """Return the log-probabilities of the classes.

        Parameters
        ----------
        scores : ndarray of shape (n_branches, n_clips, n_classes)
            Log-probabilities; those of a branch of weight 0 are not used.

        Returns
        -------
        log_proba : ndarray of shape (n_clips, n_classes)
        """
        if self.stacker is None:
            used = self.weights > 0
            return log_softmax(np.tensordot(self.weights[used], scores[used], axes=1), axis=1)
        p = np.zeros(scores.shape[1:])
        p[:, self.stacker.classes_] = self.stacker.predict_proba(self.stacked(scores))
        return log_scores(p)

    def stacked(self, scores):
        """Return the calibrated log-probabilities side by side, of shape (n_clips, n_used * n_classes)."""
        used = self.weights > 0
        return np.hstack(log_softmax(self.weights[used, np.newaxis, np.newaxis] * scores[used], axis=2))


class Choice(NamedTuple):
    """The combination that was chosen for a set of branches.

    ``branches`` are the positions of the branches, ``kind`` is "weights", "stack" or the position of the branch that is
    used alone, and ``metrics`` has accuracy and log loss by kind.
    """

    branches: list
    kind: str | int
    combination: Combination
    metrics: dict


def log_scores(p):
    """Return the logarithms of probabilities, bounded from below.

    Parameters
    ----------
    p : ndarray of shape (n_clips, n_classes)
        Probabilities.

    Returns
    -------
    scores : ndarray of shape (n_clips, n_classes)
        Logarithms of ``p`` mixed with a thousandth for every class: trees and nearest neighbours give probability 0 to
        a class without similar training clips.
    """
    return np.log((p + _FLOOR) / (1 + p.shape[1] * _FLOOR))


def combine(fitted, scores):
    """Return the log-probabilities of clips, each by the combination for the branches that predict it.

    Parameters
    ----------
    fitted : list of (branches, Combination)
        One for every set of branches.
    scores : ndarray of shape (n_branches, n_clips, n_classes)
        Log-probabilities, NaN where a branch does not predict the clip.

    Returns
    -------
    log_proba : ndarray of shape (n_clips, n_classes)
        NaN for a clip that no branch predicts.
    """
    predicted = ~np.isnan(scores[:, :, 0])
    log_p = np.full(scores.shape[1:], np.nan)
    for branches, combination in fitted:
        rows = _by_just(branches, predicted)
        if rows.any():
            log_p[rows] = combination.log_proba(scores[:, rows])
    return log_p


def choose_combinations(clips, which="auto"):
    """Choose a combination for every set of branches.

    Of the weighted sums whose accuracy is not below that of the best branch alone, and whose log loss is not above the
    lowest by more than one standard error, that with the most equal weights is chosen. The stacker, which has the most
    parameters, must be better by more than one standard error.

    Parameters
    ----------
    clips : OutOfFold
        Predictions that combinations are fitted to and evaluated on. Sums are evaluated on the clips that they were
        chosen by, because there are few candidates and many clips; stackers are fitted to all folds but one and
        evaluated on that one.
    which : {"auto", "weights", "stack", "best"}, default="auto"
        Kinds to choose from for a set of several branches; all are evaluated.

    Returns
    -------
    choices : list of Choice
        Single branches first, all branches together last.
    """
    return [_choose(branches, clips, which) for branches in _sets(len(clips.scores))]


def combine_out_of_fold(choices, clips):
    """Return the log-probabilities of clips by combinations that were not fitted to them, as far as possible.

    Parameters
    ----------
    choices : list of Choice
        Of :func:`choose_combinations`.
    clips : OutOfFold
        The clips that these were chosen by, and others of weight 0.

    Returns
    -------
    log_proba : ndarray of shape (n_clips, n_classes)
        Of a stacker, by fits to the other folds; a sum has so few weights that the chosen ones are used. NaN where no
        branch predicts the clip.
    """
    log_p = combine([(choice.branches, choice.combination) for choice in choices], clips.scores)
    for choice in choices:
        if choice.kind == "stack":
            rows = _by_just(choice.branches, clips.predicted) & (clips.weights > 0)
            complete = clips.predicted[choice.branches].all(axis=0) & (clips.weights > 0)
            log_p[rows] = _cross_fitted_stack(choice.branches, clips.take(complete))[rows[complete]]
    return log_p


def fit_pools(clips):
    """Fit a weighted sum of log-probabilities for every set of branches.

    Parameters
    ----------
    clips : OutOfFold
        What the sums are fitted to; every branch predicts each clip.

    Returns
    -------
    pools : list of (branches, Combination)
        As :func:`combine` takes them, all branches together last. Of the shares whose accuracy is not below that of the
        best branch alone, and whose log loss is not above the lowest by more than one standard error, the most equal
        ones, at the best temperature.
    """
    n_branches = len(clips.scores)
    return [(branches, _fit_pool(_shares(len(branches)), branches, clips)) for branches in _sets(n_branches)]


def accuracy_and_loss(log_p, clips):
    """Return accuracy and log loss of predictions.

    Parameters
    ----------
    log_p : ndarray of shape (n_clips, n_classes)
        Log-probabilities.
    clips : OutOfFold
        True classes and weights.

    Returns
    -------
    accuracy, log_loss : float
    """
    share = clips.weights / clips.weights.sum()
    correct = log_p.argmax(axis=1) == clips.codes
    return float(share @ correct), log_loss(log_p, clips.codes, clips.weights)


def is_improvement(metrics, other):
    """Return whether the accuracy is not lower and the log loss lower than another's, by more than rounding."""
    return metrics[0] > other[0] - _ROUNDING and metrics[1] < other[1] - _ROUNDING


def _choose(branches, clips, which):
    """Return the Choice for one set of branches."""
    together, complete = branches, clips.take(clips.predicted[branches].all(axis=0))
    if len(branches) > 1 and not _allow_fits(complete):
        # Too few clips have all of them to fit weights: the most accurate branch is used alone.
        alone = [clips.take(clips.predicted[b]) for b in branches]
        accuracy = [accuracy_and_loss(own.scores[b], own)[0] for b, own in zip(branches, alone, strict=True)]
        best = int(np.argmax(accuracy))
        together, complete = [branches[best]], alone[best]
    log_p = {kind: _fit_alone(kind, complete).log_proba(complete.scores) for kind in together}
    if len(together) == 1:
        [best] = together
        metrics = {best: accuracy_and_loss(log_p[best], complete)}
        return Choice(branches, best, _fit_alone(best, complete), metrics)
    pooled = _fit_pool(_shares(len(together)), together, complete)
    log_p |= {"weights": pooled.log_proba(complete.scores), "stack": _cross_fitted_stack(together, complete)}
    metrics = {kind: accuracy_and_loss(own, complete) for kind, own in log_p.items()}
    if which == "best":
        pooled = _fit_pool(np.eye(len(together)), together, complete)
    used = np.flatnonzero(pooled.weights)
    kind = "weights" if len(used) > 1 or which == "weights" else int(used[0])
    if which == "stack" or (which == "auto" and _clearly_better(log_p["stack"], log_p[kind], complete)):
        return Choice(branches, "stack", _fit_stack(together, complete), metrics)
    return Choice(branches, kind, pooled, metrics)


def _sets(n_branches):
    """Return all sets of branches, single ones first."""
    return [list(branches) for size in range(1, n_branches + 1) for branches in combinations(range(n_branches), size)]


def _by_just(branches, predicted):
    """Return which clips are predicted by these branches and no other; ``predicted`` of (n_branches, n_clips)."""
    own = np.isin(np.arange(len(predicted)), branches)
    return (predicted == own[:, np.newaxis]).all(axis=0)


def _allow_fits(clips):
    """Return whether there are several folds, and two classes outside of each."""
    folds = np.unique(clips.folds)
    return len(folds) > 1 and all(len(np.unique(clips.codes[clips.folds != fold])) > 1 for fold in folds)


def _fit_alone(branch, clips):
    """Fit the temperature of one branch."""
    weights = np.zeros(len(clips.scores))
    weights[branch] = 1 / fit_temperature(clips.scores[branch], clips.codes, clips.weights, _TEMPERATURES)
    return Combination(weights)


def _shares(n_branches):
    """Return all ways to share a weight of 1 among branches, of shape (n_ways, n_branches)."""
    n_steps = _N_STEPS if n_branches <= _FEW else _N_COARSE_STEPS
    ways = np.array([way for way in product(range(n_steps + 1), repeat=n_branches) if sum(way) == n_steps])
    return ways / n_steps


def _fit_pool(shares, branches, clips):
    """Fit a logarithmic pool of calibrated branches: one of several ways to share the weight, and a temperature."""
    factors = np.array([_fit_alone(b, clips).weights[b] for b in branches])
    calibrated = log_softmax(factors[:, np.newaxis, np.newaxis] * clips.scores[branches], axis=2)
    pools = [log_softmax(np.tensordot(own, calibrated, axes=1), axis=1) for own in shares]
    chosen = shares[_nearest_to_equal(shares, pools, clips)]
    weights = np.zeros(len(clips.scores))
    weights[branches] = chosen * factors
    pooled = np.tensordot(chosen, calibrated, axes=1)
    return Combination(weights / fit_temperature(pooled, clips.codes, clips.weights, _TEMPERATURES))


def _nearest_to_equal(shares, pools, clips):
    """Return the position of the shares nearest to equal ones that are not clearly worse than the best.

    Weights that are fitted to few clips vary more than they gain over equal ones.
    """
    accuracy, loss = np.transpose([accuracy_and_loss(log_p, clips) for log_p in pools])
    allowed = accuracy >= accuracy[shares.max(axis=1) == 1].max() - _ROUNDING
    losses = -np.array([log_p[np.arange(len(clips.codes)), clips.codes] for log_p in pools])
    excess, error = _mean_and_error(losses - losses[np.where(allowed, loss, np.inf).argmin()], clips.weights)
    allowed &= excess <= error + _ROUNDING
    distance = np.abs(shares - shares.mean(axis=1, keepdims=True)).sum(axis=1).round(9)
    return np.lexsort((loss, distance, ~allowed))[0]


def _fit_stack(branches, clips):
    """Fit a regression on the calibrated branches."""
    weights = sum(_fit_alone(b, clips).weights for b in branches)
    stacker = LogisticRegression(C=_STACKER_C, max_iter=1000)
    combination = Combination(weights, stacker)
    stacker.fit(combination.stacked(clips.scores), clips.codes, sample_weight=clips.weights)
    return combination


def _cross_fitted_stack(branches, clips):
    """Return the log-probabilities of every clip by a stacker that was fitted to the other folds."""
    log_p = np.empty(clips.scores.shape[1:])
    for fold in np.unique(clips.folds):
        held_out = clips.folds == fold
        log_p[held_out] = _fit_stack(branches, clips.take(~held_out)).log_proba(clips.scores[:, held_out])
    return log_p


def _clearly_better(log_p, other, clips):
    """Return whether the accuracy is higher by more than a standard error of the difference, and the loss lower."""
    better = (log_p.argmax(axis=1) == clips.codes) - (other.argmax(axis=1) == clips.codes).astype(float)
    gain, error = _mean_and_error(better, clips.weights)
    return gain > error and accuracy_and_loss(log_p, clips)[1] < accuracy_and_loss(other, clips)[1]


def _mean_and_error(values, weights):
    """Return the weighted mean over clips, the last axis, and its standard error."""
    share = weights / weights.sum()
    mean = values @ share
    return mean, np.sqrt((values - mean[..., np.newaxis]) ** 2 @ share**2)
