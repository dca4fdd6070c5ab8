"""The registered encoders with their real files."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import KernelRidgeClassifier, SpeechEmbedding, load_savee, save_model


@pytest.fixture(scope="module")
def voices(shared):
    """Real clips of two speakers, two emotions and two sentences."""
    savee = load_savee(shared / "data/savee_chimera")
    rows = savee.data["speaker"].isin(["DC", "KL"]) & savee.data["clip_id"].str.contains("_a0[12]|_sa0[12]")
    return savee.data[rows], savee.target[rows.to_numpy()]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["whisper-base", "smart-turn", "ge2e"])
def test_pipeline_predicts_the_same_in_another_process(name, voices, shared, tmp_path, monkeypatch):
    table, y = voices
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    pipeline = make_pipeline(SpeechEmbedding(name, cache=None), StandardScaler(), KernelRidgeClassifier()).fit(table, y)
    save_model(pipeline, tmp_path / "model.savee")
    table.to_pickle(tmp_path / "table.pickle")
    code = """
import sys, numpy as np, pandas as pd
from savee_mm import load_model
np.save(sys.argv[3], load_model(sys.argv[1]).predict_proba(pd.read_pickle(sys.argv[2])))
"""
    files = [str(tmp_path / name) for name in ("model.savee", "table.pickle", "proba.npy")]
    subprocess.run([sys.executable, "-c", code, *files], check=True)
    np.testing.assert_allclose(np.load(files[2]), pipeline.predict_proba(table), atol=1e-6)
