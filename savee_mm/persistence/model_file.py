"""Save and load a fitted estimator as one zip file: a JSON card, a skops archive, and ``.keras`` networks."""

import os
from contextlib import contextmanager
from pathlib import Path

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from savee_mm._composition import parts
from savee_mm.persistence._archive import FORMAT, change_schema, damaged, read_card, read_payload, write_archive
from savee_mm.persistence._names import with_current_names, with_public_names
from savee_mm.persistence._older_files import update
from savee_mm.persistence._portable import portable, resolve_weights
from savee_mm.persistence._trees import check_trees
from savee_mm.persistence._types import remedy, unknown_types
from savee_mm.persistence.card import ModelCard
from savee_mm.persistence.describe import make_card


def save_model(estimator: BaseEstimator, path: str | os.PathLike[str], *, card: ModelCard | dict | None = None) -> Path:
    """Write a fitted estimator to one file.

    Parameters
    ----------
    estimator : estimator
        Any fitted estimator of this library, or of scikit-learn around some: a Pipeline, a
        :class:`LateFusionClassifier`, a search, ``CalibratedClassifierCV``.
    path : path-like
        File to write, its folder made where it is missing; one that is there is replaced once the new one is whole.
    card : ModelCard or dict, default=None
        What :func:`make_card` made of corpus and evaluation, or entries to be added to the card that the estimator
        alone gives.

    Returns
    -------
    path : Path
        The file written.

    Raises
    ------
    NotFittedError
        Where the estimator is not fitted.
    TypeError
        Where JSON cannot hold the card, or skops not a part of the estimator; nothing is written.
    ValueError
        Where it holds types that :func:`load_model` would refuse, as a function of your own; nothing is written.

    Notes
    -----
    The file is a zip archive: ``card.json``; ``estimator.skops``, the parameters and fitted arrays; and the networks,
    ``networks/*.keras``. Folders of caches, reports of clips that could not be used, and the folders of weights of
    your own stay behind: such weights are looked for by their file's name in the folder that ``SAVEE_MM_WEIGHTS``
    names.

    Examples
    --------
    >>> from savee_mm import load_model, save_model
    >>> save_model(clf, "fusion.savee")  # doctest: +SKIP
    >>> load_model("fusion.savee").predict(table)  # doctest: +SKIP
    """
    import skops.io

    check_is_fitted(estimator)
    path = Path(path)
    payload = change_schema(skops.io.dumps(portable(estimator)), with_public_names)
    if unknown := unknown_types(payload):
        raise ValueError(
            f"{type(estimator).__name__} holds types that load_model does not open: {', '.join(unknown)}. To have it "
            f"in a file, {remedy(unknown)}."
        )
    write_archive(path, {**make_card(estimator), **(card or {})}, payload)
    return path


def load_model(path: str | os.PathLike[str]) -> BaseEstimator:
    """Read an estimator that :func:`save_model` wrote.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    estimator : estimator
        Fitted, as it was saved.

    Raises
    ------
    FileNotFoundError
        Where there is no such file.
    ValueError
        Where the file is not a model file, was written by a newer format, or names types, layers of networks or nodes
        of trees that this library does not know; nothing of it has been run then.
    """
    import skops.io

    path = Path(path)
    card = read_card(path)
    payload = read_payload(path)
    with _said_of(path):
        payload = change_schema(payload, with_current_names)
        unknown = unknown_types(payload)
    if unknown:
        raise ValueError(
            f"{path}: names types that savee_mm does not know: {', '.join(unknown)}. Nothing was loaded. If you trust "
            "where it comes from, load its estimator.skops with skops.io.load and name them there."
        )
    with _said_of(path):
        estimator = skops.io.loads(payload, trusted=skops.io.get_untrusted_types(data=payload))
        check_trees(parts(estimator))
        if int(card["format"]) < FORMAT:
            update(estimator)
    # A file of format 1 has places in it.
    return resolve_weights(portable(estimator))


def load_card(path: str | os.PathLike[str]) -> ModelCard:
    """Read the card of a model file, and nothing else of it.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    card : ModelCard
        A dict that prints as Markdown.

    Raises
    ------
    FileNotFoundError
        Where there is no such file.
    ValueError
        Where the file is not a model file, or was written by a newer format.
    """
    return ModelCard(read_card(Path(path)))


@contextmanager
def _said_of(path):
    """Turn whatever reading a file's made-up content can raise into the error that names the file."""
    try:
        yield
    except Exception as error:
        raise damaged(path, error) from error
