"""Low-level descriptors in one pass compared with calls of librosa and with the Fourier transform alone."""

import tracemalloc

import librosa
import numpy as np
import pytest

from savee_mm import signal
from savee_mm.signal.spectrogram import spectrum_blocks

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
SPECTROGRAMS = ("amplitude_spectrogram", "db_spectrogram", "power_spectrogram")
LIBROSA, TRANSFORM = "librosa, call by call", "framing, window and rfft alone"
MIB = 2**20


def one_pass(y, sr, features=FEATURES):
    descriptors = signal.low_level_descriptors(y, sr, features=features)
    teo = descriptors["teo"]
    return descriptors, (teo.mean(), teo.std(), teo.min(), teo.max())


def librosa_calls(y, sr):
    """Return the same descriptors from single calls, each with its own transform."""
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


def one_pass_with_spectrograms(y, sr):
    return one_pass(y, sr, FEATURES + SPECTROGRAMS)


def librosa_calls_with_spectrograms(y, sr):
    amplitude = np.abs(librosa.stft(y))
    db = librosa.amplitude_to_db(np.abs(librosa.stft(y)), ref=np.max)
    return librosa_calls(y, sr), amplitude, db, np.abs(librosa.stft(y)) ** 2


def transform(y, sr):
    """Framing, window and transform in blocks: a lower bound of the time."""
    return sum(len(block) for _, block in spectrum_blocks(y, n_fft=2048, hop_length=512))


@pytest.mark.parametrize(
    "rate",
    [
        pytest.param(44100, marks=pytest.mark.benchmark(group="spectral list, 44.1 kHz")),
        pytest.param(22050, marks=pytest.mark.benchmark(group="spectral list, 22.05 kHz")),
    ],
)
def test_spectral_list(race_over, clips_at, rate):
    race_over(
        one_pass,
        {LIBROSA: librosa_calls, TRANSFORM: transform},
        [(y, rate) for y in clips_at(rate)],
        goals={LIBROSA: 1 / 14, TRANSFORM: 5},
    )


@pytest.mark.benchmark(group="spectral list and its three spectrograms, 22.05 kHz")
def test_spectral_list_with_spectrograms(race_over, clips_at):
    race_over(
        one_pass_with_spectrograms,
        {LIBROSA: librosa_calls_with_spectrograms, TRANSFORM: transform},
        [(y, 22050) for y in clips_at(22050)],
    )


def peak_beyond_result(function, *args):
    """Return the peak of the memory that a call allocates (MiB), without its result."""
    tracemalloc.start()
    try:
        result = function(*args)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del result
    return (peak - held) / MIB


@pytest.mark.benchmark(group="memory")
def test_memory(benchmark, clips_at):
    """Memory for a short and for a long sound; the time is not used."""
    rate, lengths = 44100, (4, 60)
    sound = np.concatenate(clips_at(rate))
    sounds = [np.ascontiguousarray(sound[: seconds * rate]) for seconds in lengths]
    benchmark.pedantic(lambda: [one_pass(y, rate) for y in sounds], rounds=1, warmup_rounds=1)
    kernels = {"spectral list": one_pass, TRANSFORM: transform, LIBROSA: librosa_calls}
    benchmark.extra_info["lengths"] = lengths
    benchmark.extra_info["peak_mib"] = {
        name: [peak_beyond_result(kernel, y, rate) for y in sounds] for name, kernel in kernels.items()
    }
