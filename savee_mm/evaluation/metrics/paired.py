"""Two systems on the same clips: the difference, its interval, and whether chance would give it."""

import itertools

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.utils import check_random_state

from savee_mm.evaluation._predictions import PREFIX
from savee_mm.evaluation.metrics.intervals import draw, interval

_CLIP = ["speaker", "clip_id"]
_ALL_SIGNS = 13  # speakers up to which every combination of signs is tried


def compare(rows, other, *, n_draws=2000, random_state=0):
    """Compare the accuracy of two systems on the same clips in the same protocol.

    Parameters
    ----------
    rows, other : DataFrame
        Predictions of either. A clip that was tested with several seeds counts by its mean over them.
    n_draws : int, default=2000
        Number of samples of the bootstrap.
    random_state : int, default=0
        The same number gives the same figures.

    Returns
    -------
    comparison : dict
        ``difference`` in accuracy over all clips, ``low``, ``high`` (95 %, clips or speakers drawn for both systems at
        once) and what was ``drawn``; ``better`` and ``worse``, the clips on which the first was right more often and
        less often; ``p_clips``, McNemar's exact test on these; ``p_speakers``, a sign-flip test on the speakers' mean
        differences, two-sided and exact up to 13 speakers; ``p_speakers_least``, the smallest value that
        that test can give: .125 with four speakers. It is NaN with fewer than two.

    Raises
    ------
    ValueError
        Where the two were not tested on the same clips.

    Notes
    -----
    McNemar's test takes clips for independent. Clips of one speaker are not, so that ``p_clips`` speaks of these
    speakers only and is too small as a statement about new ones; that is what ``p_speakers`` is for.

    References
    ----------
    Q. McNemar, Psychometrika 12, 1947; R. A. Fisher, "The Design of Experiments", 1935 (sign flips).
    """
    difference = _mean_right(rows) - _mean_right(other)
    if difference.isna().any():
        raise ValueError(
            f"The two systems were not tested on the same clips: {int(difference.isna().sum())} of {len(difference)} "
            "have predictions of one only. Compare systems of one evaluation."
        )
    speakers = difference.index.get_level_values("speaker").to_numpy()
    draws = draw(speakers, n_draws=n_draws, random_state=random_state)
    figure, low, high = interval((draws.weights @ difference.to_numpy()) / draws.weights.sum(axis=1))
    # Means over seeds that are equal may differ in the last digit.
    better, worse = int((difference > 1e-9).sum()), int((difference < -1e-9).sum())
    p_speakers, least = _flip_signs(difference.groupby(level="speaker").mean().to_numpy(), random_state)
    return {
        "difference": figure,
        "low": low,
        "high": high,
        "drawn": draws.drawn,
        "better": better,
        "worse": worse,
        "p_clips": binomtest(better, better + worse).pvalue if better + worse else 1.0,
        "p_speakers": p_speakers,
        "p_speakers_least": least,
    }


def branch_gains(rows):
    """Return what a combination gains over its best branch, for each seed.

    Parameters
    ----------
    rows : DataFrame
        Predictions of one system in one protocol.

    Returns
    -------
    gains : DataFrame
        By ``seed``: ``combined``, the accuracy of the system over its test folds; ``best_branch`` and ``best``, the
        branch that is right most often in the same clips, and its accuracy; ``difference``; and the accuracy of every
        branch in ``branch_<name>``. A branch is wrong where it has no answer. Empty for what has no branches.

    Notes
    -----
    The best branch is chosen by the test folds, which nobody could have done beforehand: the difference is the least
    that the combination can be said to gain. Where it adapts to new speakers, what that adds is part of it: the
    branches are asked as they are.
    """
    names = [name for name in rows.columns if str(name).startswith(PREFIX) and rows[name].notna().any()]
    # A fold that an earlier version kept has no answers of branches.
    asked = rows[rows[names].notna().any(axis=1)] if names else rows.iloc[:0]
    lines = {}
    for seed, part in asked.groupby("seed"):
        right = {name: float((part[name] == part["target"]).mean()) for name in names}
        best, combined = max(right, key=right.get), float((part["predicted"] == part["target"]).mean())
        lines[seed] = {
            "combined": combined,
            "best_branch": best.removeprefix(PREFIX),
            "best": right[best],
            "difference": combined - right[best],
            **right,
        }
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("seed")


def _mean_right(rows):
    """Return the share of seeds in which each clip is right, by speaker and clip."""
    names = rows.loc[:, _CLIP].astype(str).assign(right=rows["target"] == rows["predicted"])
    return names.groupby(_CLIP)["right"].mean()


def _flip_signs(differences, random_state):
    """Return the share of sign changes that give a mean at least as far from 0, and the smallest that there can be."""
    n = len(differences)
    if n < 2:
        return np.nan, np.nan
    if n <= _ALL_SIGNS:
        signs = np.array(list(itertools.product((1, -1), repeat=n)))
    else:
        signs = check_random_state(random_state).choice((1, -1), size=(9999, n))
        signs = np.vstack([np.ones(n), signs])
    as_far = np.abs(signs @ differences) >= np.abs(differences.sum()) - 1e-9
    return float(as_far.mean()), max(2 / 2**n, 1 / len(signs))
