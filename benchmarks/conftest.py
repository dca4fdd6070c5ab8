"""Shared fixtures of the benchmarks: clips, one core for all, timing of a function and its peers."""

import os
import platform
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import soundfile as sf
import soxr
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).parents[1]
N_CLIPS = 24
PACKAGES = (
    *("numpy", "scipy", "numba", "librosa", "praat-parselmouth", "opensmile", "soxr", "scikit-learn", "joblib"),
    *("av", "opencv-python", "keras", "tensorflow"),
)


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=9, help="counted rounds of every race (default: 9)")


def pytest_benchmark_update_machine_info(config, machine_info):
    """Add versions and load of the machine to the report."""
    machine_info["versions"] = {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    machine_info["load"] = os.getloadavg()[0]
    machine_info["n_cores"] = os.cpu_count()


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Pin the process to one core, because threads of Praat and openSMILE cannot be limited otherwise."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    with threadpool_limits(limits=1):
        yield
    os.sched_setaffinity(0, cores)


def _recorded_clips(folder):
    """Read every 20th clip of SAVEE: all four speakers, all seven classes."""
    files = sorted(folder.glob("*/*.flac"))
    return [sf.read(path, dtype="float32") for path in files[:: max(1, len(files) // N_CLIPS)][:N_CLIPS]]


def _synthetic_clip(rng, sr=44100):
    """Return 2 to 6 s of harmonics with vibrato, in syllables, with some noise."""
    t = np.arange(round(sr * rng.uniform(2, 6))) / sr
    phase = 2 * np.pi * (rng.uniform(90, 250) * t + 4 * np.sin(2 * np.pi * 0.7 * t))
    voice = sum(np.sin(k * phase) / k for k in range(1, 25)) * np.clip(np.sin(2 * np.pi * 2 * t) + 0.5, 0, 1)
    return (0.1 * voice + 1e-3 * rng.standard_normal(len(t))).astype(np.float32), sr


@pytest.fixture(scope="session")
def source():
    """Return a name and the clips ``(y, sr)``: those of SAVEE if available, otherwise synthetic ones."""
    folder = Path(os.environ.get("SAVEE_MM_SHARED", ROOT.parent / "shared")) / "data/savee_chimera/AudioData"
    if folder.is_dir():
        return "clips of SAVEE", _recorded_clips(folder)
    rng = np.random.default_rng(0)
    return "synthetic clips", [_synthetic_clip(rng) for _ in range(N_CLIPS)]


@pytest.fixture(scope="session")
def clips(source):
    """Return 24 clips as ``(y, sr)`` at the recorded rate."""
    return source[1]


@pytest.fixture(scope="session")
def clips_at(clips):
    """Return a function of a rate (Hz) that returns the clips, resampled to that rate, as arrays."""

    @lru_cache
    def at(rate):
        return tuple(y if sr == rate else soxr.resample(y, sr, rate) for y, sr in clips)

    return at


@pytest.fixture
def race(benchmark, request):
    """Time a function and, in the same rounds, its peers, so that the load of the machine affects all equally.

    pytest-benchmark times the function; the peers run before it in each round, and their times are in ``extra_info`` of
    the report. A first round for caches, compilation and lazy imports is not counted. With ``seconds_of_sound``, times
    are reported per second of sound, otherwise per call.
    """
    rounds = request.config.getoption("--rounds")

    def run(kernel, peers, *, seconds_of_sound=None, goals=None):
        timings = {name: [] for name in peers}

        def run_peers():
            for name, peer in peers.items():
                start = perf_counter()
                peer()
                timings[name].append(perf_counter() - start)

        benchmark.pedantic(kernel, setup=run_peers, rounds=rounds, warmup_rounds=1)
        if seconds_of_sound is not None:
            name, clips = request.getfixturevalue("source")
            benchmark.extra_info["input"] = f"{len(clips)} {name}"
            benchmark.extra_info["seconds_of_sound"] = seconds_of_sound
        benchmark.extra_info["peers"] = [
            # The first one is the warm-up round.
            {"name": name, "seconds": seconds[1 : rounds + 1], "goal": (goals or {}).get(name)}
            for name, seconds in timings.items()
        ]

    return run


@pytest.fixture
def race_over(race):
    """Time functions of ``(y, sr)`` over a list of sounds ``(y, sr)``."""

    def run(kernel, peers, sounds, *, goals=None):
        def over_sounds(function):
            return lambda: [function(y, sr) for y, sr in sounds]

        race(
            over_sounds(kernel),
            {name: over_sounds(peer) for name, peer in peers.items()},
            seconds_of_sound=sum(len(y) / sr for y, sr in sounds),
            goals=goals,
        )

    return run
