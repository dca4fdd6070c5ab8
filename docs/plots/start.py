"""One clip of an unseen speaker: faces, audio, and predictions by voice, face and both."""

import tempfile

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import (
    FaceDescriptor,
    FaceFrameSampler,
    LateFusionClassifier,
    ProsodyFeatures,
    make_talking_faces,
    read_audio,
)
from savee_mm.signal import pitch


def fitted(corpus, known):
    """Return branches for voice and face, fitted on the seen speakers."""
    frames = FaceFrameSampler(n_frames=6, color="gray", detector="lbp")
    voice = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    face = make_pipeline(FaceDescriptor(frames), StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    clf = LateFusionClassifier([("voice", voice), ("face", face)])
    return clf.fit(corpus.data[known], corpus.target[known])


def draw(figure, clip, said):
    """Plot faces, voice and probabilities."""
    left, right = figure.subfigures(1, 2, width_ratios=(2.1, 1))
    faces, sound = left.subfigures(2, 1, height_ratios=(1, 1.2))
    crops = FaceFrameSampler(size=(128, 128), detector="lbp").fit_transform(clip)[0]
    for ax, crop in zip(faces.subplots(1, 6), crops, strict=True):
        ax.imshow(crop)
        ax.set_axis_off()
    y, sr = read_audio(clip["audio"].item(), 22050)
    f0, times = pitch(y, sr)
    ax = sound.subplots()
    ax.plot(np.arange(len(y)) / sr, y, linewidth=0.4, color="0.6")
    ax.set(xlabel="time (s)", yticks=[], xlim=(0, len(y) / sr))
    above = ax.twinx()
    above.plot(times, f0, ".", color="#0a7d91", markersize=4)
    above.set_ylabel("pitch (Hz)", color="#0a7d91")
    ax = right.subplots()
    places = np.arange(said.shape[1])
    for i, (name, color) in enumerate((("voice", "#9fcfd8"), ("face", "#f0b48a"), ("combined", "#0a7d91"))):
        ax.barh(places + 0.27 * (i - 1), said.loc[name], height=0.25, color=color, label=name)
    ax.set_yticks(places, said.columns)
    ax.invert_yaxis()
    ax.set_xlabel("probability")
    ax.legend(frameon=False, loc="lower right")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


with tempfile.TemporaryDirectory() as folder:
    corpus = make_talking_faces(folder, n_speakers=3, n_sentences=2, random_state=0)
    known = corpus.groups != "S3"
    clip = corpus.data[~known & (corpus.target == "happiness")].iloc[:1]
    said = fitted(corpus, known).branch_proba(clip).iloc[0].unstack()
    draw(plt.figure(figsize=(11, 3.6), layout="constrained"), clip, said)
