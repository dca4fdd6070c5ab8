"""What a late fusion's branches say by themselves, and how far their combination goes beyond the best of them."""

import numpy as np
import pandas as pd

from savee_mm._composition import chosen

PREFIX = "branch_"
"""Begins the columns of predictions that hold a branch's own answers."""

_COMBINED = "combined"


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


def _likeliest(probabilities):
    known = probabilities.notna().all(axis=1).to_numpy()
    best = np.nan_to_num(probabilities.to_numpy()).argmax(axis=1)
    labels = probabilities.columns.to_numpy()[best]
    return [label if is_known else None for label, is_known in zip(labels.tolist(), known, strict=True)]
