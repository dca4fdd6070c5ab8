"""Feature selection: PCA of each contour, then removal of highly correlated columns."""

import re
from numbers import Integral, Real
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.decomposition import PCA
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

_CONTOUR_COLUMN = re.compile(r"(?P<feature>.+)__t\d+")

# Decimals for the ranking, so that rounding errors do not decide between equal columns.
_DECIMALS = 9


class PCACorrSelector(TransformerMixin, BaseEstimator):
    """Reduce each contour by PCA, then remove the less relevant column of highly correlated pairs.

    The first step replaces each contour (a group of columns: one feature over time) by ``n_components`` scores and
    does not change scalar columns. The second step removes columns that are constant over the training clips. Then it
    finds the most correlated pair of columns and removes the one that is less relevant to y, until no pair is
    correlated above ``threshold`` and at most ``n_features`` columns are left.

    Parameters
    ----------
    n_features : int or None, default=16
        Maximum number of columns to keep; None for no limit other than ``threshold``.
    contours : "auto", list of lists, or None, default="auto"
        Columns of each contour. "auto" groups DataFrame columns of the form ``<feature>__t<frame>`` (``f0__t000``,
        ``f0__t001``, ...); columns of an array are scalars. A list has one list for each contour: column positions,
        or column names of a DataFrame. None: all columns are scalars.
    n_components : int, default=4
        Number of scores per contour; fewer if the contour has fewer columns or there are too few clips. Ten contours,
        the usual set of prosodic and spectral features, give 40 columns.
    threshold : float, default=0.9
        Maximum absolute correlation of two columns that are both kept. With 1, only ``n_features`` limits the
        columns.

    Attributes
    ----------
    contours_ : dict of str to ndarray of int
        Column positions of each contour by name. Contours of a list are named ``contour0``, ...
    pcas_ : dict of str to PCA
        The fitted PCA of each contour (full SVD; scikit-learn fixes the signs, so that fits are reproducible).
    feature_names_after_pca_ : ndarray of str, shape (n_columns,)
        Names of the columns after the first step, to which the next three attributes refer: scalars have their own
        names, scores are ``<feature>__pc0``, ``<feature>__pc1``, ... at the place of the first column of the contour.
    correlation_ : ndarray of shape (n_columns, n_columns)
        Pearson correlation over the training clips; 0 off the diagonal for a constant column.
    relevance_ : ndarray of shape (n_columns,)
        Fraction of the variance of each column that y explains, 0 to 1.
    support_ : ndarray of bool, shape (n_columns,)
        Mask of the columns that are kept.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Column names; only if X was a DataFrame.

    Raises
    ------
    ValueError
        If y is missing or has one value only, all columns are constant, or ``contours`` does not match X.

    Notes
    -----
    Relevance is univariate: for classes the correlation ratio (eta squared), which orders columns as the
    ANOVA F test does, F = eta² / (1 - eta²) · (n - k) / (k - 1) for n clips and k classes; for a continuous
    y (floats that are not all whole numbers) the squared correlation. Neither depends on the scale, so that
    columns in Hz, dB and fractions need no scaling; scores have the unit of their contour. Of two equally relevant
    columns the later one is removed.

    Relevance only decides within pairs: an irrelevant column that is uncorrelated with the others is kept, and of two
    relevant columns that are correlated through y alone one is removed. If ``n_features`` is far below the number of
    columns, compare with ``SelectKBest`` after a PCACorrSelector with ``n_features=None``.

    Balancing redundancy and relevance is the idea of the correlation-based filters of Yu and Liu [1]_, here with linear
    measures.

    References
    ----------
    .. [1] L. Yu and H. Liu, "Feature selection for high-dimensional data: a fast correlation-based filter
       solution", ICML 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import PCACorrSelector
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["anger", "sadness"], 20)
    >>> energy = (y == "anger") + rng.normal(scale=0.3, size=40)
    >>> noise = rng.normal(size=40)
    >>> loudness = energy + rng.normal(scale=0.1, size=40)  # a noisy copy of energy
    >>> selector = PCACorrSelector().fit(np.column_stack([loudness, noise, energy]), y)
    >>> selector.support_
    array([False,  True,  True])
    """

    _parameter_constraints: dict = {
        "n_features": [Interval(Integral, 1, None, closed="left"), None],
        "contours": [StrOptions({"auto"}), "array-like", None],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "threshold": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        *,
        n_features: int | None = 16,
        contours: Literal["auto"] | list[list] | None = "auto",
        n_components: int = 4,
        threshold: float = 0.9,
    ) -> None:
        self.n_features = n_features
        self.contours = contours
        self.n_components = n_components
        self.threshold = threshold

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the PCA of each contour and select the columns.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_clips, n_features_in)
            Features without missing values, of at least two clips.
        y : array-like of shape (n_clips,)
            Classes, or a continuous target.

        Returns
        -------
        self : PCACorrSelector
        """
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32), ensure_min_samples=2)
        names = getattr(self, "feature_names_in_", None)
        self.contours_ = _find_contours(self.contours, X.shape[1], names)
        self.pcas_ = {name: self._fit_pca(X[:, columns]) for name, columns in self.contours_.items()}
        self._columns = self._lay_out()
        reduced = self._reduce(X, np.ones(len(self._columns), dtype=bool))
        self.feature_names_after_pca_ = self._name_columns(_check_feature_names_in(self, None))

        varies = _varies(reduced, self._noise_floor(X))
        if not varies.any():
            raise ValueError(f"Every column of X is constant over the {len(X)} training clips: nothing to select.")
        z = np.zeros_like(reduced)
        z[:, varies] = _standardise(reduced[:, varies])
        self.correlation_ = np.clip(z.T @ z / len(z), -1, 1)
        np.fill_diagonal(self.correlation_, 1)
        self.relevance_ = _explained_share(z, y)
        self.support_ = _drop_redundant(
            self.correlation_, self.relevance_, varies, self.threshold, self.n_features or len(varies)
        )
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the selected columns: unchanged scalars and scores of the fitted PCAs.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_clips, n_features_in)

        Returns
        -------
        X_new : ndarray of shape (n_clips, n_kept), n_kept <= n_features
            In the precision of X (float32 or float64), in the order of ``get_feature_names_out``.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return self._reduce(X, self.support_).astype(X.dtype, copy=False)

    def get_support(self, indices=False):
        """Return ``support_``, or the positions of the selected columns with ``indices=True``."""
        check_is_fitted(self)
        return np.flatnonzero(self.support_) if indices else self.support_

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the selected columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X, if it had none in ``fit``; otherwise they must be the same.

        Returns
        -------
        names : ndarray of str, shape (n_kept,)
        """
        check_is_fitted(self)
        return self._name_columns(_check_feature_names_in(self, input_features))[self.support_]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _fit_pca(self, contour):
        n_components = min(self.n_components, contour.shape[1], len(contour) - 1)
        # The explained variance ratio of a constant contour is 0/0; its scores are removed afterwards.
        with np.errstate(invalid="ignore", divide="ignore"):
            return PCA(n_components, svd_solver="full").fit(contour.astype(np.float64, copy=False))

    def _lay_out(self):
        """Return (contour, component) or (None, position in X) of each column after the first step."""
        contour_of = {column: name for name, columns in self.contours_.items() for column in columns}
        layout, placed = [], set()
        for column in range(self.n_features_in_):
            name = contour_of.get(column)
            if name is None:
                layout.append((None, column))
            elif name not in placed:
                placed.add(name)
                layout.extend((name, pc) for pc in range(self.pcas_[name].n_components_))
        return layout

    def _name_columns(self, names_in):
        names = [names_in[i] if contour is None else f"{contour}__pc{i}" for contour, i in self._columns]
        return np.asarray(names, dtype=object)

    def _reduce(self, X, mask):
        """Return the columns of ``mask`` after the first step, float64; only their contours are transformed."""
        kept = [column for column, keep in zip(self._columns, mask, strict=True) if keep]
        scores = {
            name: self.pcas_[name].transform(X[:, self.contours_[name]].astype(np.float64, copy=False))
            for name in {contour for contour, _ in kept} - {None}
        }
        reduced = np.empty((len(X), len(kept)))
        for k, (contour, i) in enumerate(kept):
            reduced[:, k] = X[:, i] if contour is None else scores[contour][:, i]
        return reduced

    def _noise_floor(self, X):
        """Return the spread (root of the sum of squares) below which each column is rounding error of X."""
        sizes = {name: np.linalg.norm(X[:, columns]) for name, columns in self.contours_.items()}
        norms = [np.linalg.norm(X[:, i]) if contour is None else sizes[contour] for contour, i in self._columns]
        # Ten rounding errors in the precision of X; those of a rank-deficient contour are one or two.
        return 10 * np.finfo(X.dtype).eps * np.asarray(norms, dtype=np.float64)


def _find_contours(contours, n_columns, names):
    if contours is None or (isinstance(contours, str) and names is None):
        return {}
    if isinstance(contours, str):
        found = {}
        for i, name in enumerate(names):
            if match := _CONTOUR_COLUMN.fullmatch(name):
                found.setdefault(match["feature"], []).append(i)
        return {feature: np.asarray(columns) for feature, columns in found.items()}
    groups = {f"contour{k}": _positions(group, n_columns, names) for k, group in enumerate(contours)}
    used = [i for columns in groups.values() for i in columns]
    if len(used) != len(set(used)):
        twice = sorted({int(i) for i in used if used.count(i) > 1})
        raise ValueError(f"contours: each column can belong to one contour only; {twice} come more than once.")
    return groups


def _positions(group, n_columns, names):
    if isinstance(group, str) or not np.ndim(group) == 1 or not len(group):
        raise ValueError(f"contours: expected a list of non-empty lists of columns, got {group!r} in it.")
    if all(isinstance(column, str) for column in group):
        known = {} if names is None else {name: i for i, name in enumerate(names)}
        if unknown := [str(column) for column in group if column not in known]:
            raise ValueError(f"contours: X has no columns named {unknown}; its columns are {list(known) or 'unnamed'}.")
        return np.asarray([known[column] for column in group])
    if not all(isinstance(column, Integral) and 0 <= column < n_columns for column in group):
        raise ValueError(
            f"contours: expected column positions from 0 to {n_columns - 1}, or names of columns, got {list(group)}."
        )
    return np.asarray(group, dtype=np.intp)


def _varies(columns, floor):
    return np.linalg.norm(columns - columns.mean(axis=0), axis=0) > floor


def _standardise(columns):
    centred = columns - columns.mean(axis=0)
    return centred / np.sqrt(np.mean(centred**2, axis=0))


def _explained_share(z, y):
    """Return the fraction of the variance of standardised columns (n_clips, n_columns) that y explains, 0 to 1."""
    if len(np.unique(y)) < 2:
        raise ValueError(
            f"y has one value only, {str(y[0])!r}: no column can be relevant. At least two classes are needed."
        )
    if y.dtype.kind == "f" and np.any(y != np.floor(y)):
        share = (_standardise(y.astype(np.float64)) @ z / len(z)) ** 2
    else:
        _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        sums = np.zeros((len(counts), z.shape[1]))
        np.add.at(sums, codes, z)
        share = np.sum(sums**2 / counts[:, None], axis=0) / len(z)
    return np.clip(share, 0, 1)


def _drop_redundant(correlation, relevance, candidates, threshold, n_features):
    """Remove the less relevant column of pairs, most correlated first; return the mask of the others."""
    r = np.round(np.abs(correlation), _DECIMALS)
    relevance = np.round(relevance, _DECIMALS)
    kept = candidates.copy()
    r[~kept] = r[:, ~kept] = -1
    np.fill_diagonal(r, -1)
    # The closest partner of each column is updated: a search of the whole matrix in each round would be cubic.
    partner = r.argmax(axis=1)
    for _ in range(kept.sum() - 1):
        closest = r[np.arange(len(r)), partner]
        a = closest.argmax()
        b = partner[a]
        if closest[a] <= threshold and kept.sum() <= n_features:
            break
        first, second = min(a, b), max(a, b)
        removed = first if relevance[first] < relevance[second] else second
        kept[removed] = False
        r[removed] = r[:, removed] = -1
        orphans = np.flatnonzero(partner == removed)
        partner[orphans] = r[orphans].argmax(axis=1)
    return kept
