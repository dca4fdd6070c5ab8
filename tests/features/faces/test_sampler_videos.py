"""FaceFrameSampler on unusual and real videos."""

import struct
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest

from savee_mm import ClipError, ClipWarning, FaceFrameSampler
from savee_mm.media import read_frames
from savee_mm.vision import make_detector

N_FRAMES = 3
DROPPED = (0, 1, 5, 6, 7, 20, 21, 30)  # numbers of the frames that were not dropped
INTERLACED = {"flags": "+ildct+ilme"}
VIDEOS = {  # name: codec, pixel format, other options
    "interlaced.avi": ("dvvideo", "yuv420p", {"size": (576, 720)}),
    "interlaced.mpg": ("mpeg2video", "yuv420p", {"size": (576, 720), "options": INTERLACED}),
    "variable rate.mkv": ("libx264", "yuv420p", {"pts": (0, 1, 2, 10, 11, 12, 40, 41)}),
    "dropped frames.avi": ("mpeg4", "yuv420p", {"pts": DROPPED}),
    "one frame.mp4": ("mpeg4", "yuv420p", {"pts": (0,)}),
    "4k.mp4": ("mpeg4", "yuv420p", {"pts": (0, 1), "size": (2160, 3840)}),
    "Zürich 東京 🎬: %d.mp4": ("libx264", "yuv420p", {}),
    "grey.mkv": ("ffv1", "gray", {}),
    "rgba.mov": ("png", "rgba", {}),
    "ten bit.mkv": ("ffv1", "yuv420p10le", {}),
}


def make(**params):
    return FaceFrameSampler(**{"detector": "lbp", "n_frames": N_FRAMES, **params})


def stamps(path):
    """Return the time stamps of all frames (s) from a full decode."""
    with av.open(f"file:{path}") as container:
        return np.array([frame.time for frame in container.decode(video=0)])


@pytest.fixture(scope="module")
def frames(corpus):
    """Eight frames of a talking face."""
    return read_frames(corpus.data["video"].iloc[0], 8)[0]


@pytest.fixture
def odd_video(request, frames, write_video, tmp_path):
    """Path of one of VIDEOS, and its frames."""
    codec, pix_fmt, special = VIDEOS[request.param]
    height, width = special.get("size", frames.shape[1:3])
    how = {name: value for name, value in special.items() if name != "size"}
    shown = [cv2.resize(frame, (width, height)) for frame in frames[: len(how.get("pts", frames))]]
    return write_video(tmp_path / request.param, shown, codec, pix_fmt, **how), shown


@pytest.mark.parametrize("odd_video", VIDEOS, indirect=True)
def test_crops_and_times_of_unusual_videos(odd_video):
    path, shown = odd_video
    fitted = make().fit([path])
    table, times = fitted.diagnose([path]), stamps(path)
    assert table["found"].all()
    # Frames on screen at three times, evenly spaced from the first to the last.
    places = np.searchsorted(times, np.linspace(times[0], times[-1], N_FRAMES) + 1e-6, side="right") - 1
    np.testing.assert_allclose(table["time"], times[places], atol=1e-9)
    expected = make(n_frames=len(shown)).fit_transform([np.stack(shown)])[0][places]
    crops = fitted.transform([path])[0]
    if path.name.startswith("grey"):
        crops, expected = crops.mean(axis=-1), expected.mean(axis=-1)
    for crop, like in zip(crops, expected, strict=True):
        # Lossy codecs shift the windows of the cascade by one or two pixels.
        assert np.corrcoef(crop.ravel(), like.ravel())[0, 1] > 0.9


def test_wrong_number_of_frames_in_the_header_is_ignored(frames, write_video, tmp_path):
    path = write_video(tmp_path / "a.avi", frames)
    times = make().fit([path]).diagnose([path])["time"]
    content = bytearray(path.read_bytes())
    for chunk, place in ((b"avih", 16), (b"strh", 32)):  # number of frames in the header of file and stream
        struct.pack_into("<I", content, content.index(chunk) + 8 + place, 5000)
    path.write_bytes(content)
    np.testing.assert_array_equal(make().fit([path]).diagnose([path])["time"], times)


def test_display_matrix_rotates_frames_upright(frames, write_video, tmp_path):
    """Phones record rotated frames and a display matrix."""
    upright = make().fit_transform([frames])
    path = write_video(tmp_path / "a.mp4", np.rot90(frames, 1, axes=(1, 2)))
    with pytest.raises(ClipError, match="no face found"):
        make().fit_transform([path])
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 44  # ISO/IEC 14496-12, 8.3.2
    content[place : place + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    assert np.corrcoef(make().fit_transform([path]).ravel(), upright.ravel())[0, 1] > 0.9


def write_bad(case, frames, write_video, folder):
    if case == "small":
        return write_video(folder / "bad.mp4", [cv2.resize(frame, (8, 8)) for frame in frames])
    if case == "blank":
        return write_video(folder / "bad.mp4", np.full_like(frames, 127))
    path = write_video(folder / "bad.mp4", frames, sound=np.zeros(16000)) if case == "cut" else folder / "bad.mp4"
    if case == "cut":
        path.write_bytes(path.read_bytes()[:2000])
    else:
        write_sound(path)
    return path


def write_sound(path):
    """Write a video file with a second of silence and no frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


BAD = {
    "small": "no face found by 'lbp' in any of 3 frames",
    "blank": "no face found by 'lbp' in any of 3 frames",
    "cut": "cut short",
    "sound": "no video stream",
}


@pytest.mark.parametrize("strategy", ["even", "apex"])
@pytest.mark.parametrize("case", BAD)
def test_unusable_video_is_an_error_or_filled(frames, write_video, tmp_path, case, strategy):
    path = write_bad(case, frames, write_video, tmp_path)
    with pytest.raises(ClipError, match=f"clip 'bad' .*{BAD[case]}"):
        make(strategy=strategy).fit_transform([path])
    fitted = make(strategy=strategy, on_error="fill").fit([frames])
    with pytest.warns(ClipWarning, match=BAD[case]):
        crops = fitted.transform([frames, path])
    assert crops[0].any()
    assert not crops[1].any()
    assert fitted.failed_clips_["clip_id"].tolist() == ["bad"]
    with pytest.warns(ClipWarning, match=BAD[case]):
        table = fitted.diagnose([path])
    assert not table["found"].any()
    assert table[["time", "x", "y", "width", "height", "confidence"]].isna().all(axis=None)


def write_longer(path, source, seconds):
    """Repeat a video of one second with its audio."""
    with av.open(str(source)) as short, av.open(str(path), "w") as container:
        streams = {stream.index: container.add_stream_from_template(stream) for stream in short.streams}
        packets = [(packet, packet.pts, packet.stream.index) for packet in short.demux() if packet.size]
        for second in range(seconds):
            for packet, pts, index in packets:
                packet.pts = packet.dts = pts + round(second / packet.time_base)
                packet.stream = streams[index]
                container.mux(packet)
    return path


def test_memory_does_not_depend_on_the_length(frames, write_video, tmp_path):
    """Cropping faces from ten minutes takes at most 50 MiB more than from four seconds."""
    code = """
import sys
from pathlib import Path
from savee_mm import FaceFrameSampler
FaceFrameSampler(detector="lbp", n_frames=2, strategy="energy", cache=None).fit_transform([sys.argv[1]])
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
"""
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 4, (25, *frames.shape[1:]))
    second = np.clip(np.repeat(frames, 4, axis=0)[:25] + grain, 0, 255).astype(np.uint8)
    source = write_video(tmp_path / "1.mkv", second, sound=rng.normal(0, 0.1, 16000))
    peaks = []
    for seconds in (4, 600):
        path = write_longer(tmp_path / f"{seconds}.mkv", source, seconds)
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / 1024)
    assert path.stat().st_size > 100e6  # exceeds the limit
    assert peaks[1] - peaks[0] < 50


# ---- real videos


@pytest.mark.parametrize("detector", ["yunet", "ssd", "lbp"])
def test_face_in_part_of_the_frames(weights, shared, detector):
    """The video of 6.4 s shows a face for 2.5 s, then a landscape."""
    path = shared / "data/clips/face_noface.mov"
    fitted = make(detector=detector, n_frames=6, on_no_face="mask").fit([path])
    table = fitted.diagnose([path])
    assert table["found"].tolist() == (table["time"] < 2.5).tolist()
    assert (table["face_share"] == 2 / 6).all()
    np.testing.assert_array_equal(fitted.transform([path])[0].any(axis=(1, 2, 3)), table["found"])


def test_error_names_the_times_of_frames_without_a_face(weights, shared):
    path = shared / "data/clips/face_noface.mov"
    with pytest.raises(ClipError, match=r"face_noface.*no face found by 'yunet' at 3\.\d+ s, at 6\.\d+ s; try"):
        make(detector="yunet", on_no_face="raise").fit_transform([path])


@pytest.mark.parametrize("detector", ["yunet", "ssd"])
def test_one_of_several_faces_is_followed(weights, shared, write_video, tmp_path, detector):
    """In a video of a still image with five faces, one of the largest is in all crops."""
    frame = read_frames(shared / "data/clips/multi_face.jpg", 1)[0][0]
    height, width = (side // 2 * 2 for side in frame.shape[:2])
    path = write_video(tmp_path / "five.mp4", [frame[:height, :width]] * 10)
    table = make(detector=detector).fit([path]).diagnose([path])
    assert table["found"].all()
    assert np.ptp(table[["x", "y", "width", "height"]], axis=0).max() < 3  # pixels, with a lossy codec
    areas = make_detector(detector).detect(frame).boxes[:, 2:].prod(axis=1)
    assert (table["width"] * table["height"]).iloc[0] > np.median(areas)


def test_cascade_follows_one_face_in_large_frames(shared):
    """In 720p the cascade also finds chins and collars, which are not followed."""
    path = shared / "data/clips/ravdess_01-01-01-01-01-01-01.mp4"
    table = make(n_frames=8).fit([path]).diagnose([path])
    assert table["found"].all()
    assert np.ptp(table[["x", "y"]], axis=0).max() < 0.2 * table["width"].min()
