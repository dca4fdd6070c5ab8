#!/bin/sh
# PyAV 18.1.0 (FFmpeg 8), soundfile 0.14.0: in Ogg Vorbis, the frame between a long and a short block is stamped too late,
# by 448 samples at 44.1 kHz (10 ms), and the next frame by as much too early. The samples are complete. A reader that
# fills gaps between stamps with silence inserts silence at each change of the block size: 3 s of noise with 20 onsets per
# second have 56 such jumps, all of them followed by a step back to where the frame should have been.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip install --quiet av==18.1.0 soundfile==0.14.0 numpy==2.4.0
env/bin/python - <<'PY'
import av
import numpy as np
import soundfile

sr = 44100
t = np.arange(3 * sr) / sr
y = 0.5 * np.random.default_rng(0).uniform(-1, 1, t.size) * np.exp(-100 * (t % 0.05))
soundfile.write("a.ogg", y, sr, subtype="VORBIS")
with av.open("a.ogg") as container:
    frames = [(frame.pts, frame.samples) for frame in container.decode(audio=0)]
ends = np.cumsum([0, *(n for _, n in frames)])
late = np.array([pts for pts, _ in frames]) - frames[0][0] - ends[:-1]
jumps = np.flatnonzero(late > 0)
print(f"{len(y)} samples written, {ends[-1]} decoded; {len(jumps)} frames late, by {np.unique(late[jumps])} samples")
assert ends[-1] == len(y) and len(jumps) > 0, "the behaviour has changed"
assert np.all(late[jumps] == 448) and np.all(late[jumps[jumps + 1 < len(late)] + 1] == 0), "the behaviour has changed"
PY
