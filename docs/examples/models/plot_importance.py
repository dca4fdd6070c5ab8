"""
Which kinds of features count
=============================

:func:`~savee_mm.group_importance` shuffles all features of one kind among the test clips and notes how many answers
become wrong. Kinds, and not single features: where two columns say the same, shuffling one of them changes nothing.
"""

# %%
# Trained on two speakers, asked about the third. To which kind a column belongs is read off its name, unless
# ``group_of`` says otherwise:

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import ProsodyFeatures, group_importance, make_talking_faces

KINDS = {
    "pitch": ("pitch",),
    "loudness": ("energy", "teo"),
    "voice quality": ("jitter", "shimmer", "hnr"),
    "formants": ("f1", "f2", "f3"),
    "timing": ("voiced", "unvoiced", "pause", "loudness"),
}


def kind_of(name):
    """Return the kind of a column such as ``pitch_mean``."""
    return next(kind for kind, starts in KINDS.items() if name.split("_")[0] in starts)


corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
known = corpus.groups != "S3"
model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(C=0.3, max_iter=1000))
model.fit(corpus.data[known], corpus.target[known])
importance = group_importance(
    model, corpus.data[~known], corpus.target[~known], group_of=kind_of, n_repeats=50, random_state=0
)
importance

# %%
# The whisker is the deviation over the repeats; a bar that it takes to zero may be chance. What is below zero misleads
# on this speaker.

import matplotlib.pyplot as plt

shown = importance[::-1]
figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.barh([f"{name} ({n})" for name, n in shown["n_features"].items()], shown["mean"], xerr=shown["std"], alpha=0.7)
ax.axvline(0, color="black", linewidth=1)
ax.set_xlabel("fall of the accuracy (number of columns in brackets)")
