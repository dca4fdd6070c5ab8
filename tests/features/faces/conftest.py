"""Fixtures for the extractors of faces."""

import pytest

from savee_mm.media import read_frames


@pytest.fixture(scope="module")
def frames(corpus):
    """Six frames of a talking face."""
    return read_frames(corpus.data["video"].iloc[0], 6)[0]


@pytest.fixture
def weights(shared, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    return shared / "models"
