"""What every benchmark may use: the clips, one core for everybody, and a race of a kernel with its peers."""

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
    """Keep with the timings what they depend on."""
    machine_info["versions"] = {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    machine_info["load"] = os.getloadavg()[0]
    machine_info["n_cores"] = os.cpu_count()


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Kernels and peers run on one core, Praat and openSMILE too, whose threads only the system can hold back."""
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
def source():
    """Return the name of the clips and the clips, ``(y, sr)``: SAVEE where the recordings are, else synthetic ones."""
    folder = Path(os.environ.get("SAVEE_MM_SHARED", ROOT.parent / "shared")) / "data/savee_chimera/AudioData"
    if folder.is_dir():
        return "clips of SAVEE", _recorded_clips(folder)
    rng = np.random.default_rng(0)
    return "synthetic clips", [_synthetic_clip(rng) for _ in range(N_CLIPS)]


@pytest.fixture(scope="session")
def clips(source):
    """Return 24 sounds as ``(y, sr)``, at the rate of the recording."""
    return source[1]


@pytest.fixture(scope="session")
def clips_at(clips):
    """Return a function of a rate (Hz): the 24 sounds as arrays of that rate, resampled before the race."""

    @lru_cache
    def at(rate):
        return tuple(y if sr == rate else soxr.resample(y, sr, rate) for y, sr in clips)

    return at


@pytest.fixture
def race(benchmark, request):
    """Time a kernel, and in the same rounds its peers, so that all of them meet the same neighbours.

    The kernel is what pytest-benchmark times and shows; the peers run before it in every round, and their times
    are in ``extra_info`` of the report. One round goes first and is not counted: caches, compilation and lazy imports.
    What is raced over sounds says how many seconds they are; of anything else the time of the whole call counts.
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
            # The first is the warm-up round.
            {"name": name, "seconds": seconds[1 : rounds + 1], "goal": (goals or {}).get(name)}
            for name, seconds in timings.items()
        ]

    return run


@pytest.fixture
def race_over(race):
    """Race functions of ``(y, sr)`` over a list of sounds ``(y, sr)``."""

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
