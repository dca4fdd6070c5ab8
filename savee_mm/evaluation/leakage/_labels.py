"""Find columns that determine the class, whether the estimator reads them, and columns that identify the speaker."""

import warnings

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.metrics import mutual_info_score
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import check_random_state

from savee_mm._composition import children, columns_read, steps
from savee_mm.evaluation.leakage.report import Finding

# Share of the entropy of the class, beyond chance, above which a column determines the class.
_DETERMINED = 0.9
_N_PERMUTATIONS = 99
# Columns that name clips and files; they are unique by nature.
_NAMES = frozenset({"audio", "video", "clip_id", "source_clip_id", "source_clip"})


class LabelColumns:
    """Columns of a clip table or of arrays that determine the class, and columns that identify the speaker.

    Parameters
    ----------
    relations : Relations
        Relations of the data.
    y : ndarray of shape (n_rows,)
        The classes.
    label_columns : sequence of str, default=()
        Columns that are known to have labels.
    """

    def __init__(self, relations, y, label_columns=()):
        self._relations = relations
        self._y = np.unique(y, return_inverse=True)[1]
        table = relations.data if relations.columns else pd.DataFrame()
        names = [name for name in table if name not in _NAMES]
        self._labels = [name for name in names if name in label_columns or determines(table[name], self._y)]
        self._speakers = []
        if "speaker" in table and table["speaker"].notna().any():
            codes = pd.factorize(table["speaker"])[0]
            self._speakers = [name for name in names if name == "speaker" or determines(table[name], codes)]

    def findings(self, estimator):
        """Find label columns among the features of an estimator.

        Parameters
        ----------
        estimator : estimator or None
            The estimator to cross-validate; None if only the data are checked.

        Returns
        -------
        findings : list of Finding
            Of kind "class".
        notes : list of str
            Label columns that the estimator does not read or may read, and columns that identify the speaker.
        """
        if not self._relations.columns:
            return self._array_findings(), []
        table, rows = self._relations.data, tuple(range(self._relations.n_rows))
        findings, notes = [], []
        for name in self._labels:
            reads = None if estimator is None else reads_column(estimator, table, name)
            if reads:
                message = f"the estimator reads the column {name!r}, which determines the class: leave it out"
                findings.append(Finding("class", message, rows))
            else:
                remedy = "the estimator does not read it" if reads is False else "it must not be a feature"
                notes.append(f"the class can be read from {name!r}: {remedy}")
        for name in self._speakers:
            if estimator is not None and _is_feature(estimator, table, name):
                notes.append(f"the estimator reads the column {name!r}, which identifies the speaker")
        return findings, notes

    def _array_findings(self):
        rows, findings = tuple(range(self._relations.n_rows)), []
        for name, values in self._relations.numbers().items():
            columns = class_columns(values, self._y)
            if columns:
                shown = ", ".join(map(str, columns[:5]))
                findings.append(Finding("class", f"{name} has the class in column {shown}: leave it out", rows))
        return findings


def determines(column, codes, *, random_state=0):
    """Return whether a column determines the class of a row.

    Parameters
    ----------
    column : Series or ndarray of shape (n_rows,)
        Values.
    codes : ndarray of int of shape (n_rows,)
        Classes.
    random_state : int, default=0
        Seed of the permutations.

    Returns
    -------
    determines : bool
        True if the mutual information of column and class, minus its mean under permuted classes, is at least .9 of
        its maximum and larger than under each of 99 permutations; and for a continuous column, if the values of each
        class are closer to each other than to those of other classes.
    """
    column = pd.Series(np.asarray(column, dtype=object)) if not isinstance(column, pd.Series) else column
    n_rows, n_classes = len(codes), len(np.unique(codes))
    if not 1 < n_classes < n_rows:
        return False
    values = _codes(column)
    n_values = values.max() + 1
    if 2 * n_values > n_rows:
        return _is_clustered(column, codes)
    if n_values < 2:
        return False
    information, entropy = mutual_info_score(values, codes), mutual_info_score(codes, codes)
    if information < _DETERMINED * entropy:
        return False
    rng = check_random_state(random_state)
    by_chance = [mutual_info_score(values, rng.permutation(codes)) for _ in range(_N_PERMUTATIONS)]
    mean = np.mean(by_chance)
    return bool(information > max(by_chance) and information - mean >= _DETERMINED * (entropy - mean))


def class_columns(values, codes):
    """Return the positions of the columns of an array that determine the class.

    Parameters
    ----------
    values : ndarray of shape (n_rows, ...)
        Values. All columns of a matrix are tested as in :func:`determines`; of images only columns with one value for
        each class are found.
    codes : ndarray of int of shape (n_rows,)
        Classes.

    Returns
    -------
    positions : list of int
    """
    n_classes = codes.max() + 1
    if not 1 < n_classes < len(codes):
        return []
    columns = values.reshape(len(values), -1)
    own = columns[codes == 0]
    if values.ndim == 2:
        # Few values in all, or values of the first class that are close together.
        n_values = 1 + (np.diff(np.sort(columns, axis=0), axis=0) != 0).sum(axis=0)
        candidates = (2 * n_values <= len(columns)) | (n_classes * np.ptp(own, axis=0) < np.ptp(columns, axis=0))
    else:
        candidates = (own == own[:1]).all(axis=0)
    return [int(i) for i in np.flatnonzero(candidates) if determines(columns[:, i], codes)]


def reads_column(estimator, table, name):
    """Return whether an estimator reads a column of the clip table.

    Parameters
    ----------
    estimator : estimator
        Not fitted. Pipelines, searches, unions and wrappers are followed to the steps that take the table; of a
        ColumnTransformer, names, positions, slices, data types and callables are resolved.
    table : DataFrame
        The clip table.
    name : str
        The column.

    Returns
    -------
    reads : bool or None
        None if it is not known: a step of another library that does not declare its columns.
    """
    answers = [_step_reads(step, table, name) for step in _first_steps(estimator)]
    return True if True in answers else None if None in answers else False


def _is_feature(estimator, table, name):
    """Return whether a step of scikit-learn reads a column; other steps may use the speaker for statistics only."""
    own = [step for step in _first_steps(estimator) if type(step).__module__.startswith("sklearn.")]
    return any(_step_reads(step, table, name) for step in own)


def _first_steps(estimator):
    """Return the parts of an estimator that take the clip table."""
    first = steps(estimator)[0]
    if _declares(first) or isinstance(first, ColumnTransformer | FunctionTransformer):
        return [first]
    return [step for child in children(first) for step in _first_steps(child)] or [first]


def _declares(step):
    return hasattr(step, "_columns_read")


def _step_reads(step, table, name):
    if _declares(step) or isinstance(step, ColumnTransformer):
        return name in columns_read(step, table)
    module = type(step).__module__
    if module.startswith("sklearn.") and not isinstance(step, FunctionTransformer):
        return not module.startswith("sklearn.dummy")
    return _transform_reads(step, table, name) if hasattr(step, "transform") else None


def _transform_reads(step, table, name):
    """Return whether the output of a transformer changes with a column, None if it cannot be fitted to two rows."""
    first = table.iloc[[0]]
    codes = _codes(table[name])
    others = np.flatnonzero(codes != codes[0])
    if not len(others):
        return False
    changed = first.assign(**{name: table[name].iloc[[others[0]]].to_numpy()})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = clone(step).fit(table.iloc[[0, others[0]]], [0, 1])
            before, after = (pd.DataFrame(fitted.transform(part)) for part in (first, changed))
    except Exception:  # raised by code of any library
        return None
    return not before.equals(after)


def _is_clustered(column, codes):
    """Return whether the ranges of the classes are narrower than the gaps between them."""
    if not pd.api.types.is_numeric_dtype(column.infer_objects()):
        return False
    groups = column.astype(float).groupby(codes)
    low, high = groups.min(), groups.max()
    if low.isna().any() or groups.size().min() < 2:
        return False
    order = np.argsort(low.to_numpy())
    gaps = low.to_numpy()[order][1:] - high.to_numpy()[order][:-1]
    return bool(gaps.min() > (high - low).max())


def _codes(column):
    """Return codes of the values; missing is a value."""
    if column.dtype == object:
        column = column.map(lambda value: value if pd.api.types.is_hashable(value) else str(value))
    return pd.factorize(column, use_na_sentinel=False)[0]
