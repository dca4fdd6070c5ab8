"""A branch of a late fusion: what it reads, how it is fitted and asked."""

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from savee_mm._composition import columns_read, failures, steps
from savee_mm._validation import ClipError, clip_names


def check_branch(name, estimator, columns=None):
    """Return the columns in which a clip must have something for a branch.

    Parameters
    ----------
    name : str
        Its name, for the error.
    estimator : estimator
        Classifier over the clip table.
    columns : str, list of str or None
        As the user gave them; what :func:`columns_read` finds when None.

    Returns
    -------
    columns : list of str

    Raises
    ------
    ValueError
        Where the estimator has no ``predict_proba``.
    TypeError
        Where it is a class.
    """
    if isinstance(estimator, type):
        raise TypeError(
            f"Branch {name!r} is the class {estimator.__name__}; give an estimator of it, {estimator.__name__}()."
        )
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"Branch {name!r} ({type(estimator).__name__}) has no predict_proba. Wrap its classifier in "
            "sklearn.calibration.CalibratedClassifierCV(..., ensemble=False), or choose one that tells probabilities."
        )
    if columns is None:
        return columns_read(estimator)
    return [columns] if isinstance(columns, str) else list(columns)


def fit_branch(estimator, table, y, sample_weight):
    """Fit a clone to some clips.

    Parameters
    ----------
    estimator : estimator
        Classifier over the table.
    table : DataFrame
        The clips.
    y : ndarray of shape (n_clips,)
        Their classes.
    sample_weight : ndarray of shape (n_clips,) or None
        Passed on where the estimator takes weights.

    Returns
    -------
    fitted : estimator
    """
    name = None if sample_weight is None else _weight_parameter(estimator)
    # A weight that is passed on by the name of its step is one that routing does not know.
    with config_context(enable_metadata_routing=False):
        return clone(estimator).fit(table, y, **({} if name is None else {name: sample_weight}))


def _weight_parameter(estimator):
    """Return the name under which ``fit`` takes sample weights, None where it takes none."""
    if type(estimator) is Pipeline:
        name = _weight_parameter(estimator.steps[-1][1])
        return None if name is None else f"{estimator.steps[-1][0]}__{name}"
    # A pipeline with a resampler has other rows at its end than it was given.
    return "sample_weight" if has_fit_parameter(estimator, "sample_weight") else None


def ask_branch(fitted, table, columns, classes, with_view=False):
    """Return what a fitted branch says of some clips.

    Parameters
    ----------
    fitted : estimator
        Fitted classifier.
    table : DataFrame
        The clips.
    columns : list of str
        Columns that it reads.
    classes : ndarray of shape (n_classes,)
        All classes, sorted.
    with_view : bool, default=False
        Whether what its last step reads of the clips is wanted too; then it is a Pipeline or a search over one.

    Returns
    -------
    p : ndarray of shape (n_clips, n_classes)
        Probabilities, 0 for a class that the branch has not met, NaN for a clip that it could not use.
    view : ndarray of shape (n_clips, n_features) or None
        What its last step reads, NaN for a clip that it could not use.
    """
    p, view = np.zeros((len(table), len(classes))), np.empty((0, 1)) if with_view else None
    if len(table):
        told, view = _ask_with_view(fitted, table) if with_view else (fitted.predict_proba(table), None)
        p[:, np.searchsorted(classes, fitted.classes_)] = told
        failed = failed_clips(fitted, table, columns)
        p[failed] = np.nan
        if with_view:
            view[failed] = np.nan
    return p, view


def _ask_with_view(fitted, table):
    """Return the probabilities and what the last step reads, from one extraction."""
    *before, last = steps(fitted)
    features = table
    for step in before:
        features = step.transform(features)
    try:
        view = np.array(features.toarray() if issparse(features) else features)
        view = view if np.issubdtype(view.dtype, np.floating) else view.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"adapt_speakers=True compares clips by what the last step of each branch reads, and {last!r} reads no "
            "numbers; put its extractor ahead of it in a Pipeline, or leave adapt_speakers out."
        ) from error
    return last.predict_proba(features), view.reshape(len(view), -1)


def fit_and_ask(fit, table, columns, classes, with_view=False):
    """Fit a branch and return what it says of other clips.

    Parameters
    ----------
    fit : tuple
        Arguments of :func:`fit_branch`.
    table, columns, classes, with_view : object
        As of :func:`ask_branch`.

    Returns
    -------
    p, view : ndarray
        As of :func:`ask_branch`.
    """
    return ask_branch(fit_branch(*fit), table, columns, classes, with_view)


def check_there(table, there):
    """Return ``there`` where every clip has something for one branch at least.

    Parameters
    ----------
    table : DataFrame
        The clips.
    there : ndarray of bool of shape (n_branches, n_clips)
        Which clips have something for each branch.

    Raises
    ------
    ClipError
        On the first clip that has nothing for any.
    """
    if not there.any(axis=0).all():
        row = int(np.flatnonzero(~there.any(axis=0))[0])
        name = table["clip_id"].iloc[row] if "clip_id" in table.columns else f"row {table.index[row]}"
        raise ClipError(
            "no branch has anything to read in it; fill one of their columns, or leave the clip out", clip_id=name
        )
    return there


def at_rows(rows, view):
    """Return a view of some clips as one of all.

    Parameters
    ----------
    rows : ndarray of bool of shape (n_clips,)
        Which clips they are.
    view : ndarray of shape (n_rows, n_features)
        As :func:`ask_branch` returns it.

    Returns
    -------
    view : ndarray of shape (n_clips, n_features)
        NaN for the others.
    """
    placed = np.full((len(rows), view.shape[1]), np.nan, dtype=view.dtype)
    placed[rows] = view
    return placed


def failed_clips(fitted, table, columns):
    """Return the clips that the extractors of a branch reported in their last call.

    Parameters
    ----------
    fitted : estimator
        The branch, whose last call was of this table.
    table : DataFrame
        The clips.
    columns : list of str
        Columns that it reads, for the names of clips in a table without ``clip_id``.

    Returns
    -------
    failed : ndarray of bool of shape (n_clips,)
    """
    # clip_id, path and reason; a table-in network puts the part's name in front.
    reported = {failure[-3] for failure in failures(fitted)}
    failed = np.zeros(len(table), bool)
    if reported:
        for column in columns:
            failed |= pd.Index(clip_names(table, column)).isin(reported)
    return failed


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
