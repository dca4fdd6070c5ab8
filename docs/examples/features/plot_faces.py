"""
Faces of a clip
===============

:class:`~savee_mm.FaceFrameSampler` finds the speaker's face in a video and crops a few frames to it. Its diagnostics
show what was found, before a network is trained on it.
"""

# %%
# Six frames, from the first to the *apex*, the one whose face differs most from the first. The detector ``"lbp"`` needs
# no weights; ``"yunet"`` is better and needs a small file (:doc:`/install`).

from savee_mm import FaceFrameSampler, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
mine = (corpus.data["speaker"] == "S2") & (corpus.data["sentence"] == "common01")
clips, emotions = corpus.data[mine], corpus.target[mine]
sampler = FaceFrameSampler(strategy="apex", detector="lbp")
faces = sampler.fit_transform(clips)
print(faces.shape, faces.dtype)

# %%
# The contact sheet of one clip shows the time of each frame and the score of the detector:

figure = sampler.plot_clip(clips, list(emotions).index("surprise"))

# %%
# ``diagnose`` returns the same as a table for all clips. Sort it to find clips without a detected face.

sampler.diagnose(clips).sort_values("face_share")[["clip_id", "time", "found", "confidence", "face_share"]].head(3)

# %%
# One speaker at the beginning (top) and at the apex (bottom) of each emotion:

import matplotlib.pyplot as plt

# sphinx_gallery_thumbnail_number = 2
figure, axes = plt.subplots(2, len(clips), figsize=(10, 3.2), layout="constrained")
for column, emotion, crops in zip(axes.T, emotions, faces, strict=True):
    column[0].set_title(emotion, fontsize="medium")
    for ax, crop in zip(column, (crops[0], crops[-1]), strict=True):
        ax.imshow(crop)
        ax.set(xticks=[], yticks=[])

# %%
# :doc:`/faces` describes the choice of frames, detector and face.
