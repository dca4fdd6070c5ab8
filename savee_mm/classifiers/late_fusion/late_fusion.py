"""LateFusionClassifier: classifiers over the clip table, fitted separately, and a combination of their predictions."""

from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from savee_mm._validation import as_table
from savee_mm.classifiers._missing_branches import warn_of_missing
from savee_mm.classifiers.late_fusion._adaptation import adapt, check_features, evaluate_adaptation
from savee_mm.classifiers.late_fusion._branches import check_branch, fit_branches, predict_branches, predict_out_of_fold
from savee_mm.classifiers.late_fusion._clips import clips_present, read_clips, read_training_clips
from savee_mm.classifiers.late_fusion._combination import OutOfFold, choose_combinations, combine, combine_out_of_fold


class LateFusionClassifier(ClassifierMixin, _BaseComposition):
    """Combine classifiers that each read their own columns of the clip table.

    Every branch predicts the clips of inner folds of unseen speakers, or other groups. These out-of-fold predictions
    calibrate its probabilities (one temperature for each branch) and choose the combination: a weighted sum of
    log-probabilities, one branch alone, or a small multinomial regression. On the inner folds, the accuracy of the
    combination is therefore never below that of the best branch (unless ``combine="stack"`` demands the regression).
    A plain sum can be below it, where one of the branches predicts unseen speakers badly.

    A clip that lacks what one branch reads is predicted by the other branches, and is not used to train that branch.
    This includes files that hold nothing: digital silence, a muted track, black frames. ``failed_clips_`` lists such
    clips, and a warning names a branch that predicts no clip of a table.

    Parameters
    ----------
    estimators : list of (str, estimator) or (str, estimator, columns)
        Branches: a name, and a classifier with ``predict_proba`` over the clip table. ``columns`` (a str or a list of
        str) are those in which a clip needs a value for that branch; if left out, they are found from the extractors,
        table-in networks and ColumnTransformers inside. An empty list is for a branch that predicts every clip. A
        clip that an extractor with ``on_error="fill"`` could not use is missing for its branch, too; of other
        extractors, only a file that holds nothing.
    combine : {"auto", "weights", "stack", "best"}, default="auto"
        How to combine the branches: by the best of all ways on the inner folds, or by one of them; "best" is the best
        branch alone.
    inner_groups : str or None, default="speaker"
        Column of the table whose values stay in one inner fold. With ``"speaker"``, the weights of the branches are
        those for unseen speakers; the folds are those of :class:`~savee_mm.model_selection.SpeakerOrClipKFold`, which
        splits by clip where there is one speaker only, where a class has clips of one speaker only, and where speakers
        have fewer than 8 clips. None is the same, and splits by clip where a speaker is missing. ``"clip_id"`` is for
        speakers who are in training.
    n_inner_folds : int, default=5
        Number of inner folds, at most one for each group. Every branch is fitted so many times, and once more to all
        clips, which is expensive for neural networks.
    adapt_speakers : bool, default=False
        Whether the predictions for an unseen speaker are revised by that speaker's other clips in the table, where at
        least 16 of them have what a branch reads: similar clips of a speaker get similar predictions. Clips are
        compared by the features that the last step of each branch reads, also of branches of weight 0. It is
        *transductive*, and is not used where it does not help on the inner folds. Branches must be Pipelines, or
        searches over one.
    unseen_texts : bool, default=False
        Whether the branches that predict a clip out-of-fold are fitted without the clips of its text too (column
        ``sentence``), in three folds of texts. Otherwise a branch that recognises the sentence is overrated where a
        text belongs to an emotion. Tables without texts have plain inner folds.
    n_jobs : int, default=None
        Worker processes for the fits; None means 1 unless in a :obj:`joblib.parallel_backend` context.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    estimators_ : list of estimator
        The branches, fitted to all training clips that have what they read.
    named_estimators_ : Bunch
        The same by name.
    columns_ : dict of str to list of str
        Columns in which a clip needs a value, by branch.
    temperatures_ : dict of str to float
        Temperature of each branch; above 1 where it was overconfident.
    combination_ : str
        The combination for clips that every branch predicts: ``"weights"``, ``"stack"`` or the name of a branch.
    weights_ : dict of str to float
        Weight of each branch's calibrated log-probabilities, for clips that every branch predicts; empty for a stack.
    adapts_ : bool
        Whether predictions for unseen speakers are adapted: it was requested, and on the inner folds the accuracy is
        not lower at a lower log loss. Never where the clips of a speaker are in several inner folds, because no speaker
        is unseen then, nor where no speaker has 16 clips, or no clip has what all branches read.
    speakers_ : list of str
        Speakers seen in training (non-zero weight). Empty without ``adapt_speakers``.
    failed_clips_ : DataFrame
        ``branch``, ``clip_id``, ``path`` and ``reason`` of the clips that a branch was not fitted to, or did not
        predict in the last call.
    inner_scores_ : DataFrame
        ``accuracy`` and ``log_loss`` of each branch alone, of each combination and, where it was tried, of the chosen
        one with adaptation (``"adapted"``), on the inner folds, over the clips that every branch predicts. The weights
        are evaluated on the clips that they were chosen by; a stacker is evaluated on folds that it was not fitted to.

    See Also
    --------
    FusionClassifier : One network for both, trained together.
    sklearn.ensemble.VotingClassifier : Branches that see the same columns, with given weights.

    Notes
    -----
    The combination is chosen separately for each set of branches that a clip can have, so that a clip without a face
    is predicted as if there were no branch for faces. Of the weights in tenths whose accuracy is not below that of the
    best branch, and whose log loss is not above the lowest by more than one standard error, the most equal ones are
    chosen, and their sum is calibrated again: fitted weights often predict new data worse than equal ones. The stacker
    is chosen only if it is better by more than one standard error than the others. Where no clip has what two branches
    read, the better one of them is used alone.

    References
    ----------
    D. H. Wolpert, "Stacked generalization", Neural Networks 5, 1992, for out-of-fold predictions; J. Kittler, M.
    Hatef, R. P. W. Duin, J. Matas, "On combining classifiers", IEEE Transactions on Pattern Analysis and Machine
    Intelligence 20, 1998, for sums of log-probabilities; L. Breiman, J. H. Friedman, R. A. Olshen, C. J. Stone,
    "Classification and regression trees", Wadsworth, 1984, for the rule of one standard error.

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
        "inner_groups": [str, None],
        "n_inner_folds": [Interval(Integral, 2, None, closed="left")],
        "adapt_speakers": ["boolean"],
        "unseen_texts": ["boolean"],
        "n_jobs": [None, Integral],
    }
    _allows_missing_columns = True
    # Names of other results in inner_scores_ and branch_proba.
    _reserved = ("adapted", "combined", "stack", "weights")
    # For metadata routing: weights are used here and passed on where they are taken; groups are for a splitter, unless
    # they are requested.
    __metadata_request__fit = {"sample_weight": True, "groups": False}

    def __init__(
        self,
        estimators: list[tuple],
        *,
        combine: Literal["auto", "weights", "stack", "best"] = "auto",
        inner_groups: str | None = "speaker",
        n_inner_folds: int = 5,
        adapt_speakers: bool = False,
        unseen_texts: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.estimators = estimators
        self.combine = combine
        self.inner_groups = inner_groups
        self.n_inner_folds = n_inner_folds
        self.adapt_speakers = adapt_speakers
        self.unseen_texts = unseen_texts
        self.n_jobs = n_jobs

    @property
    def _branches(self):
        """Names and estimators, for scikit-learn's compositions, which know no columns."""
        try:
            return [(name, estimator) for name, estimator, *_ in self.estimators]
        except (TypeError, ValueError):
            return self.estimators

    @_branches.setter
    def _branches(self, pairs):
        self.estimators = [(*pair, *branch[2:]) for pair, branch in zip(pairs, self.estimators, strict=True)]

    def get_params(self, deep: bool = True) -> dict:
        """Return the parameters, including those of the branches.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the branches by name, and their parameters as ``<branch>__<parameter>``.

        Returns
        -------
        params : dict
        """
        return self._get_params("_branches", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, including those of the branches, or a branch by its name.

        Parameters
        ----------
        **params : dict
            Estimator parameters, ``<branch>`` and ``<branch>__<parameter>`` included.

        Returns
        -------
        self : object
        """
        if "estimators" in params:
            # First, because the other parameters may be those of the new branches.
            self.estimators = params.pop("estimators")
        return self._set_params("_branches", **params)

    def fit(
        self, X: pd.DataFrame, y: ArrayLike, *, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Self:
        """Fit the branches, and choose their combination by out-of-fold predictions.

        Parameters
        ----------
        X : DataFrame
            Clip table with the column ``inner_groups``, and ``speaker`` to adapt to speakers.
        y : array-like of shape (n_clips,)
            Class labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weight of each clip, passed on to the branches that take weights, and used for the combination.
        groups : array-like of shape (n_clips,), default=None
            Used in place of the column ``inner_groups``.

        Returns
        -------
        self : object

        Raises
        ------
        ClipError
            On a clip that no branch can use; by a branch, on a clip that it cannot use.
        ValueError
            For an X that is no table, branches without ``predict_proba`` or without training clips, and groups that
            allow no inner folds; with ``adapt_speakers``, where a clip has no speaker or a branch is no Pipeline.
        """
        self._validate_params()
        X = as_table(X)
        self.columns_ = self._check_branches()
        clips = read_training_clips(
            X,
            y,
            self.columns_,
            sample_weight=sample_weight,
            inner_groups=self.inner_groups,
            n_inner_folds=self.n_inner_folds,
            groups=groups,
            adapt_speakers=self.adapt_speakers,
            unseen_texts=self.unseen_texts,
        )
        self.speakers_ = clips.seen_speakers if self.adapt_speakers else []
        self.classes_, codes = np.unique(clips.y, return_inverse=True)
        branches = self.estimators, self.columns_, clips
        self.estimators_, present, self._failures = fit_branches(*branches, self.n_jobs)
        warn_of_missing(self._failures, len(X), stacklevel=2)
        scores, features = predict_out_of_fold(
            *branches, present, with_features=self.adapt_speakers, n_jobs=self.n_jobs
        )
        out_of_fold = OutOfFold(scores, codes, clips.folds, clips.weights)
        choices = self._choose_combinations(out_of_fold)
        self.adapts_ = False
        if self.adapt_speakers:
            log_p = combine_out_of_fold(choices, out_of_fold)
            by_cell = out_of_fold._replace(folds=clips.cells)
            metrics, self.adapts_ = evaluate_adaptation(log_p, features, clips.unseen_in_fold, by_cell)
            self._inner_scores |= {} if metrics is None else {"adapted": list(metrics)}
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
            On a clip that no branch can use; by a branch, on a clip that it cannot use.

        Warns
        -----
        ClipWarning
            If a branch predicts no clip, because a column is missing or empty, or if a file holds nothing.
        """
        _, log_p = self._predict_branches(X)
        return np.exp(log_p)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the most probable class of every clip.

        Parameters
        ----------
        X : DataFrame
            Clip table.

        Returns
        -------
        y : ndarray of shape (n_clips,)
        """
        _, log_p = self._predict_branches(X)
        return self.classes_[log_p.argmax(axis=1)]

    def branch_proba(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the class probabilities of each branch.

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
        X = as_table(X)
        scores, combined = self._predict_branches(X)
        tables = {
            name: softmax(own / temperature, axis=1)
            for (name, temperature), own in zip(self.temperatures_.items(), scores, strict=True)
        }
        tables["combined"] = np.exp(combined)
        frames = {name: pd.DataFrame(p, index=X.index, columns=self.classes_) for name, p in tables.items()}
        return pd.concat(frames, axis=1)

    @property
    def named_estimators_(self):
        """The fitted branches by name."""
        check_is_fitted(self)
        return Bunch(**dict(zip(self.temperatures_, self.estimators_, strict=True)))

    @property
    def failed_clips_(self):
        """``branch``, ``clip_id``, ``path`` and ``reason`` of clips that a branch did not use in the last call."""
        check_is_fitted(self)
        return pd.DataFrame(self._failures, columns=["branch", "clip_id", "path", "reason"], dtype=object)

    @property
    def inner_scores_(self):
        """Accuracy and log loss of the branches and combinations on the inner folds."""
        check_is_fitted(self)
        return pd.DataFrame.from_dict(self._inner_scores, orient="index", columns=["accuracy", "log_loss"])

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_combinations")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def _sk_visual_block_(self):
        from sklearn.utils._repr_html.estimator import _VisualBlock

        names, estimators = zip(*self._branches, strict=True)
        return _VisualBlock("parallel", estimators, names=names)

    def _branches_for(self, table):
        """Yield name and fitted estimator of every branch that can predict these clips."""
        for name, branch in self.named_estimators_.items():
            if clips_present(table, self.columns_[name]).all():
                yield name, branch

    def _check_branches(self):
        """Return the columns that each branch reads, by its name.

        Raises
        ------
        ValueError
            Where ``estimators`` have another form or bad names, or one of them cannot be a branch.
        """
        owner = type(self).__name__
        if not self.estimators or not all(isinstance(b, tuple) and len(b) in (2, 3) for b in self.estimators):
            raise ValueError(
                f"{owner} expects as estimators a list of (name, estimator) or (name, estimator, columns), "
                f"got {self.estimators!r}."
            )
        names = [branch[0] for branch in self.estimators]
        self._validate_names(names)
        if reserved := sorted(set(names) & set(self._reserved)):
            raise ValueError(f"The branch name {reserved[0]!r} is reserved for results. Choose another name.")
        if self.adapt_speakers:
            check_features(self.estimators)
        return {branch[0]: check_branch(*branch) for branch in self.estimators}

    def _choose_combinations(self, clips):
        """Choose a combination for every set of branches that a clip can have, and return the choices."""
        names = list(self.columns_)
        weighted = clips.take(clips.weights > 0)
        for name, predicted in zip(names, weighted.predicted, strict=True):
            if not predicted.any():
                raise ValueError(
                    f"Branch {name!r} could be evaluated on no inner fold: no class has clips of it in two groups. "
                    "Choose other inner_groups, or add clips."
                )
        choices = choose_combinations(weighted, self.combine)
        self._combinations = [(choice.branches, choice.combination) for choice in choices]
        temperatures = [float(1 / choice.combination.weights[b]) for b, choice in enumerate(choices[: len(names)])]
        self.temperatures_ = dict(zip(names, temperatures, strict=True))
        _, kind, combination, metrics = choices[-1]
        name_of = dict(enumerate(names))
        self.combination_ = name_of.get(kind, kind)
        self._inner_scores = {name_of.get(kind, kind): list(pair) for kind, pair in metrics.items()}
        self.weights_ = {}
        if kind != "stack":
            self.weights_ = dict(zip(names, (combination.weights * temperatures).tolist(), strict=True))
        return choices

    def _predict_branches(self, X):
        """Return log-probabilities of the branches, (n_branches, n_clips, n_classes), and of their combination."""
        check_is_fitted(self)
        X = as_table(X)
        clips = read_clips(X, self.columns_)
        scores, features, self._failures = predict_branches(
            self.estimators_, self.columns_, clips, self.classes_, self.adapts_
        )
        warn_of_missing(self._failures, len(X), stacklevel=3)
        log_p = combine(self._combinations, scores)
        if self.adapts_:
            log_p = adapt(log_p, features, clips.unseen_speakers(self.speakers_))
        return scores, log_p
