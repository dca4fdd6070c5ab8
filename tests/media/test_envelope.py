"""read_envelope: RMS of the audio of a file, on the clock of its frames."""

import av
import numpy as np
import pytest
import soundfile

from savee_mm import ClipError
from savee_mm.media import read_audio, read_envelope, read_frames

SR = 16000


def write_wav(path, y):
    soundfile.write(path, y, SR, subtype="FLOAT")
    return path


def test_rms_of_every_window(tmp_path):
    y = np.random.default_rng(0).normal(0, 0.1, 3 * 320 + 100).astype(np.float32)
    rms, times = read_envelope(write_wav(tmp_path / "a.wav", y), step=0.02)
    np.testing.assert_allclose(rms, [np.sqrt((part**2).mean()) for part in np.split(y, [320, 640, 960])], rtol=1e-5)
    np.testing.assert_allclose(times, [0.01, 0.03, 0.05, 0.07], atol=1e-12)


def test_loud_second_is_at_its_time(tmp_path):
    y = np.zeros(4 * SR, np.float32)
    y[2 * SR : 3 * SR] = 0.5
    rms, times = read_envelope(write_wav(tmp_path / "a.wav", y), step=0.05)
    np.testing.assert_allclose(rms, np.where((times > 2) & (times < 3), 0.5, 0), atol=1e-6)


def test_clock_is_that_of_the_frames(tmp_path):
    """Audio that starts a second after the video has times from 1 s."""
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        video, audio = container.add_stream("ffv1", rate=25), container.add_stream("pcm_s16le", rate=SR)
        video.width, video.height, video.pix_fmt, audio.layout = 16, 16, "yuv420p", "mono"
        for i in range(50):
            frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            frame.pts = i
            container.mux(video.encode(frame))
        y = np.full((1, SR), 8000, np.int16)
        frame = av.AudioFrame.from_ndarray(y, format="s16", layout="mono")
        frame.sample_rate, frame.pts = SR, SR
        for packet in [*video.encode(None), *audio.encode(frame), *audio.encode(None)]:
            container.mux(packet)
    rms, times = read_envelope(tmp_path / "a.mkv", step=0.1)
    assert read_frames(tmp_path / "a.mkv", 2)[1][0] == 0
    np.testing.assert_allclose(times, 1.05 + np.arange(10) / 10, atol=1e-9)
    np.testing.assert_allclose(rms, 8000 / 32768, rtol=1e-4)


def test_real_video_agrees_with_its_samples(shared):
    path = shared / "data/savee_chimera/AudioVisualClip/DC/a1.avi"
    rms, times = read_envelope(path)
    y, sr = read_audio(path)
    n = round(0.02 * sr)
    whole = len(y) // n
    expected = np.sqrt(np.square(y[: whole * n], dtype=float).reshape(-1, n).mean(axis=1))
    np.testing.assert_allclose(rms[:whole], expected, rtol=1e-5)
    np.testing.assert_allclose(np.diff(times), n / sr, atol=1e-12)


def test_no_audio(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(ClipError, match=r"no audio stream \(the file has: video\)"):
        read_envelope(tmp_path / "a.mp4")
    with pytest.raises(ClipError, match="no samples"):
        read_envelope(write_wav(tmp_path / "a.wav", np.empty(0)))


def test_samples_that_are_not_finite(tmp_path):
    with pytest.raises(ClipError, match="NaN"):
        read_envelope(write_wav(tmp_path / "a.wav", np.array([0.0, np.nan, 0.0])))


@pytest.mark.parametrize("step", [0, -1, np.nan, None, True])
def test_bad_step(tmp_path, step):
    with pytest.raises(ValueError, match="step"):
        read_envelope(tmp_path / "a.wav", step=step)
