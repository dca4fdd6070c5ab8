"""
Audio augmentation
==================

:class:`~savee_mm.AudioAugmenter` adds altered copies to the training clips. It adds *rows*: the recipe of a copy is
in the column ``augmentation``, and the extractors apply it when they read the clip, bit for bit the same every time.
"""

# %%
# One clip and three copies, with a wider range of pitch and tempo than is useful for training:

from savee_mm import AudioAugmenter, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
augmenter = AudioAugmenter(n_copies=3, semitones=(-4, 4), stretch_rate=(0.7, 1.3), random_state=10)
table, _ = augmenter.fit_resample(corpus.data.iloc[:1], corpus.target[:1])
print(*table["augmentation"].dropna(), sep="\n")

# %%
# Apply the recipes to the audio:

import base64
import io

import soundfile

from savee_mm import read_audio
from savee_mm.signal import apply_recipe

sr = 22050
y, _ = read_audio(table["audio"].iloc[0], sr)
sounds = {"recording": y}
for i, recipe in enumerate(table["augmentation"].dropna(), start=1):
    sounds[f"copy {i}"] = apply_recipe(y, sr, recipe)


class Player:
    """Audio players for a browser or a notebook."""

    def _repr_html_(self):
        return "".join(f"<p>{name}: <audio controls src='{self._wav(y)}'></audio></p>" for name, y in sounds.items())

    def _wav(self, y):
        file = io.BytesIO()
        soundfile.write(file, y / max(1, abs(y).max()), sr, format="wav")
        return f"data:audio/wav;base64,{base64.b64encode(file.getvalue()).decode()}"


Player()

# %%
# The spectrograms, in dB:

import matplotlib.pyplot as plt

from savee_mm.signal import db_spectrogram

longest = max(map(len, sounds.values())) / sr
figure, axes = plt.subplots(1, 4, figsize=(11, 3.2), sharey=True, layout="constrained")
for ax, (name, sound) in zip(axes, sounds.items(), strict=True):
    picture = db_spectrogram(sound)
    ax.imshow(picture, aspect="auto", origin="lower", cmap="magma", extent=(0, len(sound) / sr, 0, sr / 2000))
    ax.set(title=name, xlabel="time (s)", xlim=(0, longest), ylim=(0, 6), facecolor="black")
axes[0].set_ylabel("frequency (kHz)")

# %%
# A copy of a training clip in the test fold is a leak (:ref:`sphx_glr_gallery_evaluation_plot_leakage.py`). Pass the
# augmenter to an estimator (``augment=``), or use it as the first step of an imbalanced-learn Pipeline. Then only
# training clips are copied.
