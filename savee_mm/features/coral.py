"""CORAL: features of an unseen corpus with the means and correlations of the training."""

from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data


class CORAL(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Align mean and covariance of the samples of each call with those of the training (correlation alignment).

    The samples are whitened by their own covariance, and coloured by that of the training samples. The publication
    aligns the training samples with the others and fits the classifier again for each unseen domain; here the samples
    to predict are aligned, so that the classifier is fitted once. Pass the clips of one corpus at a time. Predictions
    depend on the other clips of the call: report them as *transductive*.

    Parameters
    ----------
    regularization : float, default=1.0
        Added to the variances before the alignment, 1 as in the publication. It suits standardised features; with few
        samples, larger values leave the correlations as they are.
    min_samples : int, default=8
        Smaller calls are not aligned.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean of the training samples.
    coloring_ : ndarray of shape (n_features, n_features)
        Square root of their regularized covariance.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features; defined if X is a DataFrame.

    References
    ----------
    B. Sun, J. Feng, K. Saenko, "Return of frustratingly easy domain adaptation", AAAI 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import CORAL
    >>> rng = np.random.default_rng(0)
    >>> train, other = rng.normal(size=(500, 2)), 5 + 3 * rng.normal(size=(500, 2))
    >>> aligned = CORAL(regularization=1e-6).fit(train).transform(other)
    >>> bool(np.allclose(aligned.mean(axis=0), train.mean(axis=0)))
    True
    """

    _parameter_constraints = {
        "regularization": [Interval(Real, 0, None, closed="neither")],
        "min_samples": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(self, *, regularization: float = 1.0, min_samples: int = 8) -> None:
        self.regularization = regularization
        self.min_samples = min_samples

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn mean and covariance of the training samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples, standardised.
        y : Ignored

        Returns
        -------
        self : object
        """
        self._validate_params()
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self.mean_ = X.mean(axis=0)
        self.coloring_ = self._root(X - self.mean_, 0.5)
        return self

    def fit_transform(self, X, y=None):
        """Fit, and return the training samples as they are."""
        self.fit(X)
        return validate_data(self, X, dtype=np.float64, reset=False).copy()

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Align samples with the training samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples of one corpus.

        Returns
        -------
        X_out : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        if len(X) < self.min_samples:
            return X.copy()
        centred = X - X.mean(axis=0)
        return centred @ self._root(centred, -0.5) @ self.coloring_ + self.mean_

    def _root(self, centred, power):
        """Return a power of the regularized covariance of centred samples."""
        covariance = centred.T @ centred / (len(centred) - 1)
        values, vectors = eigh(covariance)
        return (vectors * (np.maximum(values, 0) + self.regularization) ** power) @ vectors.T
