"""What tests of the extractors may use: videos written to order."""

import av
import numpy as np
import pytest


@pytest.fixture(scope="session")
def write_video():
    """Write pictures to a video: ``write_video(path, pictures, codec, pix_fmt, pts=..., sound=..., options=...)``.

    25 pictures a second, or shown at the frame numbers ``pts``; ``sound`` are samples at 16 kHz, from the start.
    """
    return _write_video


def _write_video(path, pictures, codec="mpeg4", pix_fmt="yuv420p", *, pts=None, sound=None, options=None):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        (stream.height, stream.width), stream.pix_fmt = pictures[0].shape[:2], pix_fmt
        stream.bit_rate = 4_000_000
        heard = None if sound is None else container.add_stream("pcm_s16le", rate=16000, layout="mono")
        for i, time in enumerate(range(len(pictures)) if pts is None else pts):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pictures[i]), format="rgb24")
            frame.pts = time
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if heard is not None:
            samples = np.round(np.clip(sound, -1, 1) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16000, 0
            container.mux(heard.encode(frame))
            container.mux(heard.encode(None))
    return path
