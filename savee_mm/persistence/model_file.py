"""Save and load a fitted estimator as one zip file: a JSON card, a skops archive, and ``.keras`` networks."""

import os
from collections.abc import Callable
from pathlib import Path

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from savee_mm._composition import parts
from savee_mm.classifiers._network_file import for_prediction
from savee_mm.persistence._archive import change_schema, errors_name, read_card, read_payload, write_archive
from savee_mm.persistence._compiled import check_compiled
from savee_mm.persistence._names import with_current_names, with_public_names
from savee_mm.persistence._older_files import update, warn_of_changed_features
from savee_mm.persistence._portable import portable, resolve_weights
from savee_mm.persistence._types import remedy, unknown_types
from savee_mm.persistence.card import ModelCard
from savee_mm.persistence.describe import make_card


def save_model(
    estimator: BaseEstimator,
    path: str | os.PathLike[str],
    *,
    card: ModelCard | dict | None = None,
    sign: Callable[[str], str] | None = None,
) -> Path:
    """Save a fitted estimator to one file.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator of this library, or of scikit-learn around some: a Pipeline, a
        :class:`LateFusionClassifier`, a search, ``CalibratedClassifierCV``.
    path : path-like
        File to write. Its folder is created if missing. An existing file is replaced once the new one is complete.
    card : ModelCard or dict, default=None
        Result of :func:`make_card`, or entries to add to the card of the estimator alone.
    sign : callable, default=None
        ``sign(sha256) -> str``: gets the SHA-256 digest of card and model (hexadecimal), and returns a signature for
        the entry ``signature`` of the card.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If JSON cannot represent the card, or skops a part of the estimator; nothing is written.
    ValueError
        If it contains types that :func:`load_model` refuses, such as a function of your own; nothing is written.
    OSError
        If the file cannot be written.

    Notes
    -----
    The file is a zip archive of ``card.json``; ``estimator.skops``, the parameters and fitted arrays; and
    ``networks/*.keras``. It does not contain folders of caches, reports of failed clips, or the folders of your own
    weights: :func:`load_model` looks for such weights by file name in the folder that ``SAVEE_MM_WEIGHTS`` names.

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
    write_archive(path, {**make_card(estimator), **(card or {})}, payload, sign)
    return path


def load_model(path: str | os.PathLike[str], *, expect_sha256: str | None = None) -> BaseEstimator:
    """Load an estimator that :func:`save_model` saved.

    Parameters
    ----------
    path : path-like
        The file.
    expect_sha256 : str, default=None
        Digest that the file must have, from its author: the entry ``sha256`` of the card that was saved.

    Returns
    -------
    estimator : estimator
        Fitted, as it was saved.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a model file, is damaged, has another digest, was written by a newer format, or contains
        types, layers of networks, or values in trees and support vector machines that this library does not accept.
        No code of the file is run.

    Warns
    -----
    UserWarning
        If the file is older and the features of an extractor in it have changed since.
    """
    import skops.io

    path = Path(path)
    card = read_card(path)
    payload = read_payload(path, expect_sha256)
    with errors_name(path):
        payload = change_schema(payload, with_current_names)
        unknown = unknown_types(payload)
    if unknown:
        raise ValueError(
            f"{path}: names types that savee_mm does not know: {', '.join(unknown)}. Nothing was loaded. If you trust "
            "where it comes from, load its estimator.skops with skops.io.load and name them there."
        )
    with errors_name(path), for_prediction():
        estimator = skops.io.loads(payload, trusted=skops.io.get_untrusted_types(data=payload))
        check_compiled(parts(estimator))
        update(estimator, int(card["format"]))
    warn_of_changed_features(estimator, path, int(card["format"]))
    # A file of format 1 has places in it.
    return resolve_weights(portable(estimator))
