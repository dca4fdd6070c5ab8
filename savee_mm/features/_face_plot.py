"""The contact sheet of one clip."""

import numpy as np

_INCH = 1.6  # width of a crop


def contact_sheet(track, title, moment="{:.2f} s"):
    """Draw the crops of a clip in a row.

    Parameters
    ----------
    track : FaceTrack
        Of one clip.
    title : str
        What stands above.
    moment : str, default="{:.2f} s"
        How a time is told.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Below each crop its time and the detector's score, or that no face was found; landmarks as dots.
    """
    # Not pyplot, which keeps every figure and may want a screen.
    from matplotlib.figure import Figure

    n_frames, height, width = track.crops.shape[:3]
    figure = Figure(figsize=(_INCH * n_frames, _INCH * height / width + 0.8), layout="constrained")
    figure.suptitle(title, fontsize=9)
    for i, axes in enumerate(figure.subplots(1, n_frames, squeeze=False)[0]):
        axes.imshow(
            np.squeeze(track.crops[i], -1) if track.crops.shape[-1] == 1 else track.crops[i],
            cmap="gray",
            vmin=0,
            vmax=1,
        )
        # The first pixel's middle is at 0 in a plot.
        axes.plot(*(track.landmarks[i] - 0.5).T, ".", color="cyan", markersize=3)
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), xticks=[], yticks=[])
        score, color = (f"score {track.confidence[i]:.2f}", "black") if track.found[i] else ("no face", "red")
        axes.set_xlabel(f"{moment.format(track.times[i])}\n{score}", fontsize=8, color=color)
    return figure
