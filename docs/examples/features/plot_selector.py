"""
Feature selection by correlation
================================

Voice features are redundant: mean, median and maximum of the pitch are highly correlated.
:class:`~savee_mm.PCACorrSelector` applies a PCA to each contour, and then drops the less relevant column of each
highly correlated pair.
"""

# %%
# Prosody, and two contours of the spectrum in ten frames each:

import pandas as pd

from savee_mm import PCACorrSelector, ProsodyFeatures, SpectralFeatures, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
extractors = (
    ProsodyFeatures(),
    SpectralFeatures(features=("rms", "spec_centroid"), statistics=(), n_frames=10),
)
features = pd.concat(
    [each.set_output(transform="pandas").fit_transform(corpus.data) for each in extractors], axis="columns"
)
selector = PCACorrSelector(n_features=14, n_components=2).fit(features, corpus.target)
print(f"{features.shape[1]} columns, {len(selector.support_)} after the PCA, {selector.support_.sum()} kept")

# %%
# The correlation matrix of the columns, and the share of their variance that is explained by the emotion.
# Selected columns are in bold.

import matplotlib.pyplot as plt
import numpy as np

names, kept = selector.feature_names_after_pca_, selector.support_
places = np.arange(len(names))
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 7), sharey=True, width_ratios=(3, 1), layout="constrained")
image = left.imshow(selector.correlation_, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
left.set_yticks(places, names, fontsize=7)
left.set_xticks([])
for label, keep in zip(left.get_yticklabels(), kept, strict=True):
    label.set(weight="bold" if keep else "normal", color="black" if keep else "gray")
right.barh(places, selector.relevance_, color=np.where(kept, "C0", "lightgray"))
right.set_xlabel("explained by the emotion")
figure.colorbar(image, ax=left, location="bottom", label="correlation", ticks=(-1, 0, 1), shrink=0.5)

# %%
# In a Pipeline, the selector is fitted on the training clips of every fold:
#
# .. code-block:: python
#
#     make_pipeline(ProsodyFeatures(), PCACorrSelector(n_features=16), StandardScaler(), SVC())
