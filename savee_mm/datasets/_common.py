"""What the corpus loaders share: the survey of a folder's files by clip, its warnings, and the Bunch."""

import os
import warnings
from collections import Counter
from itertools import chain

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

TABLE_COLUMNS = ("audio", "video", "speaker", "sentence", "clip_id")

# The order is the order of preference where one clip has several files.
AUDIO_SUFFIXES = (".wav", ".flac")
VIDEO_SUFFIXES = (".avi", ".mp4", ".flv", ".mov", ".mkv", ".mpg")
_PREFERENCE = (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES)
# What a listener would take for a clip: worth a word wherever it lies, also where no loader reads it.
_MEDIA_SUFFIXES = {*_PREFERENCE, ".mp3", ".m4a", ".ogg", ".aac", ".aif", ".aiff", ".webm", ".mpeg", ".wmv"}
_SILENT_SUFFIXES = {".txt", ".md", ".csv", ".json"}


def few(names, limit=5):
    """Write out the first names and how many more there are."""
    names = [str(name) for name in names]
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def counted(number, noun):
    """Write a number before its noun, the noun in the plural where it must be."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def media_kind(suffix):
    """Return "audio" or "video" for a suffix that the loaders read, None for any other."""
    if suffix in AUDIO_SUFFIXES:
        return "audio"
    return "video" if suffix in VIDEO_SUFFIXES else None


def check_root(root, corpus, looked_for):
    """Return the corpus's folder as a string, or raise where there is none."""
    root = os.fspath(root)
    if not os.path.exists(root):
        here = "" if os.path.isabs(root) else f" in {os.getcwd()!r}"
        raise FileNotFoundError(f"There is no folder {root!r}{here}. Looked for {corpus}: {looked_for}.")
    if not os.path.isdir(root):
        raise NotADirectoryError(f"{root!r} is a file. Pass the folder of {corpus}: {looked_for}.")
    return root


def describe_folder(folder):
    """Say what a folder holds, for an error message."""
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
    """Yield ``root`` and every folder below it, in order; links are followed, each folder is seen once."""
    seen, waiting = set(), [root]
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real not in seen:
            seen.add(real)
            yield folder
            waiting.extend(os.path.join(folder, name) for name in reversed(subfolders(folder)))


class Survey:
    """The files of a corpus by clip and slot, and those that fit nowhere.

    A slot is one kind of file that a clip may have (its sound, its video, ...). Two files for one slot of one
    clip are doubles: ``first`` prefers the suffix that comes first in AUDIO_SUFFIXES or VIDEO_SUFFIXES, then
    the shorter path, and ``messages`` says so.
    """

    def __init__(self, root):
        self.root = root
        self.foreign = []
        self._files = {}

    @property
    def keys(self):
        """Keys of the clips found, sorted."""
        return sorted({key for key, _ in self._files})

    def scan(self, folder, parse):
        """Read the names of the files in one folder.

        Parameters
        ----------
        folder : str
            Folder to list; the folders in it are not entered.
        parse : callable
            ``parse(stem, suffix)`` with the suffix in lower case returns ``(key, slot)``, or None for a file
            that is no clip of the corpus.

        Returns
        -------
        n_clips : int
            Number of files that are clips.
        """
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file() and entry.name[0] != ".")
        n_clips, strangers = 0, []
        for name in names:
            stem, suffix = os.path.splitext(name)
            found = parse(stem, suffix.lower())
            if found is None:
                strangers.append((os.path.join(folder, name), suffix.lower()))
            else:
                n_clips += 1
                self._files.setdefault(found, []).append(os.path.join(folder, name))
        # Beside clips any file is in the wrong place; elsewhere (a repository's scripts) only media are.
        self.foreign += [
            path
            for path, suffix in strangers
            if suffix in _MEDIA_SUFFIXES or (n_clips and suffix not in _SILENT_SUFFIXES)
        ]
        return n_clips

    def first(self, key, *slots):
        """Return the path for a clip from the first of the slots that has one, or None."""
        for slot in slots:
            if (key, slot) in self._files:
                return min(self._files[key, slot], key=_preference)
        return None

    def relative(self, paths):
        """Return the paths as seen from the corpus's folder."""
        return [os.path.relpath(path, self.root) for path in paths]

    def messages(self):
        """Return what should be said about the files: one message a kind."""
        messages = []
        if self.foreign:
            messages.append(
                f"{counted(len(self.foreign), 'file')} in {self.root!r} not named as a clip of the corpus, "
                f"left out: {few(self.relative(self.foreign))}."
            )
        doubles = [sorted(paths, key=_preference) for paths in self._files.values() if len(paths) > 1]
        if doubles:
            pairs = [" over ".join(self.relative(paths)) for paths in sorted(doubles)]
            messages.append(
                f"{counted(len(doubles), 'clip')} in {self.root!r} with more than one file, one was taken: "
                f"{few(pairs, 3)}."
            )
        return messages


def _preference(path):
    suffix = os.path.splitext(path)[1].lower()
    rank = _PREFERENCE.index(suffix) if suffix in _PREFERENCE else len(_PREFERENCE)
    return rank, path.count(os.sep), len(path), path


def nothing_found(survey, corpus, looked_for, hint=""):
    """Return the ValueError for a folder without one clip of the corpus."""
    strange = f" Media files with other names: {few(survey.relative(survey.foreign))}." if survey.foreign else ""
    return ValueError(
        f"No clip of {corpus} in {survey.root!r}. Looked for {looked_for}. "
        f"Found {describe_folder(survey.root)}.{strange}{hint}"
    )


def incomplete(corpus, root, speakers, expected):
    """Say that clips of a corpus are missing, with the counts by speaker, or return None.

    Parameters
    ----------
    corpus, root : str
        Name of the corpus and its folder.
    speakers : iterable of str
        Speaker of each clip found.
    expected : dict of str to int
        Number of clips that the whole corpus has, by speaker.
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


def lacking(rows, root):
    """Say which clips have no audio or no video where the corpus has both, or return None."""
    parts = []
    for column in ("audio", "video"):
        names = [row["clip_id"] for row in rows if row[column] is None]
        if len(names) == len(rows):
            return None  # A corpus of one modality lacks nothing.
        if names:
            parts.append(f"{counted(len(names), 'clip')} without {column} ({few(names)})")
    return f"{' and '.join(parts)} of {len(rows)} in {root!r}." if parts else None


def warn_each(messages):
    """Warn once for each message that is not None, at the line that called the loader."""
    for message in messages:
        if message is not None:
            warnings.warn(message, UserWarning, stacklevel=3)


def make_bunch(data, target, descr):
    """Put a clip table and its classes together.

    Parameters
    ----------
    data : DataFrame or list of dict
        The clips, with at least ``audio``, ``video`` and ``clip_id``.
    target : sequence of str, length n_clips
        Class of each clip.
    descr : str
        What the corpus is.

    Returns
    -------
    bunch : Bunch
        ``data``, ``target``, ``groups``, ``target_names``, ``DESCR``; ``groups`` is None for a table without
        a speaker column.
    """
    data = pd.DataFrame(data)
    leading = [column for column in TABLE_COLUMNS if column in data.columns]
    data = data[list(dict.fromkeys(chain(leading, data.columns)))].reset_index(drop=True)
    for column in leading:
        # The same dtype under pandas 2 and 3, with None for a missing file.
        data[column] = pd.Series(_none_for_missing(data[column]), dtype=object)
    target = np.array([str(value) for value in target])
    return Bunch(
        data=data,
        target=target,
        groups=np.array(data["speaker"].tolist(), dtype=str) if "speaker" in data.columns else None,
        target_names=sorted(set(target.tolist())),
        DESCR=descr,
    )


def _none_for_missing(column):
    return [None if missing else value for value, missing in zip(column, column.isna(), strict=True)]
