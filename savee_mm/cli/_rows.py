"""Rows of predictions, as they come: printed as a table or as JSON, and written to a file."""

import csv
import json

import click


class Rows:
    """Takes rows, and shows each at once; what JSON holds is written at the end.

    Parameters
    ----------
    emotions : list of str
        The model's classes.
    files : list of str
        What will be named, for the width of the first column.
    times : bool
        Whether rows have ``start`` and ``end``.
    as_json : bool
        Whether JSON is printed in place of a table.
    out : Path or None
        CSV or JSON file to write.
    """

    def __init__(self, emotions, files, *, times, as_json, out):
        self._emotions = emotions
        self._places = ["start", "end"] if times else []
        self._width = max(map(len, ["file", *files]))
        self._as_json = as_json
        self._out = out
        self._rows = []
        self._is_csv = out is not None and out.suffix == ".csv"
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
        if self._is_csv:
            self._write(["file", *self._places, "emotion", "confidence", *emotions, "note"], "w")
        if not as_json:
            self._print("file", self._places, ["emotion", *emotions])

    def add(self, file, emotion, probabilities, note, **times):
        """Take one row; ``emotion`` is None, and probabilities are NaN, where nothing is said."""
        known = {name: float(p) for name, p in probabilities.items()} if probabilities.notna().all() else None
        confidence = max(known.values()) if known else None
        row = {
            "file": file,
            **times,
            "emotion": emotion,
            "confidence": confidence,
            "probabilities": known,
            "note": note,
        }
        # Of a table in a CSV file nothing is held: a recording may be long.
        if self._as_json or (self._out is not None and not self._is_csv):
            self._rows.append(row)
        shares = [known[name] if known else None for name in self._emotions]
        if self._is_csv:
            self._write([file, *times.values(), emotion, confidence, *shares, note])
        if not self._as_json:
            cells = ["" if share is None else f"{share:.3f}" for share in shares]
            places = [f"{time:.2f}" for time in times.values()]
            self._print(file, places, [emotion or ("-" if known is None else "(unsure)"), *cells])
            if note:
                click.echo(f"{file}: {note}", err=True)

    def close(self):
        """Write what waits for the end."""
        text = json.dumps(self._rows, indent=1, ensure_ascii=False)
        if self._as_json:
            click.echo(text)
        if self._out is not None and not self._is_csv:
            self._out.write_text(text + "\n", encoding="utf-8")

    def _write(self, cells, mode="a"):
        # Opened for each row: whatever happens later, this one is there.
        with self._out.open(mode, newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(cells)

    def _print(self, file, places, cells):
        columns = [f"{file:{self._width}}", *(f"{place:>8}" for place in places), *(f"{cell:>9}" for cell in cells)]
        click.echo("  ".join(columns).rstrip())
