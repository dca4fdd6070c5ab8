"""Store of finished folds, which are not trained again."""

import hashlib
import json
import os
import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from savee_mm._files import claim, write_atomically
from savee_mm._validation import Segment
from savee_mm._version import __version__
from savee_mm.evaluation._describe import describe, describe_value
from savee_mm.features._base import KERNEL_VERSION

# Part of every key; increase it when the content of a fold changes.
_FORMAT = 2
_PATH_COLUMNS = ("audio", "video")
_PLACE = ("system", "protocol", "seed", "fold")


class Job(NamedTuple):
    """One fold of one system, with the rows of its training and test clips."""

    system: str
    estimator: Any
    protocol: str
    seed: int
    fold: int
    train: np.ndarray
    test: np.ndarray


class NoFolds:
    """Store that keeps nothing."""

    def get(self, job):
        """Return None."""

    def put(self, job, columns):
        """Do nothing."""

    def claim(self, job):
        """Return a context manager that yields True."""
        return nullcontext(True)


class FoldFolder:
    """Test predictions of finished folds, one JSON file each.

    The key of a fold is everything that it depends on: name, class and parameters of the system (see
    :func:`~savee_mm.evaluation._describe.describe`), versions of library and extractors, protocol, seed and number of
    the fold, and the clips and labels of both sides in their order. A clip is described by its row of the table, with
    file names and sizes in place of paths: a corpus may be moved, and clips of two corpora with equal ``clip_id``
    differ.

    Parameters
    ----------
    folder : path-like
        Created where it is missing.
    X : DataFrame, ndarray or list of length n_clips
        The clips.
    y : ndarray of shape (n_clips,)
        Their classes.
    """

    def __init__(self, folder, X, y):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._clips = _describe_rows(X, y)

    def get(self, job):
        """Return the columns of a job, or None if they are missing, damaged or those of another job."""
        path, key = self._locate(job)
        content = _read(path)
        return content["columns"] if content is not None and _digest(content["key"]) == _digest(key) else None

    def put(self, job, columns):
        """Keep ``columns``, a dict of lists; other processes never read a partial file."""
        path, key = self._locate(job)
        with write_atomically(path) as file:
            content = {"key": key, "columns": columns, "checksum": _digest([key, columns])}
            file.write(json.dumps(content, indent=1).encode())

    def claim(self, job):
        """Return a context manager that yields whether no other process works on the job; it keeps others off."""
        path, _ = self._locate(job)
        return claim(path.with_suffix(".claim"))

    def _locate(self, job):
        """Return the job's file and its key."""
        key = {
            "format": _FORMAT,
            "savee_mm": __version__,
            "extractors": KERNEL_VERSION,
            "system": job.system,
            "estimator": describe(job.estimator),
            "protocol": job.protocol,
            "seed": int(job.seed),
            "fold": job.fold,
            "train": _digest([self._clips[row] for row in job.train]),
            "test": _digest([self._clips[row] for row in job.test]),
        }
        title = re.sub(r"[^\w.+-]+", "_", f"{job.system}-{job.protocol}-seed{job.seed}-fold{job.fold}")
        return self.folder / f"{title[:100]}-{_digest(key)}.json", key


def open_folds(folder, X, y):
    """Return the store of finished folds: a folder, or one that keeps nothing when ``folder`` is None."""
    return NoFolds() if folder is None else FoldFolder(folder, X, y)


def read_folds(folder):
    """Return the predictions of all finished folds in a folder.

    Parameters
    ----------
    folder : path-like
        Folder of a FoldFolder.

    Returns
    -------
    predictions : DataFrame
        As an EvaluationReport takes them, ordered by system, protocol, seed and fold.

    Raises
    ------
    ValueError
        If there are no folds, or if the folds of one system, protocol and seed differ in parameters, clips or version.
    """
    kept = [content for path in sorted(Path(folder).glob("*.json")) if (content := _read(path)) is not None]
    if not kept:
        raise ValueError(
            f"{folder} holds no finished folds; evaluate(..., folder=...) and `savee-mm evaluate --folder` write them."
        )
    kept.sort(key=lambda content: [content["key"][name] for name in _PLACE])
    settings, places = {}, set()
    for key in (content["key"] for content in kept):
        place = tuple(key[name] for name in _PLACE)
        setting = json.dumps([key["savee_mm"], key.get("extractors"), key["estimator"]], sort_keys=True)
        if place in places or settings.setdefault(place[:-1], setting) != setting:
            raise ValueError(
                f"{folder} holds folds of {key['system']!r}, protocol {key['protocol']!r}, seed {key['seed']}, that "
                "were made in different ways (parameters, clips, or version of the library). Keep one kind, and move "
                "the other files out of the folder; the key in each file has the parameters and the version."
            )
        places.add(place)
    frames = [
        pd.DataFrame(content["columns"]).assign(**{name: content["key"][name] for name in _PLACE}) for content in kept
    ]
    return pd.concat(frames, ignore_index=True)


def _read(path):
    """Return the content of the file of a fold, or None if it cannot be read or its checksum does not hold."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        checksum = _digest([content["key"], content["columns"]])
        # Earlier versions wrote no checksum.
        holds = content.get("checksum", checksum) == checksum
        return content if holds and content["key"]["format"] == _FORMAT and content["columns"] else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _describe_rows(X, y):
    """Return each clip and its label as plain data."""
    if isinstance(X, pd.DataFrame):
        table = X if "clip_id" in X else X.assign(clip_id=X.index)
        rows = [{name: _describe_cell(name, cell) for name, cell in row.items()} for row in table.to_dict("records")]
    else:
        rows = [_describe_cell("audio", item) for item in X]
    return [[describe_value(row), label] for row, label in zip(rows, y.tolist(), strict=True)]


def _describe_cell(column, value):
    if isinstance(value, Segment):
        return [*_describe_cell("audio", value.path), value.start, value.end]
    if column not in _PATH_COLUMNS or not isinstance(value, str | os.PathLike):
        return value
    path = Path(value)
    return [path.name, path.stat().st_size if path.is_file() else None]


def _digest(data):
    return hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), digest_size=20).hexdigest()
