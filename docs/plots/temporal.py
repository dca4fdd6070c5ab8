"""Temporal descriptors of each frame."""

from _clip import draw

draw(["amplitude_envelope", "rms", "energy", "zcr", "teo", "loudness"])
