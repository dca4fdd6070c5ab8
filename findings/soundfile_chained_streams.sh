#!/bin/sh
# soundfile 0.14.0 (libsndfile 1.2.2): of a chained Ogg file (RFC 3533 allows streams one after the other; recorders that
# start a new file without closing the old one write them) read() returns the first stream only, without an error.
# Seen: 3.0 s of 6 s. FFmpeg decodes both.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env; env/bin/pip install --quiet soundfile==0.14.0 numpy
env/bin/python - <<'PY'
import io
import numpy as np, soundfile

sr = 16000
parts = []
for pitch in (200, 300):
    file = io.BytesIO()
    tone = 0.1 * np.sin(2 * np.pi * pitch * np.arange(3 * sr) / sr)
    soundfile.write(file, tone, sr, format="OGG", subtype="VORBIS")
    parts.append(file.getvalue())
seconds = len(soundfile.read(io.BytesIO(b"".join(parts)))[0]) / sr
print("soundfile", soundfile.__version__, soundfile.__libsndfile_version__, f"reads {seconds:.1f} s of 6 s")
assert abs(seconds - 3) < 0.1, "the behaviour has changed"
PY
