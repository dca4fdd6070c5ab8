"""The prediction of files: one after the other, a line for each, or for each window of a timeline."""

from dataclasses import dataclass
from pathlib import Path

import click
from tqdm import tqdm

from savee_mm import ClipError, EmotionTimeline, load_model, plot_timeline
from savee_mm.cli._rows import Rows
from savee_mm.inference.files import ask_file
from savee_mm.inference.timeline import as_table
from savee_mm.inference.window_prediction import decide

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

_SOUNDS = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff"}
_VIDEOS = {".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".flv"}
_MEDIA = _SOUNDS | _VIDEOS
_PICTURES = {".png", ".svg", ".pdf", ".jpg"}


@dataclass(frozen=True)
class Timeline:
    """What ``--timeline`` asks for: lengths (s), and where pictures go (None for none)."""

    window: float
    hop: float
    plot: Path | None


def run_predict(paths, model_file, *, min_confidence=0.0, timeline=None, as_json=False, out=None):
    """Print what a model says of files, and write it where that was asked for.

    Parameters
    ----------
    paths : sequence of str
        Sounds or videos, and folders of them.
    model_file : str
        What ``save_model`` wrote.
    min_confidence : float, default=0.0
        Probability below which no emotion is named.
    timeline : Timeline, default=None
        Windows that slide over each file; one answer for each file when None.
    as_json : bool, default=False
        Whether a JSON list is printed once all files are done, in place of a line for each as it is done.
    out : Path, default=None
        CSV or JSON file to write.

    Returns
    -------
    status : int
        0; 1 where a file could not be used, which stderr names; 130 after Ctrl-C, what was done being there.
    """
    files, model = list_files(paths), load_model(model_file)
    names = [str(label) for label in model.classes_]
    rows = Rows(names, files, times=timeline is not None, as_json=as_json, out=out)
    status = 0
    try:
        # On a terminal the lines of a table are progress enough.
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
    """Return the files that were named, and in place of a folder the sounds and videos in it.

    Parameters
    ----------
    paths : sequence of str
        Files and folders.

    Returns
    -------
    files : list of str
        Those of a folder sorted, subfolders included.

    Raises
    ------
    ValueError
        Where a folder has neither sounds nor videos.
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
    probabilities, lacking = ask_file(model, file)
    emotion, note = decide(probabilities, min_confidence, f"predicted {lacking}" if lacking else "")
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
            picture = _picture(timeline.plot, file, several)
            picture.parent.mkdir(parents=True, exist_ok=True)
            plot_timeline(as_table(done, model.classes_), file).savefig(picture)
            click.echo(f"plot: {picture}", err=True)


def _picture(plot, file, several):
    """Return where the picture of a file goes: the path itself, or in a folder a picture named for the file."""
    if plot.suffix.lower() in _PICTURES and not several:
        return plot
    return plot / f"{Path(file).stem}.png"
