"""SpeakerOrClipKFold: inner folds of a system for unseen speakers."""

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.model_selection import BaseCrossValidator, GroupKFold, StratifiedGroupKFold
from sklearn.utils import check_consistent_length

from savee_mm._validation import Clips, as_table, clip_names
from savee_mm.model_selection.splitters import ClipGroupKFold


class SpeakerOrClipKFold(BaseCrossValidator):
    """K-fold cross-validator by speaker if the table has several speakers, otherwise by clip.

    For choices within a training table, which may have any number of speakers. The folds are by speaker if at least
    two speakers have ``min_clips`` clips and every fold has training clips of all classes: one speaker for each fold
    with up to ``n_splits`` speakers, else groups of speakers with similar numbers of clips. Otherwise (one speaker, no
    column ``speaker``, or missing values in it) the folds are those of :class:`~savee_mm.ClipGroupKFold` on
    ``clip_id``, or on the names of the files without that column.

    Parameters
    ----------
    n_splits : int, default=5
        Maximum number of folds; fewer speakers or clips give fewer folds.
    min_clips : int, default=8
        Minimum number of clips of at least one test speaker of each fold.
    random_state : int, RandomState instance or None, default=0
        Seed of the shuffling of clips; folds by speaker are deterministic.
    unseen_texts : bool, default=False
        Whether to split each fold by speaker into folds by sentence as well, so that training has neither the
        speakers nor the sentences of the test clips. It needs the column ``sentence`` without missing values; otherwise
        the folds are by speaker.

    See Also
    --------
    savee_mm.LeaveOneSpeakerOut : One fold for each speaker; needs at least two speakers.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm.model_selection import SpeakerOrClipKFold
    >>> table = pd.DataFrame({"speaker": list("AABB"), "clip_id": ["a1", "a2", "b1", "b2"]})
    >>> emotion = ["anger", "fear"] * 2
    >>> [test.tolist() for _, test in SpeakerOrClipKFold(min_clips=2).split(table, emotion)]
    [[2, 3], [0, 1]]
    >>> [test.tolist() for _, test in SpeakerOrClipKFold(min_clips=2).split(table.assign(speaker="A"), emotion)]
    [[1, 2], [0, 3]]
    """

    # Groups are columns of the table.
    __metadata_request__split = {"groups": None}

    def __init__(
        self,
        n_splits: int = 5,
        *,
        min_clips: int = 8,
        random_state: int | np.random.RandomState | None = 0,
        unseen_texts: bool = False,
    ) -> None:
        self.n_splits = n_splits
        self.min_clips = min_clips
        self.random_state = random_state
        self.unseen_texts = unseen_texts
        if n_splits < 2 or min_clips < 1:
            raise ValueError(
                f"SpeakerOrClipKFold needs n_splits >= 2 and min_clips >= 1, got {n_splits} and {min_clips}."
            )

    def split(
        self, X: Clips, y: ArrayLike | None = None, groups: object = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the row positions of the training and test clips of each fold.

        Parameters
        ----------
        X : DataFrame, or sequence of clips
            The clip table, with ``speaker`` and ``clip_id`` if known. In a plain sequence, each item is a clip.
        y : array-like of shape (n_clips,)
            The classes.
        groups : ignored

        Yields
        ------
        train, test : ndarray of shape (n_train,) and (n_test,)
            Row positions, ascending.

        Raises
        ------
        ValueError
            Without y, or if the table is too small for two folds with training clips of two classes.
        """
        if y is None:
            raise ValueError("SpeakerOrClipKFold checks the classes of each fold and needs y.")
        X = as_table(X)
        check_consistent_length(X, y)
        y = np.asarray(y)
        yield from self._folds_of_speakers(X, y) or self._folds_of_clips(X, y)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds of the table ``X`` with the classes ``y``; both are required."""
        return sum(1 for _ in self.split(X, y))

    def _folds_of_speakers(self, X, y):
        """Return the folds; none if the table has too few speakers, or if a training side lacks a class."""
        if not isinstance(X, pd.DataFrame) or "speaker" not in X.columns or X["speaker"].isna().any():
            return []
        codes = pd.factorize(X["speaker"], sort=True)[0]
        n_splits = min(self.n_splits, np.count_nonzero(np.bincount(codes) >= self.min_clips))
        if n_splits < 2:
            return []
        # GroupKFold assigns the largest groups first: each fold has one of the speakers counted here.
        folds = list(GroupKFold(n_splits).split(codes, groups=codes))
        if self.unseen_texts:
            texts = text_folds(X, y)
            cells = [
                (train[texts[train] != text], test[texts[test] == text]) for train, test in folds for text in set(texts)
            ]
            cells = [(train, test) for train, test in cells if len(test)]
            if _leave_all_classes(cells, y):
                return cells
        return folds if _leave_all_classes(folds, y) else []

    def _folds_of_clips(self, X, y):
        names = _clip_groups(X)
        n_splits = min(self.n_splits, len(pd.unique(names)), np.unique(y, return_counts=True)[1].max())
        folds = []
        if n_splits > 1:
            with warnings.catch_warnings():
                # A rare class is in fewer folds.
                warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
                folds = list(ClipGroupKFold(n_splits, random_state=self.random_state).split(X, y, names))
        if not folds or any(len(np.unique(y[train])) < 2 for train, _ in folds):
            raise ValueError(
                f"SpeakerOrClipKFold: {len(y)} rows of {len(pd.unique(names))} clips and {len(np.unique(y))} classes "
                "allow no two folds with training clips of two classes. Add clips: at least two of every class."
            )
        return folds


def _leave_all_classes(folds, y):
    return bool(folds) and all(set(y[train]) == set(y) for train, _ in folds)


def text_folds(table, y, n_splits=3):
    """Divide the clips of a table into folds by text.

    Parameters
    ----------
    table : DataFrame
        Clip table.
    y : ndarray of shape (n_clips,)
        The classes; their proportions are kept as far as the texts allow.
    n_splits : int, default=3
        Maximum number of folds.

    Returns
    -------
    folds : ndarray of int of shape (n_clips,)
        The fold of each clip; deterministic. All 0 without the column ``sentence``, with missing values in it, or with
        a single text.
    """
    folds = np.zeros(len(table), dtype=int)
    if "sentence" not in table.columns or table["sentence"].isna().any():
        return folds
    texts = pd.factorize(table["sentence"], sort=True)[0]
    n_splits = min(n_splits, texts.max() + 1, np.unique(y, return_counts=True)[1].max())
    if n_splits > 1:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
            for fold, (_, test) in enumerate(StratifiedGroupKFold(n_splits).split(y, y, texts)):
                folds[test] = fold
    return folds


def _clip_groups(X):
    """Return the name of the clip of each row of a table or sequence."""
    if not isinstance(X, pd.DataFrame):
        return pd.Series(np.arange(len(X)))
    if "clip_id" in X.columns:
        return X["clip_id"]
    files = next((column for column in ("audio", "video") if column in X.columns), None)
    return pd.Series(np.arange(len(X)) if files is None else clip_names(X, files))
