"""Shared by the corpus loaders: the files of a folder by clip, warnings, and the Bunch."""

import os
import warnings
from collections import Counter
from itertools import chain

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from savee_mm._validation import clip_names
from savee_mm.media import recording_suffixes

TABLE_COLUMNS = ("audio", "video", "speaker", "sentence", "clip_id")

# In the order of preference, for clips with several files.
AUDIO_SUFFIXES = (".wav", ".flac")
VIDEO_SUFFIXES = (".avi", ".mp4", ".flv", ".mov", ".mkv", ".mpg")
_PREFERENCE = (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES)
TEXT_SUFFIXES = {".txt", ".md", ".csv", ".json"}


def few(names, limit=5):
    """Return the first names, and how many more there are, as text."""
    names = [str(name) for name in names]
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def counted(number, noun):
    """Return a number and its noun, in the plural if it is not 1."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def media_kind(suffix):
    """Return "audio" or "video" for a suffix that the loaders read, None otherwise."""
    if suffix in AUDIO_SUFFIXES:
        return "audio"
    return "video" if suffix in VIDEO_SUFFIXES else None


def check_root(root, corpus, looked_for):
    """Return the folder of the corpus as a string; raise if there is none."""
    root = os.fspath(root)
    if not os.path.exists(root):
        here = "" if os.path.isabs(root) else f" in {os.getcwd()!r}"
        raise FileNotFoundError(f"There is no folder {root!r}{here}. Expected {corpus}: {looked_for}.")
    if not os.path.isdir(root):
        raise NotADirectoryError(f"{root!r} is a file. Pass the folder of {corpus}: {looked_for}.")
    return root


def describe_folder(folder):
    """Return the content of a folder as text, for an error message."""
    with os.scandir(folder) as entries:
        seen = sorted((entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith("."))
    folders = [name + "/" for name, is_dir in seen if is_dir]
    files = [name for name, is_dir in seen if not is_dir]
    parts = [
        f"{counted(len(names), noun)} ({few(names)})" for names, noun in ((folders, "folder"), (files, "file")) if names
    ]
    return " and ".join(parts) or "nothing, the folder is empty"


def subfolders(folder):
    """Return the names of the folders in ``folder``, sorted, without hidden ones."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def walk_folders(root):
    """Yield ``root`` and every folder below it, in order; links are followed, each folder is yielded once."""
    seen, waiting = set(), [root]
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real not in seen:
            seen.add(real)
            yield folder
            waiting.extend(os.path.join(folder, name) for name in reversed(subfolders(folder)))


class Survey:
    """Files of a corpus by clip and slot, and the files that are not clips.

    A slot is one kind of file of a clip (its sound, its video, ...). Of two files for one slot of one clip,
    ``first`` returns the one whose suffix comes first in AUDIO_SUFFIXES or VIDEO_SUFFIXES, then the one with the
    shorter path; ``messages`` reports them.
    """

    def __init__(self, root):
        self.root = root
        self.foreign = []
        self._files = {}

    @property
    def keys(self):
        """Sorted keys of the clips."""
        return sorted({key for key, _ in self._files})

    def scan(self, folder, parse):
        """Add the files of one folder.

        Parameters
        ----------
        folder : str
            Folder to list, without its subfolders.
        parse : callable
            ``parse(stem, suffix)``, with the suffix in lower case, returns ``(key, slot)``, or None for a file
            that is not a clip of the corpus.

        Returns
        -------
        n_clips : int
            Number of files of clips.
        """
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file() and entry.name[0] != ".")
        n_clips, others = 0, []
        for name in names:
            stem, suffix = os.path.splitext(name)
            found = parse(stem, suffix.lower())
            if found is None:
                others.append((os.path.join(folder, name), suffix.lower()))
            else:
                n_clips += 1
                self._files.setdefault(found, []).append(os.path.join(folder, name))
        # In a folder with clips any other file is unexpected; in other folders (scripts) only media are.
        self.foreign += [
            path
            for path, suffix in others
            if suffix in recording_suffixes() or (n_clips and suffix not in TEXT_SUFFIXES)
        ]
        return n_clips

    def first(self, key, *slots):
        """Return the path of a clip in the first slot that has one, or None."""
        for slot in slots:
            if (key, slot) in self._files:
                return min(self._files[key, slot], key=_preference)
        return None

    def relative(self, paths):
        """Return the paths relative to the folder of the corpus."""
        return [os.path.relpath(path, self.root) for path in paths]

    def messages(self):
        """Return warnings about the files, one for each kind of problem."""
        messages = []
        if self.foreign:
            messages.append(
                f"{counted(len(self.foreign), 'file')} in {self.root!r} not named as a clip of the corpus, "
                f"left out: {few(self.relative(self.foreign))}."
            )
        several = [sorted(paths, key=_preference) for paths in self._files.values() if len(paths) > 1]
        if several:
            pairs = [" over ".join(self.relative(paths)) for paths in sorted(several)]
            messages.append(
                f"{counted(len(several), 'clip')} in {self.root!r} with more than one file, of which one is used: "
                f"{few(pairs, 3)}."
            )
        return messages


def _preference(path):
    suffix = os.path.splitext(path)[1].lower()
    rank = _PREFERENCE.index(suffix) if suffix in _PREFERENCE else len(_PREFERENCE)
    return rank, path.count(os.sep), len(path), path


def nothing_found(survey, corpus, looked_for, hint=""):
    """Return the ValueError for a folder without clips of the corpus."""
    others = f" Media files with other names: {few(survey.relative(survey.foreign))}." if survey.foreign else ""
    return ValueError(
        f"No clip of {corpus} in {survey.root!r}. Expected {looked_for}. "
        f"Found {describe_folder(survey.root)}.{others}{hint}"
    )


def incomplete(corpus, root, speakers, expected):
    """Return a warning that clips of a corpus are missing, with counts by speaker; None if it is complete.

    Parameters
    ----------
    corpus, root : str
        Name and folder of the corpus.
    speakers : iterable of str
        Speaker of each clip.
    expected : dict of str to int
        Number of clips in the complete corpus, by speaker.
    """
    found = Counter(speakers)
    if all(found[speaker] >= number for speaker, number in expected.items()):
        return None
    absent = [speaker for speaker in expected if not found[speaker]]
    partial = [f"{s} {found[s]} of {n}" for s, n in expected.items() if 0 < found[s] < n]
    whole = [f"{s} {found[s]}" for s, n in expected.items() if found[s] >= n]
    parts = (("none of", absent), ("in part:", partial), ("whole:", whole))
    return (
        f"{corpus} has {sum(expected.values())} clips by {counted(len(expected), 'speaker')}; "
        f"found {found.total()} in {root!r} ("
        + "; ".join(f"{label} {few(names, 6)}" for label, names in parts if names)
        + ")."
    )


def missing_modalities(rows, root):
    """Return a warning about clips without audio or video in a corpus that has both; None if there are none."""
    parts = []
    for column in ("audio", "video"):
        names = [row["clip_id"] for row in rows if row[column] is None]
        if len(names) == len(rows):
            return None  # a corpus of one modality
        if names:
            parts.append(f"{counted(len(names), 'clip')} without {column} ({few(names)})")
    return f"{' and '.join(parts)} of {len(rows)} in {root!r}." if parts else None


def warn_each(messages, stacklevel=3):
    """Issue each message that is not None as a warning, by default at the line that called the caller."""
    for message in messages:
        if message is not None:
            warnings.warn(message, UserWarning, stacklevel=stacklevel)


def make_bunch(data, target, descr, language=None):
    """Return the Bunch of a clip table and its classes.

    Parameters
    ----------
    data : DataFrame or list of dict
        The clips, with at least ``audio``, ``video`` and ``clip_id``.
    target : sequence of str, length n_clips
        Class of each clip.
    descr : str
        Description of the corpus.
    language : str, default=None
        Spoken language, where all clips have one.

    Returns
    -------
    bunch : Bunch
        ``data``, ``target``, ``groups``, ``target_names``, ``DESCR``, and ``language`` if it is known; ``groups`` is
        None for a table without a speaker column.
    """
    data = pd.DataFrame(data)
    leading = [column for column in TABLE_COLUMNS if column in data.columns]
    data = data[list(dict.fromkeys(chain(leading, data.columns)))].reset_index(drop=True)
    for column in leading:
        # The same dtype in pandas 2 and 3, with None for a missing file.
        data[column] = pd.Series(_none_for_missing(data[column]), dtype=object)
    target = np.array([str(value) for value in target])
    return Bunch(
        data=data,
        target=target,
        groups=np.array(data["speaker"].tolist(), dtype=str) if "speaker" in data.columns else None,
        target_names=sorted(set(target.tolist())),
        DESCR=descr,
        **({} if language is None else {"language": language}),
    )


def bunch_or_X_y(bunch, return_X_y):
    """Return a Bunch, or its clip table and classes."""
    return (bunch.data, bunch.target) if return_X_y else bunch


def _none_for_missing(column):
    return [None if missing else value for value, missing in zip(column, column.isna(), strict=True)]


def named_clips(table):
    """Return a clip table with the columns ``audio``, ``video`` and ``clip_id``, as far as they are missing.

    Parameters
    ----------
    table : DataFrame
        The clips, with paths in ``audio``, ``video`` or both.

    Returns
    -------
    table : DataFrame
        A copy. A clip is named by its file and the times of a segment; files of one name in several folders also by
        the folder.
    """
    table = table.copy()
    for column in ("audio", "video"):
        if column not in table:
            table[column] = pd.Series([None] * len(table), index=table.index, dtype=object)
    if "clip_id" not in table:
        files = table["audio"].where(table["audio"].notna(), table["video"])
        names = clip_names(table.assign(file=files), "file")
        if len(set(names)) < len(names):
            folders = [os.path.basename(os.path.dirname(str(file))) for file in files]
            names = [f"{folder}_{name}" for folder, name in zip(folders, names, strict=True)]
        table["clip_id"] = names
    return table
