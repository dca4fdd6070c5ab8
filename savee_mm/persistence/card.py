"""ModelCard: description, intended use and evaluation of a model."""

import json
import os
from pathlib import Path

from savee_mm.persistence._archive import errors_name, read_card

_USE = (
    "Classifying which of the emotions below a person displays in a short recording, for research on corpora of acted "
    "or labelled emotion."
)
_NOT_FOR = (
    "Inferring what a person feels: it distinguishes displays as they were labelled, often by actors.",
    "Decisions about people, such as hiring, teaching, policing, insurance or diagnosis.",
    "Workplaces and schools: inferring emotions there is prohibited in the European Union (Regulation (EU) 2024/1689, "
    "Article 5(1)(f)) except for medical or safety reasons.",
    "People, languages, cameras and microphones unlike those of the corpus, before it is evaluated on them.",
)
_DIGITS = 3


class ModelCard(dict):
    """Card of a model: a dict, stored as JSON in the model file and printed as Markdown.

    Created by :func:`make_card`, written by :func:`save_model`, read by :func:`load_card`. Entries can be added and
    changed as in any dict, if they can be written as JSON.

    Examples
    --------
    >>> from savee_mm import ModelCard
    >>> card = ModelCard(name="voices", classes=["anger", "joy"], seed=0)
    >>> print(card)
    # voices
    <BLANKLINE>
    - Emotions: anger, joy
    - Seed: 0
    """

    def to_markdown(self) -> str:
        """Return the card as Markdown.

        Returns
        -------
        text : str
            Without what the card does not say.
        """
        head = [f"# {self.get('name') or self.get('estimator', 'Model')}", _list(self._facts())]
        sections = {
            "Intended use": self.get("use"),
            "Not intended for": _list(self.get("not_for", ())),
            "Corpus": self._corpus(),
            "Evaluation": _table(self.get("evaluation", ())),
            "Evaluation by speaker": _table(self.get("speakers", ())),
            "Preprocessing": _list(f"{step['type']}({_arguments(step)})" for step in self.get("preprocessing", ())),
            "Weights and licences": _list(map(_weights, self.get("weights", ()))),
            "Notes": self.get("notes"),
        }
        return "\n\n".join(filter(None, head + [f"## {title}\n\n{text}" for title, text in sections.items() if text]))

    def __str__(self):
        return self.to_markdown()

    def _facts(self):
        """Yield the lines below the title."""
        libraries = {"Python": self.get("python"), **self.get("libraries", {})}
        facts = {
            "Estimator": self.get("estimator"),
            "Emotions": ", ".join(self.get("classes", ())),
            "Seed": self.get("seed"),
            "Saved": self.get("saved"),
            "savee_mm": self.get("savee_mm"),
            "Libraries": ", ".join(f"{name} {version}" for name, version in libraries.items() if version),
        }
        yield from (f"{name}: {value}" for name, value in facts.items() if value not in (None, ""))

    def _corpus(self):
        corpus = self.get("corpus") or {}
        lines = [
            f"{corpus['n_clips']} clips" if "n_clips" in corpus else "",
            f"Speakers: {', '.join(corpus['speakers'])}" if corpus.get("speakers") else "",
            ", ".join(f"{name} {count}" for name, count in corpus.get("clips", {}).items()),
        ]
        return "\n\n".join(filter(None, [corpus.get("description"), _list(filter(None, lines))]))


def load_card(path: str | os.PathLike[str]) -> ModelCard:
    """Load the card of a model file, and nothing else of it.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    card : ModelCard
        A dict that prints as Markdown. Its digest is verified by :func:`load_model` only.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a model file, or was written by a newer format.
    """
    path = Path(path)
    card = ModelCard(read_card(path))
    with errors_name(path):
        card.to_markdown()
    return card


def default_use():
    """Return the intended use of models of this library, and uses to avoid.

    Returns
    -------
    use : str
    not_for : list of str
    """
    return _USE, list(_NOT_FOR)


def _list(lines):
    return "\n".join(f"- {line}" for line in lines)


def _table(rows):
    """Return records as a Markdown table, with columns in the order of the keys of the first record."""
    if not rows:
        return ""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([_cell(row.get(name)) for name in rows[0]] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value):
    if value is None:
        return ""
    return f"{value:.{_DIGITS}f}" if isinstance(value, float) else str(value)


def _arguments(step):
    return ", ".join(f"{name}={_code(value)}" for name, value in step.get("parameters", {}).items())


def _code(value):
    return value if isinstance(value, (int, float, bool, type(None))) else json.dumps(value)


def _weights(entry):
    digests = ", ".join(digest[:12] for digest in entry.get("sha256", ()))
    return f"{entry['name']}: {entry['what']}. Licence: {entry['licence']}. SHA-256 {digests}."
