"""Readers and writers of annotations: Praat TextGrid, ELAN, WebVTT and Label Studio.

A reader returns recordings as pairs of a path (None if the file names none) and a list of Annotation. A writer returns
the content of a file, from its path, the annotations, and the path of the recording (None if unknown). Records of the
rows are kept where tools show them least: in a second tier, in comments, or in metadata.
"""

import html
import json
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from savee_mm.datasets.annotations.records import Annotation, lanes

_DATA = " data"  # ends the name of the tier with the records of another tier
_PROGRAM = "savee_mm"


class Format(NamedTuple):
    """A format of annotations: its reader and writer, the texts that it can hold, and its precision (s)."""

    read: object
    write: object
    clean: object
    step: float


def write_file(path, writer):
    """Call a writer of a third-party library with the name of a draft, and return the content as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        draft = os.path.join(folder, "draft" + Path(path).suffix)
        writer(draft)
        return Path(draft).read_bytes()


# ---- Praat TextGrid (praatio). Times in exponential notation and headings in labels mislead its reader.


def clean_textgrid(text):
    """Return a text without brackets, line breaks, and spaces at the ends."""
    return " ".join(text.replace("[", "(").replace("]", ")").split())


def write_textgrid(path, annotations, media):
    """Return the content of a TextGrid: a tier of labels and a tier of records for each lane."""
    from praatio.data_classes.interval_tier import IntervalTier
    from praatio.textgrid import Textgrid

    end = max((a.end for a in annotations), default=1.0)
    grid = Textgrid(0.0, end)
    for name, lane in (lanes(annotations) or {annotations_tier(annotations): []}).items():
        grid.addTier(IntervalTier(name, [(a.start, a.end, a.text) for a in lane], 0.0, end))
        grid.addTier(IntervalTier(name + _DATA, [(a.start, a.end, a.record) for a in lane], 0.0, end))
    return write_file(path, lambda draft: grid.save(draft, format="long_textgrid", includeBlankSpaces=True))


def read_textgrid(path):
    """Read the interval tiers of a TextGrid."""
    from praatio.data_classes.interval_tier import IntervalTier
    from praatio.textgrid import openTextgrid

    grid = openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="silence")
    tiers = {tier.name: list(tier.entries) for tier in grid.tiers if isinstance(tier, IntervalTier)}
    found = []
    for name, intervals in tiers.items():
        if name.endswith(_DATA) and name.removesuffix(_DATA) in tiers:
            continue
        records = [entry for entry in tiers.get(name + _DATA, ()) if entry.label]
        for start, end, text in intervals:
            record = _take_record(records, start, end)
            if text or record:
                found.append(Annotation(start, end, text, record, name))
    return [(None, found)]


def _take_record(records, start, end):
    """Remove and return the record in whose interval the middle of another interval is; empty if there is none."""
    middle = (start + end) / 2
    for i, (first, last, record) in enumerate(records):
        if first <= middle < last and start <= (first + last) / 2 < end:
            del records[i]
            return record
    return ""


# ---- ELAN (pympi-ling)


def clean_elan(text):
    """Return a text without characters that XML cannot hold, and with line breaks as XML readers return them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c in "\n\t" or (c >= " " and not "\ud800" <= c <= "\udfff" and c < "\ufffe"))


def write_elan(path, annotations, media):
    """Return the content of an ELAN file: a tier of labels, and a dependent tier of records, for each lane."""
    from pympi import Eaf

    document = Eaf(author=_PROGRAM)
    document.remove_tier("default")
    document.add_linguistic_type("record", "Symbolic_Association")
    if media is not None:
        document.add_linked_file(media.absolute().as_uri(), relpath=f"./{media.name}", mimetype=_mime_type(media))
    for name, lane in (lanes(annotations) or {annotations_tier(annotations): []}).items():
        document.add_tier(name)
        document.add_tier(name + _DATA, ling="record", parent=name)
        for a in lane:
            start, end = round(a.start * 1000), round(a.end * 1000)
            document.add_annotation(name, start, end, a.text)
            # At a limit, pympi refers to the annotation that ends there.
            document.add_ref_annotation(name + _DATA, name, (start + end) // 2, a.record)
    return write_file(path, document.to_file)


def _mime_type(media):
    import mimetypes

    return mimetypes.guess_type(media.name)[0] or "unknown"


def read_elan(path):
    """Read the tiers of an ELAN file; those that depend on others are no annotations of their own."""
    from pympi import Eaf

    document = Eaf(str(path), suppress_version_warning=True)
    found = []
    for name in document.get_tier_names():
        if document.get_parameters_for_tier(name).get("PARENT_REF"):
            continue
        records = {}
        if name + _DATA in document.get_tier_names():
            records = {
                (start, end): record
                for start, end, record, *_ in document.get_ref_annotation_data_for_tier(name + _DATA)
            }
        for start, end, text in document.get_annotation_data_for_tier(name):
            found.append(Annotation(start / 1000, end / 1000, text or "", records.get((start, end), ""), name))
    linked = [file.get("RELATIVE_MEDIA_URL") or file["MEDIA_URL"] for file in document.get_linked_files()]
    return [(linked[0] if linked else None, found)]


# ---- WebVTT (webvtt-py), whose captions hold markup: labels are escaped


def clean_webvtt(text):
    """Return a text in one line."""
    return " ".join(text.split())


def write_webvtt(path, annotations, media):
    """Return the content of a WebVTT file: a cue for each annotation, and its record in a comment with its number."""
    from webvtt import Caption, WebVTT

    captions = []
    for number, a in enumerate(annotations, start=1):
        text = html.escape(a.text, quote=False)
        caption = Caption(_stamp(a.start), _stamp(a.end), text, identifier=str(number))
        caption.comments = [f"{number} {a.record}"]
        captions.append(caption)
    return WebVTT(captions=captions).content.encode()


def _stamp(seconds):
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def read_webvtt(path):
    """Read the cues of a WebVTT file, without their markup."""
    import webvtt

    file = webvtt.read(str(path))
    # The comment before the first cue is that of the file.
    comments = [*(file.header_comments or ()), *(comment for caption in file.captions for comment in caption.comments)]
    records = dict(comment.split(" ", 1) for comment in comments if " " in comment)
    found = []
    for caption in file.captions:
        start, end = (_seconds(time) for time in (caption.start_time, caption.end_time))
        record = records.get(caption.identifier or "", "")
        record = record if record.startswith("[") else ""
        found.append(Annotation(start, end, html.unescape(caption.text), record, ""))
    return [(None, found)]


def _seconds(time):
    return (time.hours * 3_600_000 + time.minutes * 60_000 + time.seconds * 1000 + time.milliseconds) / 1000


# ---- Label Studio: tasks as JSON, as it imports and exports them


def clean_label_studio(text):
    """Return a text as it is."""
    return text


def write_label_studio(path, annotations, media):
    """Return a list of one task, with the annotations as predictions, which Label Studio shows as suggestions."""
    result = [
        {
            "id": f"row-{number}",
            "from_name": a.tier,
            "to_name": "audio",
            "type": "labels",
            "value": {"start": a.start, "end": a.end, "channel": 0, "labels": [a.text] if a.text else []},
            "meta": {"text": [a.record]},
        }
        for number, a in enumerate(annotations)
    ]
    task = {"data": {"audio": None if media is None else str(media)}, "predictions": [{"model_version": _PROGRAM}]}
    task["predictions"][0]["result"] = result
    return json.dumps([task], indent=1).encode()


def read_label_studio(path):
    """Read the tasks of a file: of each the last annotation of a person, else the last prediction."""
    tasks = json.loads(Path(path).read_text(encoding="utf-8"))
    return [_read_task(task) for task in (tasks if isinstance(tasks, list) else [tasks])]


def _read_task(task):
    data = task.get("data") or {}
    media = next((value for value in (data.get("audio"), data.get("video"), *data.values()) if value), None)
    finished = [a for a in task.get("annotations") or () if not a.get("was_cancelled")]
    results = [*(task.get("predictions") or ()), *finished]
    found = []
    for item in results[-1]["result"] if results else ():
        value = item.get("value") or {}
        if not {"start", "end"} <= set(value):
            continue  # a rating of the whole task, or a transcript
        records = [text for text in (item.get("meta") or {}).get("text", ()) if text.startswith("[")]
        text = " ".join(value.get("labels") or value.get("timeserieslabels") or ())
        record = records[0] if records else ""
        found.append(Annotation(float(value["start"]), float(value["end"]), text, record, item.get("from_name", "")))
    return media, found


def annotations_tier(annotations):
    """Return the name of the tier of annotations."""
    return annotations[0].tier if annotations else "emotion"


FORMATS = {
    "textgrid": Format(read_textgrid, write_textgrid, clean_textgrid, 1e-4),
    "eaf": Format(read_elan, write_elan, clean_elan, 1e-3),
    "vtt": Format(read_webvtt, write_webvtt, clean_webvtt, 1e-3),
    "labelstudio": Format(read_label_studio, write_label_studio, clean_label_studio, 1e-9),
}
"""Formats by name."""

SUFFIXES = {".textgrid": "textgrid", ".eaf": "eaf", ".vtt": "vtt", ".json": "labelstudio"}
"""Names of formats by the suffix of a file, in lower case."""
