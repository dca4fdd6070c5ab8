"""Confidence intervals: the bootstrap over speakers or over clips, and the t interval over speakers."""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student_t
from sklearn.utils import check_random_state

from savee_mm.evaluation._predictions import clip_codes, read_probabilities, speaker_names
from savee_mm.evaluation.metrics.scores import class_scores, log_losses, score, score_counts

MIN_SPEAKERS = 8
"""With at least this many speakers, speakers are drawn."""

COVERAGE = {
    "speakers": "Speakers were drawn with all their clips: the intervals hold for unseen speakers similar to these.",
    "clips within speakers": (
        f"Clips were drawn within each speaker, because there are fewer than {MIN_SPEAKERS} speakers: the intervals "
        "hold for further clips of these speakers, not for unseen speakers."
    ),
    "speakers (t)": (
        "A t interval over the speakers' values: it holds for unseen speakers similar to these, and is wide for few."
    ),
    "clips": (
        "Clips were drawn, because speakers are missing: the intervals ignore that clips of one speaker are similar."
    ),
}
"""What is drawn -> what the interval covers."""

_CONFIDENCE = 0.95


class Draws(NamedTuple):
    """How often each clip counts: once in the first row, as often as it is drawn in the others."""

    weights: np.ndarray
    drawn: str


def draw(speakers, *, n_draws=2000, random_state=0):
    """Draw clips or speakers with replacement.

    Parameters
    ----------
    speakers : array-like of shape (n_clips,)
        Speaker of each clip, empty if missing.
    n_draws : int, default=2000
        Number of samples.
    random_state : int, default=0
        The same number gives the same samples.

    Returns
    -------
    draws : Draws
        ``weights`` of shape (n_draws + 1, n_clips), whose first row is ones; and ``drawn``, a key of ``COVERAGE``. With
        at least eight speakers, speakers are drawn with all their clips (the cluster bootstrap). With fewer, the clips
        of each speaker are drawn, as many as the speaker has. If speakers are missing, clips are drawn.

    References
    ----------
    B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall, 1993; A. C. Davison, D. V.
    Hinkley, "Bootstrap Methods and their Application", Cambridge, 1997, section 3.8 (clusters).
    """
    names, codes = np.unique(np.asarray(speakers, dtype=str), return_inverse=True)
    if "" in names:
        return Draws(_draw((0,) * len(codes), n_draws, random_state)[0], "clips")
    return Draws(*_draw(tuple(codes.tolist()), n_draws, random_state))


# All systems and tables of a report use the same clips.
@functools.lru_cache(maxsize=4)
def _draw(codes, n_draws, random_state):
    random, codes = check_random_state(random_state), np.array(codes)
    n_speakers = codes.max() + 1
    weights = np.ones((n_draws + 1, len(codes)), dtype=np.float32)
    if n_speakers >= MIN_SPEAKERS:
        weights[1:] = random.multinomial(n_speakers, np.full(n_speakers, 1 / n_speakers), n_draws)[:, codes]
    else:
        for code in range(n_speakers):
            (clips,) = np.nonzero(codes == code)
            weights[1:, clips] = random.multinomial(len(clips), np.full(len(clips), 1 / len(clips)), n_draws)
    weights.flags.writeable = False
    return weights, "speakers" if n_speakers >= MIN_SPEAKERS else "clips within speakers"


def interval(values, confidence=_CONFIDENCE):
    """Return a value and its percentile interval.

    Parameters
    ----------
    values : ndarray of shape (n_draws + 1,)
        The metric under each row of weights of :func:`draw`.
    confidence : float, default=0.95
        Share of the samples between the ends.

    Returns
    -------
    value, low, high : float
    """
    if not np.isfinite(values[1:]).any():
        return float(values[0]), np.nan, np.nan
    low, high = np.nanquantile(values[1:], [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(values[0]), float(low), float(high)


def bootstrap(rows, *, n_draws=2000, random_state=0):
    """Return the metrics of one system over all its test clips, each with its interval.

    Parameters
    ----------
    rows : DataFrame
        Predictions of one system in one protocol. All rows of a clip (of several seeds) are drawn together.
    n_draws : int, default=2000
        Number of samples.
    random_state : int, default=0
        The same number gives the same samples.

    Returns
    -------
    table : DataFrame
        By ``metric``: ``value`` over all test clips together, ``low``, ``high``, and what was ``drawn``. The log loss
        is left out where there are no probabilities. The fitted models are fixed: an interval does not cover the
        variation between trainings.
    """
    counts, _, draws = drawn_counts(rows, n_draws=n_draws, random_state=random_state)
    found = {name: interval(values) for name, values in score_counts(counts).items()}
    probabilities, classes = read_probabilities(rows)
    if classes:
        codes, _ = clip_codes(rows)
        losses = log_losses(rows["target"].astype(str), probabilities, classes)
        sums = draws.weights @ np.bincount(codes, losses)
        found["log_loss"] = interval(sums / (draws.weights @ np.bincount(codes)))
    table = pd.DataFrame.from_dict(found, orient="index", columns=["value", "low", "high"])
    return table.assign(drawn=draws.drawn).rename_axis("metric")


def over_speakers(rows):
    """Return accuracy and UAR of one system over its test clips, with t intervals over the speakers.

    Parameters
    ----------
    rows : DataFrame
        Predictions of one system in one protocol, of at least two speakers.

    Returns
    -------
    table : DataFrame
        As of :func:`bootstrap`. An interval is the value plus and minus the standard error of the mean of the speakers'
        values times the quantile of Student's t with (number of speakers - 1) degrees of freedom, within 0 and 1.
        Speakers count the same, whatever their number of clips.
    """
    by_speaker = [score(part["target"], part["predicted"]) for _, part in rows.groupby(speaker_names(rows))]
    n_speakers, value = len(by_speaker), score(rows["target"], rows["predicted"])
    quantile = student_t.ppf((1 + _CONFIDENCE) / 2, n_speakers - 1)
    lines = {}
    for name in ("accuracy", "uar"):
        half = quantile * np.std([own[name] for own in by_speaker], ddof=1) / np.sqrt(n_speakers)
        lines[name] = [value[name], *np.clip([value[name] - half, value[name] + half], 0, 1)]
    table = pd.DataFrame.from_dict(lines, orient="index", columns=["value", "low", "high"])
    return table.assign(drawn="speakers (t)").rename_axis("metric")


def bootstrap_classes(rows, *, n_draws=2000, random_state=0):
    """Return precision, recall and F1 of each class, with intervals.

    Parameters
    ----------
    rows : DataFrame
        See :func:`bootstrap`.
    n_draws, random_state : int
        See :func:`bootstrap`.

    Returns
    -------
    table : DataFrame
        By class: ``n_clips``, each metric with ``<metric>_low`` and ``<metric>_high``, and what was ``drawn``.
    """
    counts, classes, draws = drawn_counts(rows, n_draws=n_draws, random_state=random_state)
    codes, _ = clip_codes(rows)
    clips = pd.Series(codes).groupby(rows["target"].astype(str).to_numpy()).nunique()
    table = {"n_clips": clips.reindex(classes, fill_value=0).to_numpy()}
    for name, values in zip(("precision", "recall", "f1"), class_scores(counts), strict=True):
        ends = np.array([interval(column) for column in values.T])
        table |= {name: ends[:, 0], f"{name}_low": ends[:, 1], f"{name}_high": ends[:, 2]}
    return pd.DataFrame(table, index=pd.Index(classes, name="emotion")).assign(drawn=draws.drawn)


def drawn_counts(rows, *, n_draws, random_state):
    """Return the confusion matrices under each row of weights, the classes, and the draws."""
    codes, speakers = clip_codes(rows)
    draws = draw(speakers, n_draws=n_draws, random_state=random_state)
    labels = rows[["target", "predicted"]].astype(str).to_numpy(dtype=object)
    classes, numbers = np.unique(labels.ravel(), return_inverse=True)
    true, predicted = numbers.reshape(labels.shape).T
    counts = np.zeros((len(speakers), len(classes), len(classes)), dtype=np.float32)
    np.add.at(counts, (codes, true, predicted), 1)
    drawn = draws.weights @ counts.reshape(len(speakers), -1)
    return drawn.reshape(-1, len(classes), len(classes)), classes, draws
