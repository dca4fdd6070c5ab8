"""Writers of audio and video files with PyAV."""

import av
import numpy as np
import pytest


@pytest.fixture
def audio_packets():
    """Return the generator of the packets of planar samples: ``audio_packets(stream, y, sr, layout)``."""
    return _audio_packets


@pytest.fixture
def video_packets():
    """Return the generator of the packets of images: ``video_packets(stream, images)``."""
    return _video_packets


@pytest.fixture
def write_audio(tmp_path):
    """Write planar samples: ``write_audio(name, y, sr, codec, layout, keep)``. Packets that ``keep`` drops are lost."""

    def write(name, y, sr=16000, codec="pcm_s16le", layout="mono", keep=lambda time: True, bit_rate=None, **options):
        with av.open(str(tmp_path / name), "w", **options) as container:
            stream = container.add_stream(codec, rate=sr, layout=layout)
            if bit_rate is not None:
                stream.bit_rate = bit_rate
            for packet in _audio_packets(stream, y, sr, layout):
                if packet.pts is None or keep(float(packet.pts * packet.time_base)):
                    container.mux(packet)
        return tmp_path / name

    return write


@pytest.fixture
def write_images(tmp_path):
    """Write a video of given images: ``write_images(name, images, codec, aspect)``."""

    def write(name, images, codec="mpeg4", pix_fmt="yuv420p", aspect=None, **options):
        with av.open(str(tmp_path / name), "w", **options) as container:
            stream = container.add_stream(codec, rate=25)
            stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], pix_fmt
            stream.codec_context.bit_rate = 2_000_000
            if aspect is not None:
                stream.codec_context.sample_aspect_ratio = aspect
            for packet in _video_packets(stream, images):
                container.mux(packet)
        return tmp_path / name

    return write


def _audio_packets(stream, y, sr, layout="mono"):
    """Yield the packets of planar float samples of shape (n_channels, n_samples) or (n_samples,)."""
    frame = av.AudioFrame.from_ndarray(np.atleast_2d(y).astype(np.float32), format="fltp", layout=layout)
    frame.sample_rate, frame.pts = sr, 0
    context = stream.codec_context
    convert = av.AudioResampler(context.format, layout, sr, frame_size=context.frame_size or 1024)
    for part in [*convert.resample(frame), *convert.resample(None), None]:
        yield from stream.encode(part)


def _video_packets(stream, images):
    """Yield the packets of images of shape (height, width, 3), uint8."""
    for i, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = i
        yield from stream.encode(frame)
    yield from stream.encode(None)
