"""ClipGridSearchCV: a grid search that extracts the features of each clip once."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import BaseCrossValidator, GridSearchCV, ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from savee_mm._workers import run_all
from savee_mm.model_selection._labels import check_labels
from savee_mm.model_selection.speaker_or_clip import SpeakerOrClipKFold


def _classifier_has(method):
    return lambda search: hasattr(search.estimator, method)


class ClipGridSearchCV(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Search the parameters of a Pipeline over the clip table, with one extraction of each clip.

    In :class:`~sklearn.model_selection.GridSearchCV`, every candidate extracts every clip again in every fold. Here,
    the first step of the Pipeline, the extractor, is fitted and applied once for each of its own candidates, to all
    clips of the training table, and the remaining steps are searched on its output. Therefore the first step must not
    learn from the labels: medians for missing values and statistics of speakers are allowed. The remaining steps are
    fitted without the inner test clips.

    Parameters
    ----------
    estimator : Pipeline
        Its first step reads the clip table; its last step is a classifier.
    param_grid : dict of str to list
        Candidates by name of the parameter. Of equally good ones, the first is chosen.
    cv : splitter, default=None
        Splitter of the inner folds; :class:`SpeakerOrClipKFold` when None.
    scoring : str or callable, default="accuracy"
        Metric of the search, as in scikit-learn.
    prefer_first : bool, default=False
        Whether a later candidate of the extractor must be better than an earlier one by more than one standard error
        over the inner folds. Put the candidate first that is safe without a search.
    n_jobs : int, default=None
        Worker processes; None means 1 unless in a :obj:`joblib.parallel_backend` context.

    Attributes
    ----------
    best_estimator_ : Pipeline
        Fitted to all clips of the training table.
    best_params_ : dict
        The best candidate.
    best_score_ : float
        Its mean score over the inner folds. As the best of many, it is biased: do not report it.
    cv_results_ : dict
        ``params`` (list of dict), ``mean_test_score`` and ``std_test_score`` (ndarrays) of all candidates.
    n_splits_ : int
        Number of inner folds.
    classes_ : ndarray of shape (n_classes,)
        Class labels.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : Grid search with every step fitted within the folds.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from savee_mm.model_selection import ClipGridSearchCV
    >>> table = pd.DataFrame({"pitch": [100.0, 220, 110, 200] * 5, "noise": [0.2, 0.4, 0.4, 0.1] * 5})
    >>> emotion = ["neutral", "anger"] * 10
    >>> column = FunctionTransformer(pd.DataFrame.get, kw_args={"key": ["pitch"]})
    >>> grid = {"functiontransformer__kw_args": [{"key": ["noise"]}, {"key": ["pitch"]}]}
    >>> search = ClipGridSearchCV(make_pipeline(column, KNeighborsClassifier(3)), grid).fit(table, emotion)
    >>> search.best_params_["functiontransformer__kw_args"], search.n_splits_
    ({'key': ['pitch']}, 5)
    """

    _parameter_constraints = {
        "estimator": [Pipeline],
        "param_grid": [dict],
        "cv": [HasMethods("split"), None],
        "scoring": [str, callable],
        "prefer_first": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator: Pipeline,
        param_grid: dict[str, list],
        *,
        cv: BaseCrossValidator | None = None,
        scoring: str | Callable = "accuracy",
        prefer_first: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.param_grid = param_grid
        self.cv = cv
        self.scoring = scoring
        self.prefer_first = prefer_first
        self.n_jobs = n_jobs

    def fit(self, X: pd.DataFrame, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Self:
        """Choose the parameters on the inner folds, and fit the Pipeline with them.

        Parameters
        ----------
        X : DataFrame
            Clip table with the columns of the first step and of the splitter.
        y : array-like of shape (n_clips,)
            Class labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weight of each clip in the fits of the classifier; inner scores are unweighted.

        Returns
        -------
        self : object

        Raises
        ------
        ClipError
            On a clip that cannot be used, unless the extractor has ``on_error="fill"``.
        ValueError
            For a Pipeline with a single step, bad labels, or a table that the splitter cannot split.
        """
        self._validate_params()
        if len(self.estimator.steps) < 2:
            raise ValueError(
                "ClipGridSearchCV needs a Pipeline with an extractor and a classifier, got the single step "
                f"{self.estimator.steps[0][0]!r}."
            )
        y = check_labels(y, type(self).__name__)
        check_consistent_length(X, y, sample_weight)
        folds = list((SpeakerOrClipKFold() if self.cv is None else self.cv).split(X, y))
        weight = f"{self.estimator.steps[-1][0]}__sample_weight"
        weights = {} if sample_weight is None else {weight: np.asarray(sample_weight)}
        # Weights are passed by the name of their step, which metadata routing does not support.
        with config_context(enable_metadata_routing=False):
            candidates = self._search(X, y, folds, weights)
            best = next(candidates)
            results = list(best.results)
            for candidate in candidates:
                results += candidate.results
                best = candidate if self._is_better(candidate, best) else best
            self.best_estimator_ = self._join(best, y, weights)
        self.best_params_, self.best_score_ = best.params, float(best.scores.mean())
        self.classes_ = self.best_estimator_.classes_
        names, means, deviations = zip(*results, strict=True)
        self.cv_results_ = {
            "params": list(names),
            "mean_test_score": np.array(means),
            "std_test_score": np.array(deviations),
        }
        self.n_splits_ = len(folds)
        return self

    @available_if(_classifier_has("predict_proba"))
    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Predict class probabilities with the best Pipeline.

        Parameters
        ----------
        X : DataFrame
            Clip table.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self.best_estimator_.predict_proba(X)

    @available_if(_classifier_has("decision_function"))
    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """Predict scores of the classes with the best Pipeline.

        Parameters
        ----------
        X : DataFrame
            Clip table.

        Returns
        -------
        scores : ndarray of shape (n_clips, n_classes), or (n_clips,) for two classes
        """
        check_is_fitted(self)
        return self.best_estimator_.decision_function(X)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Predict the class of each clip with the best Pipeline.

        Parameters
        ----------
        X : DataFrame
            Clip table.

        Returns
        -------
        y : ndarray of shape (n_clips,)
        """
        check_is_fitted(self)
        return self.best_estimator_.predict(X)

    @property
    def failed_clips_(self):
        """Clips that the extractor could not use in its last call."""
        check_is_fitted(self)
        return self.best_estimator_[0].failed_clips_

    def _search(self, X, y, folds, weights):
        """Yield the best candidate of the remaining steps for each candidate of the first step."""
        name, extractor = self.estimator.steps[0]
        prefix = f"{name}__"
        of_first = {path: values for path, values in self.param_grid.items() if path.startswith(prefix)}
        of_rest = {path: values for path, values in self.param_grid.items() if path not in of_first}
        for params in ParameterGrid(of_first):
            settings = {path.removeprefix(prefix): value for path, value in params.items()}
            first = clone(extractor).set_params(**settings)
            features = first.fit_transform(X, y)
            candidates, scores = self._score(of_rest, features, y, folds, weights)
            means, deviations = scores.mean(axis=1), scores.std(axis=1)
            # The first of equal ones, none whose score is missing.
            best = np.nan_to_num(means, nan=-np.inf).argmax()
            results = list(zip([params | own for own in candidates], means, deviations, strict=True))
            yield _Candidate(scores[best], params | candidates[best], candidates[best], first, features, results)

    def _is_better(self, candidate, other):
        """Return whether a candidate is better than an earlier one, by more than one standard error if required."""
        gain = candidate.scores - other.scores
        margin = gain.std(ddof=1) / np.sqrt(gain.size) if self.prefer_first and gain.size > 1 else 0.0
        return gain.mean() > margin

    def _score(self, grid, features, y, folds, weights):
        """Return candidates of the remaining steps, and their scores, of shape (n_candidates, n_folds)."""
        rest = clone(self.estimator[1:])
        if type(rest) is Pipeline and self.scoring == "accuracy":
            candidates = list(ParameterGrid(grid))
            equal, models = _split(rest, candidates)
            tasks = [(equal, models, candidates, features, y, weights, *fold) for fold in folds]
            return candidates, np.transpose(run_all(_score_fold, tasks, n_jobs=self.n_jobs))
        search = GridSearchCV(
            rest, grid, cv=folds, scoring=self.scoring, n_jobs=self.n_jobs, refit=False, error_score="raise"
        ).fit(features, y, **weights)
        found = search.cv_results_
        return found["params"], np.transpose([found[f"split{fold}_test_score"] for fold in range(len(folds))])

    def _join(self, best, y, weights):
        """Return the Pipeline of the best extractor and the best remaining steps, fitted to all clips."""
        rest = (
            clone(self.estimator[1:])
            .set_params(**clone(best.params_of_rest, safe=False))
            .fit(best.features, y, **weights)
        )
        return clone(self.estimator).set_params(steps=[(self.estimator.steps[0][0], best.first), *rest.steps])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


class _Candidate(NamedTuple):
    """The best remaining steps for one extractor: scores of the folds, parameters, extractor, features, all results."""

    scores: np.ndarray
    params: dict
    params_of_rest: dict
    first: Any
    features: Any
    results: list


def _split(pipeline, candidates):
    """Return the steps that all candidates share, None if there are none, and the other steps of each candidate."""
    changed = {path.partition("__")[0] for path in set().union(*candidates)}
    n_equal = next((i for i, (name, _) in enumerate(pipeline.steps[:-1]) if name in changed), len(pipeline) - 1)
    models = [clone(pipeline[n_equal:]).set_params(**clone(params, safe=False)) for params in candidates]
    return (pipeline[:n_equal] if n_equal else None), models


def _score_fold(equal, models, candidates, X, y, weights, train, test):
    """Return the accuracy of each candidate. The steps that they share are fitted once.

    ``weights`` has the parameter of ``fit`` that takes weights, if there are any.
    """
    X_train, X_test = _safe_indexing(X, train), _safe_indexing(X, test)
    weights = {name: values[train] for name, values in weights.items()}
    if equal is not None:
        equal = clone(equal)
        X_train, X_test = equal.fit_transform(X_train, y[train]), equal.transform(X_test)
    predictions = _predict_by_shared_distances(models[0], candidates, X_train, y[train], X_test, weights)
    if predictions is None:
        predictions = [clone(model).fit(X_train, y[train], **weights).predict(X_test) for model in models]
    return [np.mean(predicted == y[test]) for predicted in predictions]


def _predict_by_shared_distances(pipeline, candidates, X_train, y_train, X_test, weights):
    """Return the predictions of all candidates by a classifier that computes them together, None if it cannot."""
    name, last = pipeline.steps[-1]
    shared = {f"{name}__{parameter}" for parameter in getattr(last, "_shared_parameters", ())}
    if len(pipeline) > 1 or not shared or not set().union(*candidates) <= shared:
        return None
    own = [{path.removeprefix(f"{name}__"): value for path, value in params.items()} for params in candidates]
    weight = weights.get(f"{name}__sample_weight")
    return last._predict_candidates(own, X_train, y_train, X_test, weight)
