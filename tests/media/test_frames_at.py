"""read_frames at given times, map_frames, and the videos that trip other readers up."""

import struct
import subprocess
import sys

import av
import numpy as np
import pytest

from savee_mm.media import map_frames, read_frames

HEIGHT, WIDTH = 48, 64


def write_video(path, codec="mpeg4", *, n=20, pts=None, size=(HEIGHT, WIDTH), pix_fmt="yuv420p", gop=12, options=None):
    """Encode ``n`` grey frames whose level tells their number."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        (stream.height, stream.width), stream.pix_fmt = size, pix_fmt
        stream.codec_context.gop_size, stream.bit_rate = gop, 2_000_000
        for i, time in enumerate(range(n) if pts is None else pts):
            frame = av.VideoFrame.from_ndarray(np.full((*size, 3), 20 + 10 * i, np.uint8), format="rgb24")
            frame.pts = time
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def numbers(frames):
    return np.round((np.asarray(frames, float).mean(axis=(1, 2, 3)) - 20) / 10).astype(int)


def stamps(path):
    with av.open(str(path)) as container:
        return np.array([frame.time for frame in container.decode(video=0)])


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mpg", "a.mkv"])
def test_the_frames_on_screen_at_given_times(tmp_path, name):
    path = write_video(tmp_path / name, "mpeg1video" if name == "a.mpg" else "mpeg4")
    start = stamps(path)[0]
    frames, times = read_frames(path, times=start + np.array([-3, 0.1, 0.1399, 0.14, 0.5, 0.5, 99]))
    expected = [0, 2, 3, 3, 12, 12, 19]
    np.testing.assert_array_equal(numbers(frames), expected)
    np.testing.assert_allclose(times, stamps(path)[expected], atol=1e-9)


def test_of_a_raw_stream_too(tmp_path):
    frames, times = read_frames(write_video(tmp_path / "a.h264", "libx264"), times=[0.1, 0.7])
    np.testing.assert_array_equal(numbers(frames), [2, 17])
    np.testing.assert_allclose(times, [0.08, 0.68], atol=1e-9)


@pytest.mark.parametrize("times", [[], [1.0, 0.5], [np.nan], [[0.0]], 0.5])
def test_times_are_ascending_numbers(tmp_path, times):
    with pytest.raises(ValueError, match="ascending order"):
        read_frames(write_video(tmp_path / "a.mp4"), times=times)


def test_a_function_of_every_frame_is_called_once_for_each(tmp_path):
    path = write_video(tmp_path / "a.mp4", n=3)
    seen = []

    def look(picture):
        seen.append(picture.shape)
        return picture[0, 0, 0]

    results, times = map_frames(look, path, 6)
    assert seen == [(HEIGHT, WIDTH, 3)] * 3
    np.testing.assert_array_equal(results, read_frames(path, 6)[0][:, 0, 0, 0])
    np.testing.assert_array_equal(times, read_frames(path, 6)[1])


def test_an_error_of_the_function_is_not_taken_for_one_of_the_file(tmp_path):
    for name in ("a.mp4", "a.h264"):
        path = write_video(tmp_path / name, "libx264")
        with pytest.raises(ValueError, match="mine"):
            map_frames(raise_mine, path)


def raise_mine(picture):
    raise ValueError("mine")


def test_variable_frame_rate(tmp_path):
    pts = [0, 1, 2, 10, 11, 12, 40, 41]
    path = write_video(tmp_path / "a.mkv", pts=pts)
    frames, times = read_frames(path, times=[0.05, 0.39, 0.41, 1.5, 1.61])
    np.testing.assert_array_equal(numbers(frames), [1, 2, 3, 5, 6])
    np.testing.assert_allclose(times, np.array([1, 2, 10, 12, 40]) / 25, atol=1e-3)  # mkv counts milliseconds
    np.testing.assert_array_equal(np.isin(times, stamps(path)), True)


@pytest.mark.parametrize("promised", [7, 5000])
def test_a_wrong_number_of_frames_in_the_header(tmp_path, promised):
    path = write_video(tmp_path / "a.avi")
    content = bytearray(path.read_bytes())
    # Of the whole file (avih, its 5th number) and of the stream (strh, its 9th).
    for chunk, place in ((b"avih", 16), (b"strh", 32)):
        at = content.index(chunk) + 8 + place
        assert struct.unpack_from("<I", content, at)[0] == 20
        struct.pack_into("<I", content, at, promised)
    path.write_bytes(content)
    frames, times = read_frames(path, 3)
    np.testing.assert_array_equal(numbers(frames), [0, 9, 19])
    np.testing.assert_allclose(times, [0, 0.36, 0.76], atol=1e-9)


def test_dropped_frames_of_an_avi(tmp_path):
    pts = [0, 1, 5, 6, 7, 20, 21, 30]
    frames, times = read_frames(write_video(tmp_path / "a.avi", pts=pts), 4)
    np.testing.assert_array_equal(numbers(frames), [0, 4, 5, 7])
    np.testing.assert_allclose(times, np.array([0, 7, 20, 30]) / 25, atol=1e-9)


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "dvvideo"), ("a.mpg", "mpeg2video")])
def test_interlaced(tmp_path, name, codec):
    options = {"flags": "+ildct+ilme"} if codec == "mpeg2video" else {}
    path = write_video(tmp_path / name, codec, n=8, size=(576, 720), options=options)
    frames, times = read_frames(path, 3)
    assert frames.shape == (3, 576, 720, 3)
    np.testing.assert_array_equal(numbers(frames), [0, 3, 7])
    np.testing.assert_allclose(times, stamps(path)[[0, 3, 7]], atol=1e-9)


@pytest.mark.parametrize("size", [(8, 8), (2160, 3840)])
def test_the_smallest_and_the_largest(tmp_path, size):
    frames, _ = read_frames(write_video(tmp_path / "a.mp4", n=3, size=size), 2)
    assert frames.shape == (2, *size, 3)
    np.testing.assert_array_equal(numbers(frames), [0, 2])


def test_a_path_beyond_ascii(tmp_path):
    folder = tmp_path / "Zürich 東京 🎬: %d"
    folder.mkdir()
    frames, _ = read_frames(write_video(folder / "Ärger ß#1.mp4"), 2)
    np.testing.assert_array_equal(numbers(frames), [0, 19])


def test_one_frame(tmp_path):
    for name in ("a.mp4", "a.avi", "a.mkv"):
        frames, times = read_frames(write_video(tmp_path / name, n=1), 3)
        np.testing.assert_array_equal(numbers(frames), [0, 0, 0])
        assert not times.any()


def test_memory_does_not_grow_with_the_length(tmp_path):
    """The peak of a process that reads ten minutes is within 50 MiB of that of one that reads four seconds."""
    code = """
import sys
from pathlib import Path
from savee_mm.media import read_frames
read_frames(sys.argv[1], 6)
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
"""
    noise = np.random.default_rng(0).integers(0, 256, (25, 144, 176, 3), dtype=np.uint8)
    peaks = []
    for seconds in (4, 600):
        path = tmp_path / f"{seconds}.mkv"
        write_again_and_again(path, noise, seconds)
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / 1024)
    # Of noise, so that ten minutes would not fit: 600 s are more than 200 MB.
    assert path.stat().st_size > 200e6
    assert peaks[1] - peaks[0] < 50


def write_again_and_again(path, pictures, seconds):
    """Encode a second of pictures, and write its packets for every second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = *pictures.shape[1:3], "yuv420p"
        stream.codec_context.gop_size, stream.bit_rate = 25, 20_000_000
        packets = []
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = i
            packets += stream.encode(frame)
        packets += stream.encode(None)
        content = [(bytes(packet), packet.is_keyframe) for packet in packets]
        for i in range(25 * seconds):
            data, is_key = content[i % len(content)]
            packet = av.Packet(data)
            packet.pts = packet.dts = i
            packet.time_base, packet.stream, packet.is_keyframe = stream.codec_context.time_base, stream, is_key
            container.mux(packet)
