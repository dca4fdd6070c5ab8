"""Curves over the epochs of training, found in whatever estimator holds the network."""

import pandas as pd

from savee_mm._composition import steps


def find_history(estimator):
    """Return the training curves of the network in a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        A network classifier, a Pipeline that ends in one, or a search around either.

    Returns
    -------
    history : dict of str to list of float, or None
        ``accuracy`` and ``loss`` after each epoch, ``val_accuracy`` and ``val_loss`` where training watched clips of
        its own; None for what is not trained in epochs.
    """
    last = steps(estimator)[-1]
    if hasattr(last, "history_"):
        return dict(last.history_)
    wrapped = getattr(last, "estimator_", None)
    return None if wrapped is None else find_history(wrapped)


def average_curves(histories):
    """Return the mean curves over folds.

    Parameters
    ----------
    histories : sequence of dict
        Of :func:`find_history`, one per fold.

    Returns
    -------
    curves : DataFrame
        One row per ``name`` of a curve and ``epoch`` (from 1): ``mean``, ``sd`` (with n in the denominator) and
        ``n_folds``: folds that stopped early are in the mean until then.
    """
    rows = [
        (name, epoch, value)
        for history in histories
        for name, values in history.items()
        for epoch, value in enumerate(values, 1)
    ]
    grouped = pd.DataFrame(rows, columns=["name", "epoch", "value"]).groupby(["name", "epoch"], sort=False)["value"]
    return grouped.agg(mean="mean", sd=lambda values: values.std(ddof=0), n_folds="size").reset_index()
