"""What every test may use: the shared recordings, and the synthetic corpus made once a session."""

import os
from pathlib import Path

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
