"""The card of a fitted model, from what the model, its corpus and its evaluation say of themselves."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from savee_mm._composition import parts
from savee_mm._weights import REGISTRY
from savee_mm.features.encoders import ENCODERS
from savee_mm.persistence._versions import installed_versions
from savee_mm.persistence.card import ModelCard, default_use

if TYPE_CHECKING:
    from savee_mm.evaluation import EvaluationReport

_ROOMS = ("savee_mm.features", "savee_mm.selection", "savee_mm.augmentation")
_STEPS = ("sklearn.preprocessing", "sklearn.feature_selection", "sklearn.decomposition", "sklearn.impute")
# How the work is done, which changes nothing in its result; seeds and weights have lines of their own.
_NOT_TOLD = {"cache", "copy", "model", "n_jobs", "random_state", "verbose", "weights"}
_FIGURES = ("n_clips", "n_folds", "accuracy", "accuracy_low", "accuracy_high", "uar", "f1", "log_loss", "drawn")
_BY_SPEAKER = ("protocol", "group", "n_clips", "accuracy", "uar")
_RULE = re.compile(r"^-+$\n", re.MULTILINE)
_FOLDERS = re.compile(r"(?<![\w:/.])(?:[A-Za-z]:)?[/\\](?:[^\s/\\]+[/\\])+")


def make_card(
    estimator: BaseEstimator,
    *,
    corpus: Bunch | None = None,
    report: "EvaluationReport | None" = None,
    system: str | None = None,
    name: str | None = None,
    use: str | None = None,
    not_for: list[str] | None = None,
    notes: str | None = None,
) -> ModelCard:
    """Describe a fitted model.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    corpus : Bunch, default=None
        What it was trained on, as a loader returns it (``data``, ``target``, ``DESCR``).
    report : EvaluationReport, default=None
        Its figures on clips that training had not met, see :func:`evaluate`.
    system : str, default=None
        Which system of the report it is; may be left out where the report has one.
    name : str, default=None
        Title of the card; the estimator's type when None.
    use : str, default=None
        What it is for; a sentence that holds for every model of this library when None.
    not_for : list of str, default=None
        What it is not for; likewise.
    notes : str, default=None
        What else is to be known: licence of the corpus, known failures, whom to ask.

    Returns
    -------
    card : ModelCard
        ``name``, ``estimator``, ``classes``, ``use``, ``not_for``, ``corpus``, ``evaluation`` (figures by protocol),
        ``speakers`` (figures by speaker), ``preprocessing``, ``weights`` with their licences, ``seed``, ``savee_mm``,
        ``python``, ``libraries``, ``saved`` (date), ``notes``. What is not known is left out.

    Raises
    ------
    ValueError
        Where the report has several systems and none is named, or not the one that is.

    Examples
    --------
    >>> from savee_mm import make_card, save_model
    >>> card = make_card(clf, corpus=savee, report=report)  # doctest: +SKIP
    >>> save_model(clf, "fusion.savee", card=card)  # doctest: +SKIP
    """
    found = list(parts(estimator))
    default, default_not = default_use()
    card = {
        "name": name or type(estimator).__name__,
        "estimator": type(estimator).__name__,
        "classes": [str(label) for label in getattr(estimator, "classes_", ())],
        "use": use or default,
        "not_for": default_not if not_for is None else list(not_for),
        "corpus": None if corpus is None else _corpus(corpus),
        **({} if report is None else _figures(report, system)),
        "preprocessing": _preprocessing(found),
        "weights": _weights(found),
        "seed": _seed(found),
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        **installed_versions(),
        "notes": notes,
    }
    return ModelCard({key: value for key, value in card.items() if value not in (None, [], {})})


def _corpus(corpus):
    labels, counts = np.unique(np.asarray(corpus.target).astype(str), return_counts=True)
    speakers = corpus.data["speaker"].dropna().astype(str).unique() if "speaker" in corpus.data else ()
    return {
        "description": _RULE.sub("", _FOLDERS.sub("", corpus.get("DESCR", ""))).strip(),
        "n_clips": len(corpus.data),
        "clips": dict(zip(labels.tolist(), counts.tolist(), strict=True)),
        "speakers": sorted(speakers),
    }


def _figures(report, system):
    """Return the figures of one system of a report, by protocol and by speaker."""
    names = report.predictions["system"].unique().tolist()
    if system is None and len(names) == 1:
        system = names[0]
    if system not in names:
        raise ValueError(f"The report is of {', '.join(names)}: name the system that the model is, got {system!r}.")
    summary, groups = report.summary(), report.subgroups("speaker")
    summary, groups = summary[summary["system"] == system], groups[groups["system"] == system]
    n_clips = report.predictions.query("system == @system").groupby("protocol")["clip_id"].nunique()
    summary = summary.assign(n_clips=summary["protocol"].map(n_clips))
    by_speaker = groups[list(_BY_SPEAKER)].rename(columns={"group": "speaker"})
    return {
        "evaluation": _records(summary[["protocol", *_FIGURES]]),
        "speakers": _records(by_speaker),
    }


def _records(table):
    """Return the rows as dicts that JSON can hold."""
    return [{key: _plain(value) for key, value in row.items()} for row in table.to_dict("records")]


def _plain(value):
    """Return a value that JSON can hold: what has no finite number has None, what JSON does not know its text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if isinstance(value, (str, int, bool, type(None))) else type(value).__name__


def _preprocessing(found):
    """Return what happens to a clip ahead of the classifier, in the order in which it does."""
    steps = []
    for part in found:
        if type(part).__module__.startswith((*_ROOMS, *_STEPS)) and _is_fitted(part):
            parameters = part.get_params(deep=False)
            told = {key: _plain(value) for key, value in parameters.items() if key not in _NOT_TOLD}
            if hasattr(part, "detector_"):
                told["detector"] = part.detector_
            step = {"type": type(part).__name__, "parameters": told}
            if step not in steps:
                steps.append(step)
    return steps


def _is_fitted(part):
    return hasattr(part, "get_params") and any(key.endswith("_") or key == "_failures" for key in vars(part))


def _weights(found):
    """Return the pretrained weights that the model needs, or grew out of, by content."""
    entries = {}
    for part in found:
        digests = getattr(part, "__dict__", {}).get("weights_sha256_")
        if digests:
            digests = [digests] if isinstance(digests, str) else list(digests)
            entries[tuple(digests)] = {**_registered(part), "sha256": digests}
    return list(entries.values())


def _registered(part):
    """Return name, description and licence of a part's weights, as the registry has them."""
    name = Path(part.model).name if hasattr(part, "model") else None
    if name in ENCODERS:
        return {"name": name, "what": "pretrained encoder", "licence": ENCODERS[name].licence}
    name = name or getattr(part, "detector_", None) or getattr(part, "backbone", None) or "yamnet"
    if getattr(part, "weights", name) not in (None, "imagenet", "yamnet") or name not in REGISTRY:
        return {"name": name, "what": "a file of the user's own", "licence": "not known here; ask where it is from"}
    return {"name": name, "what": REGISTRY[name].what, "licence": REGISTRY[name].licence}


def _seed(found):
    """Return the one seed of everything random; of several their list, in the order of the parts."""
    seeds = [getattr(part, "__dict__", {}).get("random_state") for part in found]
    seeds = list(dict.fromkeys(int(seed) for seed in seeds if isinstance(seed, (int, np.integer))))
    return seeds[0] if len(seeds) == 1 else seeds
