"""Train a small fusion model in a full installation, for tests/light/use.py: python tests/light/train.py FOLDER."""

import sys
from pathlib import Path

import numpy as np

from savee_mm import FaceFrameSampler, FusionClassifier, MFCCImage, load_savee, save_model
from savee_mm.datasets.synthetic import make_talking_faces

folder = Path(sys.argv[1])
if not (folder / "corpus").is_dir():
    make_talking_faces(folder / "corpus", n_speakers=2, n_sentences=1)
savee = load_savee(folder / "corpus")
video = FaceFrameSampler(n_frames=2, size=(32, 32), detector="lbp")
clf = FusionClassifier(audio=MFCCImage(n_frames=60), video=video, n_filters=4, n_units=8, epochs=1, random_state=0)
clf.fit(savee.data, savee.target)
save_model(clf, folder / "fusion.savee")
np.save(folder / "probabilities.npy", clf.predict_proba(savee.data))
