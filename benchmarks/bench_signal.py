"""Kernels of ``savee_mm.signal``, each beside its peer, over the same 24 clips, on one thread.

Run ``pytest benchmarks --benchmark-enable -o python_files=bench_*.py``. Within a group the ratio of medians is the
figure; add ``--benchmark-group-by=group --benchmark-columns=min,median,rounds`` for a short table.
"""

import librosa
import numpy as np
import parselmouth
import pytest
from parselmouth.praat import call

from savee_mm import signal
from savee_mm.signal import f0, praat, pulses

ROUNDS = 7


@pytest.fixture
def over_clips(benchmark, clips):
    """Time a kernel over all clips; one round goes first, so that caches and lazy imports are paid."""

    def run(kernel):
        benchmark.extra_info["seconds_of_sound"] = sum(len(y) / sr for y, sr in clips)
        benchmark.pedantic(lambda: [kernel(y, sr) for y, sr in clips], rounds=ROUNDS, warmup_rounds=1)

    return run


def librosa_mfcc(y, sr):
    return librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40)


def praat_pitch(y, sr):
    return parselmouth.Sound(y, sr).to_pitch_ac(time_step=0.01, pitch_floor=75, pitch_ceiling=600)


def praat_one_by_one(y, sr):
    """F0, jitter and shimmer as the usual script asks for them: the point process finds its own pitch."""
    sound = parselmouth.Sound(y, sr)
    f0 = sound.to_pitch_ac(time_step=0.01, pitch_floor=75, pitch_ceiling=600).selected_array["frequency"]
    pulses = call(sound, "To PointProcess (periodic, cc)", 75, 600)
    jitter = call(pulses, "Get jitter (local)", 0, 0, 0.0001, 0.02, 1.3)
    return f0, jitter, call([sound, pulses], "Get shimmer (local)", 0, 0, 0.0001, 0.02, 1.3, 1.6)


def librosa_energy(y, sr):
    return librosa.feature.rms(y=y)[0] ** 2


def numpy_energy(y, sr):
    """Mean square of every frame by a copy of all frames."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(y.astype(np.float64), 1024), 2048)[::512]
    return np.mean(frames**2, axis=1)


def numpy_teager(y, sr):
    y = y.astype(np.float64)
    return y[1:-1] ** 2 - y[:-2] * y[2:]


def _cases(group, **kernels):
    """One parameter for each kernel of a group."""
    mark = pytest.mark.benchmark(group=group)
    return [pytest.param(kernel, id=f"{group}-{name}", marks=mark) for name, kernel in kernels.items()]


@pytest.mark.parametrize(
    "kernel",
    [
        *_cases("mfcc", savee_mm=signal.mfcc, librosa=librosa_mfcc),
        *_cases("pitch", savee_mm=f0.pitch, praat=praat_pitch),
        *_cases(
            "jitter+shimmer",
            savee_mm=pulses.voice_report,
            praat_on_one_contour=praat.voice_report,
            praat=praat_one_by_one,
        ),
        *_cases(
            "energy",
            savee_mm=lambda y, sr: signal.short_time_energy(y),
            librosa=librosa_energy,
            numpy=numpy_energy,
        ),
        *_cases("teager", savee_mm=lambda y, sr: signal.teager_energy(y), numpy=numpy_teager),
    ],
)
def test_kernel(over_clips, kernel):
    over_clips(kernel)


@pytest.mark.benchmark(group="mfcc")
def test_mel_only(over_clips):
    over_clips(signal.mel_spectrogram)


@pytest.mark.benchmark(group="mfcc")
def test_transform_only(over_clips):
    """The floor under everything spectral: framing, window, transform and power in blocks."""
    over_clips(lambda y, sr: sum(len(power) for _, power in signal.stft_power_blocks(y)))
