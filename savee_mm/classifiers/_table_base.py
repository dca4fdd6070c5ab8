"""Base of the network classifiers that read the clip table: extractors, inner split, augmentation."""

import os
from functools import partial
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, validate_parameter_constraints
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from savee_mm._composition import failures, set_everywhere
from savee_mm._rows import new_rows
from savee_mm._validation import as_table
from savee_mm.classifiers._inner_split import inner_split
from savee_mm.classifiers._keras_base import NetworkClassifier
from savee_mm.features._base import ClipTransformer
from savee_mm.features._tabular import TabularTransformer
from savee_mm.model_selection._labels import check_labels

# Column with the source row of an augmented row, for its sample weight; extractors never see it.
_SOURCE = "_savee_mm_source_row"


class TableNetworkClassifier(NetworkClassifier):
    """Base of the network classifiers that read the clip table, with extractors and an augmenter as parameters.

    A subclass has the parameters ``augment``, ``cache``, ``inner_groups`` and ``validation_fraction``, implements
    ``_build`` as any :class:`NetworkClassifier`, and defines

    - ``_parts``: its parameters that are extractors, in the order of the network's inputs, each with a function that
      makes the default extractor (None if the part is optional);
    - ``_table_columns``: the columns that the table must have;
    - ``_instead``: a hint in the error for other input.
    """

    _parts: dict = {}
    _table_columns: tuple[str, ...] = ("audio",)
    # Whether a table to predict may lack all of these columns but one.
    _allows_missing_columns = False
    _instead = ""
    _part_title = "part"
    _not_in_graph = NetworkClassifier._not_in_graph | {"augment", "inner_groups", "validation_fraction"}

    _parameter_constraints: dict = {
        **NetworkClassifier._parameter_constraints,
        "augment": [HasMethods("fit_resample"), None],
        "cache": [None, str, os.PathLike],
        "inner_groups": [str],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    }

    def get_params(self, deep: bool = True) -> dict:
        """Return the parameters, including those of the default extractors.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of the extractors.

        Returns
        -------
        params : dict
        """
        params = super().get_params(deep=deep)
        if deep:
            for part, default in self._parts.items():
                if getattr(self, part) is None and default is not None:
                    params |= {f"{part}__{name}": value for name, value in default().get_params().items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a parameter of a default extractor replaces None by that extractor.

        Parameters
        ----------
        **params : dict
            Estimator parameters, including ``<extractor>__<parameter>``.

        Returns
        -------
        self : object
        """
        for part, default in self._parts.items():
            nested = [name for name in params if name.startswith(f"{part}__")]
            if nested and params.get(part, getattr(self, part)) is None:
                if default is None:
                    raise ValueError(f"{nested[0]!r} cannot be set: {part} is None; set {part} to an extractor first.")
                params = {**params, part: default()}
        return super().set_params(**params)

    def fit(self, X: pd.DataFrame, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Self:
        """Split off inner validation clips, augment the others, extract their arrays and train the network.

        Parameters
        ----------
        X : DataFrame
            Clip table with the columns that the extractors read and those that parameters name.
        y : array-like of shape (n_clips,)
            Class labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weight of each clip in the loss; an augmented copy has the weight of its source.

        Returns
        -------
        self : object

        Raises
        ------
        ClipError
            If a clip cannot be used, unless its extractor has ``on_error="fill"``.
        ValueError
            If X is not such a table, if an extractor returns other arrays, if lengths differ, if labels are missing,
            continuous or of a single class, if no groups can be held out, or if training diverges.
        """
        self._validate_params()
        X = self._check_table(X)
        y = check_labels(y, type(self).__name__)
        check_consistent_length(X, y, sample_weight)
        training, watched = self._split(X, y)
        self._prepare(X, y, sample_weight, training)
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight)[training]
        table, labels, sample_weight = self._augmented(X.iloc[training], y[training], sample_weight)
        for name in self._parts:
            setattr(self, f"{name}_", self._make_part(name))
        inputs, self._failures = self._fit_extract(table, labels)
        self._check_clips(table, inputs, self._failures)
        validation = None
        if watched is not None:
            validation, failed = self._extract(X.iloc[watched])
            self._check_clips(X.iloc[watched], validation, failed)
            validation = validation, y[watched]
            self._failures += failed
        self._fit_network(inputs, labels, sample_weight, validation)
        return self

    def _prepare(self, table, y, sample_weight, training):
        """Hook that runs before training on the rows ``training``."""

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : DataFrame
            Clip table with the columns that the extractors read, and optionally those that parameters name.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            Columns in the order of ``classes_``.

        Raises
        ------
        ClipError
            If a clip cannot be used, unless its extractor has ``on_error="fill"``.
        """
        X = as_table(X)
        return self._predict_arrays(X, self._inputs(X))

    def _predict_arrays(self, table, arrays):
        """Return the probabilities of the clips of a table, given their arrays."""
        return self._predict_network(arrays)

    def _inputs(self, X):
        """Return the arrays of a table to predict, and store which clips could not be used."""
        check_is_fitted(self)
        table = self._check_table(X, spared=len(self._table_columns) - 1 if self._allows_missing_columns else 0)
        inputs, self._failures = self._extract(table)
        self._check_clips(table, inputs, self._failures)
        return inputs

    @property
    def failed_clips_(self):
        """Part, ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used."""
        check_is_fitted(self)
        return pd.DataFrame(self._failures, columns=[self._part_title, "clip_id", "path", "reason"], dtype=object)

    def _validate_params(self):
        super()._validate_params()
        extractor = [HasMethods(["fit_transform", "transform"]), None]
        parts = {name: getattr(self, name) for name in self._parts}
        validate_parameter_constraints(dict.fromkeys(parts, extractor), parts, caller_name=type(self).__name__)

    def _columns_read(self):
        return self._table_columns

    def _check_table(self, X, spared=0):
        """Return X as a DataFrame if it is a table that lacks at most ``spared`` of the columns."""
        X = as_table(X)
        missing = [] if not isinstance(X, pd.DataFrame) else [c for c in self._table_columns if c not in X.columns]
        if isinstance(X, pd.DataFrame) and len(missing) <= spared:
            return X
        came = f"a DataFrame without {missing}" if missing else type(X).__name__
        columns = " and ".join(map(repr, self._table_columns))
        raise ValueError(
            f"{type(self).__name__} reads a clip table: a DataFrame with the "
            f"column{'s'[: len(self._table_columns) - 1]} {columns} (paths), got {came}. Use load_savee or "
            f"load_table{self._instead}."
        )

    def _split(self, X, y):
        """Return the positions of training and of inner validation clips (None without early stopping)."""
        if not self.early_stopping:
            return np.arange(len(X)), None
        return inner_split(
            X,
            y,
            column=self.inner_groups,
            fraction=self.validation_fraction,
            seed=check_random_state(self.random_state).randint(2**31 - 1),
        )

    def _augmented(self, table, y, sample_weight):
        """Return table, labels and weights with the augmenter's copies; a copy has the weight of its source."""
        if self.augment is None:
            return table, y, sample_weight
        augmenter = clone(self.augment)
        if self.random_state is not None and augmenter.get_params().get("random_state", 0) is None:
            seed = self.random_state
            augmenter.set_params(random_state=seed if isinstance(seed, Integral) else seed.randint(2**31 - 1))
        table, y = augmenter.fit_resample(table.assign(**{_SOURCE: np.arange(len(table))}), y)
        y = check_labels(y, type(self).__name__)
        check_consistent_length(table, y)
        if _SOURCE not in table:
            raise ValueError(f"{type(augmenter).__name__} drops columns of the clip table; it must keep all of them.")
        if sample_weight is not None:
            sample_weight = sample_weight[table[_SOURCE].to_numpy(dtype=int)]
        return table.drop(columns=_SOURCE), y, sample_weight

    def _make_part(self, name):
        """Return a new extractor with the cache of this estimator, or None for an optional part.

        The part ``features`` is standardised, because features have unequal units.
        """
        extractor, default = getattr(self, name), self._parts[name]
        if extractor is None and default is None:
            return None
        extractor = default() if extractor is None else clone(extractor)
        set_everywhere(extractor, cache=self.cache)
        return make_pipeline(extractor, StandardScaler()) if name == "features" else extractor

    def _fitted_parts(self):
        """Return the fitted extractors by name, in the order of the network's inputs."""
        parts = {name: getattr(self, f"{name}_") for name in self._parts}
        return {name: part for name, part in parts.items() if part is not None}

    def _fit_extract(self, table, y):
        """Fit all parts on the training clips; return their arrays as float32, and the clips that failed."""
        self._shapes = {}
        arrays, failed = self._read(table, y)
        self._check_arrays(arrays)
        self._shapes = {name: array.shape[1:] for name, array in arrays.items()}
        return tuple(arrays.values()), failed

    def _extract(self, table):
        """Return the arrays of all parts as float32, and part, clip_id, path and reason of the clips that failed."""
        arrays, failed = self._read(table)
        return tuple(arrays.values()), failed

    def _read(self, table, y=None):
        """Return the arrays of a table by part, and failures; with labels, the parts are fitted."""
        arrays, failed = {}, []
        for name, part in sorted(self._fitted_parts().items()):
            arrays[name], own = self._read_part(name, part, table, y)
            failed += own
        return {name: arrays[name] for name in self._fitted_parts()}, failed

    def _read_part(self, name, part, table, y):
        return self._output(name, part, table, y), [(name, *failure) for failure in failures(part)]

    def _output(self, name, part, table, y):
        """Return the output of a part as float32, which may be in a file; with labels, the part is fitted."""
        compact = partial(self._compact, name)
        if _extracts_in_blocks(type(part)):
            return part._output_rows(table, compact, self._new_rows, fitting=y is not None)
        # Other transformers may need all clips at once. The labels are for a selector in a Pipeline.
        array = part.transform(table) if y is None else part.fit_transform(table, y)
        if len(array) != len(table):
            raise ValueError(f"The {name} extractor returned {len(array)} rows for {len(table)} clips.")
        return compact(np.asarray(array, dtype=np.float32))

    def _compact(self, name, array):
        """Hook that reduces the output of a part to what the network reads."""
        return array.astype(np.float32, copy=False)

    def _new_rows(self, shape, dtype=np.float32):
        """Return an array of zeros; a large one is a file, in the folder of the cache if there is one."""
        return new_rows(shape, dtype, None if self.cache == "memory" else self.cache)

    def _check_arrays(self, arrays):
        """Raise an error if the arrays of a part have another number of dimensions."""

    def _check_clips(self, table, arrays, failed):
        """Hook that checks the arrays of a table, of training or to predict, and its failures."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def check_ndim(name, array, ndim, example):
    """Raise an error if the output of an extractor has another number of dimensions.

    Parameters
    ----------
    name : str
        Name of the part.
    array : ndarray
        Output of its extractor.
    ndim : int
        Expected number of dimensions.
    example : type
        An extractor that returns such arrays, for the error message.

    Raises
    ------
    ValueError
        If the number of dimensions differs.
    """
    if array.ndim != ndim:
        raise ValueError(
            f"The {name} extractor must return {ndim}-D arrays, as {example.__name__} does; it returned an array of "
            f"shape {array.shape}."
        )


def _extracts_in_blocks(kind):
    """Return whether a class extracts arrays, by methods that no subclass has changed."""
    return (
        issubclass(kind, ClipTransformer)
        and not issubclass(kind, TabularTransformer)
        and kind.transform is ClipTransformer.transform
        and kind.fit_transform is ClipTransformer.fit_transform
    )
