"""
A long recording
================

:class:`~savee_mm.EmotionTimeline` slides a window over a recording of any length and predicts each window. Pauses
have no prediction.
"""

# %%
# A voice model, fitted on two speakers:

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import ProsodyFeatures, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
known = corpus.groups != "S3"
model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
model.fit(corpus.data[known], corpus.target[known])

# %%
# The recording: concatenated clips of the third speaker, with a pause of three seconds after the fourth.

import tempfile
from pathlib import Path

import numpy as np
import soundfile

from savee_mm import read_audio

sr, parts = 16000, []
for i, path in enumerate(corpus.data.loc[~known, "audio"][::2]):
    parts += [read_audio(path, sr)[0]] + [np.zeros(3 * sr)] * (i == 3)
recording = Path(tempfile.mkdtemp()) / "long.wav"
soundfile.write(recording, np.concatenate(parts), sr)

# %%
# A window of two seconds every half second. Below ``min_confidence`` the model abstains.

from savee_mm import EmotionTimeline, plot_timeline

timeline = EmotionTimeline(model, window=2, hop=0.5, min_confidence=0.3)
table = timeline.predict(recording)
table[["start", "end", "emotion", "confidence", "note"]].iloc[::5].round(2)

# %%
figure = plot_timeline(table)

# %%
# With a video, a row of faces is added (``plot_timeline(table, "interview.mp4")``), see :doc:`/models`. In the shell:
# ``savee-mm predict interview.mp4 --model fusion.savee --timeline --plot interview.png``.
