"""Cross-validators by clip, by speaker, by sentence, by speaker and sentence, and by corpus."""

from collections.abc import Iterator
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.model_selection import BaseCrossValidator, LeaveOneGroupOut, StratifiedGroupKFold
from sklearn.utils import check_consistent_length, check_random_state

from savee_mm._validation import Clips, as_table


class _ColumnSplitter(BaseCrossValidator):
    """Base of cross-validators whose groups are a column of the clip table, or ``groups`` if passed."""

    _column: str | None = None
    # With metadata routing enabled, groups are used if passed, but not required.
    __metadata_request__split = {"groups": True}

    def split(
        self, X: Clips | ArrayLike, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the row positions of the training and test clips of each fold.

        Parameters
        ----------
        X : DataFrame with the splitter's column(s), or any array-like of length n_clips
            The clip table; other arrays need ``groups``.
        y : array-like of shape (n_clips,), default=None
            The classes; required by the stratified splitters.
        groups : array-like of shape (n_clips,), default=None
            Used in place of the column of the table. :class:`SpeakerSentenceKFold` needs two columns: shape
            (n_clips, 2), speakers and sentences.

        Yields
        ------
        train, test : ndarray of shape (n_train,) and (n_test,)
            Row positions, ascending.

        Raises
        ------
        ValueError
            If the groups are missing, or some of their values, if there are fewer groups than folds, or if a fold
            is empty. Always before the first fold is yielded.
        """
        codes = self._read_codes(X, groups)
        if y is not None:
            check_consistent_length(codes, y)
        yield from self._folds(codes, y)

    def _read_codes(self, X, groups):
        values = self._read_column(X, self._column) if groups is None else _as_column(groups, self._name)
        if groups is not None and X is not None:
            check_consistent_length(X, values)
        return _encode(values, self._column if groups is None else "groups", self._name)

    def _read_column(self, X, column):
        X = as_table(X)
        if not isinstance(X, pd.DataFrame):
            raise ValueError(
                f"{self._name} reads the column {column!r} of a clip table (DataFrame), and X is "
                f"{'missing' if X is None else 'of type ' + type(X).__name__}. Pass the clip table as X, or "
                f"groups=... with {self._groups_wanted}."
            )
        if column not in X.columns:
            raise ValueError(
                f"{self._name} needs the column {column!r}, which the clip table lacks; its columns are "
                f"{list(map(str, X.columns))}. Add the column, or pass groups=... with {self._groups_wanted}."
            )
        return X[column]

    @property
    def _name(self):
        return type(self).__name__

    @property
    def _groups_wanted(self):
        return f"the {self._column} of each clip"


class _StratifiedColumnKFold(_ColumnSplitter):
    """StratifiedGroupKFold on a column of the clip table."""

    def __init__(self, n_splits: int, *, shuffle: bool, random_state: int | np.random.RandomState | None) -> None:
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state
        # Check the parameters at construction, as scikit-learn does. With shuffle=False it allows no seed.
        StratifiedGroupKFold(n_splits, shuffle=shuffle, random_state=random_state if shuffle else None)

    def _folds(self, codes, y):
        return self._stratified(codes, y, what=self._column)

    def _stratified(self, codes, y, *, what, where=""):
        """Return the list of (train, test) positions within ``codes``, every fold checked."""
        if y is None:
            raise ValueError(f"{self._name} is stratified by class and needs y.")
        n_groups = len(np.unique(codes))
        if n_groups < self.n_splits:
            raise ValueError(
                f"{self._name}(n_splits={self.n_splits}) needs at least {self.n_splits} different values of "
                f"{what!r}{where}, got {n_groups}. {_fewer_folds(n_groups)}"
            )
        largest = np.unique(y, return_counts=True)[1].max()
        if largest < self.n_splits:
            raise ValueError(
                f"{self._name}(n_splits={self.n_splits}): no class has {self.n_splits} clips{where}, "
                f"the largest has {largest}. {_fewer_folds(largest)}"
            )
        groups = shuffled_groups(codes, self.random_state) if self.shuffle else codes
        folds = list(StratifiedGroupKFold(self.n_splits).split(np.zeros(len(codes)), y, groups))
        for i, (_, test) in enumerate(folds):
            if not len(test):
                raise ValueError(
                    f"{self._name}: fold {i + 1} of {self.n_splits} is empty{where}: {n_groups} values of {what!r}, of "
                    "very unequal size, cannot be split into so many folds. Use a smaller n_splits."
                )
        return folds

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds, ``n_splits``; the arguments are ignored."""
        return self.n_splits


class ClipGroupKFold(_StratifiedColumnKFold):
    """K-fold cross-validator that keeps all copies of a clip on one side: seen speakers and sentences, new recordings.

    scikit-learn's ``StratifiedGroupKFold`` on the column ``clip_id``. Results by this splitter hold for the speakers
    of the training clips, not for unseen speakers.

    Parameters
    ----------
    n_splits : int, default=4
        Number of folds, at least 2.
    shuffle : bool, default=True
        Whether to shuffle the clips before the split.
    random_state : int, RandomState instance or None, default=0
        Seed of the shuffling, without effect if ``shuffle=False``. Unlike in scikit-learn, the default is fixed, so
        that systems that are compared, or a search and the scores after it, have the same folds.

    See Also
    --------
    LeaveOneSpeakerOut : Unseen speakers, seen sentences.
    SentenceGroupKFold : Seen speakers, unseen sentences.
    SpeakerSentenceKFold : Unseen speakers, unseen sentences.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm import ClipGroupKFold
    >>> table = pd.DataFrame({"clip_id": ["a1", "a1", "a2", "h1", "h2", "h2"]})  # two clips occur twice
    >>> emotion = ["anger"] * 3 + ["happiness"] * 3
    >>> [test.tolist() for _, test in ClipGroupKFold(2).split(table, emotion)]
    [[2, 4, 5], [0, 1, 3]]
    """

    _column = "clip_id"

    def __init__(
        self, n_splits: int = 4, *, shuffle: bool = True, random_state: int | np.random.RandomState | None = 0
    ) -> None:
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)


class SentenceGroupKFold(_StratifiedColumnKFold):
    """K-fold cross-validator that keeps every sentence on one side: seen speakers, unseen sentences.

    scikit-learn's ``StratifiedGroupKFold`` on the column ``sentence``. If all speakers read one list of sentences,
    a random split allows a system to recognise the sentence in place of the emotion.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=True
        Whether to shuffle the sentences before the split.
    random_state : int, RandomState instance or None, default=0
        Seed of the shuffling, fixed for the reason given in :class:`ClipGroupKFold`.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm import SentenceGroupKFold
    >>> table = pd.DataFrame({"sentence": ["dog", "dog", "tea", "tea"]})
    >>> emotion = ["anger", "fear", "anger", "fear"]
    >>> [test.tolist() for _, test in SentenceGroupKFold(2).split(table, emotion)]
    [[2, 3], [0, 1]]
    """

    _column = "sentence"

    def __init__(
        self, n_splits: int = 5, *, shuffle: bool = True, random_state: int | np.random.RandomState | None = 0
    ) -> None:
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)


class _LeaveOneValueOut(_ColumnSplitter):
    """LeaveOneGroupOut on a column of the clip table."""

    def _folds(self, codes, y):
        _check_several(codes, self._name, self._column)
        return LeaveOneGroupOut().split(np.zeros(len(codes)), groups=codes)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of different values in the column of ``X`` (a clip table) or in ``groups``."""
        return len(np.unique(self._read_codes(X, groups)))


class LeaveOneSpeakerOut(_LeaveOneValueOut):
    """Cross-validator that leaves one speaker out: unseen speakers, seen sentences.

    scikit-learn's ``LeaveOneGroupOut`` on the column ``speaker``; the folds are in the order of the names. If all
    speakers read one list of sentences, the test sentences are in training: see :class:`SpeakerSentenceKFold`.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm import LeaveOneSpeakerOut
    >>> table = pd.DataFrame({"speaker": ["KL", "DC", "KL", "JE"]})
    >>> [test.tolist() for _, test in LeaveOneSpeakerOut().split(table)]
    [[1], [3], [0, 2]]
    """

    _column = "speaker"


class LeaveOneCorpusOut(_LeaveOneValueOut):
    """Cross-validator that leaves one corpus out: unseen speakers, sentences and recording conditions.

    scikit-learn's ``LeaveOneGroupOut`` on the column ``corpus``, which :func:`~savee_mm.concat_corpora` makes; the
    folds are in the order of the names.

    See Also
    --------
    savee_mm.model_selection.corpus_pairs : Train on one corpus and test on another, for all pairs.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm import LeaveOneCorpusOut
    >>> table = pd.DataFrame({"corpus": ["savee", "ravdess", "savee", "emodb"]})
    >>> [test.tolist() for _, test in LeaveOneCorpusOut().split(table)]
    [[3], [1], [0, 2]]
    """

    _column = "corpus"


class SpeakerSentenceKFold(_StratifiedColumnKFold):
    """Cross-validator with K folds by sentence for each speaker: unseen speakers and unseen sentences.

    The clips of each speaker are split by ``StratifiedGroupKFold`` on ``sentence``. A test fold is the clips of one
    speaker with some sentences; training has clips of other speakers with other sentences only. Every clip is tested
    once, in n_speakers x n_splits folds (20 on SAVEE). Training and test clips together are less than the corpus.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds for each speaker, 2 at least.
    shuffle : bool, default=True
        Whether to shuffle the sentences before the split.
    random_state : int, RandomState instance or None, default=0
        Seed of the shuffling, fixed for the reason given in :class:`ClipGroupKFold`. The same int is used for each
        speaker, so that speakers who read one list are tested on the same sentences in the same folds.

    Notes
    -----
    ``groups``, if passed, has the shape (n_clips, 2): speakers, then sentences (a DataFrame with columns ``speaker``
    and ``sentence`` is read by name). One-dimensional ``groups`` are refused even if X is a clip table, because they
    would have to be ignored.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm import SpeakerSentenceKFold
    >>> table = pd.DataFrame({"speaker": list("AAAABBBB"), "sentence": list("1122") * 2})
    >>> for train, test in SpeakerSentenceKFold(2).split(table, ["anger", "fear"] * 4):
    ...     print(train, test)
    [4 5] [2 3]
    [6 7] [0 1]
    [0 1] [6 7]
    [2 3] [4 5]
    """

    _column = "sentence"
    _groups_wanted = "two columns, the speaker and the sentence of each clip"

    def __init__(
        self, n_splits: int = 5, *, shuffle: bool = True, random_state: int | np.random.RandomState | None = 0
    ) -> None:
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)

    def _read_codes(self, X, groups):
        if groups is None:
            pair = [self._read_column(X, "speaker"), self._read_column(X, "sentence")]
        else:
            pair = _as_pair(groups, self._name)
            if X is not None:
                check_consistent_length(X, pair[0])
        return np.column_stack([_encode(v, c, self._name) for v, c in zip(pair, ("speaker", "sentence"), strict=True)])

    def _folds(self, codes, y):
        speakers, sentences = codes.T
        _check_several(speakers, self._name, "speaker")
        if y is None:
            raise ValueError(f"{self._name} is stratified by class and needs y.")
        y = np.asarray(y)
        folds = []
        for speaker in np.unique(speakers):
            rows = np.flatnonzero(speakers == speaker)
            where = f" for the speaker of row {rows[0]}"
            for _, test in self._stratified(sentences[rows], y[rows], what="sentence", where=where):
                test = rows[test]
                train = np.flatnonzero((speakers != speaker) & ~np.isin(sentences, sentences[test]))
                if not len(train):
                    raise ValueError(
                        f"{self._name}: no training clips are left{where}: all other speakers read only sentences "
                        "of the test fold. Use a larger n_splits, or LeaveOneSpeakerOut."
                    )
                folds.append((train, test))
        return folds

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return ``n_splits`` times the number of speakers in ``X`` (a clip table) or in ``groups``."""
        return self.n_splits * len(np.unique(self._read_codes(X, groups)[:, 0]))


PROTOCOLS = MappingProxyType(
    {
        "clip": ClipGroupKFold,
        "speaker": LeaveOneSpeakerOut,
        "sentence": SentenceGroupKFold,
        "speaker+sentence": SpeakerSentenceKFold,
        "corpus": LeaveOneCorpusOut,
    }
)
"""Name of a protocol -> its splitter class, from the easiest to the hardest."""


def make_splitter(
    protocol: str,
    *,
    n_splits: int | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> BaseCrossValidator:
    """Return the splitter of an evaluation protocol by its name.

    Parameters
    ----------
    protocol : {"clip", "speaker", "sentence", "speaker+sentence", "corpus"}
        What is kept on one side, see :data:`PROTOCOLS`.
    n_splits : int, default=None
        Number of folds, None for the default of the splitter; "speaker" and "corpus" have one for each value.
    random_state : int, RandomState instance or None, default=0
        Seed of the shuffling; "speaker" and "corpus" are deterministic and ignore it.

    Returns
    -------
    splitter : scikit-learn cross-validator

    Raises
    ------
    ValueError
        For an unknown name, and for ``n_splits`` with "speaker" or "corpus".

    Examples
    --------
    >>> from savee_mm.model_selection import make_splitter
    >>> make_splitter("clip")
    ClipGroupKFold(n_splits=4, random_state=0, shuffle=True)
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"There is no protocol {protocol!r}; the protocols are {', '.join(PROTOCOLS)}.")
    splitter = PROTOCOLS[protocol]
    if issubclass(splitter, _LeaveOneValueOut):
        if n_splits is not None:
            raise ValueError(f"Protocol {protocol!r} has one fold for each {protocol}, got n_splits={n_splits}.")
        return splitter()
    if n_splits is None:
        return splitter(random_state=random_state)
    return splitter(n_splits, random_state=random_state)


def shuffled_groups(codes, random_state):
    """Renumber groups at random.

    StratifiedGroupKFold without shuffling then gives the same folds as with shuffling in scikit-learn 1.8. Version 1.7
    shuffles the counts of classes without their groups, so that its folds are not stratified.

    Parameters
    ----------
    codes : array-like of shape (n_clips,)
        Groups.
    random_state : int, RandomState instance or None
        Seed.

    Returns
    -------
    groups : ndarray of int of shape (n_clips,)
    """
    _, numbers = np.unique(codes, return_inverse=True)
    order = np.arange(numbers.max() + 1)
    check_random_state(random_state).shuffle(order)
    return np.argsort(order)[numbers]


def _as_column(groups, name):
    values = groups if isinstance(groups, pd.Series) else np.asarray(groups)
    if values.ndim != 1:
        raise ValueError(f"{name} expects groups of shape (n_clips,), got {values.shape}.")
    return values


def _as_pair(groups, name):
    if isinstance(groups, pd.DataFrame) and {"speaker", "sentence"} <= set(groups.columns):
        return [groups["speaker"], groups["sentence"]]
    values = np.asarray(groups)
    if values.ndim != 2 or values.shape[1] != 2:
        raise ValueError(
            f"{name} needs two groups of each clip, its speaker and its sentence: groups of shape (n_clips, "
            f"2), got {values.shape}. If X is the clip table, leave groups out: its columns are read."
        )
    return list(values.T)


def _encode(values, what, name):
    """Return codes of the values in sorted order, so that folds are those of scikit-learn on the values."""
    codes, names = pd.factorize(values, sort=True)
    blank = [code for code, name in enumerate(names) if isinstance(name, str) and not name.strip()]
    missing = np.flatnonzero((codes < 0) | np.isin(codes, blank))
    if len(missing):
        raise ValueError(
            f"{name}: {len(missing)} of {len(codes)} clips have no value in {what!r}, the first in row "
            f"{missing[0]}. Fill them in, or drop these rows: a clip without a group may belong to any side."
        )
    if not len(codes):
        raise ValueError(f"{name}: expected at least one clip, got none.")
    return codes


def _check_several(codes, name, column):
    if len(np.unique(codes)) < 2:
        many, remedy = {
            "speaker": ("speakers", "ClipGroupKFold or SentenceGroupKFold for results on a seen speaker"),
            "corpus": ("corpora", "LeaveOneSpeakerOut for results on unseen speakers of the same corpus"),
        }[column]
        raise ValueError(
            f"{name} needs at least two {many}, got one: no training clips are left. Add clips of another {column}, or "
            f"use {remedy}."
        )


def _fewer_folds(n_groups):
    if n_groups < 2:
        return "A split needs at least two: check the column, or add clips."
    return f"Use n_splits={n_groups} or fewer, or add clips."
