"""load_table: a corpus of your own, as a CSV file or a DataFrame."""

import csv
import difflib
import io
import itertools
import os
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from savee_mm._validation import as_table, clip_names, segments
from savee_mm.datasets._common import bunch_or_X_y, counted, few, make_bunch

_PATHS = ("audio", "video")
_NAMES = ("speaker", "sentence", "clip_id")
_TIMES = ("start", "end")
_KNOWN = (*_PATHS, *_NAMES, *_TIMES, "corpus", "augmentation")
_DELIMITERS = ",;\t"
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
# Classes with fewer clips are warned of.
_FEW_CLIPS = 3
# Of difflib, from which two names may be the same with a typing error; only looked for in tables with some classes.
_SIMILARITY = 0.8
_MAX_CLASSES = 100
# Probability below which a one-to-one relation between a column and the classes is no coincidence.
_COINCIDENCE = 1e-3

DESCR = "A corpus of the user's own, {n_clips} clips from {source}. The user knows its licence and origin.\n"


def load_table(
    path: str | os.PathLike[str] | pd.DataFrame,
    *,
    target: str = "emotion",
    columns: Mapping[str, str] | None = None,
    return_X_y: bool = False,
) -> Any:
    """Load a table of clips of any corpus.

    Parameters
    ----------
    path : str, path-like or DataFrame
        A table with one row per clip: a CSV file in UTF-8, with commas, semicolons or tabs, or a DataFrame. Columns:
        the one named by ``target``, ``audio`` or ``video`` or both (paths; one of the two cells of a row may be
        empty), and optionally ``speaker``, ``sentence`` (one id per text) and ``clip_id`` (one id per clip; copies
        and excerpts of one recording have the same, so that a split by clip keeps them together). Clips that are
        segments of long files have ``start`` and ``end`` (s, since the start of the file). Other columns are kept.
        Relative paths start at the folder of the CSV file, those of a DataFrame at the working directory.
    target : str, default="emotion"
        Name of the column with the class.
    columns : mapping of str to str, default=None
        Columns of the table that have other names than the expected ones: ``{"audio": "path", "speaker": "who"}``.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : DataFrame, shape (n_clips, n_columns)
            The rows in their order, index 0 to n_clips - 1: ``audio`` and ``video`` (None if there is no file; both
            columns are always present), ``speaker`` and ``sentence`` if given, ``clip_id`` (if not given, the stem
            of the audio file, else of the video, with the times of a segment), then the other columns. Columns with
            labels are left out.
        target : ndarray of str, shape (n_clips,)
            The class.
        groups : ndarray of str, shape (n_clips,), or None
            The speaker; None without a column ``speaker``.
        target_names : list of str
            Sorted classes.
        label_columns : list of str
            Columns of the table that have labels: ``target``, columns whose values are all names of classes (a second
            rater), and columns with one value for each class (a code).
        DESCR : str
            Source of the table.

    Raises
    ------
    FileNotFoundError
        If there is no such CSV file.
    ValueError
        If a required column is missing, a column occurs twice with different values, a row has more cells than the
        header, the table has no rows, a clip has neither file, a file does not exist, a class, speaker, sentence or
        clip_id is empty, the times of a segment are not valid, or, without a column ``clip_id``, two files have the
        same stem.

    Warns
    -----
    UserWarning
        If a class has one or two clips while others have more, names of classes or speakers are so similar that one
        may be a typing error, or a column with labels other than ``target`` is left out.

    Notes
    -----
    Names of columns match without regard to case, spaces and hyphens: ``Clip ID`` is ``clip_id``. Names of speakers,
    sentences, clips and classes are stripped and normalised to the Unicode form NFC, so that a name in two forms is one
    name.

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
    table, folder, source = read_clip_table(path, target, columns or {})
    _check_columns(table, target, source)
    for column in _PATHS:
        table[column] = _paths(table, column, folder)
    _check_files(table, source)
    files = table["audio"].where(table["audio"].notna(), table["video"])
    segments(table, files, table.get("clip_id"))  # raises an error if times are not valid
    if "clip_id" not in table.columns:
        table["clip_id"] = clip_names(table.assign(file=files), "file")
        _check_unique(table["clip_id"], source)
    for column in dict.fromkeys((target, *_NAMES)):
        if column in table.columns:
            remedy = "." if column == target else ", or leave the whole column out."
            table[column] = _filled(table, column, source, remedy)
    labels = _label_columns(table, target)
    for message in _doubts(table, target, labels, source):
        warnings.warn(message, UserWarning, stacklevel=2)
    bunch = make_bunch(table.drop(columns=labels), table[target], DESCR.format(n_clips=len(table), source=source))
    bunch.label_columns = labels
    return bunch_or_X_y(bunch, return_X_y)


def read_clip_table(path, target="emotion", columns=None):
    """Read a CSV file as :func:`load_table` does, or rename the columns of a table.

    Parameters
    ----------
    path : path-like or DataFrame
        The file or table.
    target : str, default="emotion"
        Column of the classes, if there is one.
    columns : dict of str to str, default=None
        Names of columns of the file by those of :func:`load_table`.

    Returns
    -------
    table : DataFrame
        With the names of :func:`load_table`, whatever their case, spaces and hyphens.
    folder : str
        Folder in which relative paths start.
    source : str
        Name of the table in messages.

    Raises
    ------
    ValueError
        If the file is no CSV table, or its columns contradict each other.
    """
    columns = columns or {}
    path = as_table(path)
    if isinstance(path, pd.DataFrame):
        table, folder, source = path.reset_index(drop=True), "", "the DataFrame"
        header = table.columns
    else:
        path = os.fspath(path)
        if not os.path.isfile(path):
            here = "" if os.path.isabs(path) else f" in {os.getcwd()!r}"
            raise FileNotFoundError(f"There is no file {path!r}{here}. Expected a CSV file with one row per clip.")
        header, rows, delimiter = _read_rows(path)
        folder, source = os.path.dirname(path), repr(path)
        names = column_names(header, target, columns, source)
        table = _infer_types(rows, [name in (*_PATHS, *_NAMES, target) for name in names], delimiter)
    return _merge_doubles(table, column_names(header, target, columns, source), source), folder, source


def _read_rows(path):
    """Return the header, the rows (all of the same length, without empty ones) and the delimiter of a CSV file."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:  # spreadsheets write a byte-order mark
            text = file.read()
        # Excel states the delimiter in a first line of its own. It may be part of a quoted name.
        if stated := re.match(rf"sep=([{_DELIMITERS}])\r?\n", text):
            text = text[stated.end() :]
        delimiter = max(_DELIMITERS, key=re.sub('"[^"]*"', "", text.partition("\n")[0]).count)
        rows = [
            (reader.line_num, [cell.strip() for cell in row])
            for reader in [csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=True)]
            for row in reader
        ]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path!r} cannot be read as a CSV file in UTF-8: {error}. Export the table as CSV in UTF-8."
        ) from error
    rows = [(number, row) for number, row in rows if any(row)]
    if not rows:
        raise ValueError(f"{path!r} cannot be read as a CSV file in UTF-8: it is empty.")
    (_, header), *rows = rows
    # Spreadsheets write delimiters of empty columns at the end of rows.
    while header and not header[-1] and all(not any(row[len(header) - 1 :]) for _, row in rows):
        header.pop()
    for number, row in rows:
        if any(row[len(header) :]):
            raise ValueError(
                f"Line {number} of {path!r} has {counted(len(row), 'cell')}, and the header has {len(header)}. Put "
                f"cells that contain {delimiter!r} in double quotes, or name all columns."
            )
    return header, [row[: len(header)] + [""] * (len(header) - len(row)) for _, row in rows], delimiter


def _infer_types(rows, as_text, delimiter):
    """Return rows of strings as a DataFrame with positions as names; columns that are not text have their own types."""
    if not rows:
        return pd.DataFrame(columns=range(len(as_text)))
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    buffer.seek(0)
    table = pd.read_csv(
        buffer,
        names=range(len(as_text)),
        # A speaker "007" keeps its zeros, an emotion "none" is not a missing value.
        dtype={position: str for position, is_text in enumerate(as_text) if is_text},
        keep_default_na=False,
        na_values=["", "NaN", "nan"],
    )
    if delimiter == ";":
        for position in table.columns.difference(np.flatnonzero(as_text)):
            table[position] = _with_decimal_points(table[position])
    return table


def _with_decimal_points(column):
    """Return a column of numbers with decimal commas as floats, any other column as it is."""
    cells = column.dropna()
    if not len(cells) or not all(isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell) for cell in cells):
        return column
    return column.str.replace(",", ".").astype(float)


def column_names(header, target="emotion", columns=None, source="the table"):
    """Return names of columns, stripped; those that :func:`load_table` expects in their own spelling.

    Parameters
    ----------
    header : sequence
        Names of the columns.
    target : str
        Column of the classes.
    columns : dict of str to str
        Names of columns of the table by those of :func:`load_table`.
    source : str
        Name of the table in messages.
    """
    columns = columns or {}
    known = {_key(name): name for name in (*_KNOWN, target)} | {_key(own): name for name, own in columns.items()}
    absent = [own for own in columns.values() if _key(own) not in map(_key, header)]
    if absent:
        raise ValueError(f"{source} has no column {few(map(repr, absent))}; its columns are {list(map(str, header))}.")
    stripped = [_normalized(name) if isinstance(name, str) else name for name in header]
    return [known.get(_key(name), name) for name in stripped]


def _normalized(name):
    return unicodedata.normalize("NFC", str(name)).strip()


def _key(name):
    """Return a name without case, and with underscores for spaces and hyphens."""
    return re.sub(r"[\s_-]+", "_", _normalized(name).casefold())


def _merge_doubles(table, names, source):
    """Return a table whose columns have these names; columns of one name are merged if they are equal."""
    columns = {}
    for position, name in enumerate(names):
        values = table.iloc[:, position].rename(name)
        if name in columns and not columns[name].astype(str).equals(values.astype(str)):
            raise ValueError(
                f"{source} has the column {name!r} more than once, with different values. Rename or delete all but one."
            )
        columns.setdefault(name, values)
    if "" in columns:
        raise ValueError(f"{source} has a column without a name. Name it in the header, or delete it.")
    return pd.DataFrame(columns, index=table.index)


def _check_columns(table, target, source):
    columns = f"its columns are {list(map(str, table.columns))}"
    if target not in table.columns:
        raise ValueError(
            f"{source} has no column {target!r} with the class of each clip; {columns}. "
            f"Name the column of the classes: load_table(..., target=<column>)."
        )
    if not any(column in table.columns for column in _PATHS):
        raise ValueError(
            f"{source} has neither a column 'audio' nor 'video' with paths; {columns}. Rename the column of the files; "
            "a video with sound may be named in both."
        )
    if table.empty:
        raise ValueError(f"{source} has no rows: expected one row per clip.")


def _paths(table, column, folder):
    """Return the paths of a column, starting with the folder; None for an empty cell."""
    if column not in table.columns:
        return pd.Series([None] * len(table), dtype=object)
    missing = table[column].isna() | (table[column].astype(str).str.strip() == "")
    paths = [
        None if is_missing else _existing(os.path.join(folder, str(value).strip()))
        for value, is_missing in zip(table[column], missing, strict=True)
    ]
    return pd.Series(paths, dtype=object)


def _existing(path):
    """Return the path in the Unicode form of an existing file: tables and file systems may differ in it."""
    forms = (path, *(unicodedata.normalize(form, path) for form in ("NFC", "NFD")))
    return next((form for form in forms if os.path.exists(form)), path)


def _check_files(table, source):
    without = table.index[table["audio"].isna() & table["video"].isna()]
    if len(without):
        raise ValueError(
            f"{len(without)} of {len(table)} rows of {source} have neither audio nor video: "
            f"rows {few(without)} (counted from 0)."
        )
    paths = [path for column in _PATHS for path in table[column] if path is not None]
    absent = [path for path in paths if not os.path.isfile(path)]
    if absent:
        raise ValueError(f"{len(absent)} of the {len(paths)} files that {source} names do not exist: {few(absent)}.")


def _filled(table, column, source, remedy):
    """Return a column as strings in NFC, or raise if a cell is empty."""
    values = table[column]
    empty = table.index[values.isna() | (values.astype(str).str.strip() == "")]
    if len(empty):
        raise ValueError(
            f"The column {column!r} of {source} is empty in {len(empty)} of {len(table)} rows: "
            f"rows {few(empty)} (counted from 0). Fill it{remedy}"
        )
    return pd.Series([_normalized(value) for value in values], dtype=object)


def _check_unique(stems, source):
    """Raise if stems belong to several clips: those of SAVEE are the same for all speakers."""
    repeated = [stem for stem, count in Counter(stems).items() if count > 1]
    if repeated:
        raise ValueError(
            f"{source} has no column 'clip_id', and the stems of the files cannot replace it: some occur more than "
            f"once ({few(repeated)}). Add the column with a name for each clip; copies of one recording share theirs."
        )


def _label_columns(table, target):
    """Return the columns that have labels: the target, other ratings, and codes of the classes."""
    others = table.columns.difference([target, *_KNOWN], sort=False)
    return [target, *(column for column in others if _has_labels(table[column], table[target]))]


def _has_labels(column, classes):
    values = column.dropna().map(_key)
    classes = classes[values.index].map(_key)
    n, k = len(values), values.nunique()
    if k < 2:
        return False
    shares = classes.value_counts(normalize=True)
    if k == classes.nunique() == len(set(zip(values, classes, strict=True))):
        is_copy = (values == classes).all()
        return is_copy or shares.max() ** (n - k) < _COINCIDENCE
    if not set(values) <= set(classes) or all(name.isdecimal() for name in shares.index):
        return False
    # Ratings of another person agree with the classes more often than independent values.
    expected = (values.value_counts(normalize=True) * shares).sum()
    return (values == classes).mean() - expected > 3 * np.sqrt(expected * (1 - expected) / n)


def _doubts(table, target, labels, source):
    """Yield warnings about classes and names that may be mistakes, and about columns that are left out."""
    counts = Counter(table[target])
    rare = sorted(name for name, count in counts.items() if count < _FEW_CLIPS)
    if rare and max(counts.values()) >= _FEW_CLIPS:
        listed = few([f"{name!r} ({counts[name]})" for name in rare], 10)
        yield f"Classes of {source} with one or two clips: {listed}. Correct typing errors, or leave the clips out."
    for column, with_typos in ((target, len(counts) <= _MAX_CLASSES), ("speaker", False)):
        pairs = _similar(Counter(table[column]), with_typos) if column in table.columns else []
        if pairs:
            yield f"Similar names in the column {column!r} of {source}, which may be the same: {few(pairs, 10)}."
    if len(labels) > 1:
        yield (
            f"Columns of {source} with labels are left out of the data: {few(map(repr, labels[1:]), 10)}. "
            "They are named in label_columns."
        )


def _similar(counts, with_typos):
    """Return pairs of names that differ in case, spaces, or one letter in five, as text with their counts."""
    keys = {name: _key(name) for name in counts}
    if not with_typos and len(set(keys.values())) == len(keys):
        return []  # there may be too many speakers to compare each with each
    pairs = []
    for first, second in itertools.combinations(sorted(counts, key=lambda name: (counts[name], name)), 2):
        is_similar = keys[first] == keys[second] or (
            with_typos
            and counts[first] < _FEW_CLIPS
            and keys[first].isalpha()
            and difflib.SequenceMatcher(None, keys[first], keys[second]).ratio() >= _SIMILARITY
        )
        if is_similar:
            pairs.append(f"{first!r} ({counts[first]}) and {second!r} ({counts[second]})")
    return pairs
