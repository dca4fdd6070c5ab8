"""write_timeline_page: a recording with its predictions, as a page that plays."""

import base64
import hashlib
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd

from savee_mm._files import write_text
from savee_mm.inference._events import first_times
from savee_mm.inference.people import Person, find_people
from savee_mm.inference.playback import data_url, is_playable, write_playable
from savee_mm.inference.timeline_plot import window_edges

# Colours that people with colour-blindness distinguish: P. Tol, "Colour schemes", SRON/EPS/TN/09-002, 2021, "muted".
_COLOURS = ("#cc6677", "#332288", "#ddcc77", "#117733", "#88ccee", "#882255", "#44aa99", "#999933", "#aa4499", "#777")
_TABLE = ("person", "start", "end", "emotion", "confidence", "note")
_N_CROPS = 16
_FACE_FPS = 5.0
_WIDTH, _HEIGHT = 1000, 100  # of the bands, in units of the SVG


class Span(NamedTuple):
    """A window in a row: start and end (s), text, probability, kind (emotion, pause or unsure), and note."""

    start: float
    end: float
    text: str
    confidence: float
    kind: str
    note: str


class Row(NamedTuple):
    """One person: name, path of the band of each emotion, spans, and crops as (time, data URL)."""

    name: str
    bands: list[str]
    spans: list[Span]
    crops: list[tuple[float, str]]

    @property
    def texts(self):
        """Spans in which neighbours with the same text are one, without a gap."""
        texts = []
        for span in self.spans:
            last = texts[-1] if texts else None
            if last and (last.kind, last.text) == (span.kind, span.text) and span.start <= last.end + 1e-6:
                texts[-1] = last._replace(end=span.end)
            else:
                texts.append(span)
        return texts


def write_timeline_page(
    table: pd.DataFrame,
    recording: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    notes: str = "",
    embed: bool = False,
    people: Sequence[Person] | None = None,
    detector: Literal["auto", "yunet", "ssd", "lbp"] = "auto",
) -> Path:
    """Write an HTML page that plays a recording with its predictions.

    Parameters
    ----------
    table : DataFrame
        Result of :meth:`EmotionTimeline.predict`, or of :meth:`EmotionTimeline.predict_people`, which has one row on
        the page for each person.
    recording : path-like
        The sound file or video.
    path : path-like
        The page. The recording is put into the same folder, with the name of the page, unless it is there already;
        a format that browsers do not play is converted to MP4.
    title : str, default=None
        Heading; None for the name of the recording.
    notes : str, default=""
        A paragraph below the heading, such as the caution of the model's card.
    embed : bool, default=False
        Whether the page contains the recording (100 MB at most), so that it is one file.
    people : sequence of Person, default=None
        Result of :func:`find_people`, for boxes and crops; None to detect the faces.
    detector : {"auto", "yunet", "ssd", "lbp"}, default="auto"
        Face detector, if ``people`` is None.

    Returns
    -------
    path : Path
        The page. It loads nothing from the network.

    Raises
    ------
    ValueError
        If the table has no rows or not the columns of a timeline.
    ClipError
        If the recording cannot be read, or is too large to be embedded.

    Examples
    --------
    >>> from savee_mm import EmotionTimeline, load_model, write_timeline_page
    >>> table = EmotionTimeline(load_model("fusion.savee")).predict("talk.mp4")  # doctest: +SKIP
    >>> write_timeline_page(table, "talk.mp4", "talk.html")  # doctest: +SKIP
    """
    emotions = _emotions(table)
    path, recording = Path(path), Path(os.fspath(recording))
    if people is None:
        people = find_people(recording, fps=_FACE_FPS, detector=detector)
    end = float(table["end"].max()) or 1.0  # a still image has no length
    rows = _rows(table, emotions, people, end)
    faces = [[person.name, np.column_stack([person.times, person.boxes]).round(4).tolist()] for person in people]
    text = render_page(
        "timeline_page.html.jinja",
        title=recording.name if title is None else title,
        notes=notes,
        source=_source(recording, path, embed),
        has_video="video" in first_times(recording),
        end=end,
        ticks=_ticks(end),
        emotions=list(zip(emotions, colours(len(emotions)), strict=True)),
        rows=rows,
        data={"end": end, "rows": [[row.name, row.spans] for row in rows], "faces": faces},
        colour_of=dict(zip(map(str, emotions), colours(len(emotions)), strict=True)),
        table=[
            (float(start), [_cell(value) for value in values])
            for start, values in zip(table["start"], table.itertuples(index=False), strict=True)
        ],
        columns=list(table.columns),
    )
    write_text(path, text)
    return path


def render_page(template, package=__package__, **values):
    """Return a page whose policy allows its own script only.

    Parameters
    ----------
    template : str
        Name of the template.
    package : str, default="savee_mm.inference"
        Where it is.
    **values
        What it shows; text is escaped.

    Returns
    -------
    text : str
    """
    from savee_mm.evaluation.report.page import make_environment

    environment = make_environment(package)
    environment.filters |= {"sha256": _sha256, "clock": _clock}
    return environment.get_template(template).render(**values)


def colours(n):
    """Return a colour for each of ``n`` classes; after ten they repeat."""
    return [_COLOURS[i % len(_COLOURS)] for i in range(n)]


def _sha256(text):
    return base64.b64encode(hashlib.sha256(str(text).encode()).digest()).decode()


def _clock(seconds):
    """Format a time (s) as minutes and seconds."""
    minutes, rest = divmod(round(float(seconds), 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"


def _emotions(table):
    """Return the names of the columns with probabilities."""
    missing = [name for name in _TABLE if name != "person" and name not in table.columns]
    if missing:
        raise ValueError(
            "write_timeline_page expects the table of EmotionTimeline.predict, and the column "
            f"{missing[0]!r} is missing."
        )
    if not len(table):
        raise ValueError("write_timeline_page got a table without rows: no window of the recording was predicted.")
    return [name for name in table.columns if name not in _TABLE]


def _source(recording, path, embed):
    """Return the URL of the recording, relative to the page; write a copy in the folder of the page if needed."""
    if embed:
        with tempfile.TemporaryDirectory(prefix="savee_mm_") as folder:
            return data_url(write_playable(recording, Path(folder) / "recording"))
    folder = path.resolve().parent
    if is_playable(recording) and recording.resolve().parent == folder:
        return quote(recording.name)
    return quote(write_playable(recording, folder / f"{path.stem}.media").name)


def _rows(table, emotions, people, end):
    """Return the Row of each person; a single one without a name if the table names no people."""
    crops = {person.name: _crops(person.crops, end) for person in people}
    if "person" in table.columns:
        groups = dict(list(table.groupby("person", sort=False)))
        names = [name for name in dict.fromkeys([*crops, *groups]) if name in groups]
        return [_row(name, groups[name], emotions, crops.get(name, []), end) for name in names]
    every = sorted((crop for person in people for crop in person.crops), key=lambda crop: crop[0])
    return [_row("", table, emotions, _crops(every, end), end)]


def _row(name, table, emotions, crops, end):
    table = table.sort_values("start", kind="stable")
    starts, ends = _limits(table, end, are_utterances=bool(name))
    shares = table[emotions].to_numpy(dtype=float)
    tops = np.cumsum(shares, axis=1)
    predicted = ~np.isnan(shares).any(axis=1)
    left, right = np.round(starts / end * _WIDTH, 2), np.round(ends / end * _WIDTH, 2)
    bands = []
    for i in range(len(emotions)):
        low, high = ((1 - top) * _HEIGHT for top in (tops[:, i] - shares[:, i], tops[:, i]))
        boxes = zip(left[predicted], right[predicted], low[predicted], high[predicted], strict=True)
        bands.append("".join(f"M{a:g} {c:.1f}V{d:.1f}H{b:g}V{c:.1f}Z" for a, b, c, d in boxes))
    spans = [
        Span(*limits, *_name(*prediction), prediction[-1])
        for *limits, prediction in zip(
            starts.tolist(),
            ends.tolist(),
            zip(table["emotion"], table["confidence"], predicted, table["note"].map(str), strict=True),
            strict=True,
        )
    ]
    return Row(name, bands, spans, crops)


def _limits(table, end, *, are_utterances):
    """Return where windows are drawn (s): utterances as they are, overlapping windows around their middles."""
    starts, ends = table["start"].to_numpy(dtype=float), table["end"].to_numpy(dtype=float)
    if (are_utterances or len(table) > 1) and (starts[1:] >= ends[:-1] - 1e-6).all():
        return starts, ends
    _, edges = window_edges(table, end)
    # The first window starts, and the last one ends, where they do.
    return np.append(starts[0], edges[1:-1]), np.append(edges[1:-1], ends[-1])


def _name(emotion, confidence, is_predicted, note):
    """Return text, probability and kind of a span."""
    if not is_predicted:
        return "pause" if note == "pause" else "no prediction", 0.0, "pause"
    kind, text = ("unsure", "unsure") if pd.isna(emotion) else ("emotion", str(emotion))
    return text, round(float(confidence), 3), kind


def _crops(crops, end):
    """Return at most 16 crops that do not overlap, with the time and a data URL each."""
    chosen = []
    for time, pixels in crops:
        if time < end and (not chosen or time - chosen[-1][0] >= end / _N_CROPS):
            chosen.append((time, _jpeg(pixels)))
    return chosen


def _jpeg(pixels):
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _ticks(end):
    """Return at most ten times for the axis (s)."""
    steps = [step * scale for scale in (0.1, 1, 10, 60, 600, 3600) for step in (1, 2, 5)]
    step = next((step for step in sorted(steps) if end / step <= 8), 36000)
    return [round(i * step, 1) for i in range(int(end / step) + 1) if i * step <= 0.96 * end]


def _cell(value):
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.3f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)
