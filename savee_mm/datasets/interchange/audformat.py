"""Databases of audformat, in which files and segments have labels in tables."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from savee_mm.datasets._common import VIDEO_SUFFIXES, bunch_or_X_y, few, make_bunch, named_clips

if TYPE_CHECKING:
    import audformat

_OTHER_FILE = "video_file"  # column of the video, where it is not the file of the row
_KEPT_APART = ("audio", "video", "start", "end")


def load_audformat(
    database: "audformat.Database | str | os.PathLike[str]",
    *,
    target: str = "emotion",
    columns: Mapping[str, str] | None = None,
    return_X_y: bool = False,
) -> Any:
    """Load the files and segments of an audformat database that have a label.

    Parameters
    ----------
    database : audformat.Database or path-like
        A database, or the folder of one. Files that are not absolute start at its folder.
    target : str, default="emotion"
        Scheme, or column, of the classes. Rows without a value are left out.
    columns : mapping of str to str, default=None
        Schemes with other names than the columns of a clip table, such as ``{"sentence": "transcription"}``.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        As :func:`~savee_mm.load_table` returns it. ``data`` has ``start`` and ``end`` (s) if a table is segmented, and
        the values of the other schemes that are known for these rows: the labels of a scheme such as ``speaker``, and
        what the scheme says about them (``gender``, ``age``). A segment without an end lasts until the end of the file.

    Raises
    ------
    ImportError
        If audformat is not installed (extra ``interchange``).
    ValueError
        If no row has a value of ``target``, or tables contradict each other.

    Examples
    --------
    >>> from savee_mm import load_audformat, load_savee
    >>> from savee_mm.datasets import to_audformat
    >>> database = to_audformat(load_savee("SAVEE/"), name="savee")  # doctest: +SKIP
    >>> load_audformat(database).data.shape  # doctest: +SKIP
    (480, 5)
    """
    import audformat

    if not isinstance(database, audformat.Database):
        database = audformat.Database.load(os.fspath(database), num_workers=1)
    names = {own: name for name, own in (columns or {}).items()}
    others = [name for name in _names(database) if name != target]
    try:
        table = database.get(target, additional_schemes=others)
    except ValueError as error:
        raise ValueError(
            f"The tables of the database {database.name!r} cannot be joined: {error} Keep one table of {target!r} with "
            "Database.pick_tables."
        ) from error
    if target not in table or table[target].isna().all():
        raise ValueError(
            f"The database {database.name!r} has no value of {target!r}; its schemes are {few(database.schemes)}. Pass "
            "target=."
        )
    table = table[table[target].notna()].dropna(axis="columns", how="all").rename(columns=names)
    rows = _media(table, database.root)
    cells = table.drop(columns=[_OTHER_FILE], errors="ignore").reset_index(drop=True)
    data = pd.concat([rows, cells.drop(columns=target).astype(object).where(cells.notna(), None)], axis=1)
    descr = f"The audformat database {database.name!r}, {len(data)} clips. Source: {database.source or 'unknown'}.\n"
    return bunch_or_X_y(make_bunch(named_clips(data), cells[target], descr), return_X_y)


def _names(database):
    """Return the names of schemes and of columns without a scheme, and those that schemes give their labels."""
    names = dict.fromkeys(database.schemes)
    for table in database.tables.values():
        names |= dict.fromkeys(name for name in table.columns if table[name].scheme_id is None)
    for scheme in database.schemes.values():
        for described in scheme.labels.values() if isinstance(scheme.labels, dict) else ():
            names |= dict.fromkeys(described if isinstance(described, dict) else ())
    return list(names)


def _media(table, root):
    """Return the columns ``audio``, ``video``, and for segments ``start`` and ``end``, of the index of a table."""
    files = [str(file) for file in table.index.get_level_values("file")]
    paths = [file if os.path.isabs(file) or root is None else os.path.join(root, file) for file in files]
    others = table.get(_OTHER_FILE, pd.Series([None] * len(table)))
    is_video = [os.path.splitext(path)[1].lower() in VIDEO_SUFFIXES for path in paths]
    # A video has its sound in the same file.
    rows = pd.DataFrame(
        {
            "audio": pd.Series(paths, dtype=object),
            "video": pd.Series(
                [
                    path if video else (None if pd.isna(other) else str(other))
                    for path, video, other in zip(paths, is_video, others, strict=True)
                ],
                dtype=object,
            ),
        }
    )
    if "start" not in table.index.names:
        return rows
    start, end = (table.index.get_level_values(name) for name in ("start", "end"))
    whole = np.asarray(end.isna() & (start == pd.Timedelta(0)))
    seconds = end.total_seconds().to_numpy().copy()
    for i in np.flatnonzero(np.asarray(end.isna()) & ~whole):
        seconds[i] = _duration(paths[i])
    starts = np.where(whole, np.nan, start.total_seconds())
    return rows if whole.all() else rows.assign(start=starts, end=np.where(whole, np.nan, seconds))


def _duration(path):
    """Return the duration of a file (s), by its header."""
    import audiofile

    return audiofile.duration(path)


def to_audformat(bunch: Bunch, *, name: str, target: str = "emotion", source: str = "") -> "audformat.Database":
    """Make an audformat database of a corpus.

    Parameters
    ----------
    bunch : :class:`~sklearn.utils.Bunch`
        A corpus as loaders return it.
    name : str
        Name of the database.
    target : str, default="emotion"
        Name of the scheme and of the table of the classes.
    source : str, default=""
        Where the corpus is from.

    Returns
    -------
    database : audformat.Database
        One table with the classes and the other columns of the clip table, segmented if that has ``start`` and ``end``.
        Times are rounded to ns. ``database.save(folder)`` writes it.

    Raises
    ------
    ImportError
        If audformat is not installed (extra ``interchange``).
    ValueError
        If a clip has neither audio nor video, or two clips are one segment of one file.
    """
    import audformat

    data = bunch.data
    audio, video = (data.get(column, pd.Series([None] * len(data))) for column in ("audio", "video"))
    files = [a if isinstance(a, str) else v for a, v in zip(audio, video, strict=True)]
    if None in files or any(not isinstance(file, str) for file in files):
        raise ValueError("Some clips have neither audio nor video; leave them out.")
    apart = [v if isinstance(v, str) and v != file else None for v, file in zip(video, files, strict=True)]
    index = audformat.filewise_index(files)
    if {"start", "end"} <= set(data.columns):
        starts, ends = (pd.to_timedelta(data[column], unit="s") for column in ("start", "end"))
        index = audformat.segmented_index(files, starts.fillna(pd.Timedelta(0)), ends)
    if index.has_duplicates:
        raise ValueError(f"Two clips are one segment of {index[index.duplicated()][0]!r}; leave one of them out.")
    database = audformat.Database(name, source=source)
    labels = sorted(set(map(str, bunch.target)))
    database.schemes[target] = audformat.Scheme(audformat.define.DataType.STRING, labels=labels)
    table = database[target] = audformat.Table(index)
    table[target] = audformat.Column(scheme_id=target)
    table[target].set([str(label) for label in bunch.target])
    columns = {column: data[column] for column in data.columns if column not in _KEPT_APART}
    if any(value is not None for value in apart):
        columns[_OTHER_FILE] = pd.Series(apart, dtype=object)
    for column, values in columns.items():
        if column not in database.schemes:
            database.schemes[column] = audformat.Scheme(_data_type(values))
        table[column] = audformat.Column(scheme_id=column)
        table[column].set(_cells(values))
    return database


def _data_type(values):
    """Return the type of a scheme for the values of a column."""
    if pd.api.types.is_bool_dtype(values):
        return "bool"
    if pd.api.types.is_integer_dtype(values):
        return "int"
    return "float" if pd.api.types.is_float_dtype(values) else "str"


def _cells(values):
    numeric = pd.api.types.is_numeric_dtype(values)
    return [None if pd.isna(value) else value if numeric else str(value) for value in values]
