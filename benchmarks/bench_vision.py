"""Frames and face crops of a video compared with OpenCV, which decodes all frames to extract six.

The same 100 frames in four files: a synthetic talking face with camera noise, in the size of SAVEE's videos and with
720 lines, as MPEG-4 with FFmpeg's default key frames (every 12th) and as H.264 with one key frame in 250. Face crops
need the weights of YuNet in the folder ``SAVEE_MM_WEIGHTS``.
"""

import av
import cv2
import numpy as np
import pytest

from savee_mm import FaceFrameSampler, make_talking_faces
from savee_mm.media import read_frames
from savee_mm.vision import available_detectors, detector_files

N_PICTURES, N_FRAMES, GRAIN = 100, 6, 2
SIZES = {"320 x 256": (256, 320), "900 x 720": (720, 900)}
CODECS = {"MPEG-4": ("avi", "mpeg4", 12), "H.264": ("mp4", "libx264", 250)}
GOALS = {"MPEG-4": 0.35, "H.264": 0.85}
BITS_PER_PIXEL = 0.2
VIDEOS = [(codec, size) for codec in CODECS for size in SIZES]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Return the first second of four synthetic clips, one after the other."""
    corpus = make_talking_faces(tmp_path_factory.mktemp("corpus"), n_speakers=1, n_sentences=1, random_state=0)
    return np.concatenate([read_frames(path, times=np.arange(25) / 25)[0] for path in corpus.data["video"][:4]])


@pytest.fixture(scope="module")
def video(pictures, tmp_path_factory):
    """Return a function that writes the frames with a codec and in a size, and returns the path."""
    folder = tmp_path_factory.mktemp("videos")

    def path_of(codec, size):
        suffix, name, gop = CODECS[codec]
        path = folder / f"{size}.{suffix}"
        if not path.exists():
            write_video(path, name, gop, pictures, SIZES[size])
        return path

    return path_of


def write_video(path, codec, gop, pictures, shape):
    height, width = shape
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.codec_context.gop_size, stream.bit_rate = gop, round(BITS_PER_PIXEL * 25 * height * width)
        for picture in pictures:
            grain = rng.normal(0, GRAIN, (height, width, 3))
            scaled = np.clip(cv2.resize(picture, (width, height)) + grain, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scaled, format="rgb24")))
        container.mux(stream.encode(None))


def decode_all(path):
    """Decode every frame with OpenCV and return six, evenly spaced."""
    capture, frames = cv2.VideoCapture(str(path)), []
    wanted = set(np.linspace(0, N_PICTURES - 1, N_FRAMES).astype(int).tolist())
    for i in range(N_PICTURES):
        _, picture = capture.read()
        if i in wanted:
            frames.append(picture)
    return frames


@pytest.mark.parametrize(
    ("codec", "size"),
    [pytest.param(*of, marks=pytest.mark.benchmark(group=f"six frames of 100, {of[0]}, {of[1]}")) for of in VIDEOS],
)
def test_six_frames(race, video, codec, size):
    path, peer = video(codec, size), "OpenCV, all frames"
    race(lambda: read_frames(path, N_FRAMES), {peer: lambda: decode_all(path)}, goals={peer: GOALS[codec]})


@pytest.mark.parametrize(
    ("codec", "size"),
    [pytest.param(*of, marks=pytest.mark.benchmark(group=f"six crops by YuNet, {of[0]}, {of[1]}")) for of in VIDEOS],
)
def test_clip_to_crops(race, video, codec, size):
    """The peer runs OpenCV's YuNet on six unscaled frames and extracts no crops."""
    if "yunet" not in available_detectors():
        pytest.skip("The weights of YuNet are missing: set SAVEE_MM_WEIGHTS")
    path, peer = video(codec, size), "OpenCV, all frames, YuNet on six"
    sampler = FaceFrameSampler(detector="yunet", cache=None).fit([path])
    network = cv2.FaceDetectorYN.create(str(detector_files("yunet")[0]), "", SIZES[size][::-1])

    def faces():
        return [network.detect(picture) for picture in decode_all(path)]

    assert all(found is not None for _, found in faces())
    race(lambda: sampler.transform([path]), {peer: faces}, goals={peer: 0.5})
