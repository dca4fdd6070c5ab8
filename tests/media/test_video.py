"""packet_index: the time stamps of all packets, from the index of the file if it is complete."""

import struct

import av
import numpy as np
import pytest

from savee_mm.media._container import default_stream, open_container
from savee_mm.media._video import Entry, packet_index


def write_avi(path, pts):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.codec_context.gop_size = 64, 48, "yuv420p", 5
        for i, time in enumerate(pts):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 9 * i, np.uint8), format="rgb24")
            frame.pts = time
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def index_of(path):
    with open_container(path) as container:
        stream = default_stream(path, container, "video")
        index = packet_index(path, container, stream)
        # The number of unread packets shows whether the packets were read.
        return index, sum(packet.size > 0 for packet in container.demux(stream))


def packets_of(path):
    with open_container(path) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        return [Entry(packet.pts, packet.dts, packet.is_keyframe, not packet.is_discard) for packet in packets]


@pytest.mark.parametrize("pts", [range(12), (0, 1, 5, 6, 7, 20, 21, 30), (0,)])
def test_avi_index_replaces_reading_the_packets(tmp_path, pts):
    path = write_avi(tmp_path / "a.avi", pts)
    index, n_left = index_of(path)
    assert index == packets_of(path)
    assert [entry.pts for entry in index] == list(pts)
    assert n_left == len(pts)


@pytest.mark.parametrize("promised", [7, 5000])
def test_avi_index_is_not_used_if_it_disagrees_with_the_header(tmp_path, promised):
    path = write_avi(tmp_path / "a.avi", range(12))
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(b"strh") + 40, promised)  # the number of frames of the stream
    path.write_bytes(content)
    index, n_left = index_of(path)
    assert index == packets_of(path)
    assert n_left == 0


def test_avi_without_an_index_is_read(tmp_path):
    path = write_avi(tmp_path / "a.avi", range(12))
    path.write_bytes(path.read_bytes().replace(b"idx1", b"JUNK"))
    index, n_left = index_of(path)
    assert index == packets_of(path)
    assert len(index) == 12
    assert n_left == 0


def test_index_of_real_clips(shared):
    for path in sorted((shared / "data/savee_chimera/AudioVisualClip").glob("*/d*.avi")):
        index, n_left = index_of(path)
        assert index == packets_of(path)
        assert n_left == len(index)
