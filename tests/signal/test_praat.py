"""F0, jitter and shimmer by Praat: tones, pulse trains, direct calls of Praat on speech, bad input."""

import subprocess
import sys

import numpy as np
import parselmouth
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal
from parselmouth.praat import call

from savee_mm.signal.praat import jitter, pitch, shimmer, voice_report


def tone(f0, sr, duration=0.5):
    return 0.5 * np.sin(2 * np.pi * f0 * np.arange(round(duration * sr)) / sr)


def pulse_train(periods, amplitudes, sr):
    """Return pulses of given distances (s) and amplitudes, also between samples."""
    centres = 0.02 + np.concatenate([[0], np.cumsum(periods)])
    t = np.arange(round((centres[-1] + 0.02) * sr)) / sr
    y = np.zeros_like(t)
    for centre, amplitude in zip(centres, amplitudes, strict=True):
        u = (t - centre) / 0.0006
        y += amplitude * (1 - u**2) * np.exp(-(u**2) / 2)
    return y


def relative_difference(values):
    """Return jitter or shimmer (local) by definition."""
    return np.abs(np.diff(values)).mean() / values.mean()


@pytest.fixture(
    params=["savee_chimera/AudioData/DC/a01.flac", "savee_chimera/AudioData/KL/sa03.flac", "clips/speech.wav"]
)
def speech(request, shared):
    return sf.read(shared / "data" / request.param)


@pytest.mark.parametrize("sr", [8000, 16000, 44100, 96000])
@pytest.mark.parametrize("f0", [90, 220, 450])
def test_tone_has_its_pitch(f0, sr):
    estimate, times = pitch(tone(f0, sr), sr)
    assert np.isfinite(estimate).all()
    # Interpolation of the autocorrelation of a windowed sinusoid: errors of a few hundredths of a Hz.
    assert_allclose(np.median(estimate), f0, rtol=5e-4)
    assert_allclose(np.diff(times), 0.01, rtol=1e-9)
    assert 0 < times[0] < times[-1] < 0.5


def test_time_step_and_limits_are_used():
    y = tone(220, 16000) + tone(440, 16000)
    _, times = pitch(y, 16000, time_step=0.005)
    assert_allclose(np.diff(times), 0.005, rtol=1e-9)
    high, _ = pitch(tone(440, 16000), 16000, fmin=300, fmax=500)
    assert_allclose(np.median(high), 440, rtol=5e-4)
    # 300 Hz is above fmax; subharmonics are as periodic, so that frames may be voiced below fmax.
    low, _ = pitch(tone(300, 16000), 16000, fmax=200)
    assert np.nanmax(low) <= 200


def test_pitch_follows_a_glide():
    sr = 16000
    t = np.arange(sr) / sr
    f0, times = pitch(np.sin(2 * np.pi * (100 * t + 50 * t**2)), sr)
    # 100 Hz at the start, 200 Hz at the end; the pitch changes by 4 Hz within a window of 40 ms.
    assert_allclose(f0, 100 + 100 * times, atol=1)


@pytest.mark.parametrize("sr", [16000, 44100])
@pytest.mark.parametrize("spread", [0.005, 0.01, 0.02])
def test_pulse_train_has_its_jitter(spread, sr):
    periods = 0.008 * (1 + spread * np.random.default_rng(0).standard_normal(120))
    report = voice_report(pulse_train(periods, np.ones(121), sr), sr)
    # Pulses are located by correlation with interpolation; none within the train is missed.
    assert_allclose(report.jitter, relative_difference(periods), rtol=0.01)
    # Amplitudes are equal, but measured over periods of varying length.
    assert report.shimmer < 0.2 * spread + 1e-3


@pytest.mark.parametrize("sr", [16000, 44100])
@pytest.mark.parametrize("spread", [0.025, 0.05, 0.1])
def test_pulse_train_has_its_shimmer(spread, sr):
    amplitudes = 1 + spread * np.random.default_rng(0).standard_normal(121)
    report = voice_report(pulse_train(np.full(120, 0.008), amplitudes, sr), sr)
    # Praat excludes single pulses at the ends and pairs with a ratio above 1.6.
    assert_allclose(report.shimmer, relative_difference(amplitudes), rtol=0.03)
    assert report.jitter < 1e-6


@pytest.mark.parametrize("depth", [0.005, 0.02])
def test_alternating_periods_and_amplitudes(depth):
    signs = (-1.0) ** np.arange(121)
    jittered = pulse_train(0.008 * (1 + depth / 2 * signs[:120]), np.ones(121), 44100)
    assert_allclose(jitter(jittered, 44100), depth, rtol=1e-3)
    shimmered = pulse_train(np.full(120, 0.008), 1 + depth / 2 * signs, 44100)
    assert_allclose(shimmer(shimmered, 44100), depth, rtol=1e-3)


def test_agrees_with_praat_on_speech(speech):
    y, sr = speech
    report = voice_report(y, sr)
    sound = parselmouth.Sound(y, sr)
    theirs = call(sound, "To Pitch (ac)", 0.01, 75, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 600)
    f0 = theirs.selected_array["frequency"]
    assert 0.1 < np.isfinite(report.f0).mean() < 0.95
    assert_array_equal(np.nan_to_num(report.f0), f0)
    assert_array_equal(report.times, theirs.xs())
    # Praat's command with its own pitch analysis.
    pulses = call(sound, "To PointProcess (periodic, cc)", 75, 600)
    assert_allclose(report.jitter, call(pulses, "Get jitter (local)", 0, 0, 1e-4, 0.02, 1.3), rtol=1e-9)
    theirs = call([sound, pulses], "Get shimmer (local)", 0, 0, 1e-4, 0.02, 1.3, 1.6)
    assert_allclose(report.shimmer, theirs, rtol=1e-9)


def test_report_agrees_with_single_functions(speech):
    y, sr = speech
    report = voice_report(y, sr)
    f0, times = pitch(y, sr)
    assert_array_equal(report.f0, f0)
    assert_array_equal(report.times, times)
    assert report.jitter == jitter(y, sr)
    assert report.shimmer == shimmer(y, sr)


def test_polarity_and_gain_do_not_matter(speech):
    y, sr = speech
    report = voice_report(y, sr)
    for factor in (-1, 0.25):
        changed = voice_report(factor * y, sr)
        assert_allclose(changed.f0, report.f0, rtol=1e-9)
        # The search starts at the largest absolute sample and uses correlations: sign and scale do not matter.
        assert_allclose(changed.jitter, report.jitter, rtol=1e-6)
        assert_allclose(changed.shimmer, report.shimmer, rtol=1e-6)


def test_single_precision_is_enough(speech):
    y, sr = speech
    f0, _ = pitch(y, sr)
    single, _ = pitch(y.astype(np.float32), sr)
    assert_allclose(single, f0, rtol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1])
@pytest.mark.parametrize("n_samples", [1000, 16000])
def test_silence_and_a_constant_have_no_voice(n_samples, value):
    report = voice_report(np.full(n_samples, value), 16000)
    assert len(report.f0) == len(report.times) > 0
    assert np.isnan(report.f0).all()
    assert np.isnan(report.jitter)
    assert np.isnan(report.shimmer)


@pytest.mark.parametrize("duration", [0.0, 1 / 16000, 0.03, 0.04])
def test_three_periods_or_less_give_nothing(duration):
    y = tone(220, 16000, duration)
    f0, times = pitch(y, 16000)
    assert f0.shape == times.shape == (0,)
    report = voice_report(y, 16000)
    assert report.f0.shape == report.times.shape == (0,)
    assert np.isnan(report.jitter)
    assert np.isnan(report.shimmer)


def test_just_long_enough_has_a_pitch():
    f0, _ = pitch(tone(220, 16000, 0.041), 16000)
    assert_allclose(f0, 220, rtol=5e-3)


@pytest.mark.parametrize(("sr", "fmin"), [(8000, 75), (16000, 50), (22050, 60), (44100, 75), (44100, 133.3)])
def test_no_length_near_the_limit_raises(sr, fmin):
    rng = np.random.default_rng(0)
    limit = round(3 / fmin * sr)
    for n_samples in range(limit - 3, limit + 4):
        report = voice_report(rng.standard_normal(n_samples), sr, fmin=fmin)
        assert len(report.f0) == len(report.times)


def test_low_rate_limits_fmax():
    # 1 kHz is below 2 * fmax: Praat reduces fmax to 500 Hz.
    f0, _ = pitch(tone(100, 1000, 1.0), 1000)
    assert_allclose(np.median(f0), 100, rtol=5e-3)
    f0, times = pitch(tone(40, 140, 1.0), 140)
    assert f0.shape == times.shape == (0,)


@pytest.mark.parametrize(("n_samples", "has_jitter"), [(3.5, False), (4.5, True)])
def test_periods_of_less_than_four_samples_have_no_jitter(n_samples, has_jitter):
    report = voice_report(tone(16000 / n_samples, 16000), 16000, fmin=2000, fmax=8000)
    assert np.nanmedian(report.f0) == pytest.approx(16000 / n_samples, rel=0.01)
    assert np.isfinite(report.jitter) == has_jitter


@pytest.mark.parametrize("kernel", [pitch, voice_report, jitter, shimmer])
def test_bad_input_is_refused(kernel):
    y = tone(220, 16000)
    with pytest.raises(ValueError, match="one channel"):
        kernel(np.stack([y, y]), 16000)
    with pytest.raises(ValueError, match="NaN or infinite"):
        kernel(np.where(np.arange(len(y)) == 5, np.nan, y), 16000)
    with pytest.raises(ValueError, match="fmin < fmax"):
        kernel(y, 16000, fmin=300, fmax=200)
    with pytest.raises(ValueError, match="sr"):
        kernel(y, 0)
    with pytest.raises(ValueError, match="time_step"):
        kernel(y, 16000, time_step=0)


def test_input_is_not_changed():
    y = tone(220, 16000)
    before = y.copy()
    y.flags.writeable = False
    voice_report(y, 16000)
    assert_array_equal(y, before)


def test_praat_is_imported_with_the_first_call():
    code = (
        "import sys, savee_mm.signal as s; s.stft_power([0.0] * 100)\n"
        "heavy = {'parselmouth', 'librosa', 'scipy.signal', 'numba', 'sklearn', 'keras'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
