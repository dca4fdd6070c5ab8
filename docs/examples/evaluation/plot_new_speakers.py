"""
Normalisation by speaker
========================

People's voices differ more than their emotions do. :class:`~savee_mm.SpeakerNormalizer` asks how a clip differs from
the same person's other clips; see :doc:`/new_speakers` for when that is fair.
"""

# %%
# Loudness and pitch of every clip, as they are, and relative to the speaker. It wraps any extractor:

from savee_mm import ProsodyFeatures, SpeakerNormalizer, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
columns = ["pitch_mean", "energy_mean"]
plain = ProsodyFeatures().set_output(transform="pandas").fit_transform(corpus.data)[columns]
relative = SpeakerNormalizer(ProsodyFeatures()).set_output(transform="pandas").fit_transform(corpus.data)[columns]

# %%
# A colour is an emotion, a shape is a speaker:

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
# On the left the groups are speakers, on the right they are emotions. Here every speaker was in the table that was
# fitted. Somebody new is normalised by the unlabelled clips of the table that is predicted, and figures so obtained are
# *transductive*: they say what can be had with several clips of a person, not with one.
