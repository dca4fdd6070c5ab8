"""Prediction of files: one row for each file, or for each window of a timeline."""

import csv
import io
import os
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from savee_mm import (
    ClipError,
    EmotionTimeline,
    Segment,
    load_card,
    load_model,
    plot_timeline,
    write_annotations,
    write_timeline_page,
)
from savee_mm._files import write_atomically
from savee_mm._validation import path_of, segments
from savee_mm.cli._text import echo, echo_error, json_text, printable, quote_formula
from savee_mm.datasets._common import TEXT_SUFFIXES, few
from savee_mm.datasets.table import read_clip_table
from savee_mm.inference.files import check_model, predict_file_with_note
from savee_mm.inference.timeline import as_table, people_table
from savee_mm.inference.windows import WindowPrediction, decide
from savee_mm.media import list_recordings

INTERRUPTED = 130
"""Exit status after Ctrl-C, as in shells."""

ANNOTATIONS = {"textgrid": ".TextGrid", "eaf": ".eaf", "vtt": ".vtt", "labelstudio": ".json"}
"""Formats of annotation tools, and the suffixes of their files."""

_PLOTS = {".png", ".svg", ".pdf", ".jpg"}


@dataclass(frozen=True)
class Timeline:
    """Settings of ``--timeline``: lengths (s), and the paths of plots, pages and annotations (None for none)."""

    window: float
    hop: float
    min_voice: float
    plot: Path | None = None
    html: Path | None = None
    embed: bool = False
    people: bool = False
    annotations: Path | None = None
    format: str | None = None

    @property
    def is_kept(self):
        """Whether the predictions of a file are needed together."""
        return any(path is not None for path in (self.plot, self.html, self.annotations))


def run_predict(paths, model_file, *, min_confidence=0.0, timeline=None, as_json=False, out=None, quote_formulas=False):
    """Print the predictions for files, and write them to a file.

    Parameters
    ----------
    paths : sequence of str
        Sound files, videos, folders of them, and tables of clips (CSV).
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
    quote_formulas : bool, default=False
        Whether the CSV file has no cells that spreadsheets run as formulas.

    Returns
    -------
    status : int
        0; 1 if a file could not be used, which is named on stderr; 130 after Ctrl-C.
    """
    model, caution = load_model(model_file), str(load_card(model_file).get("caution", ""))
    check_model(model, "predict")
    files, names, problems = list_files(paths)
    names = output_names(files, names) if timeline is not None and timeline.is_kept else names
    for path, reason in problems:
        echo_error(f"{path}: {reason}")
    status = 1 if problems else 0
    emotions = [str(label) for label in model.classes_]
    times = ["start", "end"] if timeline is not None or any(isinstance(file, Segment) for file in files) else []
    if timeline is not None and timeline.people:
        times = ["person", *times]
    settings = {"times": times, "caution": caution, "as_json": as_json, "quote_formulas": quote_formulas}
    rows = Rows(emotions, list(map(path_of, files)), out=out, **settings)
    try:
        # The rows of a table show the progress.
        bar = tqdm(files, unit="file", disable=None if as_json and len(files) > 1 else True)
        for file, name in zip(bar, names, strict=True):
            done = []
            try:
                for prediction in _predictions(model, file, min_confidence, timeline):
                    rows.add(path_of(file), prediction)
                    if timeline is not None and timeline.is_kept:
                        done.append(prediction)
            except FileError as error:
                status = 1
                echo_error(str(error))
            finally:
                if done:
                    table = (people_table if timeline.people else as_table)(done, model.classes_)
                    if not _save(table, file, name, timeline, caution, several=len(files) > 1):
                        status = 1
    except KeyboardInterrupt:
        status = INTERRUPTED
        echo("Interrupted: what was done before is kept.", err=True)
    finally:
        rows.close()
    return status


class FileError(Exception):
    """A file that could not be predicted, with the reason."""


def list_files(paths):
    """Return the files, for a folder the recordings in it, and for a table of clips their files or segments.

    Parameters
    ----------
    paths : sequence of str
        Files, folders, and CSV files.

    Returns
    -------
    files : list of str or Segment
        Those of a folder sorted, including subfolders.
    names : list of str
        Path of each file, relative to the folder or table that names it.
    problems : list of tuple (str, str)
        Paths that cannot be predicted, with the reasons.
    """
    files, names, problems = [], [], []
    for path in paths:
        if not os.path.isdir(path):
            try:
                found = _clips_of_table(path, problems) if path.lower().endswith(".csv") else [path]
            except (OSError, ValueError) as error:
                problems.append((path, str(error)))
                continue
            files += found
            names += [_relative(path_of(file), os.path.dirname(path)) for file in found]
            continue
        content = list_recordings(path)
        files += content.recordings
        names += [_relative(file, path) for file in content.recordings]
        problems += content.unreadable
        # Text files next to recordings are expected.
        others = [os.path.relpath(other, path) for other in content.others if Path(other).suffix not in TEXT_SUFFIXES]
        if others:
            echo(f"{path}: left out {few(others, 20)}, neither sound nor video by the suffix", err=True)
        if not (content.recordings or content.unreadable):
            problems.append((path, "neither sounds nor videos in this folder"))
    return files, names, problems


def _relative(file, folder):
    """Return the path of a file relative to a folder; its name if it is elsewhere."""
    path = os.path.relpath(file, folder or os.curdir)
    return os.path.basename(file) if os.path.isabs(path) or path.split(os.sep)[0] == os.pardir else path


def output_names(files, names):
    """Return names of plots, pages and annotations, so that those of several files keep apart.

    Parameters
    ----------
    files : list of str or Segment
        The files; segments have no timeline.
    names : list of str
        From :func:`list_files`.

    Returns
    -------
    names : list of str
        Without suffixes. Files whose names differ only by the suffix keep it.

    Raises
    ------
    ValueError
        If two files have the same name.
    """
    stems = [os.path.splitext(name)[0] for name in names]
    # Some file systems do not distinguish case.
    counts = Counter(stem.casefold() for stem in stems)
    chosen = [stem if counts[stem.casefold()] == 1 else name for name, stem in zip(names, stems, strict=True)]
    by_name = {}
    for file, name in zip(files, chosen, strict=True):
        if isinstance(file, Segment):
            continue
        if (other := by_name.get(name.casefold())) is not None:
            raise ValueError(f"{other} and {file} would have the same output, {name!r}; predict them in two commands.")
        by_name[name.casefold()] = file
    return chosen


def _clips_of_table(path, problems):
    """Return the files or segments in a CSV file; paths in it start at its folder. Rows without one are problems."""
    table, folder, _ = read_clip_table(path)
    columns = [table[name] for name in ("video", "audio") if name in table]
    if not columns:
        raise ValueError(f"expected a column 'audio' or 'video' with paths, got {', '.join(map(str, table.columns))}")
    if len(columns) == 2 and (columns[0].notna() & columns[1].notna() & (columns[0] != columns[1])).any():
        raise ValueError("some clips have two files, for audio and video; predict them from Python with load_table")
    names = columns[0] if len(columns) == 1 else columns[0].fillna(columns[1])
    clips = []
    for row, name in enumerate(names):
        try:
            if pd.isna(name):
                raise ClipError("has no file; name it, or delete the row")
            clips += segments(table.iloc[[row]], [os.path.join(folder, name)])
        except ClipError as error:
            problems.append((path, f"row {row + 2}: {error}"))
    return clips


def _predictions(model, file, min_confidence, timeline):
    """Yield the WindowPrediction of a file, or of each window; raise FileError if the file cannot be used."""
    try:
        if timeline is None:
            probabilities, note = predict_file_with_note(model, file)
            emotion, note = decide(probabilities, min_confidence, note)
            times = (file.start, file.end) if isinstance(file, Segment) else (None, None)
            yield WindowPrediction(*times, probabilities, emotion, note, 0.0)
        elif isinstance(file, Segment):
            raise ClipError("a timeline reads whole recordings; name the file without start and end", path=file.path)
        else:
            settings = {"window": timeline.window, "hop": timeline.hop, "min_voice": timeline.min_voice}
            windows = EmotionTimeline(model, min_confidence=min_confidence, **settings)
            yield from windows.utterances(file) if timeline.people else windows.windows(file)
    except ClipError as error:
        raise FileError(str(error)) from error
    except Exception as error:
        # The other files are still predicted.
        if os.environ.get("SAVEE_MM_TRACEBACK"):
            raise
        file = path_of(file)
        raise FileError(f"clip {Path(file).stem!r} ({file}): {type(error).__name__}: {error}") from error


def _save(table, file, name, timeline, caution, *, several):
    """Save plot, page and annotations of a timeline; return whether that succeeded."""
    try:
        _write(table, file, name, timeline, caution, several)
    except (ClipError, OSError, ValueError) as error:
        echo_error(f"{file}: the page, plot or annotations are not written ({error})")
        return False
    return True


def _write(table, file, name, timeline, caution, several):
    """Write the outputs at the given paths, or in these folders with a name."""
    if timeline.plot is not None:
        path = _output(timeline.plot, name, _PLOTS, ".png", several)
        with write_atomically(path) as image:
            plot_timeline(table, file).savefig(image, format=path.suffix[1:])
        echo(f"plot: {path}", err=True)
    if timeline.html is not None:
        path = _output(timeline.html, name, {".html", ".htm"}, ".html", several)
        notes = f"About the model: {caution}." if caution else ""
        write_timeline_page(table, file, path, notes=notes, embed=timeline.embed)
        echo(f"page: {path}", err=True)
    if timeline.annotations is not None:
        path = timeline.annotations
        if several or not path.suffix:
            path = path / f"{name}{ANNOTATIONS[timeline.format]}"
        write_annotations(table, path, media=file, format=timeline.format)
        echo(f"annotations: {path}", err=True)


def _output(path, name, suffixes, suffix, several):
    return path if path.suffix.lower() in suffixes and not several else path / f"{name}{suffix}"


class Rows:
    """Rows of predictions: printed and written at once, JSON at the end.

    Parameters
    ----------
    emotions : list of str
        The model's classes.
    files : list of str
        All files, for the width of the first column.
    times : list of str
        Attributes of the predictions in the first columns: ``person``, ``start``, ``end``, those that are used.
    caution : str
        Added to the note of each row; from the card of the model.
    as_json : bool
        Whether to print JSON instead of a table.
    out : Path or None
        CSV or JSON file to write.
    quote_formulas : bool, default=False
        Whether the CSV file has no cells that spreadsheets run as formulas.
    """

    def __init__(self, emotions, files, *, times, caution, as_json, out, quote_formulas=False):
        self._emotions = emotions
        self._caution = caution
        self._times = times
        self._width = max(len(printable(file)) for file in ["file", *files])
        self._as_json = as_json
        self._quote_formulas = quote_formulas
        self._out = out
        self._rows = []
        self._is_csv = out is not None and out.suffix == ".csv"
        self._files = ExitStack()
        if self._is_csv:
            # The draft replaces the file when the command ends, also by Ctrl-C or an error.
            self._table = self._files.enter_context(write_atomically(out))
            self._write(["file", *self._times, "emotion", "confidence", *emotions, "note"])
        if not as_json:
            self._print("file", self._times, ["emotion", *emotions])

    def add(self, file, prediction):
        """Add the row of a WindowPrediction, of which ``start`` and ``end`` are used for timelines."""
        p, emotion = prediction.probabilities, prediction.emotion
        note = "; ".join(filter(None, [prediction.note, self._caution]))
        times = {name: getattr(prediction, name) for name in self._times}
        known = {name: float(value) for name, value in p.items()} if p.notna().all() else None
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
            places = [f"{time:.2f}" if isinstance(time, float) else time or "" for time in times.values()]
            # A prediction without a modality is marked in its row.
            mark = [f" {note}"] if known and "without its" in note else []
            self._print(file, places, [emotion or ("-" if known is None else "(unsure)"), *cells, *mark])
            if note:
                echo(f"{file}: {note}", err=True)

    def close(self):
        """Print or write JSON, or put the CSV file in its place."""
        self._files.close()
        text = json_text(self._rows)
        if self._as_json:
            echo(text, lines=True)
        if self._out is not None and not self._is_csv:
            with write_atomically(self._out) as file:
                file.write(f"{text}\n".encode())

    def _write(self, cells):
        row = io.StringIO(newline="")
        csv.writer(row).writerow(map(quote_formula, cells) if self._quote_formulas else cells)
        self._table.write(row.getvalue().encode("utf-8", "backslashreplace"))

    def _print(self, file, places, cells):
        columns = [
            f"{printable(file):{self._width}}",
            *(f"{place:>8}" for place in places),
            *(f"{cell:>9}" for cell in cells),
        ]
        echo("  ".join(columns).rstrip())
