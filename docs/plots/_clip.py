"""The clip of the plots of audio descriptors, and the plot function."""

import librosa.display
import matplotlib.pyplot as plt
import numpy as np

from savee_mm.datasets.synthetic import synthesize_voice
from savee_mm.signal import DESCRIPTORS, low_level_descriptors

SR, HOP = 22050, 256
# Frequency axes of descriptors with one row per bin or band.
AXES = {
    "amplitude_spectrogram": "linear",
    "power_spectrogram": "linear",
    "db_spectrogram": "linear",
    "mel_spectrogram": "mel",
}


def clip():
    """Return four syllables of a synthetic speaker (samples at 22050 Hz)."""
    return synthesize_voice(
        ("ba", "li", "mo", "su"), duration=1.4, f0=130, f0_range=4, f0_slope=-3, jitter=0.01, sr=SR, random_state=0
    )[0]


def draw(names, *, n_columns=2, log=()):
    """Plot descriptors over time, one panel each; those with more than two rows as images."""
    descriptors = low_level_descriptors(clip(), SR, features=names, hop_length=HOP, n_mfcc=20, n_mels=64)
    n_rows = -(-len(names) // n_columns)
    figure, axes = plt.subplots(n_rows, n_columns, figsize=(9, 1.9 * n_rows), sharex=True, layout="constrained")
    for ax, (name, descriptor) in zip(axes.flat, descriptors.items(), strict=False):
        rows = np.atleast_2d(descriptor)
        if len(rows) > 2:
            values = 10 * np.log10(np.maximum(rows, rows.max() * 1e-8)) if name in log else rows
            librosa.display.specshow(
                values, sr=SR, hop_length=HOP, x_axis="time", y_axis=AXES.get(name), ax=ax, cmap="viridis"
            )
            ax.set_xlabel("")
            ax.set_ylabel("Hz" if name in AXES else "row", fontsize="small")
        else:
            ax.plot(np.arange(rows.shape[1]) * HOP / SR, rows.T)
            ax.set_ylabel(DESCRIPTORS[name].unit, fontsize="small")
        ax.set_title(name, fontsize="medium")
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    for ax in axes[-1]:
        ax.set_xlabel("time (s)", fontsize="small")
    return figure
