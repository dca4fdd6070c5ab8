"""What every benchmark may use: the clips, and one thread for everybody."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).parents[1]
N_CLIPS = 24


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Kernels and peers are compared on one thread each, Praat too, whose threads only the system can hold back."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    with threadpool_limits(limits=1):
        yield
    os.sched_setaffinity(0, cores)


def _recorded_clips(folder):
    """Every 20th clip of the SAVEE audio: all four speakers, all seven classes."""
    files = sorted(folder.glob("*/*.flac"))
    return [sf.read(path, dtype="float32") for path in files[:: max(1, len(files) // N_CLIPS)][:N_CLIPS]]


def _synthetic_clip(rng, sr=44100):
    """Harmonics of a wavering pitch in syllables, over a floor of noise; 2 to 6 s."""
    t = np.arange(round(sr * rng.uniform(2, 6))) / sr
    phase = 2 * np.pi * (rng.uniform(90, 250) * t + 4 * np.sin(2 * np.pi * 0.7 * t))
    voice = sum(np.sin(k * phase) / k for k in range(1, 25)) * np.clip(np.sin(2 * np.pi * 2 * t) + 0.5, 0, 1)
    return (0.1 * voice + 1e-3 * rng.standard_normal(len(t))).astype(np.float32), sr


@pytest.fixture(scope="session")
def clips():
    """Return 24 sounds as ``(y, sr)``: real SAVEE clips where the shared recordings are, else synthetic ones."""
    folder = Path(os.environ.get("SAVEE_MM_SHARED", ROOT.parent / "shared")) / "data/savee_chimera/AudioData"
    if folder.is_dir():
        return _recorded_clips(folder)
    rng = np.random.default_rng(0)
    return [_synthetic_clip(rng) for _ in range(N_CLIPS)]
