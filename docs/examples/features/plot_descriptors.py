"""
Descriptors of a voice over time
================================

Pitch, loudness and spectral centroid of one sentence, spoken in three emotions. Each contour is the result of a
kernel of :mod:`savee_mm.signal`, a function of an array. :class:`~savee_mm.ProsodyFeatures` and
:class:`~savee_mm.SpectralFeatures` summarise such contours in one row of features per clip.
"""

# %%
# A synthetic corpus replaces real recordings. It has a *clip table*, with one row per clip, and the classes.

from savee_mm import make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
corpus.data.drop(columns=["audio", "video"]).assign(emotion=corpus.target).head(3)

# %%
# One sentence of one speaker, in three emotions:

from savee_mm import read_audio

emotions = ("anger", "neutral", "sadness")
first = (corpus.data["speaker"] == "S1") & (corpus.data["sentence"] == "common01")
paths = {emotion: corpus.data.loc[first & (corpus.target == emotion), "audio"].item() for emotion in emotions}
sounds = {emotion: read_audio(path, 22050) for emotion, path in paths.items()}

# %%
# Pitch is NaN in unvoiced frames. The spectral descriptors are computed from one short-time Fourier transform.

import matplotlib.pyplot as plt
import numpy as np

from savee_mm.signal import low_level_descriptors, pitch

hop = 256
figure, axes = plt.subplots(4, 3, figsize=(10, 7), sharex=True, sharey="row", layout="constrained")
for column, (emotion, (y, sr)) in zip(axes.T, sounds.items(), strict=True):
    f0, f0_times = pitch(y, sr)
    contours = low_level_descriptors(y, sr, features=["rms", "spec_centroid"], hop_length=hop)
    times = np.arange(len(contours["rms"])) * hop / sr
    centroid = np.where(contours["rms"] > 0.02, contours["spec_centroid"] / 1000, np.nan)  # of silence there is none
    column[0].plot(np.arange(len(y)) / sr, y, linewidth=0.4, color="gray")
    column[1].plot(f0_times, f0, ".", markersize=4)
    column[2].plot(times, contours["rms"], color="C1")
    column[3].plot(times, centroid, color="C2")
    column[0].set_title(emotion)
    column[3].set_xlabel("time (s)")
for ax, label in zip(axes[:, 0], ("sound", "pitch (Hz)", "loudness (RMS)", "centroid (kHz)"), strict=True):
    ax.set_ylabel(label)

# %%
# Anger has a higher pitch, loudness and centroid than sadness, which is also slower. The page :doc:`/features` has the
# formula, unit and source of every descriptor.
