"""The synthetic clip of the face plots, and a helper that passes Figure objects to pyplot."""

import tempfile
from contextlib import contextmanager

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg

from savee_mm import make_talking_faces


@contextmanager
def surprise():
    """Return the path of a clip in which a synthetic speaker is surprised."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = make_talking_faces(folder, n_speakers=1, n_sentences=1, random_state=1)
        yield corpus.data["video"][corpus.target == "surprise"].iloc[0]


def show(drawn):
    """Pass a Figure to pyplot, whose figures the plot directive shows."""
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    figure = plt.figure(figsize=drawn.get_size_inches())
    figure.figimage(canvas.buffer_rgba(), resize=True)
