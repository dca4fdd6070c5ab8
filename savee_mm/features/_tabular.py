"""Base class of the extractors that return one row of named columns for each clip."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from savee_mm.features._base import ClipTransformer


class TabularTransformer(ClipTransformer):
    """Base of the extractors with 2-D output. Missing values are filled with the training medians.

    A subclass returns (name, unit) pairs from ``_output_columns()``.
    """

    _learns_from_clips = True

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : Ignored

        Returns
        -------
        names : ndarray of str of shape (n_features,)
        """
        check_is_fitted(self)
        return np.array([name for name, _ in self._output_columns()], dtype=object)

    def get_feature_units_out(self) -> np.ndarray:
        """Return the units of the columns; ``"1"`` for a dimensionless column.

        Returns
        -------
        units : ndarray of str of shape (n_features,)
        """
        check_is_fitted(self)
        return np.array([unit for _, unit in self._output_columns()], dtype=object)

    def _output_columns(self):
        raise NotImplementedError

    def _shape(self):
        return (len(self._output_columns()),)

    def _learn(self, values):
        unknown = np.isnan(values).all(axis=0)
        self.fill_values_ = np.zeros(values.shape[1])
        self.fill_values_[~unknown] = np.nanmedian(values[:, ~unknown], axis=0)

    def _finish(self, values):
        return np.where(np.isnan(values), self.fill_values_, values)
