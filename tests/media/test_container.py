"""Streams of a container: the default one is read, covers are not videos."""

import av
import numpy as np
import pytest

from savee_mm.media import read_audio, read_frames

SR = 16000
DEFAULT = av.stream.Disposition.default


@pytest.fixture
def write_streams(tmp_path, audio_packets, video_packets):
    """Write two videos (dark, bright) and two sounds (silent, a tone): ``write_streams(name, default)``."""

    def write(name, default):
        with av.open(str(tmp_path / name), "w") as container:
            packets = []
            for i, level in enumerate((50, 200)):
                stream = container.add_stream("mpeg4", rate=25)
                stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
                stream.disposition = DEFAULT if i == default else av.stream.Disposition(0)
                packets += video_packets(stream, np.full((25, 48, 64, 3), level, np.uint8))
            for i in range(2):
                stream = container.add_stream("aac", rate=SR, layout="mono")
                stream.disposition = DEFAULT if i == default else av.stream.Disposition(0)
                packets += audio_packets(stream, 0.5 * i * np.sin(0.1 * np.arange(SR)), SR)
            for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
                container.mux(packet)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov"])
@pytest.mark.parametrize("default", [0, 1])
def test_default_stream_is_read(write_streams, name, default):
    path = write_streams(name, default)
    assert read_frames(path, 2)[0].mean() == pytest.approx((50, 200)[default], abs=3)
    assert read_audio(path)[0].std() == pytest.approx((0, np.sqrt(0.125))[default], abs=0.03)


def test_cover_of_an_audio_file_is_not_a_video(tmp_path, audio_packets):
    with av.open(str(tmp_path / "a.m4a"), "w", format="mp4") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        audio = container.add_stream("aac", rate=SR, layout="mono")
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        for packet in [*cover.encode(frame), *cover.encode(None), *audio_packets(audio, np.ones(SR), SR)]:
            container.mux(packet)
    assert read_audio(tmp_path / "a.m4a")[0].size >= SR
    with pytest.raises(ValueError, match=r"no video stream \(the file has: audio, video\)"):
        read_frames(tmp_path / "a.m4a")
