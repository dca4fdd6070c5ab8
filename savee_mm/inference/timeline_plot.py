"""plot_timeline: probabilities over time, with faces above."""

import os
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from savee_mm._plots import literal
from savee_mm._validation import ClipError
from savee_mm.inference._events import first_times, recording_start
from savee_mm.media import map_frames
from savee_mm.vision import choose_face, crop_face, make_detector, resolve_detector

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_N_FACES = 10
_CROP, _MARGIN = (96, 96), 0.3
_TABLE = ("start", "end", "emotion", "confidence", "note")


def plot_timeline(
    table: pd.DataFrame,
    path: str | os.PathLike[str] | None = None,
    *,
    detector: Literal["auto", "yunet", "ssd", "lbp"] = "auto",
) -> "Figure":
    """Plot the probabilities of the emotions over time.

    Parameters
    ----------
    table : DataFrame
        Result of :meth:`EmotionTimeline.predict`.
    path : path-like, default=None
        The recording, for a row of ten faces above the plot; None, or a sound file, for no faces.
    detector : {"auto", "yunet", "ssd", "lbp"}, default="auto"
        Face detector for this row, see :class:`FaceFrameSampler`; the detector of the model is not used.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Stacked probabilities, centred on the middle of each window; blank in pauses. Dots below show the predicted
        emotion, where there is one. Save it with ``figure.savefig(path)``.

    Raises
    ------
    ValueError
        If the table has no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm import plot_timeline
    >>> row = {"emotion": "joy", "confidence": 0.7, "note": "", "anger": 0.3, "joy": 0.7}
    >>> table = pd.DataFrame([{"start": 0.0, "end": 3.0, **row}, {"start": 1.0, "end": 4.0, **row}])
    >>> [axes.get_xlabel() for axes in plot_timeline(table).axes]
    ['time (s)']
    """
    # Not pyplot, which keeps every figure and may need a display.
    from matplotlib.figure import Figure

    if not len(table):
        raise ValueError("plot_timeline got a table without rows: no window of the recording was predicted.")
    end = float(table["end"].max()) or 1.0  # a still image has no length
    faces = None if path is None else _faces(path, end, detector)
    figure = Figure(figsize=(10, 3.2 if faces is None else 4.2), layout="constrained")
    axes = figure.subplots()
    _draw_shares(axes, table, end)
    for i, crop in enumerate(faces or ()):
        # Above the tenth of the time that it was taken from.
        small = axes.inset_axes((i / _N_FACES, 1.02, 1 / _N_FACES, 0.3))
        small.set_axis_off()
        if crop is not None:
            small.imshow(crop, vmin=0, vmax=1)
    return figure


def _draw_shares(axes, table, end):
    names = [name for name in table.columns if name not in _TABLE]
    shares = table[names].to_numpy(dtype=float)
    middle, edges = window_edges(table, end)
    top = np.cumsum(shares, axis=1)
    colors = {name: f"C{i % 10}" for i, name in enumerate(names)}
    steps = [
        axes.stairs(top[:, i], edges, baseline=top[:, i] - shares[:, i], fill=True, color=colors[name], alpha=0.8)
        for i, name in enumerate(names)
    ]
    named = table["emotion"].notna().to_numpy()
    if named.any():
        dots = [colors[name] for name in table["emotion"][named]]
        axes.scatter(middle[named], np.full(named.sum(), -0.05), c=dots, s=12, clip_on=False)
    axes.set(xlim=(0, end), ylim=(-0.09, 1), xlabel="time (s)", ylabel="probability", yticks=[0, 0.5, 1])
    place = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    axes.legend(steps, map(literal, names), **place, frameon=False, fontsize=8)


def window_edges(table, end):
    """Return where the predictions of windows are drawn.

    Parameters
    ----------
    table : DataFrame
        With ``start`` and ``end`` (s) of each window.
    end : float
        End of the recording (s).

    Returns
    -------
    middle : ndarray of shape (n_windows,)
        Middle of each window (s).
    edges : ndarray of shape (n_windows + 1,)
        Limits of the steps (s): halfway between two middles.
    """
    middle = (table["start"] + table["end"]).to_numpy(dtype=float) / 2
    between = (middle[1:] + middle[:-1]) / 2
    half = (between[0] - middle[0]) if len(between) else end / 2
    return middle, np.concatenate([[middle[0] - half], between, [min(end, middle[-1] + half)]])


def _faces(path, end, detector):
    """Return face crops at equal steps of time, None for a frame without a face; None for a file without frames."""
    find = make_detector(resolve_detector(detector)).detect

    def crop(image):
        faces = find(image)
        index = choose_face(faces, image.shape)
        return None if index is None else crop_face(image, faces.boxes[index], size=_CROP, margin=_MARGIN)

    if "video" not in first_times(path):
        return None
    moments = recording_start(path) + (np.arange(_N_FACES) + 0.5) * end / _N_FACES
    try:
        return map_frames(crop, path, times=moments)[0]
    except ClipError:
        return None
