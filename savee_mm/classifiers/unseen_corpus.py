"""UnseenCorpusClassifier: one of several classifiers, chosen on corpora that are left out of training."""

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn import config_context
from sklearn.base import ClassifierMixin, clone
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from savee_mm._validation import as_table
from savee_mm.classifiers.late_fusion._branches import weight_parameter
from savee_mm.model_selection import LeaveOneCorpusOut
from savee_mm.model_selection._labels import check_labels


class UnseenCorpusClassifier(ClassifierMixin, _BaseComposition):
    """Predict unseen corpora by the classifier that is best on training corpora that are left out.

    What helps on unseen speakers of a training corpus, such as speaker normalisation, may not help on an unseen corpus.
    With several training corpora, each is predicted by fits to the others, and the classifier with the highest mean
    accuracy is used for unseen corpora. Clips of training corpora are predicted by the first classifier. With one
    training corpus there is nothing to choose by: the first classifier is used, with a warning when an unseen corpus
    is predicted.

    Parameters
    ----------
    estimators : list of (str, estimator)
        Names and classifiers over the clip table, with ``predict_proba``. The first is the default, and is chosen among
        equals.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    corpora_ : list of str
        Training corpora, from the column ``corpus``; empty without it.
    chosen_ : str
        Name of the classifier for unseen corpora.
    checked_ : bool
        Whether it was chosen on training corpora, and not by default.
    inner_scores_ : DataFrame
        Accuracy of each classifier (columns) on each training corpus (rows), by fits to the others. Empty if there is
        nothing to choose by.
    estimators_ : list of estimator
        The first classifier and the chosen one (twice the same if they are equal), fitted to all training clips.

    See Also
    --------
    SpeakerNormalizer : Relative to the other clips of a speaker, also in unseen corpora.
    CORAL : Alignment of means and covariances.

    Notes
    -----
    The clips of each corpus are predicted together, so that a classifier may align them.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from savee_mm import UnseenCorpusClassifier
    >>> rng, y = np.random.default_rng(0), np.tile(["anger", "joy"], 90)
    >>> table = pd.DataFrame({"corpus": np.repeat(["a", "b", "c"], 60), "pitch": rng.normal(y == "joy")})
    >>> table["level"] = 3 * (y == "joy") * np.repeat([1, -1, 1], 60)  # has another meaning in corpus b
    >>> def reads(column):
    ...     return make_pipeline(make_column_transformer(("passthrough", [column])), LogisticRegression())
    >>> clf = UnseenCorpusClassifier([("level", reads("level")), ("pitch", reads("pitch"))]).fit(table, y)
    >>> clf.chosen_, clf.checked_
    ('pitch', True)
    """

    _parameter_constraints = {"estimators": [list]}
    __metadata_request__fit = {"sample_weight": True}

    def __init__(self, estimators: list[tuple]) -> None:
        self.estimators = estimators

    def get_params(self, deep: bool = True) -> dict:
        """Return the parameters, including those of the classifiers.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the classifiers by name, and their parameters as ``<name>__<parameter>``.

        Returns
        -------
        params : dict
        """
        return self._get_params("estimators", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, including those of the classifiers, or a classifier by its name.

        Parameters
        ----------
        **params : dict
            Estimator parameters, ``<name>`` and ``<name>__<parameter>`` included.

        Returns
        -------
        self : object
        """
        return self._set_params("estimators", **params)

    def fit(self, X: pd.DataFrame, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Self:
        """Choose the classifier for unseen corpora, and fit it to all clips.

        Parameters
        ----------
        X : DataFrame
            Clip table; without the column ``corpus``, it is one corpus.
        y : array-like of shape (n_clips,)
            Class labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weight of each clip, passed to the last steps of the classifiers, which have to take weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For an X that is no table, clips without a corpus, and bad names of classifiers.
        """
        self._validate_params()
        X = self._check_table(X)
        self._validate_names([name for name, _ in self.estimators])
        y = check_labels(y, type(self).__name__)
        check_consistent_length(X, y, sample_weight)
        self.classes_ = np.unique(y)
        self.corpora_ = _corpora(X)
        self._inner_scores = {}
        first, self.chosen_ = self.estimators[0][1], self.estimators[0][0]
        if len(self.corpora_) > 1 and len(self.estimators) > 1:
            self._inner_scores = self._score(X, y, sample_weight)
        self.checked_ = bool(self._inner_scores)
        if self.checked_:
            means = {name: np.mean([own[name] for own in self._inner_scores.values()]) for name, _ in self.estimators}
            self.chosen_ = max(means, key=lambda name: means[name])
        chosen = dict(self.estimators)[self.chosen_]
        fitted = _fit(first, X, y, sample_weight)
        self.estimators_ = [fitted, fitted if chosen is first else _fit(chosen, X, y, sample_weight)]
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : DataFrame
            Clip table; without the column ``corpus``, its clips are those of a training corpus.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            Columns in the order of ``classes_``.

        Warns
        -----
        UserWarning
            If a corpus is unseen, and the classifier for it could not be chosen.
        """
        check_is_fitted(self)
        X = self._check_table(X)
        seen, unseen = self.estimators_
        corpora = X["corpus"].to_numpy(dtype=object) if "corpus" in X else np.full(len(X), None)
        names = pd.unique(corpora)
        is_unseen = {name: "corpus" in X and name not in self.corpora_ for name in names}
        if any(is_unseen.values()) and not self.checked_ and len(self.estimators) > 1:
            warnings.warn(
                f"Training had one corpus, or corpora without a common class, and no classifier could be chosen for "
                f"unseen corpora: {self.chosen_!r} is used.",
                UserWarning,
                stacklevel=2,
            )
        p = np.zeros((len(X), len(self.classes_)))
        for name in names:
            rows = pd.isna(corpora) if pd.isna(name) else corpora == name
            fitted = unseen if is_unseen[name] else seen
            p[np.ix_(rows, np.searchsorted(self.classes_, fitted.classes_))] = fitted.predict_proba(X.loc[rows])
        return p

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Predict the most probable class of each clip.

        Parameters
        ----------
        X : DataFrame
            Clip table.

        Returns
        -------
        y : ndarray of shape (n_clips,)
        """
        p = self.predict_proba(X)
        return self.classes_[p.argmax(axis=1)]

    @property
    def inner_scores_(self):
        """Accuracy of each classifier on each training corpus that was left out."""
        check_is_fitted(self)
        return pd.DataFrame.from_dict(self._inner_scores, orient="index").rename_axis("corpus")

    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimators_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def _check_table(self, X):
        """Return X as a DataFrame, or raise ValueError if it is no table."""
        X = as_table(X)
        if not isinstance(X, pd.DataFrame):
            raise ValueError(f"{type(self).__name__} reads a clip table (DataFrame), got {type(X).__name__}.")
        return X

    def _score(self, X, y, sample_weight):
        """Return the accuracy of each classifier by left-out corpus, over its classes that the others have."""
        scores = {}
        for train, test in LeaveOneCorpusOut().split(X):
            corpus, test = X["corpus"].iloc[test[0]], test[np.isin(y[test], y[train])]
            weights = None if sample_weight is None else np.asarray(sample_weight)[train]
            if len(test) and len(np.unique(y[train])) > 1:
                fits = {name: _fit(own, X.iloc[train], y[train], weights) for name, own in self.estimators}
                scores[corpus] = {
                    name: float(np.mean(fitted.predict(X.iloc[test]) == y[test])) for name, fitted in fits.items()
                }
        return scores


def _corpora(X):
    """Return the names of the corpora of a table, sorted; empty without the column."""
    if "corpus" not in X:
        return []
    if X["corpus"].isna().any():
        raise ValueError(
            f"{X['corpus'].isna().sum()} of {len(X)} clips have no value in 'corpus'. Fill it in, or leave them out."
        )
    return sorted(X["corpus"].unique().tolist())


def _fit(estimator, X, y, sample_weight):
    """Return a fitted clone."""
    name = None if sample_weight is None else weight_parameter(estimator)
    if sample_weight is not None and name is None:
        raise ValueError(f"{type(estimator).__name__} takes no sample weights; leave sample_weight out.")
    weights = {} if name is None else {name: sample_weight}
    # Weights are passed under the name of a step of a Pipeline, which metadata routing would refuse.
    with config_context(enable_metadata_routing=False):
        return clone(estimator).fit(X, y, **weights)
