"""A loader for corpora whose clips are described by file names, and by labels in text files."""

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
from sklearn.utils import Bunch

from savee_mm.datasets._common import (
    Survey,
    check_root,
    counted,
    few,
    incomplete,
    make_bunch,
    media_kind,
    missing_modalities,
    nothing_found,
    walk_folders,
    warn_each,
)


@dataclass(frozen=True)
class Scheme:
    """How the clips of a corpus are named.

    Parameters
    ----------
    corpus, descr, language : str
        Name, description and spoken language.
    looked_for : str
        What is expected in the folder, for messages.
    pattern : re.Pattern
        Matches the whole stem of the file of a clip.
    describe : callable
        ``describe(match) -> dict`` with ``clip_id``, ``speaker``, ``sentence``, other columns, and ``target`` where the
        name has the class.
    expected : dict of str to int or None
        Number of clips in the complete corpus, by speaker; None where a complete corpus has no known number.
    has_sound : bool
        Whether the sound of a clip without a sound file is in its video.
    """

    corpus: str
    descr: str
    language: str
    looked_for: str
    pattern: re.Pattern
    describe: Callable[[re.Match], dict]
    expected: Mapping[str, int] | None = None
    has_sound: bool = False


def load_scheme(
    root: str | os.PathLike[str],
    scheme: Scheme,
    read_labels: Callable[[str], dict[str, dict]] | None = None,
    prefix: Callable[[str], str | None] = lambda folder: "",
) -> Bunch:
    """Load a corpus as a clip table.

    Parameters
    ----------
    root : path-like
        Folder of the corpus; its files are found in all folders below it.
    scheme : Scheme
        How the clips are named.
    read_labels : callable, default=None
        ``read_labels(root)`` returns by ``clip_id`` more columns and the ``target``. Clips without an entry are left
        out, with a warning.
    prefix : callable
        ``prefix(folder)`` returns what is put ahead of the ``clip_id`` of its clips, or None if it has no clips.

    Returns
    -------
    bunch : Bunch
        As of the loaders. Keys of the labels that begin with an underscore are the columns of ``bunch.ratings``.
    """
    root = check_root(root, scheme.corpus, scheme.looked_for)
    survey = Survey(root)
    described: dict[str, dict] = {}
    for folder in walk_folders(root):
        survey.scan(folder, _parser(scheme, prefix(folder), described))
    if not survey.keys:
        raise nothing_found(survey, scheme.corpus, scheme.looked_for)
    labels = None if read_labels is None else read_labels(root)
    rows, unlabelled = [], []
    for clip in survey.keys:
        own = {} if labels is None else labels.get(clip)
        if own is None:
            unlabelled.append(clip)
        else:
            rows.append(_files(survey, clip, scheme.has_sound) | described[clip] | own)
    if not rows:
        raise ValueError(f"None of the {len(unlabelled)} clips of {scheme.corpus} in {root!r} has a label.")
    speakers = [row["speaker"] for row in rows]
    warn_each(
        [
            None if scheme.expected is None else incomplete(scheme.corpus, root, speakers, scheme.expected),
            _without_label(unlabelled, scheme.corpus),
            _without_file(labels, survey.keys, scheme.corpus),
            missing_modalities(rows, root),
            *survey.messages(),
        ],
        stacklevel=4,
    )
    return _make_bunch(rows, scheme)


def read_text(path):
    """Return the content of a text file; corpora of the time before UTF-8 have a few characters of Windows."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _parser(scheme, prefix, described):
    """Return the parse function of :meth:`Survey.scan` that notes what names say in ``described``."""

    def parse(stem, suffix):
        match, kind = scheme.pattern.fullmatch(stem), media_kind(suffix)
        if match is None or kind is None or prefix is None:
            return None
        row = scheme.describe(match)
        row["clip_id"] = prefix + row["clip_id"]
        described[row["clip_id"]] = row
        return row["clip_id"], kind

    return parse


def _files(survey, clip, has_sound):
    return {
        "audio": survey.first(clip, "audio", *(["video"] if has_sound else [])),
        "video": survey.first(clip, "video"),
    }


def _make_bunch(rows, scheme):
    ratings = pd.DataFrame([{k.removeprefix("_"): v for k, v in row.items() if k.startswith("_")} for row in rows])
    table = [{k: v for k, v in row.items() if k != "target" and not k.startswith("_")} for row in rows]
    bunch = make_bunch(table, [row["target"] for row in rows], scheme.descr, scheme.language)
    if len(ratings.columns):
        bunch.ratings = ratings
    return bunch


def _without_label(clips, corpus):
    if not clips:
        return None
    return f"{counted(len(clips), 'clip')} of {corpus} without a label, left out: {few(clips)}."


def _without_file(labels, clips, corpus):
    missing = sorted(set(labels or ()) - set(clips))
    if not missing:
        return None
    return f"{counted(len(missing), 'label')} of {corpus} without a file ({len(labels)} in all): {few(missing)}."


def by_speaker(text):
    """Return the number of clips by speaker from a text such as ``"03 49, 08 58"``."""
    return Counter({name: int(number) for name, number in (item.split() for item in text.split(","))})
