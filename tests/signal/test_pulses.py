"""Pitch marks, jitter and shimmer: pulse trains, agreement with Praat on voices and speech, bad input."""

import numpy as np
import parselmouth
import pytest
import soundfile as sf
import soxr
from numpy.testing import assert_allclose, assert_array_equal
from parselmouth.praat import call

from savee_mm.datasets.synthetic.voice import synthesize_voice
from savee_mm.signal import praat
from savee_mm.signal.f0 import pitch
from savee_mm.signal.pulses import _jitter, jitter, pitch_marks, shimmer, voice_report

LIMITS = (0.0001, 0.02, 1.3)


def voice(syllables, **settings):
    return synthesize_voice(syllables, **settings)[0].astype(np.float64)


def tone(f0, sr, duration=0.5):
    return 0.5 * np.sin(2 * np.pi * f0 * np.arange(round(duration * sr)) / sr)


def pulse_train(periods, amplitudes, sr):
    """Return pulses of given distances (s) and amplitudes, also between samples, and their times (s)."""
    centres = 0.02 + np.concatenate([[0], np.cumsum(periods)])
    t = np.arange(round((centres[-1] + 0.02) * sr)) / sr
    y = np.zeros_like(t)
    for centre, amplitude in zip(centres, amplitudes, strict=True):
        u = (t - centre) / 0.0006
        y += amplitude * (1 - u**2) * np.exp(-(u**2) / 2)
    return y, centres


def relative_difference(values):
    """Return jitter or shimmer (local) by definition."""
    return np.abs(np.diff(values)).mean() / values.mean()


def praat_points(points):
    return np.array([call(points, "Get time from index", i + 1) for i in range(call(points, "Get number of points"))])


@pytest.fixture(params=["DC/a01", "DC/su11", "JE/d06", "JE/su07", "JK/h03", "JK/f11", "KL/sa03", "KL/n01"])
def speech(request, shared):
    return sf.read(shared / "data/savee_chimera/AudioData" / f"{request.param}.flac")


def test_marks_are_at_the_pulses():
    periods = 0.008 * (1 + 0.01 * np.random.default_rng(0).standard_normal(60))
    y, centres = pulse_train(periods, np.ones(61), 44100)
    marks = pitch_marks(y, 44100, *pitch(y, 44100))
    # The time of sample 0 is half a sample. All pulses are marked within 0.01 samples, except perhaps the outermost.
    nearest = np.abs(marks[:, None] - centres - 0.5 / 44100).min(axis=1)
    assert len(marks) >= 57
    assert nearest.max() < 0.01 / 44100


@pytest.mark.parametrize("sr", [16000, 44100])
@pytest.mark.parametrize("spread", [0.005, 0.01, 0.02])
def test_pulse_train_has_its_jitter(spread, sr):
    periods = 0.008 * (1 + spread * np.random.default_rng(0).standard_normal(120))
    report = voice_report(pulse_train(periods, np.ones(121), sr)[0], sr)
    # Pulses are located by correlation with interpolation; none within the train is missed.
    assert_allclose(report.jitter, relative_difference(periods), rtol=0.01)
    # Amplitudes are equal, but measured over periods of varying length.
    assert report.shimmer < 0.2 * spread + 1e-3


@pytest.mark.parametrize("sr", [16000, 44100])
@pytest.mark.parametrize("spread", [0.025, 0.05, 0.1])
def test_pulse_train_has_its_shimmer(spread, sr):
    amplitudes = 1 + spread * np.random.default_rng(0).standard_normal(121)
    report = voice_report(pulse_train(np.full(120, 0.008), amplitudes, sr)[0], sr)
    # Single pulses at the ends and pairs with a ratio above 1.6 are excluded.
    assert_allclose(report.shimmer, relative_difference(amplitudes), rtol=0.03)
    assert report.jitter < 1e-6


@pytest.mark.parametrize("depth", [0.005, 0.02])
def test_alternating_periods_and_amplitudes(depth):
    signs = (-1.0) ** np.arange(121)
    jittered, _ = pulse_train(0.008 * (1 + depth / 2 * signs[:120]), np.ones(121), 44100)
    assert_allclose(jitter(jittered, 44100), depth, rtol=1e-3)
    shimmered, _ = pulse_train(np.full(120, 0.008), 1 + depth / 2 * signs, 44100)
    assert_allclose(shimmer(shimmered, 44100), depth, rtol=1e-3)


def test_marks_agree_with_praat_on_speech(speech):
    y, sr = speech
    sound = parselmouth.Sound(y, sr)
    contour = sound.to_pitch_ac(time_step=0.01)
    marks = pitch_marks(y, sr, np.where((f0 := contour.selected_array["frequency"]) > 0, f0, np.nan), contour.xs())
    theirs = praat_points(call([sound, contour], "To PointProcess (cc)"))
    assert len(marks) > 100
    # For the same pitch, the same marks within a nanosecond.
    assert_allclose(marks, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("rate", [44100, 16000])
def test_report_agrees_with_praat_on_speech(speech, rate):
    y, sr = speech
    y = soxr.resample(y, sr, rate) if sr != rate else y
    report, theirs = voice_report(y, rate), praat.voice_report(y, rate)
    # Differences of F0 of 0.001 Hz may move single marks at the ends of voiced segments.
    assert_allclose(report.jitter, theirs.jitter, rtol=0.01)
    assert_allclose(report.shimmer, theirs.shimmer, rtol=0.01)


@pytest.mark.parametrize("sr", [11025, 22050, 48000])
@pytest.mark.parametrize(("jitter_", "shimmer_"), [(0.005, 0.02), (0.03, 0.12)])
def test_praat_on_synthetic_voices(jitter_, shimmer_, sr):
    syllables = ("ma", "so", "li")
    y = voice(syllables, f0=140, f0_range=2, jitter=jitter_, shimmer=shimmer_, breathiness=0.05, sr=sr)
    report, theirs = voice_report(y, sr), praat.voice_report(y, sr)
    assert_allclose(report.jitter, theirs.jitter, rtol=0.01)
    assert_allclose(report.shimmer, theirs.shimmer, rtol=0.01)


def test_jitter_of_marks_agrees_with_praat():
    rng = np.random.default_rng(0)
    for _ in range(100):
        # Regular, doubled and lengthened periods and gaps, for all rules of exclusion.
        n_periods = rng.integers(1, 9)
        factors = rng.choice([1, 1, 1, 1, 2, 1.4, 5], n_periods)
        marks = 0.1 + np.r_[0, np.cumsum(0.005 * (1 + 0.02 * rng.standard_normal(n_periods)) * factors)]
        points = call("Create empty PointProcess", "marks", 0, marks[-1] + 0.1)
        for mark in marks:
            call(points, "Add point", mark)
        assert_allclose(_jitter(marks), call(points, "Get jitter (local)", 0, 0, *LIMITS), rtol=1e-9, equal_nan=True)


@pytest.mark.parametrize("gain", [-1, 0.25, 1e-250, 1e250])
def test_gain_and_polarity_do_not_matter(gain):
    y = voice(("ma", "so"), f0_range=2, jitter=0.01, shimmer=0.05)
    report, scaled = voice_report(y, 22050), voice_report(gain * y, 22050)
    # Rounding errors of float32 change F0, and with it the limits of the search.
    assert_allclose(scaled.jitter, report.jitter, rtol=1e-4)
    assert_allclose(scaled.shimmer, report.shimmer, rtol=1e-4)


def test_single_functions_agree_with_the_report():
    y = voice(("ma", "so"), f0_range=2, jitter=0.01, shimmer=0.05)
    report = voice_report(y, 22050)
    f0, times = pitch(y, 22050)
    assert_array_equal(report.f0, f0)
    assert_array_equal(report.times, times)
    assert report.jitter == jitter(y, 22050)
    assert report.shimmer == shimmer(y, 22050)


@pytest.mark.parametrize("n_samples", [0, 1, 100, 640, 1000, 16000])
@pytest.mark.parametrize("value", [0.0, 0.1])
def test_silence_and_a_constant_have_no_periods(n_samples, value):
    y = np.full(n_samples, value)
    report = voice_report(y, 16000)
    assert np.isnan(report.f0).all()
    assert np.isnan(report.jitter)
    assert np.isnan(report.shimmer)
    assert pitch_marks(y, 16000, report.f0, report.times).shape == (0,)


def test_frames_without_a_pitch_have_no_marks():
    assert pitch_marks(tone(220, 16000), 16000, [np.nan, 0.0, -1.0], [0.1, 0.2, 0.3]).shape == (0,)
    assert pitch_marks(np.empty(0), 16000, [], []).shape == (0,)


def test_one_frame_of_voice():
    y = tone(220, 16000, 0.041)
    report = voice_report(y, 16000)
    assert len(report.f0) == 1
    marks = pitch_marks(y, 16000, report.f0, report.times)
    assert_allclose(np.diff(marks), 1 / report.f0[0], rtol=0.02)


@pytest.mark.parametrize(("n_samples", "has_jitter"), [(3.5, False), (4.5, True)])
def test_periods_of_less_than_four_samples_have_no_jitter(n_samples, has_jitter):
    y = tone(16000 / n_samples, 16000)
    report = voice_report(y, 16000, fmin=2000, fmax=8000)
    assert np.nanmedian(report.f0) == pytest.approx(16000 / n_samples, rel=0.01)
    assert np.isfinite(report.jitter) == has_jitter
    marks = pitch_marks(y, 16000, report.f0, report.times)
    assert (np.diff(marks) > 0).all()


def test_marks_for_a_wrong_pitch_are_ascending_and_inside_the_sound():
    y = np.random.default_rng(0).standard_normal(8000)
    times = 0.005 + 0.01 * np.arange(50)
    for f0 in (75.0, 300.0, 600.0, 5000.0, 8000.0):
        marks = pitch_marks(y, 16000, np.full(50, f0), times)
        assert (np.diff(marks) > 0).all()
        assert marks[0] >= 0
        assert marks[-1] <= 0.5
        assert len(marks) <= 2 * f0 * 0.5 + 3 * 50


def test_bad_input_is_refused():
    y = tone(220, 16000)
    for kernel in (voice_report, jitter, shimmer):
        with pytest.raises(ValueError, match="one channel"):
            kernel(np.stack([y, y]), 16000)
        with pytest.raises(ValueError, match="NaN or infinite"):
            kernel(np.where(np.arange(len(y)) == 5, np.nan, y), 16000)
        with pytest.raises(ValueError, match="fmin < fmax"):
            kernel(y, 16000, fmin=300, fmax=200)
    with pytest.raises(ValueError, match="one shape"):
        pitch_marks(y, 16000, np.ones(3), np.arange(4))
    with pytest.raises(ValueError, match="half the rate"):
        pitch_marks(y, 16000, [100.0, np.inf], [0.1, 0.2])
    for times in ([-0.1, 0.2], [0.2, 0.1], [0.2, 0.2], [0.1, 9.0], [0.1, np.nan]):
        with pytest.raises(ValueError, match="inside the sound"):
            pitch_marks(y, 16000, [100.0, 100.0], times)


def test_input_is_not_changed():
    y = voice(("ma",))
    before = y.copy()
    y.flags.writeable = False
    voice_report(y, 22050)
    assert_array_equal(y, before)
