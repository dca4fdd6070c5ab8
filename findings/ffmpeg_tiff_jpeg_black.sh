#!/bin/sh
# PyAV 18.1.0 (FFmpeg 8), Pillow 13.0.0: a TIFF file with JPEG compression (compression 7, what Pillow and scanners write)
# is decoded without an error to an image that is all black. Pillow decodes it. With LZW, both are equal.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip install --quiet av==18.1.0 pillow==13.0.0 numpy==2.4.0
env/bin/python - <<'PY'
import av
import numpy as np
from PIL import Image

ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
means = {}
for compression in "tiff_lzw", "jpeg":
    Image.fromarray(np.stack([ramp] * 3, axis=-1)).save("a.tif", compression=compression)
    decoder = av.CodecContext.create("tiff", "r")
    with open("a.tif", "rb") as file:
        frames = [*decoder.decode(av.Packet(file.read())), *decoder.decode(None)]
    means[compression] = frames[0].to_ndarray(format="rgb24").mean(), np.asarray(Image.open("a.tif")).mean()
    print(f"{compression}: mean {means[compression][0]:.1f} by FFmpeg, {means[compression][1]:.1f} by Pillow")
assert abs(means["tiff_lzw"][0] - means["tiff_lzw"][1]) < 1, "the behaviour has changed"
assert means["jpeg"][0] == 0 and means["jpeg"][1] > 100, "the behaviour has changed"
PY
