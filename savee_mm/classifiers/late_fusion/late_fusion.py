"""LateFusionClassifier: any classifiers over the clip table, each by itself, and what they say combined."""

from numbers import Integral
from typing import Literal, Self

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, check_is_fitted

from savee_mm.classifiers._inner_split import inner_folds
from savee_mm.classifiers.late_fusion._adaptation import adapt, check_views, judge_adaptation, speakers_of, strangers
from savee_mm.classifiers.late_fusion._branches import (
    ask_branch,
    at_rows,
    check_there,
    clips_there,
    failed_clips,
    fit_and_ask,
    fit_branch,
)
from savee_mm.classifiers.late_fusion._combination import (
    InnerClips,
    choose_combinations,
    combine,
    inner_log_proba,
    log_scores,
)
from savee_mm.classifiers.late_fusion._named_branches import NamedBranches
from savee_mm.model_selection._labels import check_labels


class LateFusionClassifier(ClassifierMixin, NamedBranches):
    """Classifiers that each read their own part of the clip table, combined by what they are worth on new groups.

    Every branch predicts the clips of inner folds that its training had no group of. By these predictions its
    probabilities are calibrated (one temperature each), and it is decided what is made of them: a weighted sum of
    log-probabilities, one branch alone, or a small multinomial regression. So on the inner folds the combination is
    never less often right than the best branch (unless ``combine="stack"`` asks for it), which a plain sum can be on a
    speaker whom one of the branches does not know.

    A clip that lacks what one branch reads is predicted by the others, and is left out of that branch's training.

    Parameters
    ----------
    estimators : list of (str, estimator) or (str, estimator, columns)
        Branches: a name, and a classifier with ``predict_proba`` over the clip table. ``columns`` (a str or a list of
        str) are those in which a clip must have something for that branch; left out, they are found from the
        extractors, table-in networks and ColumnTransformers inside. An empty list stands for a branch that can always
        be asked. An extractor with ``on_error="fill"`` also passes for missing what it could not use.
    combine : {"auto", "weights", "stack", "best"}, default="auto"
        What is made of the branches: the best of all on the inner folds, or one of them, "best" being the best branch
        alone.
    inner_groups : str, default="speaker"
        Column of the table whose values stay in one inner fold. By ``"speaker"`` the branches are weighed by what they
        are worth on somebody new, as most people are whose clips are predicted; the folds are those of
        :class:`~savee_mm.model_selection.SpeakerOrClipKFold`, which parts clips where there is one speaker only, where
        one alone shows a class, and where speakers have fewer than 8 clips. ``"clip_id"`` is for speakers who are in
        training.
    n_inner_folds : int, default=5
        Number of inner folds, at most one for each group. Every branch is fitted so many times, and once more to all
        clips: of networks that is dear.
    adapt_speakers : bool, default=False
        Whether what is told of a speaker who is not in training is revised by that speaker's other clips in the table
        that is predicted, where 16 of them have what a branch reads: clips that are alike in what its last step reads
        should be told alike. Branches of weight 0 count here too. It is *transductive*, and left off where it does not
        help on the inner folds. Branches must be Pipelines, or searches over one.
    n_jobs : int, default=None
        Worker processes for these fits; None means 1 unless in a :obj:`joblib.parallel_backend` context.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    estimators_ : list of estimator
        The branches, fitted to all training clips that have what they read.
    named_estimators_ : Bunch
        The same by name.
    columns_ : dict of str to list of str
        Columns in which a clip must have something, by branch.
    temperatures_ : dict of str to float
        By branch; above 1 it was too sure of itself.
    combination_ : str
        What was chosen for clips that lack nothing: ``"weights"``, ``"stack"`` or the name of a branch.
    weights_ : dict of str to float
        Weight of each branch's calibrated log-probabilities, for clips that lack nothing; empty for a stack.
    adapts_ : bool
        Whether new speakers are adapted to: asked for, and on the inner folds not less often right at a lower log loss.
        Never where one speaker's clips are in several inner folds, for then nobody is new in them, nor where nobody
        has 16 clips, or no clip what all branches read.
    speakers_ : list of str
        Who is not new: the speakers of training clips that count. Empty without ``adapt_speakers``.
    inner_scores_ : DataFrame
        ``accuracy`` and ``log_loss`` of each branch alone, of each combination, and where adaptation was tried, of the
        chosen one ``"adapted"``, on the inner folds, over the clips that lack nothing. The weights are judged by the
        clips that they were chosen by; a stacker was fitted to the other folds than the one it is judged on.

    See Also
    --------
    FusionClassifier : One network for both, trained together.
    sklearn.ensemble.VotingClassifier : Branches that see the same columns, with weights that are given.

    Notes
    -----
    For each set of branches that a clip can have, the combination is chosen anew, so that a clip without a face is
    predicted as if no branch of the face had been there. Of weights in tenths that are at least as often right as the
    best branch, those with the least log loss are taken, and what they sum up is calibrated again. The stacker is
    taken only where it is better by more than one standard error than the others. Where no clip has what two branches
    read, the better one of them is taken alone.

    References
    ----------
    D. H. Wolpert, "Stacked generalization", Neural Networks 5, 1992, for predictions of inner folds; J. Kittler, M.
    Hatef, R. P. W. Duin, J. Matas, "On combining classifiers", IEEE Transactions on Pattern Analysis and Machine
    Intelligence 20, 1998, for sums of log-probabilities.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from savee_mm import LateFusionClassifier
    >>> rng, y = np.random.default_rng(0), np.tile(["anger", "joy"], 60)
    >>> table = pd.DataFrame({"pitch": rng.normal(2 * (y == "joy")), "smile": rng.normal(2 * (y == "joy"))})
    >>> table["speaker"] = np.repeat(["A", "B", "C", "D"], 30)
    >>> table.loc[0, "smile"] = np.nan  # no face was found
    >>> def reads(column):
    ...     return make_pipeline(make_column_transformer(("passthrough", [column])), LogisticRegression())
    >>> clf = LateFusionClassifier([("audio", reads("pitch")), ("face", reads("smile"))]).fit(table, y)
    >>> clf.combination_
    'weights'
    >>> clf.branch_proba(table).iloc[0].isna().groupby(level=0).all().to_dict()
    {'audio': False, 'combined': False, 'face': True}
    """

    _parameter_constraints = {
        "estimators": [list],
        "combine": [StrOptions({"auto", "weights", "stack", "best"})],
        "inner_groups": [str],
        "n_inner_folds": [Interval(Integral, 2, None, closed="left")],
        "adapt_speakers": ["boolean"],
        "n_jobs": [None, Integral],
    }
    _allows_missing_columns = True
    _reserved = ("adapted", "combined", "stack", "weights")  # beside the branches in inner_scores_ and branch_proba

    def __init__(
        self,
        estimators: list[tuple],
        *,
        combine: Literal["auto", "weights", "stack", "best"] = "auto",
        inner_groups: str = "speaker",
        n_inner_folds: int = 5,
        adapt_speakers: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.estimators = estimators
        self.combine = combine
        self.inner_groups = inner_groups
        self.n_inner_folds = n_inner_folds
        self.adapt_speakers = adapt_speakers
        self.n_jobs = n_jobs

    def fit(
        self, X: pd.DataFrame, y: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Self:
        """Fit the branches to inner folds, weigh them by what they predict there, and fit them to all clips.

        Parameters
        ----------
        X : DataFrame
            Clip table with the column ``inner_groups``, and to adapt to speakers with ``speaker``.
        y : array-like of shape (n_clips,)
            Class labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weight of each clip, passed on to the branches that take weights, and for the combination.
        groups : array-like of shape (n_clips,), default=None
            Taken in place of the column ``inner_groups``.

        Returns
        -------
        self : object

        Raises
        ------
        ClipError
            On a clip that has nothing for any branch; of a branch, on a clip that it cannot use.
        ValueError
            For an X that is no table, branches that cannot be asked or whose columns no clip has, and groups that
            allow no inner folds; with ``adapt_speakers``, where a clip has no speaker or a branch is no Pipeline.
        """
        self._validate_params()
        self.columns_ = self._check_branches()
        self._there(X)
        if self.adapt_speakers:
            check_views(self.estimators)
        y = check_labels(y, type(self).__name__)
        check_consistent_length(X, y, sample_weight, groups)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        self.speakers_ = speakers_of(X[weights > 0]) if self.adapt_speakers else []
        folds = inner_folds(X, y, column=self.inner_groups, n_splits=self.n_inner_folds, groups=groups)
        self.classes_, codes = np.unique(y, return_inverse=True)
        passed_on = None if sample_weight is None else weights
        there = self._fit_branches(X, y, passed_on)
        scores, views = self._inner_answers(X, y, passed_on, there, folds)
        clips = InnerClips(scores, codes, folds, weights)
        choices = self._combine(clips)
        self.adapts_ = False
        if self.adapt_speakers:
            told = inner_log_proba(choices, clips)
            judged, self.adapts_ = judge_adaptation(told, views, strangers(X, ()), clips)
            self._judged |= {} if judged is None else {"adapted": list(judged)}
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities.

        Parameters
        ----------
        X : DataFrame
            Clip table. A clip may lack what some of the branches read, and the table their columns.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            Columns in the order of ``classes_``.

        Raises
        ------
        ClipError
            On a clip that has nothing for any branch; of a branch, on a clip that it cannot use.
        """
        return np.exp(self._combined(X, *self._ask(X)))

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the likeliest class of every clip.

        Parameters
        ----------
        X : DataFrame
            Clip table.

        Returns
        -------
        y : ndarray of shape (n_clips,)
        """
        log_p = self._combined(X, *self._ask(X))
        return self.classes_[log_p.argmax(axis=1)]

    def branch_proba(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return what each branch says of every clip.

        Parameters
        ----------
        X : DataFrame
            Clip table.

        Returns
        -------
        probabilities : DataFrame of shape (n_clips, (n_branches + 1) * n_classes)
            Columns (branch, class) with calibrated probabilities, NaN where the clip lacks what the branch reads, and
            ("combined", class) with those of :meth:`predict_proba`; rows as in X.
        """
        scores, views = self._ask(X)
        tables = {
            name: softmax(own / temperature, axis=1)
            for (name, temperature), own in zip(self.temperatures_.items(), scores, strict=True)
        }
        tables["combined"] = np.exp(self._combined(X, scores, views))
        frames = {name: pd.DataFrame(p, index=X.index, columns=self.classes_) for name, p in tables.items()}
        return pd.concat(frames, axis=1)

    @property
    def named_estimators_(self):
        """The fitted branches by name."""
        check_is_fitted(self)
        return Bunch(**dict(zip(self.temperatures_, self.estimators_, strict=True)))

    @property
    def inner_scores_(self):
        """Accuracy and log loss of the branches and combinations on the inner folds."""
        check_is_fitted(self)
        return pd.DataFrame.from_dict(self._judged, orient="index", columns=["accuracy", "log_loss"])

    def _branches_for(self, table):
        """Yield name and fitted estimator of every branch that can predict these clips."""
        for name, branch in self.named_estimators_.items():
            if clips_there(table, self.columns_[name]).all():
                yield name, branch

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_combinations")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    # ---- fit

    def _fit_branches(self, X, y, sample_weight):
        """Fit ``estimators_``, and return which clips each of them can use, of shape (n_branches, n_clips)."""
        there = self._there(X)
        self.estimators_ = self._run(fit_branch, self._tasks(X, y, sample_weight, there))
        failed = np.zeros_like(there)
        for branch, columns, has, own in zip(self.estimators_, self.columns_.values(), there, failed, strict=True):
            own[has] = failed_clips(branch, X.iloc[has], columns)
        if failed.any():
            # What stands in for a clip that cannot be used teaches nothing.
            there = check_there(X, there & ~failed)
            again = np.flatnonzero(failed.any(axis=1))
            tasks = self._tasks(X, y, sample_weight, there)
            for b, branch in zip(again, self._run(fit_branch, [tasks[b] for b in again]), strict=True):
                self.estimators_[b] = branch
        return there

    def _tasks(self, X, y, sample_weight, there):
        """Return the arguments of each branch's fit to the clips that it can use."""
        tasks = []
        for (name, estimator, *_), has in zip(self.estimators, there, strict=True):
            if len(np.unique(y[has])) < 2:
                raise ValueError(
                    f"Branch {name!r} needs clips of two classes at least that have something in {self.columns_[name]};"
                    f" of {len(y)} training clips {has.sum()} have. Leave the branch out, or fill its columns."
                )
            tasks.append((estimator, X.iloc[has], y[has], None if sample_weight is None else sample_weight[has]))
        return tasks

    def _inner_answers(self, X, y, sample_weight, there, folds):
        """Return what branches say of clips of the inner folds, and by fold what each of them sees of its clips.

        ``scores`` are of shape (n_branches, n_clips, n_classes), NaN where there is nothing.
        """
        tasks, places = [], []
        for b, ((_, estimator, *_), columns) in enumerate(zip(self.estimators, self.columns_.values(), strict=True)):
            for fold in np.unique(folds):
                training, held_out = there[b] & (folds != fold), there[b] & (folds == fold)
                # What training has no clip of nobody can tell, and of one class there is nothing to tell apart.
                held_out &= np.isin(y, y[training])
                if held_out.any() and len(np.unique(y[training])) > 1:
                    own = None if sample_weight is None else sample_weight[training]
                    fit = (estimator, X.iloc[training], y[training], own)
                    tasks.append((fit, X.iloc[held_out], columns, self.classes_, self.adapt_speakers))
                    places.append((b, fold, held_out))
        scores, views = np.full((*there.shape, len(self.classes_)), np.nan), {fold: [] for fold in np.unique(folds)}
        for (b, fold, held_out), (p, view) in zip(places, self._run(fit_and_ask, tasks), strict=True):
            scores[b, held_out] = log_scores(p)
            if view is not None:
                views[fold].append(at_rows(held_out[folds == fold], view))
        return scores, views

    def _run(self, function, tasks):
        return Parallel(n_jobs=self.n_jobs)(delayed(function)(*task) for task in tasks)

    def _combine(self, clips):
        """Choose a combination for every set of branches that a clip can have; return the choices."""
        names = list(self.columns_)
        counted = clips.of(clips.weights > 0)
        for name, own in zip(names, counted.scores, strict=True):
            if np.isnan(own).all():
                raise ValueError(
                    f"Branch {name!r} could be judged on no inner fold: no two groups share a class that it has clips "
                    "of. Choose other inner_groups, or add clips."
                )
        choices = choose_combinations(counted, self.combine)
        self._combinations = [(choice.members, choice.combination) for choice in choices]
        temperatures = [float(1 / choice.combination.weights[b]) for b, choice in enumerate(choices[: len(names)])]
        self.temperatures_ = dict(zip(names, temperatures, strict=True))
        _, kind, combination, judged = choices[-1]
        of_kind = dict(enumerate(names))
        self.combination_ = of_kind.get(kind, kind)
        self._judged = {of_kind.get(kind, kind): list(pair) for kind, pair in judged.items()}
        self.weights_ = {}
        if kind != "stack":
            self.weights_ = dict(zip(names, (combination.weights * temperatures).tolist(), strict=True))
        return choices

    # ---- predict

    def _ask(self, X):
        """Return what the branches say, and what they see where it is wanted.

        ``scores`` are log-probabilities of shape (n_branches, n_clips, n_classes), NaN where a branch has nothing.
        """
        check_is_fitted(self)
        there = self._there(X)
        scores, views = np.full((*there.shape, len(self.classes_)), np.nan), []
        for branch, columns, has, own in zip(self.estimators_, self.columns_.values(), there, scores, strict=True):
            p, view = ask_branch(branch, X.iloc[has], columns, self.classes_, self.adapts_)
            own[has] = log_scores(p)
            if view is not None:
                views.append(at_rows(has, view))
        check_there(X, ~np.isnan(scores[:, :, 0]))
        return scores, views

    def _combined(self, X, scores, views):
        log_p = combine(self._combinations, scores)
        return adapt(log_p, views, strangers(X, self.speakers_)) if self.adapts_ else log_p

    def _there(self, X):
        """Return which clips have something for each branch, of shape (n_branches, n_clips)."""
        if not isinstance(X, pd.DataFrame) or not len(X):
            came = "an empty one" if isinstance(X, pd.DataFrame) else type(X).__name__
            raise ValueError(
                f"LateFusionClassifier reads a clip table (DataFrame), got {came}. load_savee and load_table make one; "
                "columns of numbers can be added to it."
            )
        return check_there(X, np.array([clips_there(X, columns) for columns in self.columns_.values()]))
