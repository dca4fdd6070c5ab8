"""Fixtures for the extractors: a function that writes videos."""

import av
import numpy as np
import pytest


@pytest.fixture(scope="session")
def write_video():
    """Function ``write_video(path, frames, codec, pix_fmt, pts=..., sound=..., options=...)``.

    Frames have a rate of 25 Hz, or the time stamps ``pts`` in units of 1/25 s. ``sound`` has a rate of 16 kHz.
    """
    return _write_video


def _write_video(path, frames, codec="mpeg4", pix_fmt="yuv420p", *, pts=None, sound=None, options=None):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        (stream.height, stream.width), stream.pix_fmt = frames[0].shape[:2], pix_fmt
        stream.bit_rate = 4_000_000
        audio = None if sound is None else container.add_stream("pcm_s16le", rate=16000, layout="mono")
        for i, time in enumerate(range(len(frames)) if pts is None else pts):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(frames[i]), format="rgb24")
            frame.pts = time
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            samples = np.round(np.clip(sound, -1, 1) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16000, 0
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path
