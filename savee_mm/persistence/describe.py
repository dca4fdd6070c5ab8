"""make_card: the card of a fitted model, its corpus and its evaluation."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from savee_mm._composition import parts
from savee_mm._versions import installed_versions
from savee_mm._weights import REGISTRY
from savee_mm.features.encoders import ENCODERS
from savee_mm.persistence.card import ModelCard, default_use

if TYPE_CHECKING:
    from savee_mm.evaluation import EvaluationReport

_PACKAGES = ("savee_mm.features", "savee_mm.selection", "savee_mm.augmentation")
_STEPS = ("sklearn.preprocessing", "sklearn.feature_selection", "sklearn.decomposition", "sklearn.impute")
# Parameters that do not change the result, and those that have separate entries.
_OMITTED = {"cache", "copy", "model", "n_jobs", "random_state", "verbose", "weights"}
_METRICS = ("n_clips", "n_folds", "accuracy", "accuracy_low", "accuracy_high", "uar", "f1", "log_loss", "drawn")
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
        Fitted estimator.
    corpus : Bunch, default=None
        Training corpus, as a loader returns it (``data``, ``target``, ``DESCR``).
    report : EvaluationReport, default=None
        Evaluation of the model on test clips, see :func:`evaluate`.
    system : str, default=None
        Name of the model in the report. Not needed if the report has one system.
    name : str, default=None
        Title of the card. None is the name of the estimator's class.
    use : str, default=None
        Intended use. None is a sentence that holds for every model of this library.
    not_for : list of str, default=None
        Uses to avoid; None likewise.
    notes : str, default=None
        Further notes, such as known failures or a contact.

    Returns
    -------
    card : ModelCard
        ``name``, ``estimator``, ``classes``, ``use``, ``not_for``, ``corpus``, ``evaluation`` (metrics by protocol),
        ``speakers`` (metrics by speaker), ``preprocessing``, ``weights`` with their licences, ``seed``, ``savee_mm``,
        ``python``, ``libraries``, ``saved`` (date), ``notes``. Unknown entries are omitted.

    Raises
    ------
    ValueError
        If the report has several systems and ``system`` is not one of them.

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
    """Return the metrics of one system of a report, by protocol and by speaker."""
    names = report.predictions["system"].unique().tolist()
    if system is None and len(names) == 1:
        system = names[0]
    if system not in names:
        raise ValueError(
            f"The report has the systems {', '.join(names)}; pass the name of this model as system, got {system!r}."
        )
    summary, groups = report.summary(), report.subgroups("speaker")
    summary, groups = summary[summary["system"] == system], groups[groups["system"] == system]
    n_clips = report.predictions.query("system == @system").groupby("protocol")["clip_id"].nunique()
    summary = summary.assign(n_clips=summary["protocol"].map(n_clips))
    by_speaker = groups[list(_BY_SPEAKER)].rename(columns={"group": "speaker"})
    return {
        "evaluation": _records(summary[["protocol", *_METRICS]]),
        "speakers": _records(by_speaker),
    }


def _records(table):
    """Return the rows as dicts of JSON values."""
    return [{key: _plain(value) for key, value in row.items()} for row in table.to_dict("records")]


def _plain(value):
    """Return a JSON value: None for a number that is not finite, text for other types."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if isinstance(value, (str, int, bool, type(None))) else type(value).__name__


def _preprocessing(found):
    """Return the fitted steps before the classifier, in their order."""
    steps = []
    for part in found:
        if type(part).__module__.startswith((*_PACKAGES, *_STEPS)) and _is_fitted(part):
            parameters = part.get_params(deep=False)
            shown = {key: _plain(value) for key, value in parameters.items() if key not in _OMITTED}
            if hasattr(part, "detector_"):
                shown["detector"] = part.detector_
            step = {"type": type(part).__name__, "parameters": shown}
            if step not in steps:
                steps.append(step)
    return steps


def _is_fitted(part):
    return hasattr(part, "get_params") and any(key.endswith("_") or key == "_failures" for key in vars(part))


def _weights(found):
    """Return the pretrained weights that the model uses, or was initialised with, by checksum."""
    entries = {}
    for part in found:
        digests = getattr(part, "__dict__", {}).get("weights_sha256_")
        if digests:
            digests = [digests] if isinstance(digests, str) else list(digests)
            entries[tuple(digests)] = {**_registered(part), "sha256": digests}
    return list(entries.values())


def _registered(part):
    """Return name, description and licence of the weights of a part, from the registry."""
    name = Path(part.model).name if hasattr(part, "model") else None
    if name in ENCODERS:
        return {"name": name, "what": "pretrained encoder", "licence": ENCODERS[name].licence}
    name = name or getattr(part, "detector_", None) or getattr(part, "backbone", None) or "yamnet"
    if getattr(part, "weights", name) not in (None, "imagenet", "yamnet") or name not in REGISTRY:
        return {"name": name, "what": "a user's file", "licence": "unknown; see its source"}
    return {"name": name, "what": REGISTRY[name].what, "licence": REGISTRY[name].licence}


def _seed(found):
    """Return the seed of all parts, or the list of seeds if they differ, in the order of the parts."""
    seeds = [getattr(part, "__dict__", {}).get("random_state") for part in found]
    seeds = list(dict.fromkeys(int(seed) for seed in seeds if isinstance(seed, (int, np.integer))))
    return seeds[0] if len(seeds) == 1 else seeds
