"""CORAL: features of an unseen corpus with the means and correlations of the training."""

from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import svd
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
    components_ : ndarray of shape (n_components, n_features)
        Directions in which the training samples vary, at most one for each sample.
    variances_ : ndarray of shape (n_components,)
        Variances in these directions.
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
        self.components_, self.variances_ = _principal_directions(X - self.mean_)
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
        directions, variances = _principal_directions(centred)
        white = self._multiply(centred, directions, variances, -0.5)
        return self._multiply(white, self.components_, self.variances_, 0.5) + self.mean_

    def _multiply(self, X, directions, variances, power):
        """Multiply samples by a power of a regularized covariance, which is diagonal in all directions but these."""
        base = self.regularization**power
        gains = (variances + self.regularization) ** power - base
        return base * X + (X @ directions.T * gains) @ directions


def _principal_directions(centred):
    """Return the directions in which centred samples vary, and the variances."""
    # By samples: there are often fewer of them than features.
    _, lengths, directions = svd(centred, full_matrices=False)
    return directions, lengths**2 / (len(centred) - 1)
