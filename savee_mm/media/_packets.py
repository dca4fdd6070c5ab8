"""The packets of one stream of pictures: their time stamps, and decoding no more of them than is needed."""

from typing import NamedTuple

import av

from savee_mm.media._container import damaged
from savee_mm.media._pictures import PictureMaker

ERRORS = (av.error.FFmpegError, ValueError, OSError)


class Entry(NamedTuple):
    """One packet of pictures, in the file's order."""

    pts: int
    dts: int | None
    key: bool
    shown: bool


def packet_index(file, container, stream):
    """Return every packet's Entry, or None where the time stamps cannot be relied on to name frames.

    Raises
    ------
    ClipError
        Where the file breaks off.
    """
    if "avi" in container.format.name:
        # AVI stores no presentation times: with reordered frames those of its packets are guesses.
        if stream.codec_context.has_b_frames:
            return None
        if index := _avi_index(stream):
            return index
    index = []
    try:
        # What is not kept of a packet is freed at once: those of a long video fill the memory.
        for packet in container.demux(stream):
            if packet.size:
                index.append(Entry(packet.pts, packet.dts, packet.is_keyframe, not packet.is_discard))
    except ERRORS as error:
        raise damaged(file, error, None) from error
    shown = {entry.pts for entry in index if entry.shown}
    told_apart = len(shown) == sum(entry.shown for entry in index)
    return index if shown and told_apart and None not in {entry.pts for entry in index} else None


def _avi_index(stream):
    """Return the Entry of every packet from the index of an AVI file, which spares reading all of it.

    None where it has no index, or one that does not end with the last frame that the header counts.
    """
    index = [
        Entry(entry.timestamp, entry.timestamp, entry.is_keyframe, True)
        for entry in getattr(stream, "index_entries", None) or ()
        if entry.size  # a dropped frame has none
    ]
    times = [entry.pts for entry in index]
    # Time stamps are numbers of frames.
    complete = index and index[0].key and times[-1] + 1 == stream.frames and len(set(times)) == len(times)
    return index if complete else None


class PacketReader:
    """Decodes frames of one stream by ascending time stamp.

    Parameters
    ----------
    container, stream : av objects
        Opened; without ``seeks``, not read from yet.
    index : list of Entry
        Of its packets.
    seeks : bool
        Whether to go to the key frame before each frame, rather than through the stream from its start.
    wanted : ndarray of int, default=None
        Time stamps of the frames that will be asked for: of the others those that no frame refers to are not decoded.
        None decodes all.
    """

    def __init__(self, container, stream, index, *, seeks, wanted=None):
        self._container = container
        self._stream = stream
        self._index = index
        self._seeks = seeks
        self._wanted = None if wanted is None else set(wanted.tolist())
        self._leaves_out = False
        self._place = {entry.pts: place for place, entry in enumerate(index) if entry.shown}
        self._next_place = -1  # of the packet to be decoded next
        self._frames = iter(()) if seeks else self._decode(container.demux(stream))
        self._make = PictureMaker()

    def picture_at(self, pts):
        """Return the picture with that time stamp, later than the one before; None where it does not come up."""
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
                return self._make(frame)
        return None

    def _key_place(self, pts):
        """Place of the key frame to start from: the last in file order that is not later in time."""
        for place in range(self._place[pts], -1, -1):
            if self._index[place].key and self._index[place].pts <= pts:
                return place
        return None

    def _decode(self, packets):
        for packet in packets:
            self._next_place += 1
            if self._wanted is not None and self._leaves_out != (packet.pts not in self._wanted):
                self._leaves_out = not self._leaves_out
                self._stream.codec_context.skip_frame = "NONREF" if self._leaves_out else "DEFAULT"
            yield from packet.decode()

    def _packets_from(self, first):
        self._container.seek(first.pts if first.dts is None else first.dts, stream=self._stream)
        arrived = False
        for packet in self._container.demux(self._stream):
            # Some formats seek near, not to: go on to the very packet.
            arrived = arrived or (packet.pts == first.pts and packet.is_keyframe)
            if arrived:
                yield packet
