"""The stream of pictures in a container, and its decoded frames as upright RGB pictures."""

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from savee_mm._validation import ClipError


def picture_stream(file, container):
    """Return the first stream of moving pictures.

    Raises
    ------
    ClipError
        Where there is none.
    """
    for stream in container.streams.video:
        # The cover of a music file is a picture, but no video.
        if not stream.disposition & av.stream.Disposition.attached_pic and stream.codec_context is not None:
            return stream
    held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise ClipError(
        f"no pictures in it (it holds: {held}); name a video in the column 'video', or leave the clip out",
        path=file,
    )


class PictureMaker:
    """Makes upright RGB pictures of one size from the decoded frames of one video."""

    def __init__(self):
        self._size = None
        # FFmpeg's scaler, whose tables take longer to fill than a small picture to convert.
        self._reformatter = VideoReformatter()

    def __call__(self, frame):
        """Return a frame as a picture.

        Parameters
        ----------
        frame : av.VideoFrame
            Of any pixel format. If it is not of the first frame's size it is scaled to that.

        Returns
        -------
        picture : ndarray of shape (height, width, 3), uint8

        Raises
        ------
        ValueError
            Where the decoder says that the frame is damaged.
        """
        if frame.is_corrupt:
            raise ValueError("a damaged frame")
        self._size = self._size or (frame.width, frame.height)
        # One thread: more take longer to start than a small picture takes, and worker processes have the other cores.
        picture = self._reformatter.reformat(frame, *self._size, format="rgb24", threads=1).to_ndarray()
        # Counter-clockwise degrees, as in numpy: FFmpeg's av_display_rotation_get.
        quarter_turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
        return np.rot90(picture, quarter_turns)
