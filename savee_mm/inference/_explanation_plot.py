"""The picture of an explanation."""

import numpy as np

_INCH = 1.6  # width of a face
_OPACITY = 0.7  # where a map is strongest; where it says nothing, the picture shows through


def draw_explanation(explanation):
    """Draw every picture of an Explanation with its map on it.

    Parameters
    ----------
    explanation : Explanation
        What was hidden, and what that did.

    Returns
    -------
    figure : matplotlib.figure.Figure
        A row for each map, all on one scale.
    """
    # Not pyplot, which keeps every figure and may want a screen.
    from matplotlib.figure import Figure

    maps = explanation.maps
    n_columns = max(len(one.picture) if one.picture.ndim == 4 else 1 for one in maps.values())
    figure = Figure(figsize=(_INCH * max(n_columns, 4), 2.2 * len(maps) + 0.4), layout="constrained")
    shares = ", ".join(f"{name} {p:.2f}".strip() for name, p in explanation.probability.items())
    figure.suptitle(f"{explanation.clip_id}: {explanation.label} ({shares})", fontsize=9)
    limit = max(np.abs(one.drop).max() for one in maps.values()) or 1.0
    rows = figure.subfigures(len(maps), 1, squeeze=False)[:, 0]
    for row, (name, one) in zip(rows, maps.items(), strict=True):
        faces = one.picture.ndim == 4
        pictures, drops = (one.picture, one.drop) if faces else ([one.picture], [one.drop])
        row.supylabel(name, fontsize=8)
        for axes, picture, drop in zip(row.subplots(1, len(pictures), squeeze=False)[0], pictures, drops, strict=True):
            overlay = _draw(axes, picture, drop, limit, faces=faces)
    rows[-1].colorbar(overlay, ax=rows[-1].axes, label="fall of the probability")
    return figure


def _draw(axes, picture, drop, limit, *, faces):
    """Draw one picture, and the map over all of it."""
    height, width = picture.shape[:2]
    shown = picture if picture.shape[-1] == 3 else picture[..., 0]
    scale = {"vmin": 0, "vmax": 1} if faces else {"aspect": "auto", "origin": "lower"}
    axes.imshow(shown, cmap="gray", **scale)
    axes.set(xticks=[], yticks=[])
    place = {"extent": (-0.5, width - 0.5, height - 0.5, -0.5) if faces else (-0.5, width - 0.5, -0.5, height - 0.5)}
    place |= {} if faces else {"aspect": "auto", "origin": "lower"}
    opacity = _OPACITY * np.sqrt(np.abs(drop) / limit)
    return axes.imshow(drop, cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=opacity, interpolation="bilinear", **place)
