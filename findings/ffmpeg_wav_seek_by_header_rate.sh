#!/bin/sh
# PyAV 18.1.0 (FFmpeg 8): the header of a WAV file of G.722 has the bit rate that was requested, 128 kbit/s by default in
# FFmpeg's command line, in place of the 64 kbit/s of the codec. Seeks go by the header: the samples after a seek to 4 s are
# those at 8 s, stamped as 4 s. Read from the start, stamps and samples agree.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip install --quiet av==18.1.0 numpy==2.4.0
env/bin/python - <<'PY'
import av
import numpy as np

y = np.random.default_rng(0).normal(scale=3000, size=160_000).astype(np.int16)


def write(codec):
    with av.open("a.wav", "w") as container:
        stream = container.add_stream(codec, rate=16000, layout="mono")
        stream.bit_rate = 128_000  # as FFmpeg's command line
        size = stream.codec_context.frame_size or 1024
        for start in range(0, len(y), size):
            part = y[np.newaxis, start : start + size]
            if part.shape[1] < size:
                break
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decode(seconds):
    with av.open("a.wav") as container:
        stream = container.streams.audio[0]
        if seconds:
            container.seek(round(seconds / stream.time_base), stream=stream)
        frames = list(container.decode(stream))
    return float(frames[0].time), np.concatenate([frame.to_ndarray().ravel() for frame in frames]).astype(float)


for codec in ("g722",):
    write(codec)
    _, whole = decode(0)
    time, after = decode(4)
    piece = after[8000:16000]
    n = 1 << 19
    place = np.fft.irfft(np.fft.rfft(whole, n) * np.conj(np.fft.rfft(piece, n)), n).argmax() - 8000
    print(f"{codec}: the first frame says {time:.3f} s, its samples are those at {place / 16000:.3f} s")
    assert abs(time - place / 16000) > 0.2, "the behaviour has changed"
PY
