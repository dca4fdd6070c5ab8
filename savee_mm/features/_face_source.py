"""Where the frames of a clip come from: a video file, or an array of them."""

import numpy as np

from savee_mm._validation import ClipError
from savee_mm.media import map_frames, read_envelope


def open_source(source):
    """Return the VideoFile or FrameArray that a clip is."""
    return VideoFile(source) if isinstance(source, str) else FrameArray(source)


class VideoFile:
    """A video by its path."""

    def __init__(self, path):
        self.path = path

    def map(self, function, n_frames=None, moments=None):
        """Apply a function to frames at even distances, or at ``moments`` (s); return the results and the times (s)."""
        return map_frames(function, self.path, n_frames, times=moments)

    def envelope(self, parameter, instead):
        """Return the loudness of the clip's sound, and its times (s).

        Raises
        ------
        ClipError
            Where there is none; says which parameter asks for it and what to do ``instead``.
        """
        try:
            return read_envelope(self.path)
        except ClipError as error:
            raise ClipError(
                f"{parameter} listens to the sound of the video, and: {error.reason}; or {instead}"
            ) from error

    @staticmethod
    def name(time):
        """Say at what time a frame is."""
        return f"at {time:.3f} s"


class FrameArray:
    """A video that was passed as an array of frames: the clock counts frames, and there is no sound."""

    def __init__(self, frames):
        if frames.dtype != np.uint8 or frames.shape[-1] != 3 or not frames.size:
            raise ClipError(
                "expected frames of shape (n_frames, height, width, 3) and type uint8 (RGB), got "
                f"{frames.shape} and {frames.dtype}"
            )
        self.frames = frames

    def map(self, function, n_frames=None, moments=None):
        """Apply a function to evenly spaced frames, or to those with the numbers ``moments``."""
        last = len(self.frames) - 1
        places = np.linspace(0, last, n_frames) if moments is None else np.clip(moments, 0, last)
        places = places.round().astype(int)
        results = {place: function(self.frames[place]) for place in dict.fromkeys(places.tolist())}
        return [results[place] for place in places.tolist()], places.astype(np.float64)

    def envelope(self, parameter, instead):
        """Raise ClipError: an array of frames has no sound."""
        raise ClipError(
            f"{parameter} listens to the sound of the video, and an array of frames has none; pass a path, or {instead}"
        )

    @staticmethod
    def name(time):
        """Say which frame it is."""
        return f"in frame {time:.0f}"
