"""The input gate: what a clip is, and the one error that a clip which cannot be used raises."""

import math
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

#: Column of the clip table that says how a row's sound differs from its recording.
RECIPE_COLUMN = "augmentation"

#: Columns of the clip table with the limits (s) of clips that are segments of long files.
SEGMENT_COLUMNS = ("start", "end")


class ClipError(ValueError):
    """A clip that cannot be used: what is wrong with it and what to do about it.

    Parameters
    ----------
    reason : str
        What came, what was expected, and the remedy.
    path : str or path-like, default=None
        The file, where there is one.
    clip_id : str, default=None
        Name of the clip in its table; the file's stem when None.

    Attributes
    ----------
    reason, path, clip_id : str or None
        As passed, as strings.

    Examples
    --------
    >>> from savee_mm import ClipError
    >>> str(ClipError("no sound in it", path="corpus/DC_a01.wav"))
    "clip 'DC_a01' (corpus/DC_a01.wav): no sound in it"
    """

    def __init__(self, reason: str, *, path: str | os.PathLike[str] | None = None, clip_id: str | None = None) -> None:
        self.reason = str(reason)
        self.path = None if path is None else str(path)
        if clip_id is None and path is not None:
            clip_id = Path(path).stem
        self.clip_id = None if clip_id is None else str(clip_id)
        name = "clip" if self.clip_id is None else f"clip {self.clip_id!r}"
        where = "" if self.path is None else f" ({self.path})"
        super().__init__(f"{name}{where}: {self.reason}")

    def __reduce__(self):
        # Keyword-only arguments: the default would call ClipError(message) on the way back from a worker.
        return _rebuild_clip_error, (self.reason, self.path, self.clip_id)


def _rebuild_clip_error(reason, path, clip_id):
    return ClipError(reason, path=path, clip_id=clip_id)


class ClipWarning(UserWarning):
    """A clip could not be used as it is: a documented stand-in, correction or assumption took its place."""


_corrections: ContextVar[list | None] = ContextVar("corrections", default=None)


def warn_of_correction(reason: str, path: str | os.PathLike[str] | None = None) -> None:
    """Issue a ClipWarning that a clip was corrected, or record it inside ``record_corrections``.

    Parameters
    ----------
    reason : str
        What was found and what was done.
    path : path-like, default=None
        The file.
    """
    recorded = _corrections.get()
    if recorded is None:
        warnings.warn(str(ClipError(reason, path=path)), ClipWarning, stacklevel=3)
    else:
        recorded.append(reason)


@contextmanager
def record_corrections() -> Iterator[list[str]]:
    """Record corrections of clips in a list in place of warnings, which would stay in worker processes.

    Yields
    ------
    reasons : list of str
    """
    reasons: list[str] = []
    token = _corrections.set(reasons)
    try:
        yield reasons
    finally:
        _corrections.reset(token)


@dataclass(frozen=True)
class Segment:
    """Part of a media file, from one time to another.

    It is read like a file: by :func:`~savee_mm.read_audio`, :func:`~savee_mm.read_frames`, and by extractors in a list
    of clips. In a clip table, the columns ``start`` and ``end`` have the same meaning.

    Parameters
    ----------
    path : str or path-like
        The file.
    start, end : float
        Times (s) since the start of the file, as media players show them. The sample or frame at ``end`` is left out.

    Raises
    ------
    ClipError
        If a time is not a finite number, ``start`` is negative, or ``end`` is not later than ``start``.

    Examples
    --------
    >>> from savee_mm import Segment
    >>> Segment("interview.wav", 62.5, 66).name
    'interview_62.500-66.000'
    """

    path: str
    start: float
    end: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", os.fspath(self.path))
        for name in SEGMENT_COLUMNS:
            object.__setattr__(self, name, self._seconds(name))
        if self.start < 0 or self.end <= self.start:
            raise ClipError(
                f"expected a segment with 0 <= start < end (s), got start {self.start:g} and end {self.end:g}; correct "
                "the times, or leave the clip out",
                path=self.path,
            )

    def _seconds(self, name):
        value = getattr(self, name)
        if isinstance(value, bool | np.bool_) or not isinstance(value, Real) or not math.isfinite(value):
            raise ClipError(
                f"expected {name!r} of a segment to be a number of seconds, got {value!r}; give both times, or neither "
                "for the whole file",
                path=self.path,
            )
        return float(value)

    @property
    def name(self) -> str:
        """Stem of the file and the times (s)."""
        return f"{Path(self.path).stem}_{self.start:.3f}-{self.end:.3f}"


#: What an extractor reads: a clip table, paths and segments, or sounds (or frames) as arrays.
Clips: TypeAlias = pd.DataFrame | Sequence[str | os.PathLike[str] | Segment] | Sequence[np.ndarray]


@dataclass(frozen=True)
class Clip:
    """A clip as extractors read it: its name, its source (None: missing), and its augmentation.

    The source is a path, a Segment or an array. ``recipe`` is None for the recording itself.
    """

    clip_id: str
    source: str | Segment | np.ndarray | None
    recipe: str | None = None

    @property
    def path(self):
        """Path of the file; None if the clip is an array or missing."""
        return path_of(self.source)

    def error(self, reason):
        """Return the ClipError that says ``reason`` about this clip."""
        return ClipError(reason, path=self.path, clip_id=self.clip_id)


def as_table(X):
    """Return a table of polars or pyarrow as a DataFrame of pandas, anything else as it is.

    Parameters
    ----------
    X : object
        What a user passes as clips.

    Returns
    -------
    X : object
        With texts as objects, and None for missing ones, as loaders return them.
    """
    if isinstance(X, pd.DataFrame) or not hasattr(X, "__arrow_c_stream__") or not hasattr(X, "columns"):
        return X
    names = getattr(X, "column_names", X.columns)  # the columns of pyarrow are arrays
    cells = {name: X[name].to_list() if hasattr(X[name], "to_list") else X[name].to_pylist() for name in names}
    return pd.DataFrame({name: pd.Series(values, dtype=_dtype(values)) for name, values in cells.items()})


def _dtype(values):
    """Return ``object`` for a column with texts or without values, None for pandas to infer another type."""
    known = [value for value in values if value is not None]
    return object if not known or any(isinstance(value, str) for value in known) else None


def path_of(source):
    """Return the path of a source that is a path or a Segment, None for others.

    Parameters
    ----------
    source : str, Segment, ndarray or None
        Source of a clip.

    Returns
    -------
    path : str or None
    """
    if isinstance(source, Segment):
        return source.path
    return source if isinstance(source, str) else None


def check_clips(X, column, *, array_ndim=1):
    """Turn what a user passes as X into a list of clips.

    Parameters
    ----------
    X : DataFrame with the column ``column``, or sequence of paths, or sequence of arrays
        A clip table is read by column name; ``clip_id``, ``start`` and ``end`` are used if they are present, and for
        audio ``augmentation``, the recipe of an augmented copy. A list may have paths and Segments.
    column : {"audio", "video"}
        The column that the caller needs.
    array_ndim : int, default=1
        Number of dimensions of one clip passed as an array: 1 for sound, 4 for frames.

    Returns
    -------
    clips : list of Clip
        In the order of X.

    Raises
    ------
    ValueError
        Where X is none of these, or is a table without the column, or is empty.
    ClipError
        Where one entry is neither a path nor such an array.
    """
    X = as_table(X)
    if isinstance(X, pd.DataFrame):
        clips = _clips_of_table(X, column)
    elif isinstance(X, (str, bytes, Path, dict)) or not hasattr(X, "__len__"):
        raise ValueError(
            f"Expected a clip table (DataFrame with a column {column!r}), a list of paths or a list of "
            f"{array_ndim}-D arrays, got {type(X).__name__}."
            + (" Put the one path into a list: [path]." if isinstance(X, (str, Path)) else "")
        )
    else:
        clips = [_clip_of_item(item, i, array_ndim) for i, item in enumerate(X)]
    if not clips:
        raise ValueError(f"Expected at least one clip, got an empty {type(X).__name__}.")
    return clips


def _clips_of_table(table, column):
    if column not in table.columns:
        raise ValueError(
            f"The clip table has no column {column!r}; its columns are {list(map(str, table.columns))}. "
            f"Add one with the path of each clip's {column} file."
        )
    names = clip_names(table, column)
    # What is done to a sound is not done to its pictures.
    recipes = table[RECIPE_COLUMN] if column == "audio" and RECIPE_COLUMN in table.columns else [None] * len(table)
    paths = [_path_or_none(value, column, name) for name, value in zip(names, table[column], strict=True)]
    return [
        Clip(name, source, recipe_or_none(recipe, name))
        for name, source, recipe in zip(names, segments(table, paths, names), recipes, strict=True)
    ]


def segments(table, paths, names=None):
    """Return the sources of the rows of a table: a path for a whole file, a Segment for a part of it.

    Parameters
    ----------
    table : DataFrame
        The clip table; without the columns ``start`` and ``end`` all clips are whole files.
    paths : sequence of str, ndarray or None
        File of each row. Other values than paths are returned as they are.
    names : sequence of str, default=None
        Names of the clips, for messages.

    Returns
    -------
    sources : list
        Of the same length.

    Raises
    ------
    ValueError
        If the table has only one of the two columns.
    ClipError
        If the times of a clip are not valid.
    """
    present = [column for column in SEGMENT_COLUMNS if column in table.columns]
    if not present:
        return list(paths)
    if len(present) == 1:
        raise ValueError(
            f"The clip table has a column {present[0]!r}, but not both of 'start' and 'end' (s). Add the other one, or "
            f"rename {present[0]!r} if it is no time in the file."
        )
    names = [None] * len(table) if names is None else names
    times = zip(table["start"], table["end"], strict=True)
    return [_segment(path, *pair, name) for path, pair, name in zip(paths, times, names, strict=True)]


def _segment(path, start, end, name):
    if not isinstance(path, str) or (_is_missing(start) and _is_missing(end)):
        return path
    try:
        return Segment(path, start, end)
    except ClipError as error:
        raise ClipError(error.reason, path=path, clip_id=name) from None


def clip_names(table, column=None):
    """Return the name of each clip of a table: its ``clip_id``, or without that column the stem of its file.

    The name of a segment has its times.

    Parameters
    ----------
    table : DataFrame
        The clip table.
    column : {"audio", "video"} or None, default=None
        The column of the files.

    Returns
    -------
    names : list of str
        ``"row <label>"`` for a clip with neither.
    """
    if "clip_id" in table.columns:
        return [str(name) for name in table["clip_id"]]
    values = table.get(column, [None] * len(table))
    paths = [str(value) if isinstance(value, (str, Path)) else value for value in values]
    return [
        source.name
        if isinstance(source, Segment)
        else Path(source).stem
        if isinstance(source, str) and source
        else f"row {label}"
        for label, source in zip(table.index, segments(table, paths), strict=True)
    ]


def names_in(table, column):
    """Return the names in a column that parts clips, such as ``speaker``.

    Parameters
    ----------
    table : DataFrame
        With that column or without.
    column : str
        Its name.

    Returns
    -------
    names : ndarray of object of shape (n_clips,)
        As str, so that a table that was read again has the same names; 1.0, which pandas makes of 1 in a column with
        gaps, is "1". None where there is none.
    """
    values = table[column] if column in table.columns else [None] * len(table)
    return np.array([None if pd.isna(value) else _name(value) for value in values], dtype=object)


def _name(value):
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if whole else str(value)


def are_recordings(table):
    """Return which clips of a table are recordings themselves, and no augmented copies.

    Parameters
    ----------
    table : DataFrame
        With the column ``augmentation`` or without.

    Returns
    -------
    answers : ndarray of bool of shape (n_clips,)
    """
    if RECIPE_COLUMN not in table.columns:
        return np.ones(len(table), bool)
    return np.array([recipe_or_none(recipe, str(label)) is None for label, recipe in table[RECIPE_COLUMN].items()])


def recipe_or_none(value, name):
    """Return the recipe that an entry of the column ``augmentation`` is, None for the recording itself.

    Parameters
    ----------
    value : object
        The entry.
    name : str
        Name of the clip.

    Returns
    -------
    recipe : str or None

    Raises
    ------
    ClipError
        Where the entry is neither a text nor missing. Whether the text is a recipe is not looked at.
    """
    if isinstance(value, str):
        return value.strip() or None
    if _is_missing(value):
        return None
    raise ClipError(
        f"expected a recipe or nothing in the column {RECIPE_COLUMN!r} of the clip table, got {value!r} of type "
        f"{type(value).__name__}",
        clip_id=name,
    )


def _is_missing(value):
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def _path_or_none(value, column, name):
    if isinstance(value, Segment):
        return value
    if isinstance(value, (str, Path)):
        return str(value) or None
    if _is_missing(value):
        return None
    raise ClipError(
        f"expected a path in the column {column!r} of the clip table, got {value!r} of type {type(value).__name__}",
        clip_id=name,
    )


def _clip_of_item(item, i, array_ndim):
    if isinstance(item, Segment):
        return Clip(item.name, item)
    if isinstance(item, (str, Path)):
        return Clip(Path(item).stem, str(item))
    array = np.asarray(item)
    if array.ndim != array_ndim or array.dtype.kind not in "fiub":
        remedy = "; average the channels first" if (array.ndim, array_ndim) == (2, 1) else ""
        raise ClipError(
            f"expected a path or a {array_ndim}-D array of numbers, got {type(item).__name__} of shape {array.shape} "
            f"and type {array.dtype}{remedy}",
            clip_id=i,
        )
    return Clip(str(i), array)
