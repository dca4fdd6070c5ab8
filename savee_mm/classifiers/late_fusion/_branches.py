"""The branches of a late fusion: checked, fitted, and used to predict, each on the clips that have what it reads."""

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from savee_mm._composition import columns_read, failures, steps
from savee_mm._missing import fill_missing
from savee_mm._validation import ClipError, clip_names
from savee_mm._workers import run_all
from savee_mm.classifiers._missing_branches import missing_values
from savee_mm.classifiers.late_fusion._combination import log_scores


def check_branch(name, estimator, columns=None):
    """Return the columns in which a clip needs a value for a branch.

    Parameters
    ----------
    name : str
        Its name, for the error.
    estimator : estimator
        Classifier over the clip table.
    columns : str, list of str or None
        As given by the user; None for the columns that :func:`columns_read` finds.

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
            "sklearn.calibration.CalibratedClassifierCV(..., ensemble=False), or choose one with predict_proba."
        )
    if columns is None:
        return columns_read(estimator)
    return [columns] if isinstance(columns, str) else list(columns)


def fit_branches(estimators, columns, clips, n_jobs):
    """Fit every branch to the clips that have what it reads.

    Parameters
    ----------
    estimators : list of (str, estimator, ...)
        Names and classifiers.
    columns : dict of str to list of str
        Columns that each branch reads.
    clips : TrainingClips
        The training clips.
    n_jobs : int or None
        Worker processes.

    Returns
    -------
    fitted : list of estimator
        Clones of the branches.
    present : ndarray of bool of shape (n_branches, n_clips)
        Which clips each branch was fitted to: those that have what it reads, without those that its extractors could
        not use. Training on the values that stand in for these would teach nothing.
    failed : list of tuple
        Branch, clip_id, path and reason of the other clips.

    Raises
    ------
    ValueError
        Where a branch has clips of less than two classes.
    ClipError
        On a clip that no branch can use.
    """
    check_some_branch(clips.names, clips.present)
    tasks = []
    for (name, estimator, *_), own, rows in zip(estimators, columns.values(), clips.present, strict=True):
        _check_two_classes(name, own, clips.y[rows], len(clips.y))
        tasks.append((name, estimator, own, *_training_data(clips, rows)))
    results = run_all(_fit_usable, tasks, n_jobs=n_jobs)
    present, failed = clips.present.copy(), []
    for (name, own), rows, (_, usable, unusable) in zip(columns.items(), present, results, strict=True):
        failed += _failures_of(name, own, clips, ~rows, unusable)
        rows[rows] = usable
    return [fitted for fitted, *_ in results], check_some_branch(clips.names, present), failed


def predict_out_of_fold(estimators, columns, clips, present, *, with_features, n_jobs):
    """Predict the clips of every inner fold by branches that are fitted to the other folds.

    Parameters
    ----------
    estimators, columns, clips, present, n_jobs : object
        As of :func:`fit_branches`.
    with_features : bool
        Whether the features that the last step of a branch reads are returned.

    Returns
    -------
    scores : ndarray of shape (n_branches, n_clips, n_classes)
        Log-probabilities, NaN where a branch cannot predict a clip: a value is missing, or the branch was fitted to no
        clip of its class, or to one class only.
    features : dict of int to list of ndarray
        By cell, of each branch, as :func:`predict_branches` returns them for the clips of the cell.
    """
    classes, cells, tasks, places = np.unique(clips.y), clips.cells, [], []
    for b, ((_, estimator, *_), own) in enumerate(zip(estimators, columns.values(), strict=True)):
        for cell in np.unique(cells):
            training, held_out = present[b] & clips.outside(cell), present[b] & (cells == cell)
            held_out &= np.isin(clips.y, clips.y[training])
            if held_out.any() and len(np.unique(clips.y[training])) > 1:
                fit = (estimator, *_training_data(clips, training))
                tasks.append((fit, clips.table.iloc[held_out], own, classes, with_features))
                places.append((b, cell, held_out))
    results = run_all(_fit_and_predict, tasks, n_jobs=n_jobs)
    scores, features = np.full((*present.shape, len(classes)), np.nan), {cell: [] for cell in np.unique(cells)}
    for (b, cell, held_out), (p, array, _) in zip(places, results, strict=True):
        scores[b, held_out] = log_scores(p)
        if with_features:
            features[cell].append(_placed(held_out[cells == cell], array))
    return scores, features


def predict_branches(fitted, columns, clips, classes, with_features):
    """Predict clips by every branch.

    Parameters
    ----------
    fitted : list of estimator
        Fitted branches.
    columns : dict of str to list of str
        Columns that each branch reads.
    clips : Clips
        The clips.
    classes : ndarray of shape (n_classes,)
        All classes, sorted.
    with_features : bool
        Whether the features that the last step of a branch reads are returned.

    Returns
    -------
    scores : ndarray of shape (n_branches, n_clips, n_classes)
        Log-probabilities, NaN where a clip lacks what a branch reads, or the branch could not use it.
    features : list of ndarray of shape (n_clips, n_features)
        Of each branch, NaN in the same rows; empty without ``with_features``.
    failed : list of tuple
        Branch, clip_id, path and reason for each of these NaN rows.

    Raises
    ------
    ClipError
        On a clip that no branch can use.
    """
    check_some_branch(clips.names, clips.present)
    scores, features, failed = np.full((*clips.present.shape, len(classes)), np.nan), [], []
    for branch, (name, own), rows, log_p in zip(fitted, columns.items(), clips.present, scores, strict=True):
        p, array, unusable = _predict_branch(branch, clips.table.iloc[rows], own, classes, with_features)
        failed += _failures_of(name, own, clips, ~rows, unusable)
        log_p[rows] = log_scores(p)
        if with_features:
            features.append(_placed(rows, array))
    check_some_branch(clips.names, ~np.isnan(scores[:, :, 0]))
    return scores, features, failed


def check_some_branch(names, present):
    """Return ``present`` where every clip can be predicted by at least one branch.

    Parameters
    ----------
    names : ndarray of object of shape (n_clips,)
        Names of the clips.
    present : ndarray of bool of shape (n_branches, n_clips)
        Which clips each branch can predict.

    Raises
    ------
    ClipError
        On the first clip that no branch can predict.
    """
    if not present.any(axis=0).all():
        raise ClipError(
            "no branch has anything to read in it; fill one of their columns, or leave the clip out",
            clip_id=names[~present.any(axis=0)][0],
        )
    return present


def _failures_of(name, columns, clips, absent, unusable):
    """Return the failures of a branch: clips without a value (a mask), and those that its extractors could not use."""
    missing = missing_values(name, clips.table.iloc[absent], columns, clips.names[absent])
    return [*missing, *((name, *failure) for failure in unusable)]


def _check_two_classes(name, columns, y, n_clips):
    if len(np.unique(y)) < 2:
        raise ValueError(
            f"Branch {name!r} needs clips of at least two classes that have values in {columns}; of {n_clips} "
            f"training clips {len(y)} have. Leave the branch out, or fill its columns."
        )


def _training_data(clips, rows):
    """Return table, labels and weights of some clips."""
    return clips.table.iloc[rows], clips.y[rows], clips.weights[rows] if clips.weighted else None


def _fit_usable(name, estimator, columns, table, y, sample_weight):
    """Return a fitted branch, which clips it was fitted to, and the failures of the others."""
    with fill_missing():
        fitted = _fit_branch(estimator, table, y, sample_weight)
    unusable, failed = _failed(fitted, table, columns)
    if failed.any():
        y, table = y[~failed], table.iloc[~failed]
        _check_two_classes(name, columns, y, len(failed))
        fitted = _fit_branch(estimator, table, y, None if sample_weight is None else sample_weight[~failed])
    return fitted, ~failed, unusable


def _fit_branch(estimator, table, y, sample_weight):
    """Return a clone that is fitted to clips, with weights where the estimator takes them."""
    name = None if sample_weight is None else weight_parameter(estimator)
    # Metadata routing would refuse a weight that is passed under the name of a step.
    with config_context(enable_metadata_routing=False):
        return clone(estimator).fit(table, y, **({} if name is None else {name: sample_weight}))


def weight_parameter(estimator):
    """Return the name under which ``fit`` takes sample weights, None where it takes none."""
    if type(estimator) is Pipeline:
        name = weight_parameter(estimator.steps[-1][1])
        return None if name is None else f"{estimator.steps[-1][0]}__{name}"
    # The last step of a pipeline with a sampler gets other rows than the pipeline.
    return "sample_weight" if has_fit_parameter(estimator, "sample_weight") else None


def _fit_and_predict(fit, table, columns, classes, with_features):
    return _predict_branch(_fit_branch(*fit), table, columns, classes, with_features)


def _predict_branch(fitted, table, columns, classes, with_features):
    """Return the probabilities of all classes, the features of the last step or None, and failures of extractors.

    Probabilities are 0 for a class that the branch was not trained on; both are NaN for a clip that it could not use.
    """
    if not len(table):
        return np.empty((0, len(classes))), np.empty((0, 1)) if with_features else None, []
    with fill_missing():
        own, features = _predict_with_features(fitted, table) if with_features else (fitted.predict_proba(table), None)
    unusable, failed = _failed(fitted, table, columns)
    if failed.any():
        # Again without these clips, whose stand-in values may change the predictions of the others.
        p, features, _ = _predict_branch(fitted, table.iloc[~failed], columns, classes, with_features)
        return _placed(~failed, p), _placed(~failed, features) if with_features else None, unusable
    p = np.zeros((len(table), len(classes)))
    p[:, np.searchsorted(classes, fitted.classes_)] = own
    return p, features, []


def _predict_with_features(fitted, table):
    """Return the probabilities, and the features that the last step reads, from one extraction."""
    *before, last = steps(fitted)
    features = table
    for step in before:
        features = step.transform(features)
    try:
        array = np.array(features.toarray() if issparse(features) else features)
        array = array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"adapt_speakers=True compares clips by the features that the last step of each branch reads, and {last!r} "
            "reads no numbers; put its extractor ahead of it in a Pipeline, or leave adapt_speakers out."
        ) from error
    return last.predict_proba(features), array.reshape(len(array), -1)


def _placed(rows, values):
    """Return the values of some clips (a mask) in an array of all, NaN for the others."""
    placed = np.full((len(rows), values.shape[1]), np.nan, dtype=values.dtype)
    placed[rows] = values
    return placed


def _failed(fitted, table, columns):
    """Return the failures of extractors in a call with this table, as (clip_id, path, reason), and their clips."""
    failed = np.zeros(len(table), bool)
    # A fusion as a branch predicts such a clip by its own branches.
    if any(getattr(step, "_allows_missing_columns", False) for step in steps(fitted)):
        return [], failed
    unusable = [failure[-3:] for failure in failures(fitted)]
    for column in columns if unusable else ():
        failed |= pd.Index(clip_names(table, column)).isin({clip_id for clip_id, *_ in unusable})
    return unusable, failed
