"""Metrics of groups of clips, and the largest gap between groups."""

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from savee_mm.evaluation._predictions import clip_codes, extra_columns
from savee_mm.evaluation.metrics.intervals import MIN_SPEAKERS, bootstrap, over_speakers
from savee_mm.evaluation.metrics.scores import score

MIN_CLIPS = 20
"""Smaller groups are shown, but are left out of gaps."""

_MAX_GROUPS = 20
_METRICS = ("accuracy", "uar")
_N_BANDS = 4


def group_scores(rows, column, *, n_draws=2000, random_state=0):
    """Return the metrics of each group of clips of one system in one protocol.

    Parameters
    ----------
    rows : DataFrame
        Predictions.
    column : str
        Its values are the groups; a numeric column with more than eight values is cut into quarters.
    n_draws, random_state : int
        See :func:`~savee_mm.evaluation.metrics.bootstrap`.

    Returns
    -------
    table : DataFrame
        By group, the lowest accuracy first: ``n_clips``, ``n_speakers``, ``accuracy`` and ``uar`` over all its clips,
        each with ``_low`` and ``_high``, and what the interval is over (``drawn``): the speakers if the group has
        several (:func:`~savee_mm.evaluation.metrics.intervals.over_speakers` for up to seven, the bootstrap for more),
        otherwise the clips of its speaker.
    """
    table = {}
    for group, members in rows.groupby(name_groups(rows[column]).to_numpy()):
        codes, speakers = clip_codes(members)
        scores = score(members["target"], members["predicted"])
        ends = over_speakers(members) if 1 < len(set(speakers)) < MIN_SPEAKERS and "" not in speakers else None
        if ends is None:
            ends = bootstrap(members, n_draws=n_draws, random_state=random_state)
        line = {"n_clips": len(np.unique(codes)), "n_speakers": len(set(speakers))}
        for name in _METRICS:
            line |= {name: scores[name], f"{name}_low": ends.at[name, "low"], f"{name}_high": ends.at[name, "high"]}
        table[group] = line | {"drawn": ends["drawn"].iloc[0]}
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("group").sort_values("accuracy", kind="stable")


def largest_gap(rows, column):
    """Return the largest difference between the groups of a column, for one system in one protocol.

    Parameters
    ----------
    rows : DataFrame
        Predictions.
    column : str
        See :func:`group_scores`.

    Returns
    -------
    gaps : list of dict
        For accuracy and UAR: ``column``, ``metric``, ``gap``, and ``lowest`` and ``highest``, the groups with their
        values as ``low`` and ``high``. Groups of fewer than 20 clips are left out; the list is empty where fewer than
        two groups remain. See :func:`gap` for groups without a value.
    """
    groups = name_groups(rows[column]).to_numpy()
    parts = {name: members for name, members in rows.groupby(groups) if clip_codes(members)[0].max() + 1 >= MIN_CLIPS}
    if len(parts) < 2:
        return []
    scores = pd.DataFrame({name: score(members["target"], members["predicted"]) for name, members in parts.items()}).T
    return [{"column": column, "metric": name, **gap(scores[name])} for name in _METRICS]


def gap(values):
    """Return the difference between the largest and the smallest of some values.

    Parameters
    ----------
    values : Series
        A metric by group.

    Returns
    -------
    gap : dict
        ``gap``; ``lowest`` and ``highest``, the groups; ``low`` and ``high``, their values. If the metric is undefined
        (NaN) in a group, the gap is undefined, too, and this group is both ``lowest`` and ``highest``.
    """
    undefined = values.index[values.isna()]
    lowest, highest = (undefined[0],) * 2 if len(undefined) else (values.idxmin(), values.idxmax())
    low, high = float(values[lowest]), float(values[highest])
    return {"gap": high - low, "lowest": lowest, "low": low, "highest": highest, "high": high}


def grouping_columns(predictions):
    """Return the default columns to group clips by: the speaker, and columns of at most 20 groups.

    Parameters
    ----------
    predictions : DataFrame
        Predictions.

    Returns
    -------
    columns : list of str
    """
    speaker, *others = extra_columns(predictions)
    return [speaker, *(name for name in others if name_groups(predictions[name]).nunique() <= _MAX_GROUPS)]


def name_groups(values):
    """Return the name of the group of each row, as strings.

    Parameters
    ----------
    values : Series
        A column of predictions. A missing value is the group "unknown".

    Returns
    -------
    groups : Series of str
    """
    # Numbers of speakers and sentences are names.
    known = values.dropna().infer_objects()
    if values.name not in ("speaker", "sentence") and is_numeric_dtype(known) and known.nunique() > 2 * _N_BANDS:
        bands = pd.qcut(values.astype(float), _N_BANDS, duplicates="drop")
        values = bands.map(lambda band: f"{band.left:g} to {band.right:g}", na_action="ignore")
    return values.astype(object).where(values.notna(), "unknown").astype(str)
