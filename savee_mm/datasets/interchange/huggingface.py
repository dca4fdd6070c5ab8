"""Datasets of Hugging Face with columns of audio or video."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from savee_mm._files import write_atomically
from savee_mm.datasets._common import bunch_or_X_y, few, make_bunch, named_clips

_MEDIA = {"Audio": "audio", "Video": "video"}


def load_huggingface(
    dataset: Any,
    *,
    target: str = "label",
    columns: Mapping[str, str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    return_X_y: bool = False,
) -> Any:
    """Load a Hugging Face dataset with a column of audio or video.

    Parameters
    ----------
    dataset : datasets.Dataset
        One split, loaded from local files. The media are not decoded by datasets, so that torchcodec is not needed.
    target : str, default="label"
        Column of the classes; of a ClassLabel, the names are used. Rows without a class (None, or -1 in a ClassLabel)
        are left out.
    columns : mapping of str to str, default=None
        Columns with other names than those of a clip table, such as ``{"speaker": "speaker_id"}``.
    folder : path-like, default=None
        Where to write recordings that are stored in the dataset itself, under names of their content. Recordings in
        files of their own are used in place.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        As :func:`~savee_mm.load_table` returns it.

    Raises
    ------
    TypeError
        If ``dataset`` is no Dataset, such as a DatasetDict of several splits.
    ValueError
        If it has no column of audio or video, or no column ``target``, or recordings without a file and no ``folder``
        is given.

    Examples
    --------
    >>> from datasets import load_dataset  # doctest: +SKIP
    >>> from savee_mm import load_huggingface
    >>> split = load_dataset("audiofolder", data_dir="corpus", split="train")  # doctest: +SKIP
    >>> load_huggingface(split).data.shape  # doctest: +SKIP
    (480, 3)
    """
    features = getattr(dataset, "features", None)
    if features is None or not hasattr(dataset, "cast_column") or not hasattr(dataset, "__len__"):
        hint = f"; choose one of its splits: {few(dataset)}" if isinstance(dataset, dict) else ""
        raise TypeError(f"Expected a datasets.Dataset, got {type(dataset).__name__}{hint}.")
    media = {name: _MEDIA[type(f).__name__] for name, f in features.items() if type(f).__name__ in _MEDIA}
    if not media or target not in features:
        missing = "column of audio or video" if not media else f"column {target!r} with the classes"
        raise ValueError(f"The dataset has no {missing}; its columns are {few(features, 20)}.")
    for name in media:
        dataset = dataset.cast_column(name, type(features[name])(decode=False))
    names = {own: name for name, own in (columns or {}).items()} | media
    label = features[target]
    dataset = dataset.with_format(None)
    classes = [_class_of(code, label) for code in dataset[target]]
    rows = [
        {names.get(name, name): _file(cell, folder) if name in media else cell for name, cell in row.items()}
        for row, known in zip(dataset, classes, strict=True)
        if known is not None
    ]
    if not rows:
        raise ValueError(
            f"No row of the dataset has a class in the column {target!r}; choose another split or target=."
        )
    table = named_clips(pd.DataFrame(rows))
    classes = [known for known in classes if known is not None]
    source = getattr(getattr(dataset, "info", None), "dataset_name", None) or "local files"
    return bunch_or_X_y(
        make_bunch(table.drop(columns=target), classes, f"A Hugging Face dataset, {len(table)} clips from {source}.\n"),
        return_X_y,
    )


def _class_of(value, label):
    """Return the name of a class, None for a row without one."""
    if value is None or value != value or (hasattr(label, "int2str") and value == -1):
        return None
    return label.int2str(value) if hasattr(label, "int2str") else str(value)


def _file(cell, folder):
    """Return the path of a recording that is not decoded; write it if the dataset holds its content."""
    if cell is None:
        return None
    path, content = cell.get("path"), cell.get("bytes")
    if path and os.path.isfile(path):
        return path
    if content is None:
        raise ValueError(f"The recording {path!r} of the dataset does not exist. Restore the file.")
    if folder is None:
        raise ValueError(
            f"The recording {path!r} is stored in the dataset. Pass folder=, where the recordings are written as files."
        )
    name = hashlib.blake2b(content, digest_size=8).hexdigest()
    file = Path(folder) / f"{Path(path or 'recording').stem}_{name}{Path(path or '').suffix}"
    if not file.exists():
        with write_atomically(file) as stream:
            stream.write(content)
    return str(file)
