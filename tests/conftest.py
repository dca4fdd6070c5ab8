"""What every test may use: the shared recordings, and the synthetic corpus made once a session."""

import os
from pathlib import Path

import numpy as np
import pytest

# Tests need no GPU, and TensorFlow's start-up messages hide pytest's.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared():
    """Folder of the shared recordings and weights (third-party, never in the repository)."""
    folder = Path(os.environ.get("SAVEE_MM_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"the shared recordings are absent: no folder {folder} (set SAVEE_MM_SHARED)")
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Three synthetic speakers, one sentence per emotion: 21 clips, written once a session."""
    from savee_mm import make_talking_faces

    return make_talking_faces(tmp_path_factory.mktemp("corpus"), n_speakers=3, n_sentences=1, random_state=0)


@pytest.fixture
def tone():
    """Make a sine tone: ``tone(f0, seconds, sr, amplitude)``."""

    def make(f0=200.0, seconds=1.0, sr=22050, amplitude=0.5):
        return amplitude * np.sin(2 * np.pi * f0 * np.arange(round(seconds * sr)) / sr)

    return make
