"""File headers: the length that they state, and the recordings that are joined in one file."""

import io
import math
import mmap
import re
from contextlib import nullcontext
from typing import NamedTuple

from savee_mm._validation import ClipError

# Some writers count the header as content: such a file is complete.
SLACK = 64
# Headers written before the length was known contain 0, -1, or a value near 2**31 or 2**32.
_UNKNOWN = {4: 0x7FF00000, 8: 1 << 62}
_W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
# Chunks that can follow the data of an empty recording.
_METADATA = {b"LIST", b"PEAK", b"bext", b"cue ", b"fact", b"id3 ", b"iXML", b"smpl"}
# How the files of these formats start, with the first block of metadata.
_MARKS = {
    b"fLaC": (b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22"),
    b"caff": (b"caff\x00\x01\x00\x00desc",),
    b"RF64": (b"RF64\xff\xff\xff\xffWAVEds64",),
    b"riff": (_W64_RIFF,),
    b"NIST": (b"NIST_1A\n   1024\n",),
    b"Crea": (b"Creative Voice File\x1a",),
    b"TTA1": (b"TTA1\x01\x00", b"TTA1\x02\x00"),
    b"FLV\x01": tuple(b"FLV\x01" + flags + b"\x00\x00\x00\x09" for flags in (b"\x01", b"\x04", b"\x05")),
    b"0&\xb2u": (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel",),  # ASF: wma, wmv
}
# Tags at the start of an mp3 file: ID3, and those of encoders in their first frame, with the bytes that follow.
_MP3_TAGS = (b"ID3\x03\x00", b"ID3\x04\x00", b"Xing\x00\x00\x00", b"Info\x00\x00\x00")
_MP3_FRAME = 1441  # bytes of the longest frame
_NIST_SIZES = (b"sample_count", b"channel_count", b"sample_n_bytes")
_SEGMENT = b"\x18\x53\x80\x67"  # of Matroska


class _Layout(NamedTuple):
    """How a format stores its chunks: an identifier, the length of the content, the content."""

    first: int  # position of the first chunk
    data: bytes = b"data"  # identifier of the chunk with the samples
    length_size: int = 4
    order: str = "little"
    align: int = 2
    counts_header: bool = False  # whether the length includes identifier and length
    lead: int = 0  # bytes of the data chunk in front of the samples


class _Data(NamedTuple):
    """Samples in a file: their position, stated length (None if unknown), and where that length is stored."""

    start: int
    length: int | None
    field: int
    layout: _Layout


class _Page(NamedTuple):
    """A page of an Ogg file; ``first`` of its stream, which ``serial`` identifies; ``granule`` counts samples."""

    first: bool
    start: int
    end: int
    serial: bytes
    granule: int


_WAVE = _Layout(12)
_LAYOUTS = {
    b"RIFF": _WAVE,
    b"RF64": _WAVE,
    b"BW64": _WAVE,
    b"riff": _Layout(40, _W64_DATA, 8, align=8, counts_header=True),
    b"FORM": _Layout(12, b"SSND", order="big", lead=8),
    b"caff": _Layout(8, length_size=8, order="big", align=1, lead=4),
}


def is_sample_file(stream):
    """Return whether a file is of a format without a clock, that libsndfile reads: wav, w64, aiff, au, caf or flac."""
    head = _head(stream)
    return (
        head[:4] in (b".snd", b"caff", b"fLaC")
        or (head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:] == b"WAVE")
        or (head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"))
        or head[:12] == _W64_RIFF[:12]
    )


def check_length(file, content=None):
    """Raise ClipError if a file, or ``content`` of it, is clearly shorter than its header states.

    Formats that state no length (mpg, ts, flv ...) pass.
    """
    with file.open("rb") if content is None else nullcontext(content) as stream:
        size = stream.seek(0, io.SEEK_END)
        check_end(file, size, _stated_end(stream) or 0, slack=SLACK)
        # Tags of the encoder are less exact: after edits they can be slightly wrong.
        check_end(file, size, _xing_end(stream) or 0, slack=SLACK + size // 100)
        if sum(kind == b"ftyp" for kind in _boxes(stream)) > 1:
            raise ClipError("several mp4 files that are joined; split them, or join them with ffmpeg", path=file)


def check_end(file, size, stated, *, slack=0):
    """Raise ClipError if ``size`` (bytes) is smaller than ``stated``."""
    if stated > size + slack:
        raise ClipError(
            f"cut short: expected {stated} bytes by its header, got {size}; copy or download it again", path=file
        )


def find_recordings(file):
    """Return the (start, stop) bytes of the recordings in a file: of one, or of several that are joined.

    Ogg (chained streams), flac, caf, wav, rf64, w64, aiff, au, NIST, voc, tta, flv, wma and wmv files are found if they
    are written one after the other.

    Raises
    ------
    ClipError
        If an Ogg file is cut short.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        kind = _head(stream)[:4]
        if kind == b"OggS":
            starts = _ogg_links(file, stream, size)
        elif kind in _MARKS:
            starts = _marked_starts(stream, _MARKS[kind])
        elif kind in (b"RIFF", b"FORM", b".snd"):
            starts = _following_starts(stream, size)
        else:
            starts = [0]
    starts = starts or [0]  # no complete header
    return list(zip(starts, [*starts[1:], size], strict=True))


def complete_header(file):
    """Return a file object with the length in its header, for a file whose writer stopped before it was known.

    None if the header states a length, or the format is unknown here.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        data = _find_data(stream)
        if data is None or size <= data.start or (data.length or 0) > data.layout.lead:
            return None
        stream.seek(data.start)
        if stream.read(4) in _METADATA:
            return None
        stream.seek(0)
        content = bytearray(stream.read())
    width = data.layout.length_size
    length = min(size - data.start, (1 << 8 * width) - 1)
    content[data.field : data.field + width] = length.to_bytes(width, data.layout.order)
    return io.BytesIO(content)


def _head(stream):
    stream.seek(0)
    return stream.read(12)


def _seek(stream, place):
    """Set the position in a file, at most to its end: systems refuse positions far after it."""
    stream.seek(min(place, stream.seek(0, io.SEEK_END)))


def _stated_end(stream):
    head = _head(stream)
    if head[:4] == b"RIFF" and head[8:] != b"WAVE":
        length = _length(head[4:8], "little")
        return None if length is None else length + 8
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _matroska_end(stream)
    if head[:8] == b"NIST_1A\n":
        return _nist_end(stream)
    if head == b"Creative Voi":
        return _voc_end(stream)
    # The outer length of a wav is often wrong; readers rely on that of the data chunk.
    data = _find_data(stream)
    return None if data is None or data.length is None else data.start + data.length


def is_joined_mp3(file):
    """Return whether an mp3 file has a tag of another file after its own ones."""
    with file.open("rb") as stream:
        first = _mp3_start(stream) + _MP3_FRAME
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(tag, first) >= 0 for tag in _MP3_TAGS)


def _mp3_start(stream):
    """Return where the ID3 tag at the start of a file ends, 0 if there is none."""
    head = _head(stream)
    # Its length has 7 bits a byte.
    return 0 if head[:3] != b"ID3" else 10 + sum(byte << 7 * (3 - i) for i, byte in enumerate(head[6:10]))


def _xing_end(stream):
    """Return where an mp3 file ends by the Xing or Info tag in its first frame, None if it has none."""
    start = _mp3_start(stream)
    stream.seek(start)
    frame = stream.read(64)
    if len(frame) < 2 or frame[0] != 0xFF or frame[1] < 0xE0:  # the 11 bits that start a frame
        return None
    place = max(frame.find(b"Xing"), frame.find(b"Info"))
    if place < 0 or not frame[place + 7 : place + 8] or not frame[place + 7] & 2:
        return None
    # Its flags state which fields follow: 1 the number of frames, 2 the number of bytes.
    place += 12 if frame[place + 7] & 1 else 8
    return start + int.from_bytes(frame[place : place + 4], "big")


def _nist_end(stream):
    """Return where the samples of an uncompressed NIST SPHERE file end, None if unknown."""
    stream.seek(0)
    header = stream.read(1024)
    numbers = [re.search(rb"^%s -i (\d+)" % name, header, re.M) for name in _NIST_SIZES]
    if None in numbers or b"shorten" in header:
        return None
    return len(header) + math.prod(int(number[1]) for number in numbers)


def _voc_end(stream):
    """Return where the last block of a voc file ends."""
    stream.seek(20)
    place = int.from_bytes(stream.read(2), "little")
    while True:
        _seek(stream, place)
        block = stream.read(4)
        if len(block) < 4 or not block[0]:
            return place
        place += 4 + int.from_bytes(block[1:], "little")


def _find_data(stream):
    """Return where the samples of an uncompressed or chunked file are, None if it is not one."""
    head = _head(stream)
    if head[:4] == b".snd":
        start, field = int.from_bytes(head[4:8], "big"), 8
        return _Data(start, _length(head[8:12], "big"), field, _Layout(start, order="big"))
    if not is_sample_file(stream) or head[:4] not in _LAYOUTS:
        return None
    layout, long_data = _LAYOUTS[head[:4]], None
    for name, start, field, width in _chunks(stream, layout):
        stream.seek(field)
        content = stream.read(width)
        if name == b"ds64":
            # RF64 stores lengths of 64 bits in this chunk: of the file, then of the data.
            stream.seek(start + 8)
            long_data = _Data(0, _length(stream.read(8), "little"), start + 8, _Layout(0, length_size=8))
        elif name == layout.data:
            if long_data is not None and content == b"\xff\xff\xff\xff":
                return long_data._replace(start=start)
            length = _length(content, layout.order)
            if length is not None and layout.counts_header:
                length -= len(layout.data) + width
            return _Data(start, length, field, layout)
    return None


def _chunks(stream, layout):
    """Yield identifier, position of the content, position and width of the length of each chunk."""
    id_size, width = len(layout.data), layout.length_size
    place = layout.first
    while True:
        _seek(stream, place)
        header = stream.read(id_size + width)
        if len(header) < id_size + width:
            return
        yield header[:id_size], place + id_size + width, place + id_size, width
        length = int.from_bytes(header[id_size:], layout.order)
        step = length if layout.counts_header else id_size + width + length
        place += max(-(-step // layout.align) * layout.align, id_size + width)


def _length(field, order):
    """Return the length in a field, None if it was not known, or if the file ends in the field."""
    value = int.from_bytes(field, order)
    return value if 0 < value < _UNKNOWN.get(len(field), 0) else None


def _matroska_end(stream):
    """Return where the segment of a Matroska or WebM file ends, None if unknown."""
    stream.seek(4)
    length, _ = _ebml_number(stream)
    if length is None:
        return None
    _seek(stream, stream.seek(0, io.SEEK_CUR) + length)
    if stream.read(4) != _SEGMENT:
        return None
    length, unknown = _ebml_number(stream)
    return None if length is None or unknown else stream.seek(0, io.SEEK_CUR) + length


def _ebml_number(stream):
    """Return a number of variable width (RFC 8794, 4), and whether all its bits are set: an unknown length."""
    first = stream.read(1)
    if not first or not first[0]:
        return None, True
    width = 9 - first[0].bit_length()
    rest = stream.read(width - 1)
    value = int.from_bytes(bytes([first[0] & (0xFF >> width)]) + rest, "big")
    return value, value == (1 << 7 * width) - 1


def _following_starts(stream, size):
    """Return the starts of the wav, aiff or au files that follow each other."""
    starts, place, kind = [], 0, None
    while place is not None and place + 12 <= size:
        stream.seek(place)
        head = stream.read(12)
        if kind not in (None, head[:4] + head[8:] * (head[:4] != b".snd")):
            break
        kind = head[:4] + head[8:] * (head[:4] != b".snd")
        starts.append(place)
        if head[:4] == b".snd":
            first, length = int.from_bytes(head[4:8], "big"), _length(head[8:], "big")
        else:
            first, length = 8, _length(head[4:8], _LAYOUTS[head[:4]].order)
        place = None if length is None else place + first + length + (length % 2 if first == 8 else 0)
    return starts


def _marked_starts(stream, marks):
    """Return the places of the marks in a file that starts with one of them."""
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        starts = {0}
        for mark in marks:
            place = content.find(mark, 1)
            while place >= 0:
                starts.add(place)
                place = content.find(mark, place + 1)
    return sorted(starts)


def _boxes(stream):
    """Yield the kinds of the boxes of an mp4 or mov file (ISO/IEC 14496-12, 4.2)."""
    place = 0
    while True:
        _seek(stream, place)
        header = stream.read(16)
        if len(header) < 8 or (not place and header[4:8] != b"ftyp"):
            return
        yield header[4:8]
        length = int.from_bytes(header[:4], "big")
        length = int.from_bytes(header[8:], "big") if length == 1 else length
        if length < 8:
            return
        place += length


def _ogg_links(file, stream, size):
    """Return the starts of the links of a chained Ogg file: a first page after other pages."""
    starts, in_header = [], False
    totals, granules = {}, {}  # by link and serial number: samples stated by FLAC headers, last position
    for page in _ogg_pages(stream):
        check_end(file, size, page.end)
        if page.first and not in_header:
            starts.append(page.start)
        key = len(starts), page.serial
        if page.first:
            totals[key] = _flac_total(stream, page)
        granules[key] = max(page.granule, granules.get(key, 0))
        in_header = page.first
    for key, total in totals.items():
        if granules[key] < total:
            raise ClipError(
                f"cut short: expected {total} samples by its header, got {granules[key]}; copy or download it again",
                path=file,
            )
    return starts or [0]


def _ogg_pages(stream):
    """Yield the pages of an Ogg file (RFC 3533)."""
    place = 0
    while True:
        stream.seek(place)
        header = stream.read(27)
        if not header or header[:4] != b"OggS"[: len(header)]:
            return
        if len(header) < 27:
            yield _Page(False, place, place + 27, b"", 0)
            return
        table = stream.read(header[26])
        end = place + 27 + header[26] + sum(table)
        granule = int.from_bytes(header[6:14], "little", signed=True)
        yield _Page(bool(header[5] & 2), place, end, header[14:18], granule)
        place = end


def _flac_total(stream, page):
    """Return the number of samples that the first page of an Ogg FLAC stream states, 0 if unknown."""
    stream.seek(page.start + 28)
    packet = stream.read(page.end - page.start - 28)
    return int.from_bytes(packet[30:35], "big") & 0xFFFFFFFFF if packet[:5] == b"\x7fFLAC" else 0
