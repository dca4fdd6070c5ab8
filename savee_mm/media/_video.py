"""The video stream of a container: its packets, and its frames decoded to upright RGB images."""

from typing import NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from savee_mm._validation import ClipError
from savee_mm.media._container import damaged

ERRORS = (av.error.FFmpegError, ValueError, OSError)


def video_stream(file, container):
    """Return the first video stream.

    Raises
    ------
    ClipError
        If there is none.
    """
    for stream in container.streams.video:
        # The cover of an audio file is an image, but not a video.
        if not stream.disposition & av.stream.Disposition.attached_pic and stream.codec_context is not None:
            return stream
    held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise ClipError(
        f"no video stream (the file has: {held}); name a video in the column 'video', or leave the clip out",
        path=file,
    )


class ImageConverter:
    """Convert the decoded frames of one video to upright RGB images of one size."""

    def __init__(self):
        self._size = None
        # FFmpeg's scaler. Filling its tables takes longer than converting a small image.
        self._reformatter = VideoReformatter()

    def __call__(self, frame):
        """Convert a frame.

        Parameters
        ----------
        frame : av.VideoFrame
            Of any pixel format. It is scaled to the size of the first frame.

        Returns
        -------
        image : ndarray of shape (height, width, 3), uint8

        Raises
        ------
        ValueError
            If the decoder marks the frame as damaged.
        """
        if frame.is_corrupt:
            raise ValueError("a damaged frame")
        self._size = self._size or (frame.width, frame.height)
        # One thread: starting more takes longer than converting a small image, and worker processes use the other
        # cores.
        image = self._reformatter.reformat(frame, *self._size, format="rgb24", threads=1).to_ndarray()
        # Counter-clockwise degrees, as in numpy: FFmpeg's av_display_rotation_get.
        quarter_turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
        return np.rot90(image, quarter_turns)


class Entry(NamedTuple):
    """One video packet, in the order of the file."""

    pts: int
    dts: int | None
    key: bool
    shown: bool


def packet_index(file, container, stream):
    """Return the Entry of every packet, or None if the time stamps do not identify the frames.

    Raises
    ------
    ClipError
        If the file cannot be read to its end.
    """
    if "avi" in container.format.name:
        # AVI stores no presentation times: with reordered frames those of its packets are guesses.
        if stream.codec_context.has_b_frames:
            return None
        if index := _avi_index(stream):
            return index
    index = []
    try:
        # Packets are not kept: those of a long video would fill the memory.
        for packet in container.demux(stream):
            if packet.size:
                index.append(Entry(packet.pts, packet.dts, packet.is_keyframe, not packet.is_discard))
    except ERRORS as error:
        raise damaged(file, error, None) from error
    shown = {entry.pts for entry in index if entry.shown}
    distinct = len(shown) == sum(entry.shown for entry in index)
    return index if shown and distinct and None not in {entry.pts for entry in index} else None


def _avi_index(stream):
    """Return the Entry of every packet from the index of an AVI file, without reading the whole file.

    None if the file has no index, or one that does not end with the last frame that the header counts.
    """
    index = [
        Entry(entry.timestamp, entry.timestamp, entry.is_keyframe, True)
        for entry in getattr(stream, "index_entries", None) or ()
        if entry.size  # a dropped frame is empty
    ]
    times = [entry.pts for entry in index]
    # Time stamps are numbers of frames.
    complete = index and index[0].key and times[-1] + 1 == stream.frames and len(set(times)) == len(times)
    return index if complete else None


class PacketReader:
    """Decode frames of one stream by ascending time stamp.

    Parameters
    ----------
    container, stream : av objects
        Opened; without ``seeks``, nothing read yet.
    index : list of Entry
        The packets of the stream.
    seeks : bool
        Whether to seek to the key frame before each frame, or to decode the stream from its start.
    wanted : ndarray of int, default=None
        Time stamps of the requested frames: other frames are skipped if no frame refers to them. None decodes all.
    """

    def __init__(self, container, stream, index, *, seeks, wanted=None):
        self._container = container
        self._stream = stream
        self._index = index
        self._seeks = seeks
        self._wanted = None if wanted is None else set(wanted.tolist())
        self._skips = False
        self._place = {entry.pts: place for place, entry in enumerate(index) if entry.shown}
        self._next_place = -1  # of the packet that is decoded next
        self._frames = iter(()) if seeks else self._decode(container.demux(stream))
        self._convert = ImageConverter()

    def image_at(self, pts):
        """Return the image with that time stamp, later than the previous one; None if it is not decoded."""
        if self._seeks:
            key = self._key_place(pts)
            if key is None:
                return None
            if key > self._next_place:
                self._next_place = key
                self._frames = self._decode(self._packets_from(self._index[key]))
        for frame in self._frames:
            if frame.pts is None or frame.pts > pts:
                return None
            if frame.pts == pts:
                return self._convert(frame)
        return None

    def _key_place(self, pts):
        """Return the place of the key frame to start from: the last in file order that is not later in time."""
        for place in range(self._place[pts], -1, -1):
            if self._index[place].key and self._index[place].pts <= pts:
                return place
        return None

    def _decode(self, packets):
        for packet in packets:
            self._next_place += 1
            if self._wanted is not None and self._skips != (packet.pts not in self._wanted):
                self._skips = not self._skips
                self._stream.codec_context.skip_frame = "NONREF" if self._skips else "DEFAULT"
            yield from packet.decode()

    def _packets_from(self, first):
        self._container.seek(first.pts if first.dts is None else first.dts, stream=self._stream)
        arrived = False
        for packet in self._container.demux(self._stream):
            # Some formats seek to a place before the packet: skip to the packet itself.
            arrived = arrived or (packet.pts == first.pts and packet.is_keyframe)
            if arrived:
                yield packet
