"""How branches are combined: one alone, a weighted sum of log-probabilities, or a small stacker."""

from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

# Ahead of the logarithm: what a branch calls impossible must not outvote all others for good.
_FLOOR = 1e-3
# Inverse temperatures: never zero, for a branch keeps its order of the classes.
_SMALLEST, _LARGEST = 1e-2, 30.0
# Shares are multiples of a tenth, of five branches and more of a quarter: so many are there to try.
_N_STEPS, _N_COARSE_STEPS, _FEW = 10, 4, 4
# Inverse strength of the stacker's L2: strong, for it has n_classes**2 weights a branch and few clips.
_STACKER_C = 0.05


class InnerClips(NamedTuple):
    """What branches said of clips that they were not trained on.

    ``scores`` are log-probabilities of shape (n_branches, n_clips, n_classes), NaN where a branch has nothing;
    ``codes`` the true classes, ``folds`` the inner folds and ``weights`` the weights of the clips, each of shape
    (n_clips,).
    """

    scores: np.ndarray
    codes: np.ndarray
    folds: np.ndarray
    weights: np.ndarray

    def of(self, rows):
        """Return these clips only."""
        return InnerClips(self.scores[:, rows], self.codes[rows], self.folds[rows], self.weights[rows])


@dataclass
class Combination:
    """What is made of the log-probabilities of branches.

    The scores of branch b are multiplied by ``weights[b]`` and summed; with a ``stacker``, a regression, they are
    multiplied and handed to it.
    """

    weights: np.ndarray
    stacker: LogisticRegression | None = None

    def log_proba(self, scores):
        """Return the log-probabilities of the classes.

        Parameters
        ----------
        scores : ndarray of shape (n_branches, n_clips, n_classes)
            Log-probabilities; what a branch of weight 0 says is not looked at.

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
    """What was chosen for a set of branches.

    ``members`` are the positions of the branches, ``kind`` is "weights", "stack" or the position of the branch that is
    taken alone, and ``judged`` has accuracy and log loss by kind.
    """

    members: list
    kind: str | int
    combination: Combination
    judged: dict


def log_scores(p):
    """Return the logarithms of probabilities, bounded from below.

    Parameters
    ----------
    p : ndarray of shape (n_clips, n_classes)
        Probabilities.

    Returns
    -------
    scores : ndarray of shape (n_clips, n_classes)
        Logarithms of ``p`` mixed with a thousandth for every class: trees and neighbours say 0 of what they have not
        met among few clips.
    """
    return np.log((p + _FLOOR) / (1 + p.shape[1] * _FLOOR))


def combine(fitted, scores):
    """Return the log-probabilities of clips, each by the combination for the branches that it has.

    Parameters
    ----------
    fitted : list of (members, Combination)
        One for every set of branches.
    scores : ndarray of shape (n_branches, n_clips, n_classes)
        Log-probabilities, NaN where a branch has nothing.

    Returns
    -------
    log_proba : ndarray of shape (n_clips, n_classes)
        NaN of a clip that no branch has anything of.
    """
    known = ~np.isnan(scores[:, :, 0])
    log_p = np.full(scores.shape[1:], np.nan)
    for members, combination in fitted:
        rows = _having_just(members, known)
        if rows.any():
            log_p[rows] = combination.log_proba(scores[:, rows])
    return log_p


def choose_combinations(clips, which="auto"):
    """Choose a combination for every set of branches.

    Of the weighted sums that are at least as often right as the best branch alone, that with the least log loss is
    taken. The stacker, which has the most to fit, must be better than that by more than one standard error.

    Parameters
    ----------
    clips : InnerClips
        What combinations are fitted to and judged by. Sums are judged by the clips that they were chosen by, a few
        candidates by many clips; stackers are fitted to all folds but one and judged on that.
    which : {"auto", "weights", "stack", "best"}, default="auto"
        Which kinds may be taken of a set of several branches; all are judged.

    Returns
    -------
    choices : list of Choice
        Of each branch by itself first, of all together last.
    """
    return [_choose(members, clips, which) for members in _sets(len(clips.scores))]


def inner_log_proba(choices, clips):
    """Return what combinations say of the inner clips, as far as they were not fitted to them.

    Parameters
    ----------
    choices : list of Choice
        What :func:`choose_combinations` chose.
    clips : InnerClips
        The clips that it chose by, and others that it left out.

    Returns
    -------
    log_proba : ndarray of shape (n_clips, n_classes)
        Of a stacker by fits to the other folds; sums have so few weights that the same ones serve. NaN where no branch
        has anything.
    """
    log_p = combine([(choice.members, choice.combination) for choice in choices], clips.scores)
    known = ~np.isnan(clips.scores[:, :, 0])
    for choice in choices:
        if choice.kind == "stack":
            rows = _having_just(choice.members, known) & (clips.weights > 0)
            met = known[choice.members].all(axis=0) & (clips.weights > 0)
            log_p[rows] = _cross_fitted_stack(choice.members, clips.of(met))[rows[met]]
    return log_p


def fit_temperature(scores, codes, sample_weight):
    """Return the factor by which log-probabilities have the least log loss: the inverse of a temperature.

    Parameters
    ----------
    scores : ndarray of shape (n_clips, n_classes)
        Log-probabilities of clips that nothing was trained on.
    codes : ndarray of int of shape (n_clips,)
        True classes.
    sample_weight : ndarray of shape (n_clips,)
        Weights of the clips.

    Returns
    -------
    factor : float
        Between 0.01 and 30.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.
    """

    def loss(log_factor):
        return _log_loss(log_softmax(np.exp(log_factor) * scores, axis=1), codes, sample_weight)

    bounds = np.log(_SMALLEST), np.log(_LARGEST)
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x))


def fit_pools(clips):
    """Fit a weighted sum of log-probabilities for every set of branches that a clip can have.

    Parameters
    ----------
    clips : InnerClips
        What they are fitted to; every branch has something to say of each clip.

    Returns
    -------
    pools : list of (members, Combination)
        As :func:`combine` takes them, all branches together last. Of the shares that are at least as often right as the
        best branch alone, those with the least log loss, at the best temperature.
    """
    n_branches = len(clips.scores)
    return [(members, _fit_pool(_shares(len(members)), members, clips)) for members in _sets(n_branches)]


def judge(log_p, clips):
    """Return how good predictions of the inner clips are.

    Parameters
    ----------
    log_p : ndarray of shape (n_clips, n_classes)
        Log-probabilities.
    clips : InnerClips
        Their true classes and weights.

    Returns
    -------
    accuracy, log_loss : float
    """
    share = clips.weights / clips.weights.sum()
    right = log_p.argmax(axis=1) == clips.codes
    return float(share @ right), _log_loss(log_p, clips.codes, clips.weights)


def _choose(members, clips, which):
    """Return the Choice for one set of branches."""
    known = ~np.isnan(clips.scores[:, :, 0])
    together, met = members, clips.of(known[members].all(axis=0))
    if len(members) > 1 and not _allow_fits(met):
        # They hardly ever meet: nothing tells how to weigh them, but something what each is worth.
        alone = [clips.of(known[b]) for b in members]
        right = [judge(own.scores[b], own)[0] for b, own in zip(members, alone, strict=True)]
        best = int(np.argmax(right))
        together, met = [members[best]], alone[best]
    said = {kind: _fit_alone(kind, met).log_proba(met.scores) for kind in together}
    if len(together) == 1:
        [best] = together
        return Choice(members, best, _fit_alone(best, met), {best: judge(said[best], met)})
    pooled = _fit_pool(_shares(len(together)), together, met)
    said |= {"weights": pooled.log_proba(met.scores), "stack": _cross_fitted_stack(together, met)}
    judged = {kind: judge(log_p, met) for kind, log_p in said.items()}
    if which == "best":
        pooled = _fit_pool(np.eye(len(together)), together, met)
    used = np.flatnonzero(pooled.weights)
    kind = "weights" if len(used) > 1 or which == "weights" else int(used[0])
    if which == "stack" or (which == "auto" and _clearly_better(said["stack"], said[kind], met)):
        return Choice(members, "stack", _fit_stack(together, met), judged)
    return Choice(members, kind, pooled, judged)


def _sets(n_branches):
    """Return all sets of branches, those of one first."""
    return [list(members) for size in range(1, n_branches + 1) for members in combinations(range(n_branches), size)]


def _having_just(members, known):
    """Return which clips have something for these branches and for no other, ``known`` of (n_branches, n_clips)."""
    own = np.isin(np.arange(len(known)), members)
    return (known == own[:, np.newaxis]).all(axis=0)


def _allow_fits(clips):
    """Tell whether there are folds, and two classes outside of each."""
    folds = np.unique(clips.folds)
    return len(folds) > 1 and all(len(np.unique(clips.codes[clips.folds != fold])) > 1 for fold in folds)


def _fit_alone(branch, clips):
    """Fit the temperature of one branch."""
    weights = np.zeros(len(clips.scores))
    weights[branch] = fit_temperature(clips.scores[branch], clips.codes, clips.weights)
    return Combination(weights)


def _shares(n_members):
    """Return all ways to share a weight of 1 among branches, of shape (n_ways, n_members)."""
    n_steps = _N_STEPS if n_members <= _FEW else _N_COARSE_STEPS
    steps = np.array([s for s in product(range(n_steps + 1), repeat=n_members) if sum(s) == n_steps])
    return steps / n_steps


def _fit_pool(shares, members, clips):
    """Fit a logarithmic pool of calibrated branches: shares, of several ways to share, and a temperature."""
    factors = np.array([_fit_alone(b, clips).weights[b] for b in members])
    calibrated = log_softmax(factors[:, np.newaxis, np.newaxis] * clips.scores[members], axis=2)
    judged = [judge(log_softmax(np.tensordot(own, calibrated, axes=1), axis=1), clips) for own in shares]
    accuracy, log_loss = np.transpose(judged)
    # Rounding must not part what is equally often right.
    floor = accuracy[shares.max(axis=1) == 1].max() - 1e-9
    best = shares[np.where(accuracy >= floor, log_loss, np.inf).argmin()]
    weights = np.zeros(len(clips.scores))
    weights[members] = best * factors
    pooled = np.tensordot(best, calibrated, axes=1)
    return Combination(weights * fit_temperature(pooled, clips.codes, clips.weights))


def _fit_stack(members, clips):
    """Fit a regression on the calibrated branches."""
    weights = sum(_fit_alone(b, clips).weights for b in members)
    stacker = LogisticRegression(C=_STACKER_C, max_iter=1000)
    combination = Combination(weights, stacker)
    stacker.fit(combination.stacked(clips.scores), clips.codes, sample_weight=clips.weights)
    return combination


def _cross_fitted_stack(members, clips):
    """Return the log-probabilities of every clip by a stacker that was fitted to the other folds."""
    log_p = np.empty(clips.scores.shape[1:])
    for fold in np.unique(clips.folds):
        held_out = clips.folds == fold
        log_p[held_out] = _fit_stack(members, clips.of(~held_out)).log_proba(clips.scores[:, held_out])
    return log_p


def _log_loss(log_p, codes, sample_weight):
    return float(-sample_weight @ log_p[np.arange(len(codes)), codes] / sample_weight.sum())


def _clearly_better(log_p, other, clips):
    """Tell whether one is right more often by over a standard error of the difference, at a lower log loss."""
    share = clips.weights / clips.weights.sum()
    gain = (log_p.argmax(axis=1) == clips.codes) - (other.argmax(axis=1) == clips.codes).astype(float)
    error = np.sqrt(share**2 @ (gain - share @ gain) ** 2)
    return share @ gain > error and judge(log_p, clips)[1] < judge(other, clips)[1]
