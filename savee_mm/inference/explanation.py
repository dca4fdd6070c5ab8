"""explain: the parts of faces and spectral images that a prediction depends on."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from savee_mm._composition import steps
from savee_mm._plots import literal
from savee_mm._validation import Segment, as_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Grid of cells: over a face, and over the rows and columns of an image of the voice.
_FACE_CELLS, _VOICE_CELLS = (8, 8), (8, 16)
_INCH = 1.6  # width of a face in the plot
_OPACITY = 0.7  # of the strongest cell of a map; where a map is 0, the image shows through


@dataclass(frozen=True)
class ImageMap:
    """Occlusion map of one image that a model reads.

    Attributes
    ----------
    image : ndarray of shape (n_frames, height, width, channels) or (n_rows, n_columns, 1)
        Output of the extractor.
    drop : ndarray of shape (n_frames, n_cells, n_cells) or (n_cells, n_cells)
        Decrease of the probability if only this cell is hidden; negative if the probability increases.
    """

    image: np.ndarray
    drop: np.ndarray


@dataclass(frozen=True)
class Explanation:
    """Occlusion maps of a prediction, made by :func:`explain`.

    Attributes
    ----------
    clip_id : str
        Name of the clip.
    label : str
        The class that is explained.
    probability : dict of str to float
        Its probability by model: a single one, or each branch of a late fusion.
    maps : dict of str to ImageMap
        By the name of the image; for a late fusion, after the name of the branch.
    """

    clip_id: str
    label: str
    probability: dict
    maps: dict

    def plot(self) -> "Figure":
        """Plot every image with its map as an overlay.

        Returns
        -------
        figure : matplotlib.figure.Figure
            Red where hiding decreases the probability of the class, blue where it increases it.
        """
        return _plot(self)


def explain(
    model: BaseEstimator, clip: str | os.PathLike[str] | Segment | pd.DataFrame, *, label: str | None = None
) -> Explanation:
    """Compute occlusion maps: the effect of each part of an image on the probability of a class.

    Parameters
    ----------
    model : estimator
        A fitted :class:`~savee_mm.FusionClassifier` or :class:`~savee_mm.AudioCNNClassifier`, a Pipeline of an
        image extractor (faces, MFCC) and a classifier, or a :class:`~savee_mm.LateFusionClassifier` with such a branch.
    clip : path-like, Segment or DataFrame of one row
        The clip.
    label : str, default=None
        The class to explain; the most probable one when None.

    Returns
    -------
    explanation : Explanation
        With a method ``plot``.

    Raises
    ------
    TypeError
        If the model reads no images; use :func:`group_importance` for tables of features.
    ValueError
        If the table does not have one row, or the class is not one of the model's.
    ClipError
        If the clip cannot be used.

    Notes
    -----
    A hidden cell has the mean value of its image. The maps show what the model uses, not what the person feels. If two
    cells are redundant, hiding one of them has little effect.

    References
    ----------
    M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.

    Examples
    --------
    >>> from savee_mm import explain, load_model
    >>> explain(load_model("fusion.savee"), "clip.mp4").plot().savefig("why.png")  # doctest: +SKIP
    """
    table = _one_clip(clip)
    classes = list(model.classes_)
    label = classes[int(model.predict_proba(table)[0].argmax())] if label is None else label
    if label not in classes:
        raise ValueError(f"The model knows no class {label!r}; its classes are {', '.join(map(str, classes))}.")
    probability, maps = {}, {}
    for name, reader in _readers(model, table):
        if label not in reader.classes:
            continue  # a branch that was trained without the class
        arrays = reader.read(table)
        probability[name] = float(reader.predict_proba(arrays)[0, list(reader.classes).index(label)])
        for part, array in arrays.items():
            if array.ndim > 3 and array.any():
                title = f"{name} {part}" if name else part
                maps[title] = ImageMap(array[0], _drops(reader, arrays, part, label))
    if not maps:
        raise TypeError(f"{type(model).__name__} reads no images; group_importance is for models of features.")
    clip_id = str(table["clip_id"].iloc[0]) if "clip_id" in table.columns else "clip"
    return Explanation(clip_id, label, probability, maps)


class _NetworkReader:
    """A network over the clip table: its extractors, and the network after them."""

    def __init__(self, model, table):
        self._model = model
        self._table = table
        self.classes = model.classes_

    def read(self, table):
        return dict(zip(self._model._fitted_parts(), self._model._extract(table)[0], strict=True))

    def predict_proba(self, arrays):
        inputs = tuple(arrays.values())
        return self._model._predict_arrays(self._table.iloc[np.zeros(len(inputs[0]), int)], inputs)


class _PipelineReader:
    """A Pipeline: its transformers, and its last step."""

    def __init__(self, before, last):
        self._before = before
        self._last = last
        self.classes = last.classes_

    def read(self, table):
        for step in self._before:
            table = step.transform(table)
        return {"image": np.asarray(table)}

    def predict_proba(self, arrays):
        return self._last.predict_proba(arrays["image"])


def _readers(model, table):
    """Yield name and reader of every part of a model that predicts from arrays; the name of a single part is empty."""
    *before, last = steps(model)
    if hasattr(last, "_branches_for"):
        for name, branch in last._branches_for(table):
            yield from ((name, reader) for _, reader in _readers(branch, table))
    elif hasattr(last, "_fitted_parts"):
        yield "", _NetworkReader(last, table)
    elif before and hasattr(last, "predict_proba"):
        yield "", _PipelineReader(before, last)


def _drops(reader, arrays, part, label):
    """Return the decrease of the probability of a class for each hidden cell of one image."""
    column = list(reader.classes).index(label)
    whole = reader.predict_proba(arrays)[0, column]
    images = arrays[part][0] if arrays[part].ndim == 5 else arrays[part]
    cells = _FACE_CELLS if arrays[part].ndim == 5 else _VOICE_CELLS
    drops = []
    for i, image in enumerate(images):
        hidden = _hide_cells(image, cells)
        clips = {name: np.repeat(array, len(hidden), axis=0) for name, array in arrays.items()}
        if arrays[part].ndim == 5:
            clips[part][:, i] = hidden
        else:
            clips[part] = hidden
        drops.append(whole - reader.predict_proba(clips)[:, column].reshape(cells))
    return np.stack(drops) if arrays[part].ndim == 5 else drops[0]


def _hide_cells(image, cells):
    """Return copies of an image of shape (height, width, channels), each with one cell set to the mean."""
    rows, columns = (np.linspace(0, n, k + 1).round().astype(int) for n, k in zip(image.shape[:2], cells, strict=True))
    hidden = np.repeat(image[np.newaxis], np.prod(cells), axis=0)
    mean = image.mean(axis=(0, 1))
    for i, copy in enumerate(hidden):
        row, column = divmod(i, cells[1])
        copy[rows[row] : rows[row + 1], columns[column] : columns[column + 1]] = mean
    return hidden


def _one_clip(clip):
    """Return a clip table of one row."""
    clip = as_table(clip)
    if isinstance(clip, (str, os.PathLike)):
        return pd.DataFrame({"audio": [str(clip)], "video": [str(clip)], "clip_id": [Path(clip).stem]})
    if isinstance(clip, Segment):
        return pd.DataFrame({"audio": [clip], "video": [clip], "clip_id": [clip.name]})
    if not isinstance(clip, pd.DataFrame) or len(clip) != 1:
        came = f"a table of {len(clip)}" if isinstance(clip, pd.DataFrame) else type(clip).__name__
        raise ValueError(f"explain takes the path of a clip, or a clip table of one row; got {came}.")
    return clip


def _plot(explanation):
    """Return a Figure with a row for each map, all on one scale."""
    # Not pyplot, which keeps every figure and may need a display.
    from matplotlib.figure import Figure

    maps = explanation.maps
    n_columns = max(len(one.image) if one.image.ndim == 4 else 1 for one in maps.values())
    figure = Figure(figsize=(_INCH * max(n_columns, 4), 2.2 * len(maps) + 0.4), layout="constrained")
    shares = ", ".join(f"{name} {p:.2f}".strip() for name, p in explanation.probability.items())
    figure.suptitle(literal(f"{explanation.clip_id}: {explanation.label} ({shares})"), fontsize=9)
    limit = max(np.abs(one.drop).max() for one in maps.values()) or 1.0
    rows = figure.subfigures(len(maps), 1, squeeze=False)[:, 0]
    for row, (name, one) in zip(rows, maps.items(), strict=True):
        faces = one.image.ndim == 4
        images, drops = (one.image, one.drop) if faces else ([one.image], [one.drop])
        row.supylabel(literal(name), fontsize=8)
        for axes, image, drop in zip(row.subplots(1, len(images), squeeze=False)[0], images, drops, strict=True):
            overlay = _draw(axes, image, drop, limit, faces=faces)
    rows[-1].colorbar(overlay, ax=rows[-1].axes, label="decrease of the probability")
    return figure


def _draw(axes, image, drop, limit, *, faces):
    """Draw one image and its map."""
    height, width = image.shape[:2]
    shown = image if image.shape[-1] == 3 else image[..., 0]
    scale = {"vmin": 0, "vmax": 1} if faces else {"aspect": "auto", "origin": "lower"}
    axes.imshow(shown, cmap="gray", **scale)
    axes.set(xticks=[], yticks=[])
    place = {"extent": (-0.5, width - 0.5, height - 0.5, -0.5) if faces else (-0.5, width - 0.5, -0.5, height - 0.5)}
    place |= {} if faces else {"aspect": "auto", "origin": "lower"}
    opacity = _OPACITY * np.sqrt(np.abs(drop) / limit)
    return axes.imshow(drop, cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=opacity, interpolation="bilinear", **place)
