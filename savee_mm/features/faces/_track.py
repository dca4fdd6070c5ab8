"""The crops of one face with their positions: a record, its form in the cache, and its plot."""

import math
from dataclasses import dataclass, fields

import numpy as np

from savee_mm._plots import literal

_INCH = 1.6  # width of a crop in the contact sheet
_FLOAT = 4  # bytes
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


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
        """Return the track of one clip, with crops in colour, as a flat array of bytes: a crop has 8 bits per value."""
        coarse = self.times.astype(np.float32)
        # After 20 minutes float32 resolves 0.1 ms only; a second value holds the remainder.
        parts = (coarse, self.times - coarse, self.boxes, self.confidence, self.landmarks, self.found)
        values = np.concatenate([np.ravel(part).astype(np.float32, copy=False) for part in parts])
        return np.concatenate([values.view(np.uint8), np.rint(255 * self.crops).astype(np.uint8).ravel()])

    @classmethod
    def unpack(cls, packed, n_frames, size, *, gray=False):
        """Return the track of a flat array.

        Parameters
        ----------
        packed : ndarray of shape (..., packed_length(n_frames, size)), uint8
            One or several clips.
        n_frames : int
            Number of frames.
        size : tuple of int
            Height and width of a crop.
        gray : bool, default=False
            Whether to convert the crops to one channel (luma).

        Returns
        -------
        track : FaceTrack
        """
        ends = np.cumsum([math.prod(shape) for shape in _shapes(n_frames)])
        n_bytes = _FLOAT * ends[-1]
        values = np.ascontiguousarray(packed[..., :n_bytes]).view(np.float32)
        coarse, rest, boxes, confidence, landmarks, found = (
            part.reshape(packed.shape[:-1] + shape)
            for part, shape in zip(np.split(values, ends[:-1], axis=-1), _shapes(n_frames), strict=True)
        )
        crops = packed[..., n_bytes:].astype(np.float32).reshape(*packed.shape[:-1], n_frames, *size, 3)
        crops /= np.float32(255)
        if gray:
            crops = sum(weight * crops[..., i : i + 1] for i, weight in enumerate(_LUMA))
        return cls(crops, coarse.astype(np.float64) + rest, boxes, confidence, landmarks, found == 1)

    @classmethod
    def missing(cls, n_frames, size):
        """Return the track of a clip that failed: black crops, and NaN elsewhere."""
        values = [np.full(shape, np.nan, np.float32) for shape in _shapes(n_frames)]
        return cls(np.zeros((n_frames, *size, 3), np.float32), *values[1:])

    def __getitem__(self, index):
        """Return the track of some of the stacked clips."""
        return FaceTrack(*(getattr(self, field.name)[index] for field in fields(self)))


def packed_length(n_frames, size):
    """Return the number of bytes of a packed track."""
    return _FLOAT * sum(math.prod(shape) for shape in _shapes(n_frames)) + n_frames * math.prod(size) * 3


def _shapes(n_frames):
    """Return the shapes of the packed arrays before the crops, in order."""
    return [(n_frames,), (n_frames,), (n_frames, 4), (n_frames,), (n_frames, 5, 2), (n_frames,)]


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
