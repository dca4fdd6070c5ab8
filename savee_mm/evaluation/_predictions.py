"""Columns of a table of predictions: metrics, probabilities, and descriptions of the clips."""

from numbers import Number

import numpy as np
import pandas as pd

from savee_mm._validation import SEGMENT_COLUMNS

PREFIX = "branch_"
"""Begins the columns that hold the labels of a branch of a late fusion."""

_TRAINING = {"history", "pretrained", "fit_seconds", "train_accuracy", "train_uar", "train_log_loss"}
_TITLES = {"system", "protocol", "seed", "fold", "clip_id", "speaker", "target", "predicted", *SEGMENT_COLUMNS}
OWN = frozenset(_TITLES | _TRAINING | {"error", "error_score"})
_NOT_GROUPS = frozenset({"audio", "video", "clip_id", "speaker"})
# Prefixes of probabilities, and of labels that branches of a late fusion predict.
_PREFIXES = ("p_", PREFIX)


def describe_clips(X, y):
    """Return the columns of predictions that describe the clips.

    Parameters
    ----------
    X : DataFrame, ndarray or list of length n_clips
        The clip table, or other clips.
    y : ndarray of shape (n_clips,)
        The classes.

    Returns
    -------
    clips : DataFrame of n_clips rows
        The columns of :func:`group_columns`, then ``clip_id`` (the index of the table, or the position, where there
        is none), ``speaker`` (empty where there is none) and ``target``. ``sentence``, ``rater_agreement``, and
        ``start`` and ``end`` of segments, are kept in any case.
    """
    table = X if isinstance(X, pd.DataFrame) else pd.DataFrame(index=range(len(X)))
    names = {
        "clip_id": table.get("clip_id", table.index).tolist(),
        "speaker": table["speaker"].tolist() if "speaker" in table else "",
        "target": y.tolist(),
    }
    # The sentence is a reference for scores on unseen speakers, also if every clip has its own.
    # So is the agreement of raters.
    kept = [name for name in ("sentence", "rater_agreement", *SEGMENT_COLUMNS) if name in table]
    return group_columns(table).assign(**{name: [_plain(cell) for cell in table[name]] for name in kept}, **names)


def group_columns(table):
    """Return the columns of a clip table that form groups, other than the speaker: sex, age, sentence and others.

    Parameters
    ----------
    table : DataFrame
        Clip table.

    Returns
    -------
    groups : DataFrame
        Columns of strings, numbers and booleans with at most half as many different values as clips. Paths and names
        of other columns of predictions are left out. Cells are ready for JSON.
    """
    names = [name for name in table.columns if _is_free(name) and _forms_groups(table[name])]
    cells = {name: pd.Series([_plain(cell) for cell in table[name]], table.index, dtype=object) for name in names}
    return pd.DataFrame(cells, index=table.index)


def extra_columns(predictions):
    """Return the names of the columns of predictions that describe the clip, ``speaker`` first."""
    return ["speaker", *(n for n in predictions.columns if n not in OWN and not str(n).startswith(_PREFIXES))]


def read_probabilities(rows):
    """Return the probabilities in rows of predictions.

    Parameters
    ----------
    rows : DataFrame
        Predictions of one system.

    Returns
    -------
    probabilities : ndarray of shape (n_rows, n_classes) or None
        None where the system gives none. A class that is missing from the training of a fold has probability 0.
    classes : list of str
        Names of the classes.
    """
    columns = [name for name in rows.columns if str(name).startswith("p_") and rows[name].notna().any()]
    if not columns or rows[columns].isna().all(axis=1).any():
        return None, []
    return rows[columns].fillna(0).to_numpy(dtype=float), [name.removeprefix("p_") for name in columns]


def clip_codes(rows):
    """Return the number of each row's clip, and the speaker of each clip.

    Parameters
    ----------
    rows : DataFrame
        Predictions with ``speaker`` and ``clip_id``. A clip that was tested with several seeds has several rows.

    Returns
    -------
    codes : ndarray of shape (n_rows,)
        From 0 to ``n_clips - 1``.
    speakers : ndarray of shape (n_clips,)
        Empty strings for missing speakers.
    """
    codes, clips = pd.factorize(pd.MultiIndex.from_arrays([speaker_names(rows), rows["clip_id"].astype(str)]))
    return codes, np.array([name for name, _ in clips], dtype=object)


def speaker_names(rows):
    """Return the speaker of each row of predictions as a string, empty if missing."""
    return rows["speaker"].where(rows["speaker"].notna(), "").astype(str)


def _is_free(name):
    return isinstance(name, str) and name not in OWN | _NOT_GROUPS and not name.startswith(_PREFIXES)


def _forms_groups(column):
    simple = column.map(lambda value: value is None or isinstance(value, str | Number | np.bool_)).all()
    return bool(simple) and 2 * column.nunique() <= len(column)


def _plain(value):
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
