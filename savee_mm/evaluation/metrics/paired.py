"""Paired differences in accuracy: between two systems, and between a fusion and its branches."""

import itertools

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.utils import check_random_state

from savee_mm.evaluation._predictions import PREFIX, speaker_names
from savee_mm.evaluation.metrics.intervals import draw, interval

_ALL_SIGNS = 13  # up to this number of speakers, the test enumerates all combinations of signs


def compare(rows, other, *, n_draws=2000, random_state=0):
    """Compare the accuracy of two systems on the same clips in the same protocol.

    Parameters
    ----------
    rows, other : DataFrame
        Predictions of each. A clip that was tested with several seeds counts by its mean over them.
    n_draws : int, default=2000
        Number of samples of the bootstrap.
    random_state : int, default=0
        The same number gives the same results.

    Returns
    -------
    comparison : dict
        ``difference`` in accuracy over all clips, ``low``, ``high`` (95 %, the same draws for both systems) and what
        was ``drawn``; ``better`` and ``worse``, the clips on which the first was correct more often and less often;
        ``p_clips``, McNemar's exact test on these; ``p_speakers``, a sign-flip test on the speakers' mean differences,
        two-sided and exact up to 13 speakers; ``p_speakers_least``, the smallest possible value of that test: .125
        with four speakers. Both are NaN with fewer than two speakers, and if some are
        missing.

    Raises
    ------
    ValueError
        If the two were not tested on the same clips.

    Notes
    -----
    McNemar's test assumes independent clips, which clips of one speaker are not. So ``p_clips`` holds for these
    speakers only, and is too small for unseen speakers; use ``p_speakers`` for those.

    References
    ----------
    Q. McNemar, Psychometrika 12, 1947; R. A. Fisher, "The Design of Experiments", 1935 (sign flips).
    """
    difference = _mean_right(rows) - _mean_right(other)
    if difference.isna().any():
        raise ValueError(
            f"The two systems were not tested on the same clips: {int(difference.isna().sum())} of {len(difference)} "
            "have predictions of only one. Compare systems of one evaluation."
        )
    speakers = difference.index.get_level_values("speaker").to_numpy()
    draws = draw(speakers, n_draws=n_draws, random_state=random_state)
    value, low, high = interval((draws.weights @ difference.to_numpy()) / draws.weights.sum(axis=1))
    # Means over seeds that are equal may differ in the last digit.
    better, worse = int((difference > 1e-9).sum()), int((difference < -1e-9).sum())
    by_speaker = difference.groupby(level="speaker").mean()
    p_speakers, least = (np.nan,) * 2 if "" in by_speaker else _flip_signs(by_speaker.to_numpy(), random_state)
    return {
        "difference": value,
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
    """Return the gain of a fusion over its best branch, for each seed.

    Parameters
    ----------
    rows : DataFrame
        Predictions of one system in one protocol.

    Returns
    -------
    gains : DataFrame
        By ``seed``: ``combined``, the accuracy of the system over its test folds; ``best_branch`` and ``best``, the
        branch with the largest accuracy on the same clips, and this accuracy; ``difference``; and the accuracy of each
        branch in ``branch_<name>``. A branch is wrong where it has no prediction. Empty without branches.

    Notes
    -----
    The best branch is chosen by the test folds, so that the difference is a lower bound of the gain. It includes the
    gain by adaptation to unseen speakers, because branches predict without it.
    """
    names = [name for name in rows.columns if str(name).startswith(PREFIX) and rows[name].notna().any()]
    # A fold that an earlier version kept has no predictions of branches.
    predicted = rows[rows[names].notna().any(axis=1)] if names else rows.iloc[:0]
    lines = {}
    for seed, part in predicted.groupby("seed"):
        accuracy = {name: float((part[name] == part["target"]).mean()) for name in names}
        best, combined = max(accuracy, key=accuracy.get), float((part["predicted"] == part["target"]).mean())
        lines[seed] = {
            "combined": combined,
            "best_branch": best.removeprefix(PREFIX),
            "best": accuracy[best],
            "difference": combined - accuracy[best],
            **accuracy,
        }
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("seed")


def _mean_right(rows):
    """Return the share of seeds in which each clip is correct, by speaker and clip."""
    correct = rows["target"] == rows["predicted"]
    return correct.groupby([speaker_names(rows), rows["clip_id"].astype(str)]).mean()


def _flip_signs(differences, random_state):
    """Return the share of sign changes with a mean at least as far from 0, and the smallest possible share."""
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
