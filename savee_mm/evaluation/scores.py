"""The figures of one set of predictions."""

import numpy as np
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

SCORES = ("accuracy", "precision", "recall", "f1", "uar")
"""Names of the figures, in the order of the tables."""


def score(target, predicted):
    """Score predictions, every class of the truth weighing the same.

    Parameters
    ----------
    target, predicted : array-like of shape (n_clips,)
        What is displayed, and what was said.

    Returns
    -------
    scores : dict of str to float
        ``accuracy``; ``precision``, ``recall`` and ``f1``, the plain means of the classes' own; ``uar``, the
        unweighted average recall, which is another name for ``recall``.

    Notes
    -----
    The classes are those of the truth. One that was only ever predicted has no recall and does not count (in
    scikit-learn's ``average="macro"`` it counts as 0); the precision of one that was never predicted is 0.

    Examples
    --------
    >>> from savee_mm.evaluation.scores import score
    >>> scores = score(["anger", "anger", "fear", "fear"], ["anger", "sadness", "fear", "anger"])
    >>> {name: round(value, 3) for name, value in scores.items()}
    {'accuracy': 0.5, 'precision': 0.75, 'recall': 0.5, 'f1': 0.583, 'uar': 0.5}
    """
    precision, recall, f1, _ = precision_recall_fscore_support(
        target, predicted, labels=np.unique(target), average="macro", zero_division=0
    )
    figures = (accuracy_score(target, predicted), precision, recall, f1, recall)
    return {name: float(figure) for name, figure in zip(SCORES, figures, strict=True)}
