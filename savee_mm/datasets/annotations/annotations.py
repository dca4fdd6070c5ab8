"""read_annotations, write_annotations, load_annotations: timelines as files of annotation tools."""

import os
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pandas as pd

from savee_mm._files import write_atomically
from savee_mm._validation import Segment
from savee_mm.datasets._common import bunch_or_X_y, few, make_bunch
from savee_mm.datasets.annotations.formats import FORMATS, SUFFIXES
from savee_mm.datasets.annotations.records import as_annotations, as_table, shown
from savee_mm.media import recording_suffixes

DESCR = "{n_clips} segments with labels from {n_files} annotation files; {n_unlabelled} segments have no label.\n"


def write_annotations(
    table: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    target: str = "emotion",
    media: str | os.PathLike[str] | None = None,
    format: str | None = None,
) -> None:
    """Write a timeline as a file of Praat, ELAN, WebVTT or Label Studio.

    Parameters
    ----------
    table : DataFrame
        One row per segment: ``start`` and ``end`` (s), the labels (None for none), and any columns of texts, numbers
        and booleans, such as those of :meth:`EmotionTimeline.predict`.
    path : path-like
        File to write; an existing file is replaced.
    target : str, default="emotion"
        Column of the labels, and name of the tier.
    media : path-like, default=None
        The recording, which ELAN and Label Studio open with the file.
    format : {"textgrid", "eaf", "vtt", "labelstudio"}, default=None
        Format; by the suffix of ``path`` (``.TextGrid``, ``.eaf``, ``.vtt``, ``.json``) when None.

    Raises
    ------
    ImportError
        If the library of the format is not installed (extra ``interchange``).
    ValueError
        If a column is missing, a row is no interval, or the format is unknown.

    See Also
    --------
    read_annotations : Read the table again.

    Notes
    -----
    Tools show labels and times as far as the format can hold them: WebVTT and ELAN have times in ms, the TextGrid is
    written with 0.1 ms, and overlapping rows go to several tiers. The exact row is kept in a second tier (TextGrid,
    ELAN), a comment (WebVTT) or metadata (Label Studio), so that :func:`read_annotations` loses nothing.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> from savee_mm.datasets import read_annotations, write_annotations
    >>> timeline = pd.DataFrame({"start": [0.0, 1 / 3], "end": [0.5, 1.0], "emotion": ["joy", None]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_annotations(timeline, f"{folder}/talk.vtt")
    ...     read_annotations(f"{folder}/talk.vtt")
          start  end emotion
    0  0.000000  0.5     joy
    1  0.333333  1.0    None
    """
    path = Path(path)
    chosen = _format_of(path, format)
    annotations = shown(as_annotations(table, target), chosen.clean, chosen.step)
    content = chosen.write(path, annotations, None if media is None else Path(media))
    with write_atomically(path) as file:
        file.write(content)


def read_annotations(
    path: str | os.PathLike[str],
    *,
    target: str = "emotion",
    tier: str | Sequence[str] | None = None,
    format: str | None = None,
) -> pd.DataFrame:
    """Read a file of Praat, ELAN, WebVTT or Label Studio as a timeline.

    Parameters
    ----------
    path : path-like
        The file.
    target : str, default="emotion"
        Name of the column of labels.
    tier : str or sequence of str, default=None
        Tiers to read. When None: those of ``target``, or the only one.
    format : {"textgrid", "eaf", "vtt", "labelstudio"}, default=None
        As in :func:`write_annotations`.

    Returns
    -------
    table : DataFrame
        ``start``, ``end`` (s) and the labels (None for none), in the order of time. A file of
        :func:`write_annotations` gives the table that was written; labels and times that were changed since, and
        annotations that were added or deleted, are as in the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If the library of the format is not installed (extra ``interchange``).
    ValueError
        If the file cannot be read, has several tiers or recordings, or not the requested tiers.

    See Also
    --------
    load_annotations : A corpus of segments for training.
    """
    recordings = _recordings(path, target, tier, format)
    if len(recordings) != 1:
        raise ValueError(f"{str(path)!r} has {len(recordings)} recordings; read it with load_annotations.")
    return recordings[0][1]


def load_annotations(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    media: str | os.PathLike[str] | None = None,
    target: str = "emotion",
    tier: str | Sequence[str] | None = None,
    return_X_y: bool = False,
) -> Any:
    """Load annotated recordings as a corpus whose clips are segments.

    Parameters
    ----------
    paths : path-like or sequence of path-like
        Files of annotations, or a folder of them.
    media : path-like, default=None
        Recording of a single file, or folder of recordings with the names of the files. When None, it is the recording
        with the same name in the same folder, or the one that the file names.
    target : str, default="emotion"
        As in :func:`read_annotations`.
    tier : str or sequence of str, default=None
        As in :func:`read_annotations`.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        As :func:`~savee_mm.load_table` returns it: ``data`` with the columns ``audio``, ``video``, ``clip_id``,
        ``start`` and ``end``, without segments that have no label; ``target``, ``groups`` (the column ``speaker``, if
        the rows have one, else None), ``target_names`` and ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If a recording is not found.
    ValueError
        As :func:`read_annotations`, or if no segment has a label.
    """
    files = _annotation_files(paths)
    rows, n_unlabelled = [], 0
    for file in files:
        recordings = list(_recordings(file, target, tier, None))
        for named, table in recordings:
            alone = len(recordings) == 1
            recording = _recording_of(file, named, media, alone=alone, single=alone and len(files) == 1)
            labelled = table[table[target].notna()]
            n_unlabelled += len(table) - len(labelled)
            for cells in labelled[[c for c in ("start", "end", target, "speaker") if c in labelled]].to_dict("records"):
                clip = Segment(recording, cells["start"], cells["end"])
                rows.append({"audio": recording, "video": recording, "clip_id": clip.name, **cells})
    if not rows:
        raise ValueError(f"No segment with a label in {few(files)}.")
    data = pd.DataFrame(rows)
    descr = DESCR.format(n_clips=len(rows), n_files=len(files), n_unlabelled=n_unlabelled)
    return bunch_or_X_y(make_bunch(data.drop(columns=target), data[target], descr), return_X_y)


def _format_of(path, name):
    if name is None:
        name = SUFFIXES.get(path.suffix.lower())
    if name not in FORMATS:
        raise ValueError(
            f"Expected a file named {', '.join(SUFFIXES)}, or format= one of {', '.join(FORMATS)}; got {str(path)!r}"
            + ("." if name is None else f" and {name!r}.")
        )
    return FORMATS[name]


def _recordings(path, target, tier, format_name):
    """Return the recordings that a file annotates, and the table of each."""
    path = Path(path)
    chosen = _format_of(path, format_name)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    with _readable(path):
        recordings = chosen.read(path)
    recordings = [(media, _choose(annotations, target, tier, path)) for media, annotations in recordings]
    with _readable(path):
        return [(media, as_table(found, target, chosen.clean, chosen.step)) for media, found in recordings]


@contextmanager
def _readable(path):
    """Raise errors of a file of annotations as a ValueError that names it."""
    try:
        yield
    except ImportError:
        raise
    except Exception as error:  # the libraries raise many kinds
        raise ValueError(
            f"{str(path)!r} cannot be read as annotations ({type(error).__name__}: {error}). Open it in the tool that "
            "wrote it and export it again, or pass the right format."
        ) from error


def _choose(annotations, target, tier, path):
    """Return the annotations of the requested tiers."""
    known = dict.fromkeys(annotation.tier for annotation in annotations)
    if tier is None:
        own = [name for name in known if name.removeprefix(target).strip().isdecimal() or name == target]
        wanted = own or list(known)
        if not own and len(known) > 1:
            raise ValueError(f"{str(path)!r} has several tiers ({few(known)}); choose by tier=.")
    else:
        wanted = [tier] if isinstance(tier, str) else list(tier)
        absent = [name for name in wanted if name not in known]
        if absent:
            raise ValueError(f"{str(path)!r} has no annotation in tier {absent[0]!r}; its tiers are {few(known)}.")
    return [annotation for annotation in annotations if annotation.tier in wanted]


def _annotation_files(paths):
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    files = []
    for path in map(Path, paths):
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise FileNotFoundError(f"No file of annotations ({', '.join(SUFFIXES)}) in {str(path)!r}.")
        files += inside
    return files


def _recording_of(file, named, media, *, alone, single):
    """Return the path of the recording of a file of annotations.

    ``alone``: whether it is the only one of its file, which may then name it; ``single``: whether there is no other.
    """
    if media is not None and not Path(media).is_dir():
        if single and Path(media).is_file():
            return str(media)
        raise FileNotFoundError(f"Expected media to be a recording, or a folder for several files; got {str(media)!r}.")
    folder = file.parent if media is None else Path(media)
    name = "" if named is None else Path(unquote(urlparse(str(named)).path)).name
    stems = [Path(name).stem] if name else []
    candidates = [folder / name] if name else []
    if media is None and named is not None:
        candidates.append(file.parent / unquote(urlparse(str(named)).path))
    for stem in [*stems, *([file.stem] if alone else [])]:
        candidates += sorted(p for p in folder.iterdir() if p.stem == stem and p.suffix.lower() in recording_suffixes())
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise FileNotFoundError(
            f"The recording of {str(file)!r} is missing: no {name or file.stem + '.*'} in {str(folder)!r}. Pass media=."
        )
    return str(found)
