"""The clip of the plots of audio descriptors, and the plot function."""

import matplotlib.pyplot as plt
import numpy as np

from savee_mm.datasets.synthetic import synthesize_voice
from savee_mm.signal import DESCRIPTORS, low_level_descriptors

SR, HOP = 22050, 256


def clip():
    """Return four syllables of a synthetic speaker (samples at 22050 Hz)."""
    return synthesize_voice(
        ("ba", "li", "mo", "su"), duration=1.4, f0=130, f0_range=4, f0_slope=-3, jitter=0.01, sr=SR, random_state=0
    )[0]


def draw(names, *, n_columns=2, log=()):
    """Plot descriptors over time, one panel each; 2-D descriptors as images."""
    contours = low_level_descriptors(clip(), SR, features=names, hop_length=HOP, n_mfcc=20, n_mels=64)
    n_rows = -(-len(names) // n_columns)
    figure, axes = plt.subplots(n_rows, n_columns, figsize=(9, 1.9 * n_rows), sharex=True, layout="constrained")
    for ax, (name, contour) in zip(axes.flat, contours.items(), strict=False):
        seconds = contour.shape[-1] * HOP / SR
        if contour.ndim == 1:
            ax.plot(np.arange(len(contour)) * HOP / SR, contour)
        elif len(contour) == 2:
            ax.plot(np.arange(contour.shape[1]) * HOP / SR, contour.T)
        else:
            values = 10 * np.log10(np.maximum(contour, contour.max() * 1e-8)) if name in log else contour
            ax.imshow(values, origin="lower", aspect="auto", extent=(0, seconds, 0, len(contour)))
        ax.set_title(name, fontsize="medium")
        ax.set_ylabel(
            f"{'dB' if name in log else DESCRIPTORS[name].unit}" if len(np.atleast_2d(contour)) < 3 else "row",
            fontsize="small",
        )
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    for ax in axes[-1]:
        ax.set_xlabel("time (s)", fontsize="small")
    return figure
