"""Folds between corpora, given folds, and weights that balance corpora, speakers and classes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.model_selection import GroupKFold
from sklearn.utils import check_consistent_length

ARROW = " -> "
"""Between the training and the test corpus in the names of :func:`corpus_pairs`."""

ALL, OTHERS = "all", "others"
"""Training corpora other than a single one."""

# Of iterative proportional fitting; a table without empty cells needs about ten steps.
_MAX_STEPS, _TOLERANCE = 200, 1e-6


def corpus_pairs(table: pd.DataFrame, *, n_splits: int | None = None) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Return the folds of all pairs of a training and a test corpus.

    Parameters
    ----------
    table : DataFrame
        Clip table with the columns ``corpus`` and ``speaker``, as :func:`~savee_mm.concat_corpora` returns it.
    n_splits : int, default=None
        Number of folds by speaker where training has other speakers of the test corpus; None for one fold for each
        speaker.

    Returns
    -------
    pairs : dict of str to list of (ndarray, ndarray)
        Positions of training and test clips by the name of the pair, as :func:`~savee_mm.evaluate` takes them for
        ``protocols``:

        - ``"a -> b"``: training is corpus a, test is corpus b;
        - ``"a -> a"``: folds by speaker within corpus a;
        - ``"all -> a"``: the same folds, with all clips of the other corpora in training as well;
        - ``"others -> a"``, with three corpora or more: training is all other corpora.

    Raises
    ------
    ValueError
        If a column is missing or has missing values, if there is one corpus only, or if a corpus has one speaker.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm.model_selection import corpus_pairs
    >>> table = pd.DataFrame({"corpus": list("aabb"), "speaker": ["a/1", "a/2", "b/1", "b/2"]})
    >>> for name, folds in corpus_pairs(table).items():
    ...     print(name, [(train.tolist(), test.tolist()) for train, test in folds])
    a -> a [([1], [0]), ([0], [1])]
    a -> b [([0, 1], [2, 3])]
    all -> a [([1, 2, 3], [0]), ([0, 2, 3], [1])]
    b -> a [([2, 3], [0, 1])]
    b -> b [([3], [2]), ([2], [3])]
    all -> b [([0, 1, 3], [2]), ([0, 1, 2], [3])]
    """
    corpora, speakers = (_column(table, name) for name in ("corpus", "speaker"))
    names = list(dict.fromkeys(corpora))
    if len(names) < 2:
        raise ValueError(f"corpus_pairs needs at least two corpora, got {names}. Concatenate them by concat_corpora.")
    if reserved := sorted({ALL, OTHERS} & set(names)):
        raise ValueError(f"A corpus cannot be named {reserved[0]!r}, which is a row of the table. Rename it.")
    pairs = {}
    for name in names:
        own = np.flatnonzero(corpora == name)
        within = _by_speaker(own, speakers[own], name, n_splits)
        for other in names:
            pairs[f"{name}{ARROW}{other}"] = within if other == name else [(own, np.flatnonzero(corpora == other))]
        everything = np.arange(len(table))
        pairs[f"{ALL}{ARROW}{name}"] = [(np.setdiff1d(everything, test), test) for _, test in within]
        if len(names) > 2:
            pairs[f"{OTHERS}{ARROW}{name}"] = [(np.flatnonzero(corpora != name), own)]
    return pairs


def fixed_split(
    table: pd.DataFrame, train: ArrayLike | None = None, test: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the clips of a given split, such as that of a benchmark.

    Parameters
    ----------
    table : DataFrame
        Clip table.
    train, test : array-like, default=None
        The clips of each side, as ``clip_id``, positions of rows, or a mask; None for all clips that are not on the
        other side. In a table of several corpora, names of clips have their corpus ahead.

    Returns
    -------
    train, test : ndarray of int
        Ascending positions.

    Raises
    ------
    ValueError
        If both sides are None, a clip is unknown, or one is on both sides.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm.model_selection import fixed_split
    >>> fixed_split(pd.DataFrame({"clip_id": ["a01", "a02", "h01"]}), test=["a02"])
    (array([0, 2]), array([1]))
    """
    if train is None and test is None:
        raise ValueError("Expected the clips of at least one side of the split, got train=None and test=None.")
    everything = np.arange(len(table))
    trained, tested = (
        np.array([], dtype=int) if side is None else _positions(table, side, name)
        for name, side in (("train", train), ("test", test))
    )
    trained = np.setdiff1d(everything, tested) if train is None else trained
    tested = np.setdiff1d(everything, trained) if test is None else tested
    if len(both := np.intersect1d(trained, tested)):
        raise ValueError(f"{len(both)} clips are in train and in test, the first in row {both[0]}.")
    return trained, tested


def balanced_weights(
    table: pd.DataFrame, y: ArrayLike | None = None, *, columns: Sequence[str] = ("corpus", "speaker")
) -> np.ndarray:
    """Compute weights under which all corpora, all speakers of a corpus and all classes of a corpus count the same.

    Parameters
    ----------
    table : DataFrame
        Clip table.
    y : array-like of shape (n_clips,), default=None
        The classes, to balance them; None for a classifier that balances them itself, such as one with
        ``class_weight="balanced"``.
    columns : sequence of str, default=("corpus", "speaker")
        Columns to balance: the groups of the first, then those of the second within each of the first. Columns that the
        table lacks are ignored.

    Returns
    -------
    sample_weight : ndarray of shape (n_clips,)
        Positive, with mean 1. Pass it to ``fit`` of any classifier that takes ``sample_weight``.

    Notes
    -----
    The weights have the form (factor of the group) x (factor of the class), by iterative proportional fitting. If a
    speaker lacks a class, both cannot be exact: classes are, and speakers as far as possible.

    References
    ----------
    W. E. Deming, F. F. Stephan, "On a least squares adjustment of a sampled frequency table when the expected marginal
    totals are known", Annals of Mathematical Statistics 11, 1940.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm.model_selection import balanced_weights
    >>> balanced_weights(pd.DataFrame({"corpus": ["a", "a", "a", "b"]})).round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
    check_consistent_length(table, y)
    levels = [pd.factorize(table[name].astype(object), use_na_sentinel=False)[0] for name in columns if name in table]
    # Nested: groups of the second column are those within a group of the first.
    nested = [_joint(levels[: depth + 1]) for depth in range(len(levels))]
    outer = nested[0] if len(nested) > 1 else np.zeros(len(table), dtype=int)
    inner = nested[-1] if nested else outer
    margins = [(inner, outer)]
    if y is not None:
        margins.append((_joint([outer, pd.factorize(np.asarray(y))[0]]), outer))
    weights = np.ones(len(table))
    for _ in range(_MAX_STEPS):
        before = weights
        for groups, within in margins:
            weights = weights * (_share(groups, within) / np.bincount(groups, weights))[groups]
        if np.abs(weights - before).max() <= _TOLERANCE * weights.max():
            break
    return weights * (len(weights) / weights.sum())


def _share(groups, within):
    """Return the total weight of each group: 1 / (number of outer groups) / (number of groups in its outer group)."""
    outer_of = np.zeros(groups.max() + 1, dtype=int)
    outer_of[groups] = within
    return 1 / np.bincount(outer_of)[outer_of] / (within.max() + 1)


def _joint(codes):
    return np.unique(np.column_stack(codes), axis=0, return_inverse=True)[1].ravel()


def _column(table, name):
    if name not in table:
        raise ValueError(f"corpus_pairs needs the column {name!r}; the table has {list(map(str, table.columns))}.")
    if table[name].isna().any():
        raise ValueError(f"{table[name].isna().sum()} of {len(table)} clips have no {name}. Fill the column in.")
    return table[name].to_numpy(dtype=object)


def _by_speaker(rows, speakers, corpus, n_splits):
    """Return folds by speaker of the clips of a corpus."""
    codes = pd.factorize(speakers, sort=True)[0]
    n_speakers = codes.max() + 1
    if n_speakers < 2:
        raise ValueError(f"Corpus {corpus!r} has one speaker, who cannot be both in training and unseen. Leave it out.")
    if n_splits is None or n_splits >= n_speakers:
        fold_of = codes
    else:
        fold_of = np.empty(len(rows), dtype=int)
        for fold, (_, test) in enumerate(GroupKFold(n_splits).split(codes, groups=codes)):
            fold_of[test] = fold
    return [(rows[fold_of != fold], rows[fold_of == fold]) for fold in range(fold_of.max() + 1)]


def _positions(table, side, name):
    side = np.asarray(side)
    if side.dtype == bool and len(side) == len(table):
        return np.flatnonzero(side)
    if side.dtype.kind in "iu" and len(side) and side.min() >= 0 and side.max() < len(table):
        return np.unique(side)
    known = pd.Index(table.get("clip_id", []))
    if unknown := [clip for clip in side.tolist() if clip not in known]:
        example = known[0] if len(known) else None
        raise ValueError(
            f"{len(unknown)} of {len(side)} clips of {name} are not in the table, the first is {unknown[0]!r}. "
            f"Expected values of clip_id, such as {example!r}, positions below {len(table)}, or a mask."
        )
    return np.flatnonzero(known.isin(side))
