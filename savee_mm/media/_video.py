"""The packets of a video stream, and the decoding of no more of its frames than needed."""

from typing import NamedTuple

from savee_mm.media._container import ERRORS, damaged

# Frames by which a codec may decode ahead (H.264, HEVC).
_MAX_REORDER = 16
# Some formats seek to a place after the key frame: the next attempts seek earlier by these times (s).
_SEEK_EARLIER = (0.0, 2.0, 12.0)


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


def segment_index(container, stream, start, end):
    """Return the Entry of every packet from the key frame before a segment to its end, None if a seek is not possible.

    Parameters
    ----------
    container, stream : av objects
        Opened.
    start, end : float
        Limits of the segment (s), on the clock of the container.
    """
    # A program stream has no key frames to seek to. The stamps of AVI are guesses if frames are reordered.
    if container.format.name == "mpeg" or ("avi" in container.format.name and stream.codec_context.has_b_frames):
        return None
    for earlier in _SEEK_EARLIER:
        try:
            index = _near_index(container, stream, start - earlier, end)
        except ERRORS:
            return None
        shown = {entry.pts for entry in index if entry.shown}
        if None in shown or len(shown) < sum(entry.shown for entry in index):
            return None
        if any(entry.key and entry.pts * float(stream.time_base) <= start for entry in index):
            return index
    return None


def _near_index(container, stream, start, end):
    """Return the Entry of every packet from the place that a seek reaches to a time (s)."""
    base, index = float(stream.time_base), []
    latest = end + _MAX_REORDER / float(stream.average_rate or stream.guessed_rate or 25)
    container.seek(int(start / base), stream=stream)
    for packet in container.demux(stream):
        if packet.size:
            index.append(Entry(packet.pts, packet.dts, packet.is_keyframe, not packet.is_discard))
            # Packets are in the order of decoding: after a frame that is shown much later, earlier ones can follow.
            stamp = packet.pts if packet.dts is None else packet.dts
            if stamp is None or stamp * base > latest:
                break
    return index


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
    convert : ImageConverter
        Conversion of its frames.
    index : list of Entry
        The packets of the stream.
    seeks : bool
        Whether to seek to the key frame before each frame, or to decode the stream from its start.
    wanted : ndarray of int, default=None
        Time stamps of the requested frames: other frames are skipped if no frame refers to them. None decodes all.
    """

    def __init__(self, container, stream, convert, index, *, seeks, wanted=None):
        self._container = container
        self._stream = stream
        self._convert = convert
        self._index = index
        self._seeks = seeks
        self._wanted = None if wanted is None else set(wanted.tolist())
        self._skips = False
        self._place = {entry.pts: place for place, entry in enumerate(index) if entry.shown}
        self._next_place = -1  # of the packet that is decoded next
        self._frames = iter(()) if seeks else self._decode(container.demux(stream))

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
