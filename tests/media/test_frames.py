"""read_frames and map_frames: the frames on screen at the chosen times, for any container and codec."""

import struct
import subprocess
import sys

import av
import numpy as np
import pytest

from savee_mm import ClipError
from savee_mm.media import map_frames, read_frames
from savee_mm.media.frames import choose_times

N, HEIGHT, WIDTH = 40, 48, 64
FORMATS = {  # name: codec, B-frames, pixel format
    "mpeg4.avi": ("mpeg4", 0, "yuv420p"),
    "reordered.avi": ("mpeg4", 2, "yuv420p"),
    "guessed.avi": ("libx264", 2, "yuv420p"),
    "mpeg4.mp4": ("mpeg4", 2, "yuv420p"),
    "h264.mp4": ("libx264", 2, "yuv420p"),
    "h264.mov": ("libx264", 2, "yuv420p"),
    "h264.mkv": ("libx264", 2, "yuv420p"),
    "h264.flv": ("libx264", 2, "yuv420p"),
    "sorenson.flv": ("flv", 0, "yuv420p"),
    "mpeg1.mpg": ("mpeg1video", 2, "yuv420p"),
    "vp8.webm": ("libvpx", 0, "yuv420p"),
    "raw.h264": ("libx264", 2, "yuv420p"),
    "full_range.avi": ("mjpeg", 0, "yuvj420p"),
    "rgba.mov": ("png", 0, "rgba"),
    "grey.mkv": ("ffv1", 0, "gray"),
    "ten_bit.mkv": ("ffv1", 0, "yuv420p10le"),
}


def grey_level(i):
    return 20 + 5 * i


def write_video(path, codec="mpeg4", b_frames=0, pix_fmt="yuv420p", *, pts=None, gop=12, seed=0):
    """Encode noise. The grey level of the upper left quarter of a frame is its number."""
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
        stream.codec_context.gop_size, stream.bit_rate = gop, 1_000_000
        stream.codec_context.max_b_frames = b_frames
        for i, time in enumerate(range(N) if pts is None else pts):
            image = rng.integers(110, 130, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            image[: HEIGHT // 2, : WIDTH // 2] = grey_level(i)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = time
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def numbers(frames):
    """Return the numbers of frames by their grey quarter, without its borders, which lossy codecs blur."""
    level = frames[:, 4 : HEIGHT // 2 - 8, 4 : WIDTH // 2 - 8].mean(axis=(1, 2, 3))
    return np.round((level - grey_level(0)) / 5).astype(int)


def decode_all(path):
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return np.stack([frame.to_ndarray(format="rgb24") for frame in frames]), [frame.time for frame in frames]


@pytest.mark.parametrize("name", FORMATS)
def test_frames_equal_those_of_a_full_decode(tmp_path, name):
    path = write_video(tmp_path / name, *FORMATS[name])
    all_frames, all_times = decode_all(path)
    if None in all_times:  # a raw stream has its rate only
        all_times = np.arange(N) / 25
    all_times = np.sort(all_times)  # time stamps of H.264 in AVI are guesses
    for n_frames in (1, 2, 6, 23, 60):
        frames, times = read_frames(path, n_frames)
        moments = np.linspace(all_times[0], all_times[-1], n_frames)
        expected = [max(i for i in range(N) if all_times[i] <= moment + 1e-6) for moment in moments]
        assert (frames.dtype, frames.shape) == (np.uint8, (n_frames, HEIGHT, WIDTH, 3))
        assert times.dtype == np.float64
        np.testing.assert_array_equal(frames, all_frames[expected])
        np.testing.assert_allclose(times, all_times[expected], atol=1e-9)  # float64
        np.testing.assert_array_equal(numbers(frames), expected)


@pytest.mark.parametrize("gop", [1, 5, 250])
def test_any_distance_of_key_frames(tmp_path, gop):
    path = write_video(tmp_path / "a.mp4", "libx264", 2, gop=gop)
    frames, times = read_frames(path, 6)
    np.testing.assert_array_equal(numbers(frames), [0, 7, 15, 23, 31, 39])
    np.testing.assert_allclose(times, np.array([0, 7, 15, 23, 31, 39]) / 25, atol=1e-9)


def test_frames_are_chosen_by_time_not_by_number(tmp_path):
    # Ten frames in the first 0.4 s; the last of them is shown for 2 s.
    path = write_video(tmp_path / "a.mkv", pts=[*range(10), 60])
    frames, times = read_frames(path, 6)
    np.testing.assert_array_equal(numbers(frames), [0, 9, 9, 9, 9, 10])
    np.testing.assert_allclose(times, [0, 0.36, 0.36, 0.36, 0.36, 2.4], atol=1e-9)


def test_times_need_not_start_at_zero(tmp_path):
    path = write_video(tmp_path / "a.mkv", pts=range(100, 120))
    frames, times = read_frames(path, 2)
    np.testing.assert_allclose(times, [4.0, 4.76], atol=1e-9)
    np.testing.assert_array_equal(numbers(frames), [0, 19])


def test_video_of_three_frames_repeats_them(tmp_path):
    frames, times = read_frames(write_video(tmp_path / "a.mp4", pts=range(3)), 6)
    np.testing.assert_array_equal(numbers(frames), [0, 0, 0, 1, 1, 2])
    np.testing.assert_allclose(times, np.array([0, 0, 0, 1, 1, 2]) / 25, atol=1e-9)


def test_image_is_a_video_of_one_frame(tmp_path):
    with av.open(str(tmp_path / "a.png"), "w", format="image2") as container:
        stream = container.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, 8, "rgb24"
        red = np.zeros((8, 16, 3), np.uint8)
        red[..., 0] = 255
        for packet in [*stream.encode(av.VideoFrame.from_ndarray(red, format="rgb24")), *stream.encode(None)]:
            container.mux(packet)
    frames, times = read_frames(tmp_path / "a.png", 3)
    np.testing.assert_array_equal(frames, np.stack([red] * 3))
    assert not times.any()


@pytest.mark.parametrize(("degrees", "quarter_turns"), [(90, 3), (180, 2), (270, 1)])
def test_video_of_a_phone_is_upright(tmp_path, degrees, quarter_turns):
    path = write_video(tmp_path / "a.mp4")
    stored, _ = read_frames(path, 2)
    content = bytearray(path.read_bytes())
    # The display matrix of the track header (ISO/IEC 14496-12, 8.3.2) rotates the image clockwise.
    place = content.index(b"tkhd") + 4 + 40
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    matrix = (cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30)
    content[place : place + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(content)
    upright, _ = read_frames(path, 2)
    np.testing.assert_array_equal(upright, np.rot90(stored, quarter_turns, axes=(1, 2)))


@pytest.mark.parametrize(
    ("times", "n", "expected"),
    [
        ([0.0], 3, [0, 0, 0]),
        ([0.0, 1.0], 1, [0]),
        ([0.0, 0.9, 1.0], 3, [0, 0, 2]),
        (np.arange(100) / 25, 100, np.arange(100)),  # rounding must not give the previous frame
        (np.arange(1001) * 1001 / 30000, 1001, np.arange(1001)),
    ],
)
def test_choose_times(times, n, expected):
    np.testing.assert_array_equal(choose_times(np.asarray(times), n), expected)


def write_bad(folder, case):
    if case == "missing":
        return folder / "missing.mp4"
    if case == "folder":
        return folder
    if case == "audio only":
        path = folder / "bad.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=16000, layout="mono")
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 16000
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
        return path
    path = write_video(folder / f"bad.{case.split()[-1]}", "libx264" if case in ("cut flv", "hole mp4") else "mpeg4")
    if case == "cut mpg":
        write_video(path, "mpeg1video")
    whole = path.read_bytes()
    if case == "hole mp4":
        middle, index = len(whole) // 2, whole.index(b"moov") - 4
        content = whole[:middle] + b"\xff" * (index - middle) + whole[index:]
    elif case.startswith("cut"):
        content = whole[: len(whole) // 2]
    else:
        content = {"empty avi": b"", "text mp4": b"not media\n" * 99, "stub avi": whole[:100]}[case]
    path.write_bytes(content)
    return path


BAD = {
    "missing": "no such file",
    "folder": "folder",
    "empty avi": "empty",
    "text mp4": "not an audio or video file",
    "stub avi": "cut short",
    "cut avi": "cut short: expected .* bytes by its header",
    "cut mp4": "cut short",  # its index was at the end
    "cut mpg": "cut short or damaged after 1\\.",
    "cut flv": "cut short",
    "hole mp4": "cut short or damaged after 0\\.",
    "audio only": "no video stream \\(the file has: audio\\)",
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_say_what_is_wrong(tmp_path, capfd, case):
    path = write_bad(tmp_path, case)
    with pytest.raises(ClipError, match=BAD[case]) as caught:
        read_frames(path)
    assert caught.value.path == str(path)
    assert capfd.readouterr().err == ""  # without FFmpeg's messages


def test_index_at_the_front_shows_a_cut(tmp_path):
    path = write_video(tmp_path / "a.mp4")
    with av.open(str(path)) as source, av.open(str(tmp_path / "b.mp4"), "w", options={"movflags": "faststart"}) as b:
        stream = b.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                b.mux(packet)
    whole = (tmp_path / "b.mp4").read_bytes()
    assert read_frames(tmp_path / "b.mp4")[0].shape[0] == 6
    (tmp_path / "b.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        ClipError, match="cut short"
    ):  # by its index, which PyAV 15 and 16 do not show, or by its frames
        read_frames(tmp_path / "b.mp4")


@pytest.mark.parametrize("n_frames", [0, -1, 2.5, "6", True, None])
def test_bad_n_frames(tmp_path, n_frames):
    with pytest.raises(ValueError, match="n_frames"):
        read_frames(tmp_path / "a.mp4", n_frames)


@pytest.mark.parametrize(
    "name", ["bbaf2n.mpg", "single_face.mp4", "no_face.mp4", "face_noface.mov", "ravdess_01-01-01-01-01-01-01.mp4"]
)
def test_frames_of_real_videos_equal_those_of_a_full_decode(shared, name):
    path = shared / "data/clips" / name
    frames, times = read_frames(path, 4)
    shown = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            shown.append(frame.time)
            if (np.abs(times - frame.time) < 1e-9).any():
                place = int(np.argmin(np.abs(times - frame.time)))
                np.testing.assert_array_equal(frames[place], frame.to_ndarray(format="rgb24"))
    moments = np.linspace(shown[0], shown[-1], 4)
    np.testing.assert_allclose(times, [max(t for t in shown if t <= m + 1e-6) for m in moments], atol=1e-9)


def test_chimera_clip_with_dropped_frames(shared):
    path = shared / "data/savee_chimera/AudioVisualClip/DC/a1.avi"
    frames, times = read_frames(path, 6)
    all_frames, all_times = decode_all(path)
    assert np.diff(all_times).max() > 1.5 / 25  # the clip has dropped frames
    np.testing.assert_array_equal(frames, all_frames[np.searchsorted(all_times, times)])
    np.testing.assert_allclose(times, np.linspace(0, all_times[-1], 6), atol=1 / 25)


def test_media_does_not_load_large_packages():
    code = (
        "import sys, savee_mm.media; print(*{'cv2', 'librosa', 'sklearn', 'tensorflow', 'skimage'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# ---- frames at given times, and difficult videos


def write_levels(path, codec="mpeg4", *, n=20, pts=None, size=(HEIGHT, WIDTH), pix_fmt="yuv420p", gop=12, options=None):
    """Encode ``n`` grey frames. The level of a frame is its number."""
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


def levels(frames):
    """Return the numbers of frames by their level."""
    return np.round((np.asarray(frames, float).mean(axis=(1, 2, 3)) - 20) / 10).astype(int)


def stamps(path):
    """Return the time stamps of all frames (s)."""
    with av.open(str(path)) as container:
        return np.array([frame.time for frame in container.decode(video=0)])


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mpg", "a.mkv"])
def test_frames_on_screen_at_given_times(tmp_path, name):
    path = write_levels(tmp_path / name, "mpeg1video" if name == "a.mpg" else "mpeg4")
    start = stamps(path)[0]
    frames, times = read_frames(path, times=start + np.array([-3, 0.1, 0.1399, 0.14, 0.5, 0.5, 99]))
    expected = [0, 2, 3, 3, 12, 12, 19]
    np.testing.assert_array_equal(levels(frames), expected)
    np.testing.assert_allclose(times, stamps(path)[expected], atol=1e-9)


def test_raw_stream_at_given_times(tmp_path):
    frames, times = read_frames(write_levels(tmp_path / "a.h264", "libx264"), times=[0.1, 0.7])
    np.testing.assert_array_equal(levels(frames), [2, 17])
    np.testing.assert_allclose(times, [0.08, 0.68], atol=1e-9)


@pytest.mark.parametrize("times", [[], [1.0, 0.5], [np.nan], [[0.0]], 0.5])
def test_bad_times(tmp_path, times):
    with pytest.raises(ValueError, match="ascending order"):
        read_frames(write_levels(tmp_path / "a.mp4"), times=times)


def test_function_is_called_once_for_each_frame(tmp_path):
    path = write_levels(tmp_path / "a.mp4", n=3)
    shapes = []

    def corner(image):
        shapes.append(image.shape)
        return image[0, 0, 0]

    results, times = map_frames(corner, path, 6)
    assert shapes == [(HEIGHT, WIDTH, 3)] * 3
    np.testing.assert_array_equal(results, read_frames(path, 6)[0][:, 0, 0, 0])
    np.testing.assert_array_equal(times, read_frames(path, 6)[1])


def test_errors_of_the_function_are_not_changed(tmp_path):
    for name in ("a.mp4", "a.h264"):
        path = write_levels(tmp_path / name, "libx264")
        with pytest.raises(ValueError, match="mine"):
            map_frames(raise_mine, path)


def raise_mine(image):
    raise ValueError("mine")


def test_variable_frame_rate(tmp_path):
    pts = [0, 1, 2, 10, 11, 12, 40, 41]
    path = write_levels(tmp_path / "a.mkv", pts=pts)
    frames, times = read_frames(path, times=[0.05, 0.39, 0.41, 1.5, 1.61])
    np.testing.assert_array_equal(levels(frames), [1, 2, 3, 5, 6])
    np.testing.assert_allclose(times, np.array([1, 2, 10, 12, 40]) / 25, atol=1e-3)  # mkv counts milliseconds
    np.testing.assert_array_equal(np.isin(times, stamps(path)), True)


@pytest.mark.parametrize("promised", [7, 5000])
def test_wrong_number_of_frames_in_the_header(tmp_path, promised):
    path = write_levels(tmp_path / "a.avi")
    content = bytearray(path.read_bytes())
    # Of the whole file (avih, its 5th number) and of the stream (strh, its 9th).
    for chunk, place in ((b"avih", 16), (b"strh", 32)):
        at = content.index(chunk) + 8 + place
        assert struct.unpack_from("<I", content, at)[0] == 20
        struct.pack_into("<I", content, at, promised)
    path.write_bytes(content)
    frames, times = read_frames(path, 3)
    np.testing.assert_array_equal(levels(frames), [0, 9, 19])
    np.testing.assert_allclose(times, [0, 0.36, 0.76], atol=1e-9)


def test_dropped_frames_of_an_avi(tmp_path):
    pts = [0, 1, 5, 6, 7, 20, 21, 30]
    frames, times = read_frames(write_levels(tmp_path / "a.avi", pts=pts), 4)
    np.testing.assert_array_equal(levels(frames), [0, 4, 5, 7])
    np.testing.assert_allclose(times, np.array([0, 7, 20, 30]) / 25, atol=1e-9)


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "dvvideo"), ("a.mpg", "mpeg2video")])
def test_interlaced(tmp_path, name, codec):
    options = {"flags": "+ildct+ilme"} if codec == "mpeg2video" else {}
    path = write_levels(tmp_path / name, codec, n=8, size=(576, 720), options=options)
    frames, times = read_frames(path, 3)
    # DV states an aspect of 4:3 for the image, so that 720 pixels are shown as 768.
    assert frames.shape == (3, 576, 768 if codec == "dvvideo" else 720, 3)
    np.testing.assert_array_equal(levels(frames), [0, 3, 7])
    np.testing.assert_allclose(times, stamps(path)[[0, 3, 7]], atol=1e-9)


@pytest.mark.parametrize("size", [(8, 8), (2160, 3840)])
def test_small_and_large_frames(tmp_path, size):
    frames, _ = read_frames(write_levels(tmp_path / "a.mp4", n=3, size=size), 2)
    assert frames.shape == (2, *size, 3)
    np.testing.assert_array_equal(levels(frames), [0, 2])


def test_path_with_other_characters_than_ascii(tmp_path):
    folder = tmp_path / "Zürich 東京 🎬: %d"
    folder.mkdir()
    frames, _ = read_frames(write_levels(folder / "Ärger ß#1.mp4"), 2)
    np.testing.assert_array_equal(levels(frames), [0, 19])


def test_video_of_one_frame(tmp_path):
    for name in ("a.mp4", "a.avi", "a.mkv"):
        frames, times = read_frames(write_levels(tmp_path / name, n=1), 3)
        np.testing.assert_array_equal(levels(frames), [0, 0, 0])
        assert not times.any()


def test_memory_does_not_depend_on_the_length(tmp_path):
    """The peak memory of reading ten minutes is within 50 MiB of that of reading four seconds."""
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
        write_repeated(path, noise, seconds)
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / 1024)
    # Ten minutes of noise would not fit into 50 MiB: they are more than 200 MB.
    assert path.stat().st_size > 200e6
    assert peaks[1] - peaks[0] < 50


def write_repeated(path, images, seconds):
    """Encode one second of images, and write its packets for every second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = *images.shape[1:3], "yuv420p"
        stream.codec_context.gop_size, stream.bit_rate = 25, 20_000_000
        packets = []
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
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
