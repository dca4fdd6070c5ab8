"""Code of a caller, checked by ``mypy`` (``make lint``) and not run: public names have types."""

from pathlib import Path
from typing import assert_type

import numpy as np

import savee_mm
from savee_mm import (
    ClipGroupKFold,
    ConvLSTMClassifier,
    FusionClassifier,
    MFCCImage,
    ModelCard,
    ProsodyFeatures,
    load_card,
    load_savee,
    read_audio,
    read_frames,
    save_model,
)
from savee_mm.signal import mfcc, pitch

savee = load_savee(Path("SAVEE"))
assert_type(FusionClassifier(audio=MFCCImage(n_mfcc=13), epochs=20).fit(savee.data, savee.target), FusionClassifier)
assert_type(FusionClassifier().predict_proba(savee.data), np.ndarray)
assert_type(ConvLSTMClassifier().fit([[0.0]], ["anger"]).predict([[0.0]]), np.ndarray)
assert_type(ProsodyFeatures(on_error="fill").transform(["a.wav", Path("b.wav")]), np.ndarray)
assert_type(save_model(FusionClassifier(), "model.savee"), Path)
assert_type(load_card("model.savee"), ModelCard)
assert_type(read_frames("a.avi")[1], np.ndarray)
assert_type(savee_mm.__version__, str)

sound, sr = read_audio("a.wav", sr=None)
assert_type(pitch(sound, sr), tuple[np.ndarray, np.ndarray])
assert_type(mfcc(sound, sr, n_mfcc=20), np.ndarray)
for train, test in ClipGroupKFold(4, shuffle=False).split(savee.data, savee.target):
    assert_type(train, np.ndarray)
    assert_type(test, np.ndarray)
savee_mm.systems.make("best_audio", random_state=0)

# Errors that mypy must find: `make lint` fails if one of these lines is no error.
MFCCImage(n_mel=40)  # type: ignore[call-arg]
ProsodyFeatures(on_error="skip")  # type: ignore[arg-type]
print(savee_mm.Fusion)  # type: ignore[attr-defined]
