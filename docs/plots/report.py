"""Accuracy by speaker of two small systems on the synthetic corpus, with confidence intervals."""

import tempfile

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from savee_mm import ProsodyFeatures, evaluate, make_talking_faces

with tempfile.TemporaryDirectory() as folder:
    corpus = make_talking_faces(folder, n_speakers=3, n_sentences=2, random_state=0)
    prosody = ProsodyFeatures()
    systems = {
        "prosody": make_pipeline(prosody, StandardScaler(), SVC()),
        "chance": make_pipeline(prosody, DummyClassifier(strategy="uniform", random_state=0)),
    }
    drawn = evaluate(systems, corpus, ("speaker",)).plot_subgroups("speaker")

# The plot directive shows pyplot's figures only.
drawn.set_dpi(200)
canvas = FigureCanvasAgg(drawn)
canvas.draw()
axes = plt.figure(figsize=drawn.get_size_inches()).add_axes((0, 0, 1, 1))
axes.imshow(canvas.buffer_rgba(), aspect="auto")
axes.axis("off")
