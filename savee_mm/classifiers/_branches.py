"""A branch of a late fusion: what it reads, how it is fitted and asked."""

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from savee_mm._validation import clip_names
from savee_mm.classifiers._reads import columns_read
from savee_mm.classifiers._table_base import failures_of


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


def ask_branch(fitted, table, columns, classes):
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

    Returns
    -------
    p : ndarray of shape (n_clips, n_classes)
        Probabilities, 0 for a class that the branch has not met, NaN for a clip that it could not use.
    """
    p = np.zeros((len(table), len(classes)))
    if len(table):
        p[:, np.searchsorted(classes, fitted.classes_)] = fitted.predict_proba(table)
        p[failed_clips(fitted, table, columns)] = np.nan
    return p


def fit_and_ask(fit, table, columns, classes):
    """Fit a branch and return what it says of other clips.

    Parameters
    ----------
    fit : tuple
        Arguments of :func:`fit_branch`.
    table, columns, classes : object
        As of :func:`ask_branch`.

    Returns
    -------
    p : ndarray of shape (n_clips, n_classes)
    """
    return ask_branch(fit_branch(*fit), table, columns, classes)


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
    reported = {failure[-3] for failure in failures_of(fitted)}
    failed = np.zeros(len(table), bool)
    if reported:
        for column in columns:
            failed |= pd.Index(clip_names(table, column)).isin(reported)
    return failed
