"""Prediction of files: one row for each file, or for each window of a timeline."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import click
from tqdm import tqdm

from savee_mm import ClipError, EmotionTimeline, load_model, plot_timeline
from savee_mm.inference.files import predict_file_with_note
from savee_mm.inference.timeline import as_table
from savee_mm.inference.windows import decide

INTERRUPTED = 130
"""Exit status after Ctrl-C, as in shells."""

_SOUNDS = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff"}
_VIDEOS = {".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".flv"}
_MEDIA = _SOUNDS | _VIDEOS
_PLOTS = {".png", ".svg", ".pdf", ".jpg"}


@dataclass(frozen=True)
class Timeline:
    """Settings of ``--timeline``: lengths (s), and the path of plots (None for none)."""

    window: float
    hop: float
    plot: Path | None


def run_predict(paths, model_file, *, min_confidence=0.0, timeline=None, as_json=False, out=None):
    """Print the predictions for files, and write them to a file.

    Parameters
    ----------
    paths : sequence of str
        Sound files, videos, and folders of them.
    model_file : str
        Model file.
    min_confidence : float, default=0.0
        Probability below which no emotion is named.
    timeline : Timeline, default=None
        Sliding windows; None for one prediction per file.
    as_json : bool, default=False
        Whether to print a JSON list at the end, instead of a row for each file.
    out : Path, default=None
        CSV or JSON file to write.

    Returns
    -------
    status : int
        0; 1 if a file could not be used, which is named on stderr; 130 after Ctrl-C.
    """
    files, model = list_files(paths), load_model(model_file)
    names = [str(label) for label in model.classes_]
    rows = Rows(names, files, times=timeline is not None, as_json=as_json, out=out)
    status = 0
    try:
        # The rows of a table show the progress.
        for file in tqdm(files, unit="file", disable=None if as_json and len(files) > 1 else True):
            try:
                if timeline is None:
                    _predict_one(model, file, rows, min_confidence)
                else:
                    _predict_windows(model, file, rows, min_confidence, timeline, several=len(files) > 1)
            except ClipError as error:
                status = 1
                click.echo(f"Error: {error}", err=True)
    except KeyboardInterrupt:
        status = INTERRUPTED
        click.echo("Interrupted: what was done before is kept.", err=True)
    finally:
        rows.close()
    return status


def list_files(paths):
    """Return the files, and for a folder the sound files and videos in it.

    Parameters
    ----------
    paths : sequence of str
        Files and folders.

    Returns
    -------
    files : list of str
        Those of a folder sorted, including subfolders.

    Raises
    ------
    ValueError
        If a folder has neither sounds nor videos.
    """
    files = []
    for path in paths:
        if not Path(path).is_dir():
            files.append(path)
            continue
        found = sorted(str(file) for file in Path(path).rglob("*") if file.suffix.lower() in _MEDIA and file.is_file())
        if not found:
            raise ValueError(f"{path}: neither sounds nor videos in this folder ({', '.join(sorted(_MEDIA))}).")
        files += found
    return files


def _predict_one(model, file, rows, min_confidence):
    probabilities, note = predict_file_with_note(model, file)
    emotion, note = decide(probabilities, min_confidence, note)
    rows.add(file, emotion, probabilities, note)


def _predict_windows(model, file, rows, min_confidence, timeline, *, several):
    done = []
    maker = EmotionTimeline(model, window=timeline.window, hop=timeline.hop, min_confidence=min_confidence)
    try:
        for window in maker.windows(file):
            rows.add(file, window.emotion, window.probabilities, window.note, start=window.start, end=window.end)
            if timeline.plot is not None:
                done.append(window)
    finally:
        if done:
            path = _plot_path(timeline.plot, file, several)
            path.parent.mkdir(parents=True, exist_ok=True)
            plot_timeline(as_table(done, model.classes_), file).savefig(path)
            click.echo(f"plot: {path}", err=True)


def _plot_path(plot, file, several):
    """Return the path of the plot of a file: the given path, or one in that folder with the name of the file."""
    if plot.suffix.lower() in _PLOTS and not several:
        return plot
    return plot / f"{Path(file).stem}.png"


class Rows:
    """Rows of predictions: printed and written at once, JSON at the end.

    Parameters
    ----------
    emotions : list of str
        The model's classes.
    files : list of str
        All files, for the width of the first column.
    times : bool
        Whether rows have ``start`` and ``end``.
    as_json : bool
        Whether to print JSON instead of a table.
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
        """Add one row; without a prediction, ``emotion`` is None and probabilities are NaN."""
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
        # Rows of a CSV file are not kept in memory: a recording may be long.
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
        """Print or write JSON."""
        text = json.dumps(self._rows, indent=1, ensure_ascii=False)
        if self._as_json:
            click.echo(text)
        if self._out is not None and not self._is_csv:
            self._out.write_text(text + "\n", encoding="utf-8")

    def _write(self, cells, mode="a"):
        # Opened for each row, so that the rows so far are kept after an error.
        with self._out.open(mode, newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(cells)

    def _print(self, file, places, cells):
        columns = [f"{file:{self._width}}", *(f"{place:>8}" for place in places), *(f"{cell:>9}" for cell in cells)]
        click.echo("  ".join(columns).rstrip())
