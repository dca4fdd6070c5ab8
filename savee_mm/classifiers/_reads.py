"""What an estimator over the clip table reads of it, and which clips have that."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from savee_mm.features._base import ClipTransformer


def columns_read(estimator):
    """Return the columns of the clip table that an estimator's parts say they read.

    Parameters
    ----------
    estimator : estimator
        Extractors, table-in networks and ColumnTransformers are found in it, however deep; in a Pipeline only those of
        the first step that says anything, for what comes behind reads that step's output.

    Returns
    -------
    columns : list of str
        In the order found; empty where no part says.
    """
    if isinstance(estimator, ClipTransformer):
        return [estimator._column]
    if isinstance(estimator, ColumnTransformer):
        columns = [name for _, step, spec in estimator.transformers if step != "drop" for name in _names(spec)]
        return list(dict.fromkeys(columns))
    if hasattr(estimator, "_columns"):  # a network over the table
        return list(estimator._columns)
    parts = (columns_read(part) for part in _parts(estimator))
    if isinstance(estimator, Pipeline):
        return next((columns for columns in parts if columns), [])
    return list(dict.fromkeys(column for columns in parts for column in columns))


def _parts(estimator):
    """Yield the estimators that are parameters of another, alone or in a list of (name, estimator)."""
    for value in estimator.get_params(deep=False).values() if hasattr(estimator, "get_params") else ():
        if isinstance(value, list):
            yield from (item[1] for item in value if isinstance(item, tuple) and len(item) > 1)
        elif hasattr(value, "get_params") and not isinstance(value, type):
            yield value


def _names(spec):
    """Return the column names that a ColumnTransformer's entry gives; positions and callables tell none."""
    if isinstance(spec, str):
        return [spec]
    if callable(spec) or not np.iterable(spec):
        return []
    return [name for name in spec if isinstance(name, str)]


def clips_there(table, columns):
    """Return which clips have something in every one of some columns.

    Parameters
    ----------
    table : DataFrame
        Clip table.
    columns : list of str
        Columns; in one that the table has not, nothing is there.

    Returns
    -------
    there : ndarray of bool of shape (n_clips,)
    """
    if any(column not in table.columns for column in columns):
        return np.zeros(len(table), bool)
    there = np.ones(len(table), bool)
    for column in columns:
        values = table[column]
        there &= (values.notna() & (values.astype(object) != "")).to_numpy(dtype=bool)
    return there
