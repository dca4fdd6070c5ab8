"""Crops of a frame without a face, by ``on_no_face``."""

from _faces import show, surprise

from savee_mm import FaceFrameSampler
from savee_mm.media import read_frames

with surprise() as path:
    frames = read_frames(path, 6)[0].copy()
frames[2, :, :190] = 127  # someone walks through the picture
for on_no_face in ("carry", "mask"):
    show(FaceFrameSampler(detector="lbp", on_no_face=on_no_face).fit([frames]).plot_clip([frames]))
