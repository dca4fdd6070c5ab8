"""Figures of groups of clips, and how far they lie apart, by fairlearn's MetricFrame."""

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn.metrics import accuracy_score

from savee_mm.evaluation._predictions import clip_codes, extra_columns
from savee_mm.evaluation.metrics.intervals import bootstrap
from savee_mm.evaluation.metrics.scores import score

MIN_CLIPS = 20
"""Smaller groups are shown, and no gap is made of them."""

_MAX_GROUPS = 20
_METRICS = ("accuracy", "uar")
_N_BANDS = 4


def group_scores(rows, column, *, n_draws=2000, random_state=0):
    """Return the figures of each group of clips of one system in one protocol.

    Parameters
    ----------
    rows : DataFrame
        Predictions.
    column : str
        Its values are the groups; numbers of more than eight values are cut into quarters.
    n_draws, random_state : int
        See :func:`~savee_mm.evaluation.metrics.intervals.bootstrap`.

    Returns
    -------
    table : DataFrame
        By group: ``n_clips``, ``n_speakers``, ``accuracy`` and ``uar`` over all its clips, each with ``_low`` and
        ``_high``, and what was ``drawn``.
    """
    groups = name_groups(rows[column])
    frame = _metric_frame(rows, groups).by_group
    table = {}
    for group in frame.index:
        members = rows[(groups == group).to_numpy()]
        ends = bootstrap(members, n_draws=n_draws, random_state=random_state)
        line = _count(members)
        for name in _METRICS:
            line |= {name: frame.at[group, name]}
            line |= {f"{name}_{end}": ends.at[name, end] for end in ("low", "high")}
        table[group] = line | {"drawn": ends["drawn"].iloc[0]}
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("group")


def largest_gap(rows, column):
    """Return how far the groups of a column lie apart, for one system in one protocol.

    Parameters
    ----------
    rows : DataFrame
        Predictions.
    column : str
        See :func:`group_scores`.

    Returns
    -------
    gaps : list of dict
        For accuracy and UAR: ``column``, ``figure``, ``gap``, and ``lowest`` and ``highest``, the groups with their
        figures as ``low`` and ``high``. Groups below 20 clips are left aside; the list is empty where fewer than two
        remain.
    """
    groups = name_groups(rows[column])
    codes, _ = clip_codes(rows)
    sizes = pd.Series(codes).groupby(groups.to_numpy()).nunique()
    kept = groups.isin(sizes.index[sizes >= MIN_CLIPS]).to_numpy()
    if groups[kept].nunique() < 2:
        return []
    frame = _metric_frame(rows[kept], groups[kept])
    by_group, differences = frame.by_group, frame.difference()
    return [
        {
            "column": column,
            "figure": name,
            "gap": float(differences[name]),
            "lowest": by_group[name].idxmin(),
            "low": float(by_group[name].min()),
            "highest": by_group[name].idxmax(),
            "high": float(by_group[name].max()),
        }
        for name in _METRICS
    ]


def grouping_columns(predictions):
    """Return the columns that clips are grouped by unless told otherwise: the speaker, and those of at most 20 groups.

    Parameters
    ----------
    predictions : DataFrame
        Predictions.

    Returns
    -------
    columns : list of str
        A list of 87 texts, say, is no grouping of people; it has to be asked for.
    """
    speaker, *others = extra_columns(predictions)
    return [speaker, *(name for name in others if name_groups(predictions[name]).nunique() <= _MAX_GROUPS)]


def name_groups(values):
    """Return the name of each row's group, as strings.

    Parameters
    ----------
    values : Series
        A column of predictions. A missing value is the group "unknown".

    Returns
    -------
    groups : Series of str
    """
    # A speaker's or a text's number is a name, however many there are; that of a text is kept as a string.
    known = values.dropna().infer_objects()
    if values.name != "speaker" and is_numeric_dtype(known) and known.nunique() > 2 * _N_BANDS:
        bands = pd.qcut(values.astype(float), _N_BANDS, duplicates="drop")
        values = bands.map(lambda band: f"{band.left:g} to {band.right:g}", na_action="ignore")
    return values.astype(object).where(values.notna(), "unknown").astype(str)


def _metric_frame(rows, groups):
    # It loads slowly, and only reports need it.
    from fairlearn.metrics import MetricFrame

    return MetricFrame(
        metrics={"accuracy": accuracy_score, "uar": lambda target, predicted: score(target, predicted)["uar"]},
        y_true=rows["target"].to_numpy(),
        y_pred=rows["predicted"].to_numpy(),
        sensitive_features=groups.to_numpy(),
    )


def _count(members):
    codes, speakers = clip_codes(members)
    return {"n_clips": len(np.unique(codes)), "n_speakers": len(set(speakers))}
