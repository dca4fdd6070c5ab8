"""Spectral descriptors of each frame."""

from _clip import draw

draw(
    [
        "ber",
        "spec_centroid",
        "spec_bandwidth",
        "spec_flatness",
        "spec_flux",
        "spec_contrast",
        "alpha_ratio",
        "hammarberg_index",
        "spectral_slope",
    ]
)
