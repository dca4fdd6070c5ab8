"""read_frames: the right pictures with the right times, however a container stores them."""

import struct
import subprocess
import sys

import av
import numpy as np
import pytest

from savee_mm import ClipError
from savee_mm.media import read_frames
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
    """Encode frames whose upper left quarter tells their number by its grey, the rest being noise."""
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
        stream.codec_context.gop_size, stream.bit_rate = gop, 1_000_000
        stream.codec_context.max_b_frames = b_frames
        for i, time in enumerate(range(N) if pts is None else pts):
            picture = rng.integers(110, 130, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            picture[: HEIGHT // 2, : WIDTH // 2] = grey_level(i)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = time
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def numbers(frames):
    """Which frames these are, by their grey quarter (away from its borders, which lossy codecs smear)."""
    level = frames[:, 4 : HEIGHT // 2 - 8, 4 : WIDTH // 2 - 8].mean(axis=(1, 2, 3))
    return np.round((level - grey_level(0)) / 5).astype(int)


def decode_all(path):
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return np.stack([frame.to_ndarray(format="rgb24") for frame in frames]), [frame.time for frame in frames]


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_as_a_full_decode(tmp_path, name):
    path = write_video(tmp_path / name, *FORMATS[name])
    all_frames, all_times = decode_all(path)
    if None in all_times:  # a raw stream: its rate is all there is
        all_times = np.arange(N) / 25
    all_times = np.sort(all_times)  # H.264 in AVI guesses its time stamps
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
    # Ten frames in the first 0.4 s, then one that stays for 2 s: most moments show that one.
    path = write_video(tmp_path / "a.mkv", pts=[*range(10), 60])
    frames, times = read_frames(path, 6)
    np.testing.assert_array_equal(numbers(frames), [0, 9, 9, 9, 9, 10])
    np.testing.assert_allclose(times, [0, 0.36, 0.36, 0.36, 0.36, 2.4], atol=1e-9)


def test_times_need_not_start_at_zero(tmp_path):
    path = write_video(tmp_path / "a.mkv", pts=range(100, 120))
    frames, times = read_frames(path, 2)
    np.testing.assert_allclose(times, [4.0, 4.76], atol=1e-9)
    np.testing.assert_array_equal(numbers(frames), [0, 19])


def test_a_video_of_three_frames_repeats_them(tmp_path):
    frames, times = read_frames(write_video(tmp_path / "a.mp4", pts=range(3)), 6)
    np.testing.assert_array_equal(numbers(frames), [0, 0, 0, 1, 1, 2])
    np.testing.assert_allclose(times, np.array([0, 0, 0, 1, 1, 2]) / 25, atol=1e-9)


def test_a_picture_is_a_video_of_one_frame(tmp_path):
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
def test_a_phone_held_upright(tmp_path, degrees, quarter_turns):
    path = write_video(tmp_path / "a.mp4")
    lying, _ = read_frames(path, 2)
    content = bytearray(path.read_bytes())
    # The display matrix of the track header (ISO/IEC 14496-12, 8.3.2) turns the picture clockwise.
    place = content.index(b"tkhd") + 4 + 40
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    matrix = (cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30)
    content[place : place + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(content)
    upright, _ = read_frames(path, 2)
    np.testing.assert_array_equal(upright, np.rot90(lying, quarter_turns, axes=(1, 2)))


@pytest.mark.parametrize(
    ("times", "n", "expected"),
    [
        ([0.0], 3, [0, 0, 0]),
        ([0.0, 1.0], 1, [0]),
        ([0.0, 0.9, 1.0], 3, [0, 0, 2]),
        (np.arange(100) / 25, 100, np.arange(100)),  # rounding must not slip to the frame before
        (np.arange(1001) * 1001 / 30000, 1001, np.arange(1001)),
    ],
)
def test_choose_times(times, n, expected):
    np.testing.assert_array_equal(choose_times(np.asarray(times), n), expected)


def write_bad(folder, case):
    if case == "missing":
        return folder / "nowhere.mp4"
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
        content = {"empty avi": b"", "text mp4": b"no media\n" * 99, "stub avi": whole[:100]}[case]
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
    assert capfd.readouterr().err == ""  # FFmpeg's own messages stay away


def test_an_index_at_the_front_shows_a_cut(tmp_path):
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
    with pytest.raises(ClipError, match="cut short"):  # PyAV 15 and 16 show no index: the frame tells
        read_frames(tmp_path / "b.mp4")


@pytest.mark.parametrize("n_frames", [0, -1, 2.5, "6", True, None])
def test_a_number_of_frames_is_positive(tmp_path, n_frames):
    with pytest.raises(ValueError, match="n_frames"):
        read_frames(tmp_path / "a.mp4", n_frames)


@pytest.mark.parametrize(
    "name", ["bbaf2n.mpg", "single_face.mp4", "no_face.mp4", "face_noface.mov", "ravdess_01-01-01-01-01-01-01.mp4"]
)
def test_real_videos_the_same_as_a_full_decode(shared, name):
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


def test_a_chimera_clip_with_dropped_frames(shared):
    path = shared / "data/savee_chimera/AudioVisualClip/DC/a1.avi"
    frames, times = read_frames(path, 6)
    all_frames, all_times = decode_all(path)
    assert np.diff(all_times).max() > 1.5 / 25  # it does drop some
    np.testing.assert_array_equal(frames, all_frames[np.searchsorted(all_times, times)])
    np.testing.assert_allclose(times, np.linspace(0, all_times[-1], 6), atol=1 / 25)


def test_media_does_not_load_the_heavy_ones():
    code = (
        "import sys, savee_mm.media; print(*{'cv2', 'librosa', 'sklearn', 'tensorflow', 'skimage'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
