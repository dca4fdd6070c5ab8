"""Behavioural audio and video in a BIDS dataset (BEP047)."""

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from savee_mm.datasets._common import bunch_or_X_y, check_root, few, make_bunch, named_clips
from savee_mm.media import recording_suffixes

_SUFFIXES = {"audio": ("audio",), "video": ("video",), "audiovideo": ("audio", "video")}
_ENTITY = re.compile(r"([A-Za-z]+)-([A-Za-z0-9+]+)")
# Entities that distinguish recordings of one run.
_RECORDING = ("recording", "split")


def load_bids(
    root: str | os.PathLike[str],
    *,
    target: str = "emotion",
    columns: Mapping[str, str] | None = None,
    recording: str | None = None,
    return_X_y: bool = False,
) -> Any:
    """Load behavioural audio and video recordings of a BIDS dataset.

    Parameters
    ----------
    root : path-like
        Folder of the dataset, with ``sub-<label>/[ses-<label>/]beh/``.
    target : str, default="emotion"
        Column of the classes: in the events of a run (``_events.tsv``), each of which is a clip, or else in the table
        of recordings (``_scans.tsv``), for whole files.
    columns : mapping of str to str, default=None
        Columns with other names than those of a clip table, such as ``{"sentence": "stim_id"}``.
    recording : str, default=None
        Label of the entity ``recording``, such as one of several cameras. When None, the first one of each run.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        As :func:`~savee_mm.load_table` returns it. ``data`` has ``start`` and ``end`` (s in the recording) for events,
        the entities (``session``, ``task``, ``run``), the other columns of the events, and those of
        ``participants.tsv`` (``age``, ``sex``). ``speaker`` is the label of the subject.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder.
    ValueError
        If there is no recording, or no clip with a class.

    Warns
    -----
    UserWarning
        If audio and video of a run start at different times, and the video is left out.

    Notes
    -----
    Events are on the clock of the run, which starts with its first recording. If ``_scans.tsv`` has the times at which
    recordings were started (``acq_time``), later ones are read earlier by the difference.

    References
    ----------
    BIDS extension proposal 47, audio and video recordings of behaviour, draft of 2026.

    Examples
    --------
    >>> from savee_mm import load_bids
    >>> load_bids("dataset/", target="trial_type").data.columns.tolist()  # doctest: +SKIP
    ['audio', 'video', 'speaker', 'clip_id', 'start', 'end', 'task', 'run', 'age', 'sex']
    """
    root = Path(check_root(root, "a BIDS dataset", "sub-<label>/beh/sub-<label>_task-<label>_audio.wav"))
    runs = _find_runs(root, recording)
    if not runs:
        raise ValueError(
            f"No recording in {str(root)!r}; expected sub-<label>/[ses-<label>/]beh/*_audio.* or *_video.*."
        )
    names = {own: name for name, own in (columns or {}).items()}
    clips = [clip for run in runs.values() for clip in _clips_of_run(run, target)]
    table = pd.DataFrame(clips).rename(columns=names)
    if not clips or target not in table or table[target].isna().all():
        raise ValueError(
            f"No clip of {str(root)!r} has a class: expected a column {target!r} in the events (_events.tsv) or scans "
            f"(_scans.tsv); the columns are {few(table.columns, 20)}. Pass target=."
        )
    table = table[table[target].notna()].dropna(axis="columns", how="all").reset_index(drop=True)
    people = _read_tsv(root / "participants.tsv")
    if "participant_id" in people:
        people = people.assign(speaker=people.pop("participant_id").str.removeprefix("sub-"))
        new = [name for name in people if name not in table.columns or name == "speaker"]
        table = table.merge(people[new], on="speaker", how="left")
    table = named_clips(table)
    descr = f"The BIDS dataset {root.name!r}, {len(table)} clips in {len(runs)} runs.\n"
    return bunch_or_X_y(make_bunch(table.drop(columns=target), table[target], descr), return_X_y)


def _find_runs(root, recording):
    """Return the files of each run, by folder and entities."""
    runs = {}
    for path in sorted(root.glob("sub-*/**/beh/*")):
        stem, suffix = path.name.split(".")[0], path.suffix.lower()
        kind = stem.rpartition("_")[2]
        entities = dict(_ENTITY.findall(stem))
        is_media = kind in _SUFFIXES and suffix in recording_suffixes()
        if not (is_media or path.name.endswith("_events.tsv")) or "sub" not in entities:
            continue
        key = (path.parent, *(pair for pair in entities.items() if pair[0] not in _RECORDING))
        run = runs.setdefault(key, {"entities": entities, "media": [], "events": None})
        if not is_media:
            run["events"] = path
        elif recording is None or entities.get("recording", recording) == recording:
            run["media"].append((path, kind))
    return {key: run for key, run in runs.items() if run["media"]}


def _clips_of_run(run, target):
    """Return the clips of a run as dicts: its events, or its whole recordings."""
    scans = _scans(run["media"][0][0])
    media = {}
    for path, kind in run["media"]:
        for column in _SUFFIXES[kind]:
            media.setdefault(column, path)
    offsets = {column: _offset(path, run["media"], scans) for column, path in media.items()}
    if len(set(offsets.values())) > 1:
        first, second = (path.name for path in media.values())
        message = f"{first} and {second} start at different times; the video is left out."
        warnings.warn(message, UserWarning, stacklevel=4)
        del media["video"]
    long_names = {"sub": "speaker", "ses": "session"}
    clip = {long_names.get(name, name): label for name, label in run["entities"].items() if name not in _RECORDING}
    clip |= {column: str(path) for column, path in media.items()}
    events = _read_tsv(run["events"]) if run["events"] is not None else pd.DataFrame()
    if target in events:
        offset = offsets[next(iter(media))]
        clips = []
        for event in events[events[target].notna()].to_dict("records"):
            onset, duration = event.pop("onset"), event.pop("duration")
            if onset is None or duration is None:
                raise ValueError(
                    f"An event of {str(run['events'])!r} has no onset or duration; fill it in, or delete it."
                )
            start, duration = float(onset) - offset, float(duration)
            clips.append({**clip, **event, "start": start, "end": start + duration})
        return clips
    row = scans.get(next(iter(media.values())).name, {})
    return [{**clip, **{name: value for name, value in row.items() if name not in ("filename", "acq_time")}}]


def _offset(path, media, scans):
    """Return the time (s) from the start of the first recording of a run to the start of another."""
    starts = {other: pd.to_datetime(scans.get(other.name, {}).get("acq_time")) for other, _ in media}
    if any(pd.isna(start) for start in starts.values()):
        return 0.0
    return (starts[path] - min(starts.values())).total_seconds()


def _scans(path):
    """Return the rows of the table of scans above a folder ``beh``, by the names of files."""
    folder = path.parent.parent
    tables = [_read_tsv(file) for file in folder.glob("*_scans.tsv")]
    rows = [row for table in tables if "filename" in table for row in table.to_dict("records")]
    return {Path(row["filename"]).name: row for row in rows}


def _read_tsv(path):
    """Return a table of BIDS with None for ``n/a``; empty if there is no file."""
    if not path.is_file():
        return pd.DataFrame()
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, na_values=["n/a", ""])
    return table.astype(object).where(table.notna(), None)
