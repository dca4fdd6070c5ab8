"""Anybody's own corpus, as a CSV file or a DataFrame."""

import os
from collections import Counter

import pandas as pd
from sklearn.utils import Bunch

from savee_mm.datasets._common import few, make_bunch

_PATHS = ("audio", "video")
_NAMES = ("speaker", "sentence", "clip_id")

DESCR = "A corpus of the user's own, {n_clips} clips from {source}. Licence and origin: ask who made it.\n"


def load_table(path: str | os.PathLike[str] | pd.DataFrame, *, target: str = "emotion") -> Bunch:
    """Load a table of clips of any corpus.

    Parameters
    ----------
    path : str, path-like or DataFrame
        A CSV file (``.tsv``: tabs) with one row a clip, or the table itself. Columns: the one that
        ``target`` names, ``audio`` or ``video`` or both (paths; a cell may be empty where the other is
        not), and, as they are known, ``speaker``, ``sentence`` (one id a text) and ``clip_id`` (one id a
        clip; copies and excerpts of one recording share theirs, which keeps them on one side of a split by
        clip). Other columns pass through. Relative paths start at the CSV file's folder, those of a
        DataFrame at the working directory.
    target : str, default="emotion"
        Name of the column with the class.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : DataFrame, shape (n_clips, n_columns)
            The rows in their order, index 0 to n_clips - 1: ``audio`` and ``video`` (None where there is no
            file; both columns are always there), ``speaker`` and ``sentence`` where given, ``clip_id`` (where
            not given, the stem of the audio file, else of the video), then the other columns, ``target``'s
            among them.
        target : ndarray of str, shape (n_clips,)
            The class.
        groups : ndarray of str, shape (n_clips,), or None
            The speaker; None where the table has no column ``speaker``.
        target_names : list of str
            Classes that occur, sorted.
        DESCR : str
            Where the table came from.

    Raises
    ------
    FileNotFoundError
        Where there is no such CSV file.
    ValueError
        Where a needed column is missing, the table has no row, a clip has neither file, a file does not
        exist, a class, speaker, sentence or clip_id is empty, or, without a column ``clip_id``, two files have one
        stem.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from savee_mm import load_table
    >>> folder = tempfile.TemporaryDirectory()
    >>> for name in ("one.wav", "two.wav"):
    ...     pathlib.Path(folder.name, name).touch()
    >>> csv = pathlib.Path(folder.name, "clips.csv")
    >>> _ = csv.write_text("audio,speaker,emotion\\none.wav,ann,joy\\ntwo.wav,bob,anger\\n")
    >>> corpus = load_table(csv)
    >>> corpus.data["clip_id"].tolist(), corpus.target.tolist(), corpus.groups.tolist()
    (['one', 'two'], ['joy', 'anger'], ['ann', 'bob'])
    >>> folder.cleanup()
    """
    table, folder, source = _read(path, target)
    _check_columns(table, target, source)
    for column in _PATHS:
        table[column] = _paths(table, column, folder)
    _check_files(table, source)
    if "clip_id" not in table.columns:
        table["clip_id"] = stems = [
            os.path.splitext(os.path.basename(audio or video))[0]
            for audio, video in zip(table["audio"], table["video"], strict=True)
        ]
        _check_unique(stems, source)
    for column in dict.fromkeys((target, *_NAMES)):
        if column in table.columns:
            remedy = "." if column == target else ", or leave the whole column out."
            table[column] = _filled(table, column, source, remedy)
    return make_bunch(table, table[target], DESCR.format(n_clips=len(table), source=source))


def _read(path, target):
    """Return a table of one's own, the folder that its paths start from, and what to call it."""
    if isinstance(path, pd.DataFrame):
        return path.reset_index(drop=True), "", "the DataFrame"
    path = os.fspath(path)
    if not os.path.isfile(path):
        here = "" if os.path.isabs(path) else f" in {os.getcwd()!r}"
        raise FileNotFoundError(f"There is no file {path!r}{here}. Expected a CSV file with one row a clip.")
    try:
        table = pd.read_csv(
            path,
            sep="\t" if path.lower().endswith(".tsv") else ",",
            encoding="utf-8-sig",  # Spreadsheets put a byte-order mark in front.
            skipinitialspace=True,
            # A speaker "007" keeps its zeros, an emotion "none" is no missing value.
            dtype=dict.fromkeys((*_PATHS, *_NAMES, target), str),
            keep_default_na=False,
            na_values=["", "NaN", "nan"],
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path!r} cannot be read as a CSV file in UTF-8: {error}") from error
    return table, os.path.dirname(path), repr(path)


def _check_columns(table, target, source):
    columns = f"its columns are {list(map(str, table.columns))}"
    if target not in table.columns:
        raise ValueError(
            f"{source} has no column {target!r} with the class of each clip; {columns}. "
            f"Name the right one: load_table(..., target=<column>)."
        )
    if not any(column in table.columns for column in _PATHS):
        raise ValueError(f"{source} has neither a column 'audio' nor 'video' with paths; {columns}.")
    if table.empty:
        raise ValueError(f"{source} has no row: expected one row a clip.")


def _paths(table, column, folder):
    """Return the paths of a column with the folder in front, None for an empty cell."""
    if column not in table.columns:
        return pd.Series([None] * len(table), dtype=object)
    missing = table[column].isna() | (table[column].astype(str).str.strip() == "")
    paths = [
        None if is_missing else os.path.join(folder, str(value).strip())
        for value, is_missing in zip(table[column], missing, strict=True)
    ]
    return pd.Series(paths, dtype=object)


def _check_files(table, source):
    pathless = table.index[table["audio"].isna() & table["video"].isna()]
    if len(pathless):
        raise ValueError(
            f"{len(pathless)} of {len(table)} rows of {source} have neither audio nor video: "
            f"rows {few(pathless)} (counted from 0)."
        )
    paths = [path for column in _PATHS for path in table[column] if path is not None]
    absent = [path for path in paths if not os.path.isfile(path)]
    if absent:
        raise ValueError(f"{len(absent)} of the {len(paths)} files that {source} names do not exist: {few(absent)}.")


def _filled(table, column, source, remedy):
    """Return a column as strings, or raise where a cell is empty."""
    values = table[column]
    empty = table.index[values.isna() | (values.astype(str).str.strip() == "")]
    if len(empty):
        raise ValueError(
            f"The column {column!r} of {source} is empty in {len(empty)} of {len(table)} rows: "
            f"rows {few(empty)} (counted from 0). Fill it{remedy}"
        )
    return pd.Series([str(value).strip() for value in values], dtype=object)


def _check_unique(stems, source):
    """Refuse stems that stand for several clips: SAVEE's own repeat from speaker to speaker."""
    doubles = [stem for stem, count in Counter(stems).items() if count > 1]
    if doubles:
        raise ValueError(
            f"{source} has no column 'clip_id', and the stems of the files cannot stand in: some come more than once "
            f"({few(doubles)}). Add the column with a name for each clip; copies of one recording share theirs."
        )
