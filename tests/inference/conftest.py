"""Small models of each kind, and a recording with a pause in it."""

from fractions import Fraction

import av
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import FaceDescriptor, FaceFrameSampler, LateFusionClassifier, ProsodyFeatures, read_audio, read_frames

SR, FPS = 16000, 10
PAUSE = (4.0, 8.0)  # s


def voice_model():
    return make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(max_iter=1000))


def face_model():
    return make_pipeline(
        FaceDescriptor(FaceFrameSampler(n_frames=4, detector="lbp")),
        StandardScaler(),
        LogisticRegression(max_iter=1000),
    )


@pytest.fixture(scope="session")
def voice(corpus):
    """A model that reads sound only."""
    return voice_model().fit(corpus.data, corpus.target)


@pytest.fixture(scope="session")
def face(corpus):
    """A model that reads frames only."""
    return face_model().fit(corpus.data, corpus.target)


@pytest.fixture(scope="session")
def both(corpus):
    """A model that reads both, and predicts without one of them."""
    branches = [("voice", voice_model()), ("face", face_model())]
    return LateFusionClassifier(branches, n_inner_folds=2).fit(corpus.data, corpus.target)


@pytest.fixture(scope="session")
def recording(corpus, tmp_path_factory, write_video):
    """A talking face of 12.5 s, silent from 4 to 8 s, 10 frames/s."""
    frames, _ = read_frames(corpus.data["video"].iloc[0], 20)
    y = np.resize(np.trim_zeros(read_audio(corpus.data["audio"].iloc[0], SR)[0]), round(12.5 * SR))
    y[round(PAUSE[0] * SR) : round(PAUSE[1] * SR)] = 0
    path = tmp_path_factory.mktemp("recording") / "long.avi"
    write_video(path, [frames[i % 20] for i in range(125)], y)
    return path


@pytest.fixture(scope="session", params=["audio", "video"])
def late(request, corpus, tmp_path_factory, write_video):
    """A talking face of 8 s, silent after 3.5 s for 1.5 s, whose sound or frames start 1.5 s later than the rest.

    The modality that is late, and the path.
    """
    frames, _ = read_frames(corpus.data["video"].iloc[0], 20)
    y = np.resize(np.trim_zeros(read_audio(corpus.data["audio"].iloc[0], SR)[0]), 8 * SR)
    y[round(3.5 * SR) : 5 * SR] = 0
    path = tmp_path_factory.mktemp("late") / f"{request.param}.mkv"
    # The container starts at 0.5 s: its clock is not that of the time stamps.
    starts = {"audio": 0.5, "video": 0.5, request.param: 2.0}
    write_video(path, [frames[i % 20] for i in range(80)], y, starts=starts)
    return request.param, path


@pytest.fixture(scope="session")
def write_video():
    """Write frames, 10 per second, and sound at 16 kHz: ``write_video(path, frames, y=None, starts={})``."""
    return _write_video


def _write_video(path, images, y=None, starts=None):
    first, first_sample = ((starts or {}).get(name, 0.0) for name in ("video", "audio"))
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FPS, options={"qscale": "3"})
        video.height, video.width = images[0].shape[:2]
        video.pix_fmt = "yuv420p"
        audio = None if y is None else container.add_stream("pcm_s16le", rate=SR, layout="mono")
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = i + round(first * FPS), Fraction(1, FPS)
            container.mux(video.encode(frame))
            if audio is not None:
                block = y[i * SR // FPS : (i + 1) * SR // FPS]
                sound = av.AudioFrame.from_ndarray(np.int16(block * 32767)[np.newaxis], format="s16", layout="mono")
                sound.rate, sound.time_base = SR, Fraction(1, SR)
                sound.pts = i * SR // FPS + round(first_sample * SR)
                container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        if audio is not None:
            container.mux(audio.encode(None))
