"""The crops of one face with their positions: a record, its form in the cache, and its plot."""

import math
from dataclasses import dataclass, fields

import numpy as np

from savee_mm._plots import literal

_INCH = 1.6  # width of a crop in the contact sheet


@dataclass(frozen=True)
class FaceTrack:
    """The crops of one clip, or of several clips stacked, and their positions in the video.

    Attributes
    ----------
    crops : ndarray of shape (..., n_frames, height, width, n_channels), float32
        In [0, 1].
    times : ndarray of shape (..., n_frames), float64
        Time stamps of the frames in the container (s), or frame numbers of an array.
    boxes : ndarray of shape (..., n_frames, 4), float32
        x and y of the upper left corner, width and height of the cropped box (pixels of the frame). Without a face,
        the box of the nearest frame, or NaN if the frame is masked.
    confidence : ndarray of shape (..., n_frames), float32
        Score of the detector; NaN where no face was found.
    landmarks : ndarray of shape (..., n_frames, 5, 2), float32
        x and y (pixels of the crop) of right eye, left eye, nose tip, right and left mouth corner, of the same frame
        as the box; NaN if the detector does not find landmarks.
    found : ndarray of shape (..., n_frames), bool
        Whether the face was found in the frame.
    """

    crops: np.ndarray
    times: np.ndarray
    boxes: np.ndarray
    confidence: np.ndarray
    landmarks: np.ndarray
    found: np.ndarray

    def pack(self):
        """Return the track of one clip as a flat float32 array."""
        coarse = self.times.astype(np.float32)
        # After 20 minutes float32 resolves 0.1 ms only; a second value holds the remainder.
        parts = (coarse, self.times - coarse, self.boxes, self.confidence, self.landmarks, self.found, self.crops)
        return np.concatenate([np.ravel(part).astype(np.float32, copy=False) for part in parts])

    @classmethod
    def unpack(cls, packed, n_frames, crop_shape):
        """Return the track of a flat array.

        Parameters
        ----------
        packed : ndarray of shape (..., packed_length(n_frames, crop_shape)), float32
            One or several clips; a clip that failed is all NaN.
        n_frames : int
            Number of frames.
        crop_shape : tuple of int
            (height, width, n_channels) of a crop.

        Returns
        -------
        track : FaceTrack
            The crops are a view of ``packed``.
        """
        shapes = _shapes(n_frames, crop_shape)
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        parts = np.split(packed, ends[:-1], axis=-1)
        coarse, rest, boxes, confidence, landmarks, found, crops = (
            part.reshape(packed.shape[:-1] + shape) for part, shape in zip(parts, shapes, strict=True)
        )
        times = coarse.astype(np.float64) + rest
        return cls(crops, times, boxes, confidence, landmarks, found == 1)

    def __getitem__(self, index):
        """Return the track of some of the stacked clips."""
        return FaceTrack(*(getattr(self, field.name)[index] for field in fields(self)))


def packed_length(n_frames, crop_shape):
    """Return the number of values of a packed track."""
    return sum(math.prod(shape) for shape in _shapes(n_frames, crop_shape))


def _shapes(n_frames, crop_shape):
    """Return the shapes of the packed arrays, in order."""
    return [
        (n_frames,),
        (n_frames,),
        (n_frames, 4),
        (n_frames,),
        (n_frames, 5, 2),
        (n_frames,),
        (n_frames, *crop_shape),
    ]


def contact_sheet(track, title, moment="{:.2f} s"):
    """Plot the crops of a clip in a row.

    Parameters
    ----------
    track : FaceTrack
        Track of one clip.
    title : str
        Title of the plot.
    moment : str, default="{:.2f} s"
        Format of a time.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Crops with landmarks as dots; below each its time and the score of the detector, or "no face".
    """
    # pyplot would keep a reference to the figure, and may need a display.
    from matplotlib.figure import Figure

    n_frames, height, width = track.crops.shape[:3]
    figure = Figure(figsize=(_INCH * n_frames, _INCH * height / width + 0.8), layout="constrained")
    figure.suptitle(literal(title), fontsize=9)
    for i, axes in enumerate(figure.subplots(1, n_frames, squeeze=False)[0]):
        axes.imshow(
            np.squeeze(track.crops[i], -1) if track.crops.shape[-1] == 1 else track.crops[i],
            cmap="gray",
            vmin=0,
            vmax=1,
        )
        # In a plot the centre of the first pixel is at 0.
        axes.plot(*(track.landmarks[i] - 0.5).T, ".", color="cyan", markersize=3)
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), xticks=[], yticks=[])
        score, color = (f"score {track.confidence[i]:.2f}", "black") if track.found[i] else ("no face", "red")
        axes.set_xlabel(f"{moment.format(track.times[i])}\n{score}", fontsize=8, color=color)
    return figure
