"""Power spectrum, mel bands and MFCC: agreement with librosa, properties of the transform, short sounds."""

import subprocess
import sys
import tracemalloc

import librosa
import numpy as np
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm.signal import (
    mel_filterbank,
    mel_spectrogram,
    mfcc,
    power_to_db,
    stft_power,
    stft_power_blocks,
)

# Relative to the range; both are computed in float32.
RANGE = 1e-5


def noise(n_samples, seed=0, dtype=np.float32):
    return (0.1 * np.random.default_rng(seed).standard_normal(n_samples)).astype(dtype)


def voice_like(sr, duration=1.0, seed=0):
    """Return harmonics of a gliding pitch in noise, with a pause."""
    t = np.arange(round(sr * duration)) / sr
    phase = 2 * np.pi * (120 * t + 30 * t**2)
    y = sum(np.sin(k * phase) / k for k in range(1, 20)) * (np.sin(2 * np.pi * 1.5 * t) > -0.5)
    return (0.1 * y).astype(np.float32) + 1e-3 * noise(len(t), seed)


def assert_close_in_range(ours, theirs):
    assert ours.shape == theirs.shape
    assert_allclose(ours, theirs, rtol=0, atol=RANGE * np.ptp(theirs))


@pytest.fixture(
    params=[
        "savee_chimera/AudioData/DC/a01.flac",
        "savee_chimera/AudioData/JK/su07.flac",
        "savee_chimera/AudioData/KL/n10.flac",
        "clips/speech.wav",
    ]
)
def speech(request, shared):
    return sf.read(shared / "data" / request.param, dtype="float32")


def test_mfcc_agrees_with_librosa_on_speech(speech):
    y, sr = speech
    assert_close_in_range(mfcc(y, sr), librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40))


def test_mel_agrees_with_librosa_on_speech(speech):
    y, sr = speech
    assert_close_in_range(mel_spectrogram(y, sr), librosa.feature.melspectrogram(y=y, sr=sr))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sr", [16000, 22050, 96000])
def test_mfcc_agrees_with_librosa_on_a_synthetic_voice(sr, dtype):
    y = voice_like(sr).astype(dtype)
    ours = mfcc(y, sr)
    assert ours.dtype == np.float32
    assert_close_in_range(ours, librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40))


@pytest.mark.parametrize(
    ("n_mfcc", "n_fft", "hop_length", "n_mels"), [(13, 512, 160, 40), (20, 1024, 1024, 64), (40, 2048, 333, 40)]
)
def test_mfcc_agrees_with_librosa_in_other_settings(n_mfcc, n_fft, hop_length, n_mels):
    y = voice_like(16000)
    sizes = {"n_mfcc": n_mfcc, "n_fft": n_fft, "hop_length": hop_length, "n_mels": n_mels}
    assert_close_in_range(mfcc(y, 16000, **sizes), librosa.feature.mfcc(y=y, sr=16000, **sizes))


@pytest.mark.parametrize(("n_fft", "hop_length"), [(2048, 512), (512, 100), (401, 160), (256, 300)])
@pytest.mark.parametrize("n_samples", [2049, 16000, 16384])
def test_power_agrees_with_librosa(n_samples, n_fft, hop_length):
    y = noise(n_samples)
    ours = stft_power(y, n_fft=n_fft, hop_length=hop_length)
    assert ours.dtype == np.float32
    assert_close_in_range(ours, np.abs(librosa.stft(y, n_fft=n_fft, hop_length=hop_length)) ** 2)


def test_blocks_are_the_whole_in_order():
    y = noise(100_000)
    starts, blocks = zip(*((start, power.copy()) for start, power in stft_power_blocks(y)), strict=True)
    assert len(blocks) > 3
    assert_array_equal(starts, np.cumsum([0] + [len(block) for block in blocks[:-1]]))
    assert_array_equal(np.concatenate(blocks).T, stft_power(y))


def test_parseval():
    # The power of the two-sided spectrum of a frame is its windowed energy times its length.
    y = noise(20000)
    window = np.sin(np.pi * np.arange(1024) / 1024) ** 2
    power = stft_power(y, n_fft=1024, hop_length=1024)[:, 5].astype(float)
    energy = np.sum((window * y[5 * 1024 - 512 : 5 * 1024 + 512]) ** 2)
    assert_allclose(power[0] + 2 * power[1:-1].sum() + power[-1], 1024 * energy, rtol=1e-5)


def test_tone_is_in_its_bin_and_band():
    sr = 22050
    frequency = 200 * sr / 2048
    y = 0.5 * np.sin(2 * np.pi * frequency * np.arange(sr) / sr)
    power = stft_power(y)[:, 5:-5]
    assert_array_equal(power.argmax(axis=0), 200)
    # Amplitude 0.5, mean of the window 0.5, half of the amplitude at the positive frequency.
    assert_allclose(power[200], (2048 * 0.5 * 0.5 / 2) ** 2, rtol=1e-4)
    band = mel_spectrogram(y, sr)[:, 5:-5].argmax(axis=0)
    assert_array_equal(band, np.argmax(mel_filterbank(sr)[:, 200]))


@pytest.mark.parametrize("sr", [8000, 16000, 22050, 44100, 96000])
@pytest.mark.parametrize(("n_fft", "n_mels"), [(2048, 128), (512, 40), (401, 26)])
def test_filterbank_agrees_with_librosa(sr, n_fft, n_mels):
    theirs = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels)
    assert_allclose(mel_filterbank(sr, n_fft=n_fft, n_mels=n_mels), theirs, rtol=0, atol=1e-6 * theirs.max())


def test_filterbank_with_edges_agrees_with_librosa():
    ours = mel_filterbank(16000, n_fft=1024, n_mels=32, fmin=100, fmax=6000)
    theirs = librosa.filters.mel(sr=16000, n_fft=1024, n_mels=32, fmin=100, fmax=6000)
    assert_allclose(ours, theirs, rtol=0, atol=1e-6 * theirs.max())


def test_mfcc_does_not_load_numba():
    code = "import sys, numpy, savee_mm.signal as s; s.mfcc(numpy.ones(4096), 22050); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_filters_have_equal_area():
    # Wide filters, so that the sum over bins approximates the integral.
    areas = mel_filterbank(16000, n_fft=8192, n_mels=20).sum(axis=1) * 16000 / 8192
    assert_allclose(areas, 1, rtol=1e-3)


def test_cached_filterbank_cannot_be_changed():
    filters = mel_filterbank(16000)
    with pytest.raises(ValueError, match="read-only"):
        filters[0, 0] = 1
    assert mel_filterbank(16000) is filters


@pytest.mark.parametrize("n_fft", [256, 32])
def test_bands_too_narrow_for_a_bin_are_silent_and_do_not_warn(n_fft):
    mel = mel_spectrogram(noise(16000), 16000, n_fft=n_fft, n_mels=128)
    empty = ~mel_filterbank(16000, n_fft=n_fft, n_mels=128).any(axis=1)
    assert 0 < empty.sum() < 128
    assert_array_equal(mel[empty], 0)
    assert (mel[~empty] > 0).all()
    assert np.isfinite(mfcc(noise(16000), 16000, n_fft=n_fft)).all()


def test_polarity_does_not_matter():
    y = voice_like(22050)
    assert_array_equal(mfcc(-y, 22050), mfcc(y, 22050))


def test_gain_raises_the_level_only():
    y = noise(22050)
    quiet, loud = mfcc(y, 22050), mfcc(4 * y, 22050)
    # 12.04 dB in each of 128 bands: sqrt(128) times that in coefficient 0, and no change in the others.
    assert_allclose(loud[0] - quiet[0], np.sqrt(128) * 20 * np.log10(4), rtol=1e-4)
    assert_allclose(loud[1:], quiet[1:], atol=1e-3)


def test_mel_power_grows_with_the_square_of_the_gain():
    y = noise(22050)
    # Multiplication by a power of two is exact.
    assert_array_equal(mel_spectrogram(8 * y, 22050), 64 * mel_spectrogram(y, 22050))


def test_silence_is_the_floor():
    coefficients = mfcc(np.zeros(22050, dtype=np.float32), 22050)
    assert coefficients.shape == (40, 44)
    # -100 dB in every band.
    assert_allclose(coefficients[0], -100 * np.sqrt(128), rtol=1e-5)
    assert_allclose(coefficients[1:], 0, atol=1e-3)


def test_constant_has_the_same_frames_away_from_the_padded_ends():
    coefficients = mfcc(np.full(22050, 0.1), 22050)[:, 3:-3]
    assert_array_equal(coefficients, np.broadcast_to(coefficients[:, :1], coefficients.shape))


@pytest.mark.parametrize("n_samples", [0, 1, 240, 661, 2047])
def test_short_sounds_are_zero_padded(n_samples):
    y = noise(n_samples)
    coefficients = mfcc(y, 22050)
    assert coefficients.shape == (40, 1 + n_samples // 512)
    assert np.isfinite(coefficients).all()
    # The sound is padded with zeros anyway: more of them do not change the first frames.
    longer = mel_spectrogram(np.concatenate([y, np.zeros(4096, np.float32)]), 22050)
    # The order of sums may differ between products of different size.
    assert_allclose(mel_spectrogram(y, 22050), longer[:, : 1 + n_samples // 512], rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("top_db", [None, 0, 40.0, 80.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decibels_agree_with_librosa(dtype, top_db):
    power = (10 ** np.random.default_rng(0).uniform(-14, 3, size=(30, 20))).astype(dtype)
    ours = power_to_db(power, top_db=top_db)
    assert ours.dtype == dtype
    assert_allclose(ours, librosa.power_to_db(power, top_db=top_db), rtol=1e-6, atol=1e-5)


def test_decibels_of_one_number_and_of_none():
    assert power_to_db(100.0) == 20
    assert power_to_db(np.empty((128, 0))).shape == (128, 0)


def test_memory_of_the_transform_does_not_grow_with_the_sound():
    def peak(n_samples):
        y = noise(n_samples)
        tracemalloc.start()
        for _ in stft_power_blocks(y):
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(50_000)
    # One block of frames: windowed, spectrum and power, independent of the length.
    assert peak(1_000_000) <= 1.05 * peak(100_000)
    assert peak(1_000_000) < 2e6


def test_input_is_not_changed():
    y = noise(5000, dtype=np.float64)
    before = y.copy()
    y.flags.writeable = False
    mfcc(y, 22050)
    stft_power(y)
    assert_array_equal(y, before)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="one channel"):
        mfcc(np.zeros((2, 4000)), 16000)
    with pytest.raises(ValueError, match="n_mfcc"):
        mfcc(np.zeros(4000), 16000, n_mfcc=129)
    with pytest.raises(ValueError, match="1 sample or more"):
        stft_power(np.zeros(4000), hop_length=0)
    with pytest.raises(ValueError, match="fmin < fmax"):
        mel_filterbank(16000, fmin=9000)
    with pytest.raises(ValueError, match="top_db"):
        power_to_db(np.ones(3), top_db=-1)
