"""
A deliberate leak
=================

Augmentation before the split is a common mistake. Copies of a clip are then on both
sides of the split, and the score is far too high. :func:`~savee_mm.check_leakage` finds this.
"""

# %%
# Every clip gets three copies, and scikit-learn's KFold splits rows as if they were independent.

from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import AudioAugmenter, ClipGroupKFold, ProsodyFeatures, check_leakage, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
augmenter = AudioAugmenter(n_copies=3, semitones=None, stretch_rate=None, random_state=0)
table, target = augmenter.fit_resample(corpus.data, corpus.target)
model = make_pipeline(ProsodyFeatures(), StandardScaler(), KNeighborsClassifier(1))
by_row = StratifiedKFold(4, shuffle=True, random_state=0)

leak = check_leakage(model, table, target, by_row)
print(leak)

# %%
# The finding names the remedy. Copies keep the ``clip_id`` of their clip, which can be used as a group:

fixed = check_leakage(model, table, target, ClipGroupKFold(4))
print(fixed)

# %%
# The effect on the score:

import matplotlib.pyplot as plt

accuracy = {
    "copies on both sides": cross_val_score(model, table, target, cv=by_row, error_score="raise"),
    "copies together": cross_val_score(model, table, target, cv=ClipGroupKFold(4), error_score="raise"),
}
figure, ax = plt.subplots(figsize=(8, 2.4), layout="constrained")
means = [values.mean() for values in accuracy.values()]
bars = ax.barh(list(accuracy), means, color=["C3", "C0"], alpha=0.7)
ax.bar_label(bars, fmt="%.2f", padding=4)
ax.axvline(1 / 7, color="black", linestyle=":", linewidth=1)
ax.set(xlabel="accuracy", xlim=(0, 1.05))
ax.invert_yaxis()

# %%
# The model is not better. Its test clips were in the training set. :func:`~savee_mm.evaluate` runs this check before
# training.
