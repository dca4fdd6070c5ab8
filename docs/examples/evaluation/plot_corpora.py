"""
Two corpora as one
==================

:func:`~savee_mm.concat_corpora` makes one corpus of several, and a table shows what training on one of them is worth on
another; see :doc:`/corpora`.
"""

# %%
# The second corpus is made of the first one: a telephone (8 kHz), 20 dB quieter, voices raised by three semitones, and
# labels in other words. Real corpora differ in the same ways, and in more.

from pathlib import Path

import pandas as pd
import soundfile

from savee_mm import load_table, make_talking_faces
from savee_mm.media import read_audio
from savee_mm.signal import pitch_shift

studio = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
words = {"anger": "angry", "sadness": "sad", "happiness": "joy", "surprise": "ps"}
Path("telephone").mkdir(exist_ok=True)
rows = []
for clip, emotion in zip(studio.data.to_dict("records"), studio.target, strict=True):
    y, sr = read_audio(clip["audio"], sr=8000)
    path = f"telephone/{clip['clip_id']}.wav"
    soundfile.write(path, 0.1 * pitch_shift(y, sr, 3), sr)
    rows.append(clip | {"audio": path, "video": None, "emotion": words.get(emotion, emotion)})
telephone = load_table(pd.DataFrame(rows))

# %%
# The map of labels is printed. Angry is anger in other words; pleasant surprise (``ps``) is another class than
# surprise, and is left out.

from savee_mm import concat_corpora

both = concat_corpora({"studio": studio, "telephone": telephone})

# %%
# Training corpora are rows, test corpora are columns. On the diagonal, the test speakers are unseen. In the row "all",
# training has the other corpus as well, and here therefore the same clips on the telephone. Real corpora share no
# speakers.

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import KernelRidgeClassifier, ProsodyFeatures, SpeakerNormalizer, evaluate
from savee_mm.model_selection import corpus_pairs

systems = {
    "as recorded": make_pipeline(ProsodyFeatures(), StandardScaler(), KernelRidgeClassifier()),
    "by speaker": make_pipeline(SpeakerNormalizer(ProsodyFeatures()), StandardScaler(), KernelRidgeClassifier()),
}
report = evaluate(systems, both, corpus_pairs(both.data))
report.plot_transfer("as recorded")

# %%
# Relative to the other clips of the speaker, register and level disappear, and training on the other corpus is nearly
# as good as training on the same one:

report.plot_transfer("by speaker")
