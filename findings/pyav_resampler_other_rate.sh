#!/bin/sh
# PyAV 18.1.0: AudioResampler(rate=16000) converts nothing after a first frame that has the target format already. Later
# frames of another rate come back at their own rate, here 48000 Hz, without an error. A recording whose rate changes
# midway (ADTS, MPEG-TS) then plays at a third of its speed.
# Seen: [16000, 16000, 48000]. Expected: 16000 for every frame.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env; env/bin/pip install --quiet av==18.1.0 numpy
env/bin/python - <<'PY'
import av, numpy as np

resampler, rates = av.AudioResampler(format="fltp", layout="mono", rate=16000), []
for rate in (16000, 16000, 48000):
    frame = av.AudioFrame.from_ndarray(np.zeros((1, rate // 10), np.float32), format="fltp", layout="mono")
    frame.sample_rate = rate
    rates += [out.sample_rate for out in resampler.resample(frame)]
print("PyAV", av.__version__, "returns frames of", rates)
assert rates == [16000, 16000, 48000], "the behaviour has changed"
PY
