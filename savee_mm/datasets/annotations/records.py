"""Rows of a timeline as annotations: what a tool shows, and a record that holds the whole row."""

import json
from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Annotation:
    """An annotation as a tool shows it.

    Parameters
    ----------
    start, end : float
        Limits (s).
    text : str
        The label, empty for none.
    record : str
        The row as JSON; empty for annotations that were made with a tool.
    tier : str
        Name of the tier.
    """

    start: float
    end: float
    text: str
    record: str = ""
    tier: str = ""


def as_annotations(table, target):
    """Return the rows of a table as annotations with records.

    Parameters
    ----------
    table : DataFrame
        With ``start``, ``end``, and the column ``target`` of labels.
    target : str
        Name of the column, and of the tier.

    Returns
    -------
    annotations : list of Annotation
        In the order of the table.

    Raises
    ------
    ValueError
        If a column is missing, a row is no interval, or a cell is no text, number or boolean.
    """
    absent = [name for name in ("start", "end", target) if name not in table.columns]
    if absent:
        raise ValueError(
            f"Expected a table with the columns 'start', 'end' and {target!r}; {absent[0]!r} is missing from "
            f"{list(map(str, table.columns))}."
        )
    annotations = []
    for i, row in enumerate(table.to_dict("records")):
        cells = {str(name): _plain(value, name, i) for name, value in row.items()}
        if cells[target] != cells[target]:  # NaN
            cells[target] = None
        start, end, label = (cells[name] for name in ("start", "end", target))
        if not all(isinstance(time, float | int) for time in (start, end)) or not 0 <= start < end < np.inf:
            raise ValueError(f"Expected 0 <= start < end (s) in row {i}, got start {start!r} and end {end!r}.")
        annotations.append(Annotation(float(start), float(end), _text(label), _dump(i, cells), target))
    return annotations


def _text(label):
    """Return a label as text, empty if it is missing."""
    return "" if label is None else str(label)


def _dump(i, cells):
    """Return a row as JSON without ``>``, which ends comments, and ``[``, which some readers take for a heading."""
    return "[" + json.dumps([i, cells])[1:].replace("[", "\\u005b").replace(">", "\\u003e")


def _plain(value, name, i):
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, str | bool | Integral | Real):
        return value
    raise ValueError(f"Expected a text, number or boolean in column {name!r}, row {i}, got {type(value).__name__}.")


def shown(annotations, clean, step):
    """Return annotations with the texts and times that a format can hold.

    Parameters
    ----------
    annotations : list of Annotation
        As of :func:`as_annotations`.
    clean : callable
        Returns the nearest text that the format can hold.
    step : float
        Precision of times (s).

    Raises
    ------
    ValueError
        If an annotation is too short for the precision.
    """
    digits = round(-np.log10(step))
    rounded = [
        replace(a, start=round(a.start, digits), end=round(a.end, digits), text=clean(a.text)) for a in annotations
    ]
    for before, after in zip(annotations, rounded, strict=True):
        if after.end - after.start < 1.5 * step:
            raise ValueError(
                f"The row from {before.start!r} to {before.end!r} s is too short for this format, whose times are in "
                f"steps of {step:g} s. Leave it out, or use another format."
            )
    return rounded


def lanes(annotations):
    """Return annotations in lists without overlap, in the order of time.

    Parameters
    ----------
    annotations : list of Annotation
        Any.

    Returns
    -------
    lanes : dict of str to list of Annotation
        By the name of a tier: that of the annotations, then with the numbers 2, 3 ...
    """
    parallel: list[list[Annotation]] = []
    for annotation in sorted(annotations, key=lambda a: (a.start, a.end)):
        free = next((lane for lane in parallel if lane[-1].end <= annotation.start), None)
        if free is None:
            parallel.append([annotation])
        else:
            free.append(annotation)
    return {f"{lane[0].tier} {i}" if i > 1 else lane[0].tier: lane for i, lane in enumerate(parallel, start=1)}


def as_table(annotations, target, clean, step):
    """Return annotations as a table: the rows that were written, as far as they were not edited.

    Parameters
    ----------
    annotations : list of Annotation
        As they are in the file.
    target : str
        Name of the column of labels.
    clean : callable
        As in :func:`shown`. A text that differs from the cleaned label is a new label.
    step : float
        As in :func:`shown`. A time that differs by more is a new time.

    Returns
    -------
    table : DataFrame
        ``start``, ``end`` (s), the labels (None for none), and the other columns of the records.
    """
    rows = [_row(annotation, target, clean, step) for annotation in annotations]
    if all(place is not None for place, _ in rows):
        rows.sort(key=lambda row: row[0])
    else:
        rows.sort(key=lambda row: (row[1]["start"], row[1]["end"]))
    names = dict.fromkeys(name for _, cells in rows for name in cells) if rows else ("start", "end", target)
    return pd.DataFrame({name: _column([cells.get(name) for _, cells in rows]) for name in names})


def _row(annotation, target, clean, step):
    """Return the place of an annotation in the table that was written (None if it is new), and its cells."""
    if not annotation.record:
        return None, {"start": annotation.start, "end": annotation.end, target: annotation.text or None}
    place, cells = json.loads(annotation.record)
    cells.setdefault(target, None)
    if annotation.text != clean(_text(cells[target])):
        cells[target] = annotation.text or None
    for name in ("start", "end"):
        if abs(cells[name] - getattr(annotation, name)) > step:
            cells[name] = getattr(annotation, name)
    return place, cells


def _column(values):
    """Return a column of numbers if all values are numbers, else of objects."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in values):
        return pd.Series(values, dtype=bool)
    if known and not any(isinstance(value, str | bool) for value in known):
        if len(known) == len(values) and all(isinstance(value, int) for value in values):
            return pd.Series(values, dtype="int64")
        return pd.Series([np.nan if value is None else value for value in values], dtype=float)
    return pd.Series(values, dtype=object)
