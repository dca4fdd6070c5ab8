"""
Normalisation by speaker
========================

Voices differ more between people than between emotions. :class:`~savee_mm.SpeakerNormalizer` standardises a clip by
the other clips of the same speaker; see :doc:`/new_speakers` for when this is valid.
"""

# %%
# Loudness and pitch of every clip, before and after normalisation. The normaliser wraps any extractor:

from savee_mm import ProsodyFeatures, SpeakerNormalizer, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
columns = ["pitch_mean", "energy_mean"]
plain = ProsodyFeatures().set_output(transform="pandas").fit_transform(corpus.data)[columns]
relative = SpeakerNormalizer(ProsodyFeatures()).set_output(transform="pandas").fit_transform(corpus.data)[columns]

# %%
# Colours are emotions, markers are speakers:

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
for ax, table, title in zip(axes, (plain, relative), ("as recorded", "relative to the speaker"), strict=True):
    for color, emotion in enumerate(corpus.target_names):
        for marker, speaker in zip("o^s", ("S1", "S2", "S3"), strict=True):
            rows = table[(corpus.target == emotion) & (corpus.groups == speaker)]
            ax.plot(*rows.to_numpy().T, marker, color=f"C{color}", label=emotion if marker == "o" else None)
    ax.set(title=title, xlabel="pitch (mean)", ylabel="energy (mean)")
axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %%
# On the left the clusters are speakers, on the right they are emotions. Here every speaker is in the fitted
# table. An unseen speaker is normalised by the unlabelled clips of the table that is predicted. Such scores are
# *transductive*: they need several clips of a person, not one.
