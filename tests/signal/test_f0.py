"""F0 by autocorrelation: tones and glides, agreement with Praat on voices and speech, bad input."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import parselmouth
import pytest
import soundfile as sf
import soxr
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm.datasets.synthetic.voice import synthesize_voice
from savee_mm.signal import praat
from savee_mm.signal.f0 import pitch

SPEECH = [f"savee_chimera/AudioData/{name}.flac" for name in ("DC/a01", "JE/su07", "JK/f11", "KL/n01")]


def voice(syllables, **settings):
    return synthesize_voice(syllables, **settings)[0].astype(np.float64)


def tone(f0, sr, duration=0.5):
    return 0.5 * np.sin(2 * np.pi * f0 * np.arange(round(duration * sr)) / sr)


def assert_agrees(y, sr, **settings):
    """Compare with Praat."""
    f0, times = pitch(y, sr, **settings)
    theirs, their_times = praat.pitch(y, sr, **settings)
    assert_allclose(times, their_times, rtol=0, atol=1e-12)
    assert (np.isfinite(f0) == np.isfinite(theirs)).mean() >= 0.995
    both = np.isfinite(f0) & np.isfinite(theirs)
    assert both.any()
    difference = np.abs(f0 - theirs)[both]
    # Errors of the float32 transform shift a maximum by a few thousandths of a sample.
    assert np.median(difference) < 0.002
    assert (difference < 0.05).mean() >= 0.98


@pytest.mark.parametrize("sr", [8000, 16000, 44100, 96000])
@pytest.mark.parametrize("f0", [90, 220, 450])
def test_tone_has_its_pitch(f0, sr):
    estimate, times = pitch(tone(f0, sr), sr)
    assert np.isfinite(estimate).all()
    # Interpolation of the autocorrelation of a windowed sinusoid: errors of a few hundredths of a Hz.
    assert_allclose(np.median(estimate), f0, rtol=5e-4)
    assert_allclose(np.diff(times), 0.01, rtol=1e-9)
    assert 0 < times[0] < times[-1] < 0.5


def test_pitch_follows_a_glide():
    sr = 16000
    t = np.arange(sr) / sr
    f0, times = pitch(np.sin(2 * np.pi * (100 * t + 50 * t**2)), sr)
    # 100 Hz at the start, 200 Hz at the end; the pitch changes by 4 Hz within a window of 40 ms.
    assert_allclose(f0, 100 + 100 * times, atol=1)


def test_missing_fundamental_is_found():
    y = sum(tone(150 * k, 16000) for k in range(3, 9))
    f0, _ = pitch(y, 16000)
    assert_allclose(f0, 150, rtol=1e-3)


def test_noise_has_no_pitch():
    f0, _ = pitch(np.random.default_rng(0).standard_normal(16000), 16000)
    # The autocorrelation of white noise in a window of 40 ms rarely exceeds 0.45.
    assert np.isnan(f0).mean() > 0.95


@pytest.mark.parametrize("path", SPEECH)
@pytest.mark.parametrize("sr", [44100, 16000])
def test_praat_on_speech(shared, path, sr):
    y, rate = sf.read(shared / "data" / path)
    assert_agrees(soxr.resample(y, rate, sr) if sr != rate else y, sr)


@pytest.mark.parametrize("sr", [11025, 22050, 48000])
@pytest.mark.parametrize("f0", [95.0, 210.0])
def test_praat_on_synthetic_voices(f0, sr):
    syllables = ("ma", "so", "li", "bu")
    y = voice(syllables, f0=f0, f0_range=2, jitter=0.02, shimmer=0.05, breathiness=0.1, sr=sr)
    assert_agrees(y, sr)


@pytest.mark.parametrize(
    "settings",
    [{"fmin": 50}, {"fmin": 120.5, "fmax": 400}, {"time_step": 0.005}, {"time_step": 0.037}, {"fmin": 30, "fmax": 900}],
)
def test_praat_with_other_settings(settings):
    assert_agrees(voice(("ma", "so"), f0=180, f0_range=3, breathiness=0.05), 22050, **settings)


@pytest.mark.parametrize("sr", [8000, 16000, 22050, 44100])
def test_frame_times_agree_with_praat_for_any_length(sr):
    rng = np.random.default_rng(0)
    for n_samples in rng.integers(round(0.041 * sr), sr, 40):
        y = rng.standard_normal(n_samples)
        _, times = pitch(y, sr)
        assert_array_equal(times, parselmouth.Sound(y, sr).to_pitch_ac(time_step=0.01).xs())


@pytest.mark.parametrize("gain", [-1, 2.0**-10, 2.0**10, 1e-250, 1e250])
def test_gain_and_polarity_do_not_matter(gain):
    y = voice(("ma", "so"), f0_range=2)
    f0, _ = pitch(y, 22050)
    scaled, _ = pitch(gain * y, 22050)
    # Rounding errors of float32.
    assert_allclose(scaled, f0, rtol=1e-5)


def test_offset_does_not_matter():
    y = voice(("ma", "so"), f0_range=2)
    f0, _ = pitch(y, 22050)
    shifted, _ = pitch(y + 3, 22050)
    assert_allclose(shifted, f0, rtol=1e-5)


def test_single_precision_and_integers_are_accepted():
    y = voice(("ma", "so"), f0_range=2)
    f0, _ = pitch(y, 22050)
    assert_allclose(pitch(y.astype(np.float32), 22050)[0], f0, rtol=1e-5)
    integers = np.round(y * 32767).astype(np.int16)
    # 16 bits add noise of 3e-5, a thousandth of this voice.
    assert_allclose(np.nanmedian(pitch(integers, 22050)[0]), np.nanmedian(f0), rtol=1e-3)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e-310])
@pytest.mark.parametrize("n_samples", [1000, 16000])
def test_silence_and_a_constant_have_no_voice(n_samples, value):
    f0, times = pitch(np.full(n_samples, value), 16000)
    assert len(f0) == len(times) > 0
    assert np.isnan(f0).all()


def test_short_steps_through_digital_silence():
    # With the high cost of voicing changes no frame is skipped, not even a silent one.
    y = np.concatenate([np.zeros(4000), tone(220, 16000), np.zeros(4000), 1e-30 * tone(150, 16000)])
    f0, times = pitch(y, 16000, time_step=0.001)
    theirs, _ = praat.pitch(y, 16000, time_step=0.001)
    assert_array_equal(np.isnan(f0), np.isnan(theirs))
    assert np.isnan(f0[times < 0.22]).all()


@pytest.mark.parametrize("duration", [0.0, 1 / 16000, 0.03, 0.04])
def test_three_periods_or_less_give_nothing(duration):
    f0, times = pitch(tone(220, 16000, duration), 16000)
    assert f0.shape == times.shape == (0,)


@pytest.mark.parametrize(("sr", "fmin"), [(8000, 75), (16000, 50), (22050, 60), (44100, 75), (44100, 133.3)])
def test_any_length_near_the_limit_is_accepted(sr, fmin):
    rng = np.random.default_rng(0)
    limit = round(3 / fmin * sr)
    for n_samples in range(limit - 3, limit + 4):
        y = rng.standard_normal(n_samples)
        assert_array_equal(pitch(y, sr, fmin=fmin)[1], praat.pitch(y, sr, fmin=fmin)[1])


@pytest.mark.parametrize("sr", [160, 500, 1000, 8000.5, 192000])
def test_any_rate_is_accepted(sr):
    f0, times = pitch(tone(78, sr, 1.0), sr)
    assert len(f0) == len(times) > 0
    # Half the rate limits fmax; at 160 Hz a period has two samples.
    assert np.nanmax(f0, initial=0) <= min(600, sr / 2)
    if sr >= 500:
        assert_allclose(np.nanmedian(f0), 78, rtol=5e-3)


def test_more_maxima_than_candidates():
    # A tone of 3 kHz has a maximum every 0.33 ms: far more than 15 candidates.
    y = tone(3000, 44100) + 0.3 * tone(1000, 44100)
    assert_agrees(y, 44100, fmax=4000)
    assert_agrees(y, 44100)


def test_threads_agree():
    voices = [voice(("ma", "so"), f0_range=2, random_state=seed) for seed in range(6)]
    alone = [pitch(y, 22050)[0] for y in voices]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda y: pitch(y, 22050)[0], voices * 3))
    for k, f0 in enumerate(together):
        assert_array_equal(f0, alone[k % len(voices)])


def test_bad_input_is_refused():
    y = tone(220, 16000)
    with pytest.raises(ValueError, match="one channel"):
        pitch(np.stack([y, y]), 16000)
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="NaN or infinite"):
            pitch(np.where(np.arange(len(y)) == 5, bad, y), 16000)
    with pytest.raises(ValueError, match="fmin < fmax"):
        pitch(y, 16000, fmin=300, fmax=200)
    with pytest.raises(ValueError, match="sr"):
        pitch(y, 0)
    with pytest.raises(ValueError, match="time_step"):
        pitch(y, 16000, time_step=0)


def test_input_is_not_changed():
    y = tone(220, 16000)
    before = y.copy()
    y.flags.writeable = False
    pitch(y, 16000)
    assert_array_equal(y, before)


def test_numba_is_imported_with_the_first_call():
    code = (
        "import sys, savee_mm.signal.f0, savee_mm.signal.pulses\n"
        "heavy = {'parselmouth', 'librosa', 'scipy.signal', 'numba'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
