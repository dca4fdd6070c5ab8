"""The spectral list (no F0) in one pass, beside librosa call by call, and beside the transform that it needs at least.

Run ``pytest benchmarks/bench_spectral.py --benchmark-enable -o python_files=bench_*.py``. Within a group the ratio of
medians is the figure; in the group ``length`` it is to be divided by the ratio of lengths, 15.
"""

import librosa
import numpy as np
import pytest

from savee_mm import signal
from savee_mm.signal.spectral import spectrum_blocks

FEATURES = (
    "amplitude_envelope",
    "rms",
    "zcr",
    "ber",
    "spec_contrast",
    "spec_flux",
    "spec_centroid",
    "spec_bandwidth",
    "spec_flatness",
    "mel_spectrogram",
    "mfcc",
    "mfcc_delta",
    "teo",
)
ROUNDS = 7


def one_pass(y, sr):
    contours = signal.spectral_contours(y, sr, features=FEATURES)
    teo = contours["teo"]
    return contours, (teo.mean(), teo.std(), teo.min(), teo.max())


def librosa_calls(y, sr):
    """Return the same list as a user writes it: every call makes its own transform."""
    feature = librosa.feature
    frames = librosa.util.frame(np.pad(y, 1024), frame_length=2048, hop_length=512)
    power = np.abs(librosa.stft(y)) ** 2
    split = np.searchsorted(librosa.fft_frequencies(sr=sr), 2000)
    amplitude = np.abs(librosa.stft(y))
    teo = y[1:-1] ** 2 - y[:-2] * y[2:]
    return (
        np.abs(frames).max(axis=0),
        feature.rms(y=y),
        feature.zero_crossing_rate(y),
        power[:split].sum(axis=0) / power[split:].sum(axis=0),
        feature.spectral_contrast(y=y, sr=sr),
        np.sqrt(np.mean(np.diff(amplitude, axis=1) ** 2, axis=0)),
        feature.spectral_centroid(y=y, sr=sr),
        feature.spectral_bandwidth(y=y, sr=sr),
        feature.spectral_flatness(y=y),
        feature.melspectrogram(y=y, sr=sr),
        feature.mfcc(y=y, sr=sr, n_mfcc=40),
        feature.delta(feature.mfcc(y=y, sr=sr, n_mfcc=40)),
        (teo.mean(), teo.std(), teo.min(), teo.max()),
    )


def transform(dtype):
    """Framing, window and transform in blocks, and nothing else: the floor under the list."""

    def kernel(y, sr):
        return sum(len(block) for _, block, *_ in spectrum_blocks(y, n_fft=2048, hop_length=512, dtype=dtype))

    return kernel


@pytest.mark.benchmark(group="spectral list")
@pytest.mark.parametrize(
    "kernel",
    [
        pytest.param(one_pass, id="savee_mm"),
        pytest.param(librosa_calls, id="librosa"),
        pytest.param(transform(np.float32), id="transform-float32"),
        pytest.param(transform(np.float64), id="transform-float64"),
    ],
)
@pytest.mark.parametrize("rate", [44100, 22050])
def test_spectral_list(benchmark, clips, kernel, rate):
    sounds = [(y if sr == rate else librosa.resample(y, orig_sr=sr, target_sr=rate), rate) for y, sr in clips]
    benchmark.group = f"spectral list, {rate} Hz"
    benchmark.extra_info["seconds_of_sound"] = sum(len(y) / sr for y, sr in sounds)
    benchmark.pedantic(lambda: [kernel(y, sr) for y, sr in sounds], rounds=ROUNDS, warmup_rounds=1)


@pytest.mark.benchmark(group="length")
@pytest.mark.parametrize("seconds", [4, 60])
def test_cost_grows_with_length(benchmark, clips, seconds):
    sr = clips[0][1]
    sound = np.resize(np.concatenate([y for y, _ in clips]), seconds * sr)
    benchmark.pedantic(lambda: one_pass(sound, sr), rounds=ROUNDS, iterations=3, warmup_rounds=1)
