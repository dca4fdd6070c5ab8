"""Agreement of F0, jitter and shimmer with Praat on all SAVEE clips."""

import numpy as np
import pytest

from savee_mm import load_savee, read_audio
from savee_mm.signal import praat, voice_report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reports(shared):
    """Return our report and that of Praat for each of the 480 clips, at 16 kHz, which halves the time of Praat."""
    clips = load_savee(shared / "data/savee_chimera").data["audio"]
    sounds = (read_audio(path, sr=16000) for path in clips)
    return [(voice_report(y, sr), praat.voice_report(y, sr)) for y, sr in sounds]


def test_f0_agrees_with_praat(reports):
    for ours, praats in reports:
        np.testing.assert_allclose(ours.times, praats.times, atol=1e-9)
        both = ~np.isnan(ours.f0) & ~np.isnan(praats.f0)
        assert np.median(np.abs(ours.f0[both] - praats.f0[both])) < 0.05
        assert np.mean(np.isnan(ours.f0) == np.isnan(praats.f0)) >= 0.98


@pytest.mark.parametrize("name", ["jitter", "shimmer"])
def test_jitter_and_shimmer_agree_with_praat(reports, name):
    pairs = np.array([[getattr(report, name) for report in pair] for pair in reports])
    assert pairs.shape == (480, 2)
    assert np.corrcoef(pairs.T)[0, 1] >= 0.99
