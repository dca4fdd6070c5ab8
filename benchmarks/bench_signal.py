"""Single functions of ``savee_mm.signal`` compared with librosa, Praat and numpy."""

import librosa
import numpy as np
import parselmouth
import pytest
from parselmouth.praat import call

from savee_mm import signal
from savee_mm.signal import f0, praat, pulses


def librosa_mfcc(y, sr):
    return librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40)


def praat_pitch(y, sr):
    return parselmouth.Sound(y, sr).to_pitch_ac(time_step=0.01, pitch_floor=75, pitch_ceiling=600)


def praat_one_by_one(y, sr):
    """F0, jitter and shimmer as in usual scripts, where the point process has its own pitch analysis."""
    sound = parselmouth.Sound(y, sr)
    f0 = sound.to_pitch_ac(time_step=0.01, pitch_floor=75, pitch_ceiling=600).selected_array["frequency"]
    pulses = call(sound, "To PointProcess (periodic, cc)", 75, 600)
    jitter = call(pulses, "Get jitter (local)", 0, 0, 0.0001, 0.02, 1.3)
    return f0, jitter, call([sound, pulses], "Get shimmer (local)", 0, 0, 0.0001, 0.02, 1.3, 1.6)


def librosa_energy(y, sr):
    return librosa.feature.rms(y=y)[0] ** 2


def numpy_energy(y, sr):
    """Mean square of each frame from an array of all frames."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(y.astype(np.float64), 1024), 2048)[::512]
    return np.mean(frames**2, axis=1)


def numpy_teager(y, sr):
    y = y.astype(np.float64)
    return y[1:-1] ** 2 - y[:-2] * y[2:]


@pytest.mark.benchmark(group="MFCC-40")
def test_mfcc(race_over, clips):
    race_over(signal.mfcc, {"librosa": librosa_mfcc}, clips, goals={"librosa": 0.40})


@pytest.mark.benchmark(group="F0")
def test_pitch(race_over, clips):
    race_over(f0.pitch, {"Praat, autocorrelation": praat_pitch}, clips, goals={"Praat, autocorrelation": 0.30})


@pytest.mark.benchmark(group="F0, jitter and shimmer")
def test_voice_report(race_over, clips):
    race_over(
        pulses.voice_report,
        {"Praat, periodic cc": praat_one_by_one, "Praat, pulses from the one F0": praat.voice_report},
        clips,
        goals={"Praat, periodic cc": 0.40},
    )


@pytest.mark.benchmark(group="short-time energy")
def test_energy(race_over, clips):
    peers = {"librosa": librosa_energy, "numpy": numpy_energy}
    race_over(lambda y, sr: signal.short_time_energy(y), peers, clips)


@pytest.mark.benchmark(group="Teager energy")
def test_teager(race_over, clips):
    race_over(lambda y, sr: signal.teager_energy(y), {"numpy": numpy_teager}, clips)
