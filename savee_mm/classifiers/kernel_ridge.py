"""KernelRidgeClassifier: kernel ridge regression on the classes, with a mean of kernels."""

from collections.abc import Sequence
from functools import cache, partial
from numbers import Integral, Real
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.metrics.pairwise import euclidean_distances, linear_kernel, manhattan_distances
from sklearn.utils import check_random_state, compute_sample_weight, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from savee_mm._cache import MemoryStore, content_key
from savee_mm.classifiers._temperature import fit_temperature

# By kernel, what it is a function of: distances, or products.
_COMPARISONS = {
    "rbf": lambda A, B: euclidean_distances(A, B, squared=True),
    "laplacian": lambda A, B: _manhattan(A, B),
    "linear": linear_kernel,
}
# From certainty to nearly equal probabilities of all classes.
_TEMPERATURES = (np.exp(-5), np.exp(2))
# Distances take most of the time of a fit, and are the same for all candidates of a search over widths and weights.
_DISTANCES = MemoryStore(limit=1 << 27)
# Size of a cached matrix (bytes): smaller ones are computed faster than looked up, larger ones take too much memory.
_CACHED = (1 << 16, 1 << 24)
# Number of training samples above which matrices are not shared by candidates, because they take too much memory.
_MOST_SHARED = 2000
# Rows of the kernel between samples and landmarks that are in memory at a time.
_BLOCK = 1024
# Added to the diagonal of the kernel between landmarks, which may be singular.
_JITTER = 1e-8


class KernelRidgeClassifier(ClassifierMixin, BaseEstimator):
    """One-vs-rest kernel ridge regression: a classifier for many features and few clips.

    The kernel is the mean of one or several kernels. Its width depends on the number of features, as suits standardised
    columns: ``exp(-gamma * mean((a - b)**2))`` for "rbf", ``exp(-gamma * mean(abs(a - b)))`` for "laplacian",
    ``gamma * mean(a * b)`` for "linear". The first two are bounded: a clip that is unlike all training clips gets
    nearly equal scores for all classes, where a linear model extrapolates.

    Parameters
    ----------
    kernels : sequence of {"rbf", "laplacian", "linear"}, default=("rbf", "laplacian")
        Kernels to average.
    gamma : float, default=0.5
        Inverse width of the kernels, see above.
    alpha : float, default=0.03
        Regularisation strength, relative to kernels with ones on the diagonal.
    class_weight : "balanced", dict or None, default="balanced"
        Weights of the classes in the loss.
    max_exact : int, default=10000
        Number of training samples above which the kernel is approximated by Nystroem's method. Time and memory of the
        exact solution grow with the cube and the square of that number, those of the approximation linearly.
    n_landmarks : int, default=2000
        Number of training samples that the approximation refers to, at random, with the same share of each class.
    random_state : int, RandomState instance or None, default=None
        Seed of the choice of landmarks.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    dual_coef_ : ndarray of shape (n_samples or n_landmarks, n_classes)
        Dual coefficients of the training samples, or of the landmarks.
    X_fit_ : ndarray of shape (n_samples or n_landmarks, n_features)
        Training samples, or landmarks.
    temperature_ : float
        Divisor of the scores before the softmax. It minimises the log loss of the leave-one-out predictions, which
        ridge regression has in closed form. If augmented copies of the samples are in training, these predictions are
        too good, and the probabilities too extreme.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features; defined if X is a DataFrame.

    See Also
    --------
    sklearn.kernel_ridge.KernelRidge : Kernel ridge regression.

    References
    ----------
    R. Rifkin, G. Yeo, T. Poggio, "Regularized least-squares classification", in Advances in Learning Theory: Methods,
    Models and Applications, IOS Press, 2003; R. Rifkin, R. Lippert, "Notes on regularized least squares",
    MIT-CSAIL-TR-2007-025, for the leave-one-out predictions. C. Williams, M. Seeger, "Using the Nyström method to speed
    up kernel machines", NIPS 2000, for the approximation.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from savee_mm import KernelRidgeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> make_pipeline(StandardScaler(), KernelRidgeClassifier()).fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.9
    True
    """

    # Candidates of a search that differ in these only share their distances, see _predict_candidates.
    _shared_parameters = ("kernels", "gamma", "alpha")
    _parameter_constraints = {
        "kernels": ["array-like"],
        "gamma": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "max_exact": [Interval(Integral, 1, None, closed="left")],
        "n_landmarks": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        kernels: Sequence[str] = ("rbf", "laplacian"),
        gamma: float = 0.5,
        alpha: float = 0.03,
        class_weight: Literal["balanced"] | dict | None = "balanced",
        max_exact: int = 10_000,
        n_landmarks: int = 2_000,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.kernels = kernels
        self.gamma = gamma
        self.alpha = alpha
        self.class_weight = class_weight
        self.max_exact = max_exact
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the regression of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Standardised features.
        y : array-like of shape (n_samples,)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample in the loss; samples of weight 0 are left out.

        Returns
        -------
        self : object
        """
        X, targets, weights, codes = self._read(X, y, sample_weight)
        solve = self._solve if len(X) <= self.max_exact else self._solve_approximately
        left_out = solve(X, targets, weights, codes)
        self.temperature_ = fit_temperature(left_out, codes, weights, _TEMPERATURES)
        return self

    def _predict_candidates(self, candidates, X, y, X_test, sample_weight=None):
        """Predict samples by a fit with each of several sets of parameters.

        Distances are computed once for all candidates, and only what predictions need is solved.

        Parameters
        ----------
        candidates : list of dict
            Values of ``kernels``, ``gamma`` and ``alpha``.
        X, y, sample_weight : array-like
            Training samples, as for :meth:`fit`.
        X_test : array-like of shape (n_test, n_features)
            Samples to predict.

        Returns
        -------
        predictions : list of ndarray of shape (n_test,)
            What :meth:`predict` returns after :meth:`fit`; scores are equal except for rounding.
        """
        if len(X) > min(self.max_exact, _MOST_SHARED):
            models = [clone(self).set_params(**params) for params in candidates]
            return [model.fit(X, y, sample_weight).predict(X_test) for model in models]
        model, predictions = clone(self).set_params(**candidates[0]), []
        X, targets, weights, _ = model._read(X, y, sample_weight)
        samples = {"train": X, "test": validate_data(model, X_test, dtype=np.float64, reset=False)}
        compare = cache(lambda name, which: _COMPARISONS[name](samples[which], X))
        for params in candidates:
            model.set_params(**params)._validate_params()
            model._check_kernels()
            system, test = (model._mean(partial(compare, which=which), X.shape[1]) + 1 for which in samples)
            system[np.diag_indices_from(system)] += model.alpha / weights
            scores = test @ cho_solve(cho_factor(system, overwrite_a=True), targets)
            predictions.append(model.classes_[scores.argmax(axis=1)])
        return predictions

    def _read(self, X, y, sample_weight):
        """Check samples, and return those of positive weight, their targets, weights and classes (codes)."""
        self._validate_params()
        self._check_kernels()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"KernelRidgeClassifier needs samples of at least two classes, got one class: {y[0]!s}.")
        weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        weights = weights * compute_sample_weight(self.class_weight, y)
        X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        codes = np.searchsorted(self.classes_, y)
        # The targets sum to zero over the classes, so that far from all samples no class is preferred.
        targets = np.eye(len(self.classes_))[codes] - 1 / len(self.classes_)
        return X, targets, weights, codes

    def _solve(self, X, targets, weights, codes):
        """Set the coefficients, and return the leave-one-out scores."""
        self.X_fit_ = X
        # The added 1 is an intercept, regularised like the rest.
        system = self._kernel(X, X) + 1 + np.diag(self.alpha / weights)
        inverse = cho_solve(cho_factor(system), np.eye(len(X)))
        self.dual_coef_ = inverse @ targets
        return targets - self.dual_coef_ / np.diag(inverse)[:, np.newaxis]

    def _solve_approximately(self, X, targets, weights, codes):
        """Set coefficients of landmarks, and return the leave-one-out scores of this approximation."""
        self.X_fit_ = landmarks = X[self._choose_landmarks(codes)]
        kernel = self._kernel(landmarks, landmarks) + 1
        root = cholesky(kernel + _JITTER * np.eye(len(kernel)), lower=True)
        blocks = list(gen_batches(len(X), _BLOCK))

        def features(block):
            """Return vectors whose inner products approximate the kernel."""
            return solve_triangular(root, (self._kernel(X[block], landmarks) + 1).T, lower=True).T

        covariance, moments = self.alpha * np.eye(len(kernel)), np.zeros((len(kernel), targets.shape[1]))
        for block in blocks:
            phi = features(block)
            weighted = phi.T * weights[block]
            covariance += weighted @ phi
            moments += weighted @ targets[block]
        factor = cho_factor(covariance)
        coefficients = cho_solve(factor, moments)
        self.dual_coef_ = solve_triangular(root, coefficients, lower=True, trans="T")
        left_out = np.empty_like(targets)
        for block in blocks:
            phi = features(block)
            leverage = weights[block] * np.einsum("ij,ji->i", phi, cho_solve(factor, phi.T))
            residuals = (targets[block] - phi @ coefficients) / (1 - leverage)[:, np.newaxis]
            left_out[block] = targets[block] - residuals
        return left_out

    def _choose_landmarks(self, codes):
        """Return positions of landmarks: evenly spaced among the samples in random order, sorted by class."""
        order = check_random_state(self.random_state).permutation(len(codes))
        order = order[np.argsort(codes[order], kind="stable")]
        return order[np.unique(np.linspace(0, len(order) - 1, min(self.n_landmarks, len(order))).round().astype(int))]

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Compute the scores of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
        """
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        scores = self._scores(X)
        return softmax(scores / self.temperature_, axis=1)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the class with the highest score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        scores = self._scores(X)
        return self.classes_[scores.argmax(axis=1)]

    def _scores(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return (self._kernel(X, self.X_fit_) + 1) @ self.dual_coef_

    def _kernel(self, A, B):
        return self._mean(lambda name: _COMPARISONS[name](A, B), A.shape[1])

    def _mean(self, compare, n_features):
        """Return the mean of the kernels of ``compare(name)``, distances or products of samples."""
        scale = self.gamma / n_features
        compared = [(name, scale * compare(name)) for name in self.kernels]
        kernels = [values if name == "linear" else np.exp(-values) for name, values in compared]
        return sum(kernels) / len(kernels)

    def _check_kernels(self):
        unknown = [name for name in self.kernels if name not in _COMPARISONS]
        if isinstance(self.kernels, str) or unknown or not len(self.kernels):
            raise ValueError(
                f"The 'kernels' parameter of KernelRidgeClassifier must be a sequence of names from "
                f"{', '.join(_COMPARISONS)}. Got {self.kernels!r} instead."
            )


def _manhattan(A, B):
    """Return the Manhattan distances between all pairs of rows, cached by the content of the rows."""
    if not _CACHED[0] <= 8 * len(A) * len(B) <= _CACHED[1]:
        return manhattan_distances(A, B)
    key = content_key(A, "manhattan" if A is B else content_key(B, "manhattan to"))
    distances = _DISTANCES.get(key)
    if distances is None:
        distances = manhattan_distances(A, B)
        _DISTANCES.put(key, distances)
    return distances
