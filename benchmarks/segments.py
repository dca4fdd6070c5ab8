"""Processor time of one segment of 4 s compared with a full decode of its file of 60 minutes.

Run ``python benchmarks/segments.py``; the files are written to a temporary folder, one at a time. The first reading of
each file is not counted. The segment is the one in the middle of the file, and the best of five readings counts.
"""

import tempfile
from functools import partial
from pathlib import Path
from time import process_time

import av
import numpy as np
import soundfile

from savee_mm import Segment, read_audio, read_frames
from savee_mm.media import map_frames

SECONDS, LENGTH, SR = 3600, 4, 44100
AUDIO = {"wav": None, "flac": None, "ogg": None, "mp3": "libmp3lame", "m4a": "aac", "mka": "libopus", "ts": "mp2"}
VIDEO = {"mp4": "libx264", "mkv": "libx264", "avi": "mpeg4"}
GOAL = 0.05


def write_audio(path, codec):
    """Write an hour of harmonics with noise: a minute, 60 times."""
    rng, t = np.random.default_rng(0), np.arange(60 * SR) / SR
    phase = 2 * np.pi * (150 * t + 5 * np.sin(2 * np.pi * t))
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    minute = (0.2 * voice + 0.01 * rng.normal(size=len(t))).astype(np.float32)
    if codec is None:
        subtype = "VORBIS" if path.suffix == ".ogg" else "PCM_16"
        with soundfile.SoundFile(path, "w", SR, 1, subtype) as file:
            for _ in range(SECONDS // 60):
                for block in np.array_split(minute, 60):  # libsndfile's Vorbis fails on long blocks
                    file.write(block)
        return
    sr = 48000 if codec == "libopus" else SR
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=sr, layout="mono")
        convert = av.AudioResampler(stream.format, "mono", sr, frame_size=stream.codec_context.frame_size or 1024)
        for number in range(SECONDS // 60):
            frame = av.AudioFrame.from_ndarray(minute[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = SR, number * len(minute)
            for part in convert.resample(frame):
                container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def write_video(path, codec):
    """Write an hour of 25 frames per second of moving noise."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (240, 640, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.bit_rate = 300_000
        for i in range(SECONDS * 25):
            image = np.ascontiguousarray(noise[:, i % 320 : i % 320 + 320])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def processor_time(function, n_times=1):
    """Return the smallest processor time (s) of a function."""
    times = []
    for _ in range(n_times):
        start = process_time()
        function()
        times.append(process_time() - start)
    return min(times)


def compare(path, read_all, read_segment):
    """Print the times of a full decode and of a segment, and their ratio."""
    read_segment()
    full, part = processor_time(read_all), processor_time(read_segment, 5)
    mark = "" if part / full <= GOAL else f"  above {GOAL}"
    print(f"{path.suffix[1:]:6} {full:9.2f} s {1000 * part:9.1f} ms {part / full:8.4f}{mark}", flush=True)


def main():
    """Write the files one by one, and print a row for each."""
    print(f"{'file':6} {'full':>11} {'segment':>12} {'ratio':>8}")
    segment = SECONDS / 2 + 0.123, SECONDS / 2 + 0.123 + LENGTH
    with tempfile.TemporaryDirectory() as folder:
        for suffix, codec in AUDIO.items():
            path = Path(folder, f"hour.{suffix}")
            write_audio(path, codec)
            compare(path, partial(read_audio, path), partial(read_audio, Segment(path, *segment)))
            path.unlink()
        for suffix, codec in VIDEO.items():
            path = Path(folder, f"video.{suffix}")
            write_video(path, codec)
            everything = np.arange(SECONDS * 25) / 25
            compare(
                path,
                partial(map_frames, np.size, path, times=everything),
                partial(read_frames, Segment(path, *segment), 6),
            )
            path.unlink()


if __name__ == "__main__":
    main()
