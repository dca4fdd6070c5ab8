"""Soft labels: the votes of raters as weighted rows."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length


def expand_votes(
    data: pd.DataFrame, votes: pd.DataFrame, sample_weight: ArrayLike | None = None
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return one row for each clip and class with votes, weighted by the share of the votes.

    With these rows, the loss of a classifier is its cross-entropy (or its other loss) with the shares of the votes as
    the target: soft labels for every classifier that takes ``sample_weight``.

    Parameters
    ----------
    data : DataFrame of shape (n_clips, n_columns)
        Clip table of the training clips.
    votes : DataFrame of shape (n_clips, n_classes)
        Votes for each class, such as ``votes`` of :func:`~savee_mm.load_crema_d`; the columns are the classes.
    sample_weight : array-like of shape (n_clips,), default=None
        Weight of each clip, to be shared among its rows.

    Returns
    -------
    data : DataFrame of shape (n_rows, n_columns)
        The rows of a clip keep its ``clip_id``, so that splits by clip keep them together.
    target : ndarray of str of shape (n_rows,)
        The class of each row.
    sample_weight : ndarray of shape (n_rows,)
        Positive; the weights of the rows of a clip sum to the weight of the clip.

    Raises
    ------
    ValueError
        If the lengths differ, votes are negative, or a clip has none.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm.datasets import expand_votes
    >>> clips = pd.DataFrame({"clip_id": ["a", "b"]})
    >>> rows, target, weight = expand_votes(clips, pd.DataFrame({"anger": [3, 0], "neutral": [1, 5]}))
    >>> list(zip(rows["clip_id"], target.tolist(), weight.tolist()))
    [('a', 'anger', 0.75), ('a', 'neutral', 0.25), ('b', 'neutral', 1.0)]
    """
    check_consistent_length(data, votes, sample_weight)
    counts = votes.to_numpy(dtype=float)
    total = counts.sum(axis=1)
    if (counts < 0).any() or not (total > 0).all():
        bad = np.flatnonzero((counts < 0).any(axis=1) | ~(total > 0))
        raise ValueError(
            f"{len(bad)} of {len(votes)} clips have no votes, or negative ones, the first in row {bad[0]}. Leave them "
            "out."
        )
    shares = counts / total[:, np.newaxis]
    if sample_weight is not None:
        shares *= np.asarray(sample_weight, dtype=float)[:, np.newaxis]
    clips, classes = np.nonzero(counts)
    target = votes.columns.to_numpy(dtype=str)[classes]
    return data.iloc[clips].reset_index(drop=True), target, shares[clips, classes]
