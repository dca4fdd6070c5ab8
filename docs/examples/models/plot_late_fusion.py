"""
Branches of a late fusion
=========================

:class:`~savee_mm.LateFusionClassifier` fits a classifier for the voice and one for the face separately, and
combines their predictions with weights from held-out speakers.
"""

# %%
# Two branches that fit in seconds. Both read the clip table. The columns that a branch needs are found from its
# extractor.

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import FaceDescriptor, FaceFrameSampler, LateFusionClassifier, ProsodyFeatures, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
frames = FaceFrameSampler(n_frames=6, color="gray", detector="lbp")
voice = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
face = make_pipeline(FaceDescriptor(frames), StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
clf = LateFusionClassifier([("voice", voice), ("face", face)])

known = corpus.groups != "S3"
clf.fit(corpus.data[known], corpus.target[known])
print("combination:", clf.combination_, {name: round(weight, 2) for name, weight in clf.weights_.items()})
clf.inner_scores_.round(2)

# %%
# One clip of each emotion of the unseen speaker, the last one without a video: a clip without the input of a
# branch is predicted by the others.

new = corpus.data[~known].groupby(corpus.target[~known]).head(1).copy()
new.loc[new.index[-1], "video"] = None
said = clf.branch_proba(new)

# %%
# The true emotion has a frame. Without a video, the face branch has no prediction.

import matplotlib.pyplot as plt

branches = ["voice", "face", "combined"]
figure, axes = plt.subplots(1, len(new), figsize=(12, 2.9), sharey=True, layout="constrained")
for ax, (row, probabilities) in zip(axes, said.iterrows(), strict=True):
    image = ax.imshow(
        probabilities.unstack().loc[branches, clf.classes_].T, cmap="Blues", vmin=0, vmax=1, aspect="auto"
    )
    truth = list(clf.classes_).index(corpus.target[row])
    ax.add_patch(plt.Rectangle((-0.48, truth - 0.48), 2.96, 0.96, fill=False, edgecolor="C3", linewidth=1.5))
    ax.set_title(corpus.target[row], fontsize="medium")
    ax.set_xticks(range(3), branches, rotation=60)
axes[0].set_yticks(range(len(clf.classes_)), clf.classes_)
figure.colorbar(image, ax=axes, label="probability")
