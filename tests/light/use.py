"""Use of a light installation: python tests/light/use.py FOLDER, the folder of tests/light/train.py."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from savee_mm import ProsodyFeatures, evaluate, load_model, load_savee, systems
from savee_mm.cli import main

folder = Path(sys.argv[1])
assert not any(map(importlib.util.find_spec, ("tensorflow", "keras")))
savee = load_savee(folder / "corpus")
probabilities = load_model(folder / "fusion.savee").predict_proba(savee.data)
np.testing.assert_allclose(probabilities, np.load(folder / "probabilities.npy"), rtol=0, atol=1e-5)
assert np.isfinite(ProsodyFeatures().fit_transform(savee.data)).all()
report = evaluate({"logreg": systems.make("logreg", random_state=0)}, savee, ["speaker"])
assert len(report.summary()) == 1
with pytest.raises(ImportError, match="Install savee-mm instead of savee-mm-light"):
    load_model(folder / "fusion.savee").fit(savee.data, savee.target)
page = folder / "talk.html"
command = ["predict", str(savee.data["video"].iloc[0]), "--model", str(folder / "fusion.savee"), "--timeline"]
main([*command, "--html", str(page)], standalone_mode=False)
assert "<video" in page.read_text(encoding="utf-8")
