"""Time stretching and pitch shifting: length, tempo, pitch and level of tones, synthetic voices and SAVEE clips."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile as sf
import soxr

from savee_mm.signal import pitch, pitch_shift, rms, time_stretch

SR = 22050
SPEECH = ("DC/a01", "DC/n07", "JE/su07", "JE/sa01", "JK/f11", "JK/h05", "KL/n01", "KL/d03")
STRETCHED = [0.85, 0.95, 1.15]
SHIFTED = [-2, 0.7, 2]


@pytest.fixture
def voice():
    """Return a function that makes a harmonic complex, ``voice(f0, seconds)``; partials fall by 6 dB per octave."""

    def make(f0, seconds=1.5):
        t = np.arange(round(seconds * SR)) / SR
        partials = range(1, 25)
        return 0.1 * sum(np.sin(2 * np.pi * k * f0 * t + k) / k for k in partials if 1.2 * k * f0 < SR / 2)

    return make


@pytest.fixture(params=SPEECH)
def speech(request, shared):
    """Return a clip of SAVEE at 22050 Hz."""
    y, recorded = sf.read(shared / f"data/savee_chimera/AudioData/{request.param}.flac", dtype="float32")
    return soxr.resample(y, recorded, SR)


def level(y):
    """Return the root mean square."""
    return np.sqrt(np.mean(np.square(y, dtype=float)))


def median_pitch(y):
    """Return the median of F0 (Hz)."""
    return np.nanmedian(pitch(y, SR)[0])


def pitch_ratio(y, changed, *, rate=1.0, factor=1.0):
    """Median over the instants that are voiced in both of F0 after to F0 before.

    Medians of the two contours would not do: which weak frames count as voiced changes, and speech is not steady. The
    search moves with the pitch.
    """
    f0, times = pitch(y, SR)
    f0_changed, times_changed = pitch(changed, SR, fmin=75 * min(factor, 1), fmax=600 * max(factor, 1))
    same_instant = np.abs(times_changed - times[:, np.newaxis] / rate).argmin(axis=1)
    return np.nanmedian(f0_changed[same_instant] / f0)


@pytest.mark.parametrize("rate", [0.5, 0.85, 1.15, 2])
@pytest.mark.parametrize("f0", [100, 200, 310])
@pytest.mark.parametrize("source", ["tone", "voice"])
def test_stretching_keeps_pitch_and_level(request, source, f0, rate):
    y = request.getfixturevalue(source)(f0, 1.5)
    stretched = time_stretch(y, SR, rate)
    assert len(stretched) == round(len(y) / rate)
    assert stretched.dtype == np.float32
    assert median_pitch(stretched) == pytest.approx(f0, rel=0.01)
    assert level(stretched) == pytest.approx(level(y), rel=0.03)


@pytest.mark.parametrize("n_steps", [-7, -2, -0.5, 1, 2, 7])
@pytest.mark.parametrize("f0", [120, 200, 310])
@pytest.mark.parametrize("source", ["tone", "voice"])
def test_shifting_changes_pitch_and_keeps_length_and_level(request, source, f0, n_steps):
    y = request.getfixturevalue(source)(f0, 1.5)
    shifted = pitch_shift(y, SR, n_steps)
    assert shifted.shape == y.shape
    assert shifted.dtype == np.float32
    assert median_pitch(shifted) == pytest.approx(f0 * 2 ** (n_steps / 12), rel=0.01)
    assert level(shifted) == pytest.approx(level(y), rel=0.03)


def test_an_octave_doubles_pitch(tone):
    assert median_pitch(pitch_shift(tone(f0=150), SR, 12)) == pytest.approx(300, rel=0.01)


@pytest.mark.parametrize("rate", STRETCHED)
def test_speech_keeps_pitch_and_level_when_stretched(speech, rate):
    stretched = time_stretch(speech, SR, rate)
    assert len(stretched) == round(len(speech) / rate)
    assert pitch_ratio(speech, stretched, rate=rate) == pytest.approx(1, rel=0.01)
    assert level(stretched) == pytest.approx(level(speech), rel=0.03)


@pytest.mark.parametrize("n_steps", SHIFTED)
def test_speech_keeps_level_and_changes_pitch_when_shifted(speech, n_steps):
    factor = 2 ** (n_steps / 12)
    shifted = pitch_shift(speech, SR, n_steps)
    assert shifted.shape == speech.shape
    assert pitch_ratio(speech, shifted, factor=factor) == pytest.approx(factor, rel=0.01)
    assert level(shifted) == pytest.approx(level(speech), rel=0.03)


@pytest.mark.parametrize("change", ["time_stretch", "pitch_shift"])
def test_result_is_aligned_with_the_input(speech, change):
    changed, rate = (
        (time_stretch(speech, SR, 0.8), 0.8) if change == "time_stretch" else (pitch_shift(speech, SR, 2), 1)
    )
    frames = {"frame_length": 2048, "hop_length": 220}
    before, after = (rms(y, **frames) for y in (speech, changed))
    after = np.interp(np.arange(len(before)) / rate, np.arange(len(after)), after)
    at_lag = [np.corrcoef(before[10:-10], np.roll(after, lag)[10:-10])[0, 1] for lag in range(-5, 6)]
    assert max(at_lag) > 0.97
    # Steps of frames are 10 ms, those of the stretcher 30 ms.
    assert abs(np.argmax(at_lag) - 5) <= 1


def test_bursts_keep_their_times():
    t = np.arange(2 * SR) / SR
    centres = np.array([0.05, 0.6, 1.1, 1.95])
    y = sum(np.exp(-(((t - c) / 0.01) ** 2)) * np.sin(2 * np.pi * 500 * t) for c in centres)
    for changed, rate in (
        (time_stretch(y, SR, 1.15), 1.15),
        (time_stretch(y, SR, 0.7), 0.7),
        (pitch_shift(y, SR, 4), 1),
    ):
        power = changed.astype(float) ** 2
        instants = np.arange(len(changed)) / SR
        for centre in centres / rate:
            near = np.abs(instants - centre) < 0.045
            assert np.average(instants[near], weights=power[near]) == pytest.approx(centre, abs=0.005)


def test_beginning_and_end_are_complete(tone):
    y = tone(f0=300)
    for changed in (time_stretch(y, SR, 1.15), time_stretch(y, SR, 0.85), pitch_shift(y, SR, 2)):
        for edge in (changed[:1000], changed[-1000:]):
            assert level(edge) > 0.7 * level(y)


@pytest.mark.parametrize("n_samples", [0, 1, 2, 3, 10, 100, 1000, 3000])
@pytest.mark.parametrize("make", [np.zeros, lambda n: np.full(n, 0.3), lambda n: np.sin(np.arange(n))])
def test_short_sounds_silence_and_constants_have_the_right_length(n_samples, make):
    y = make(n_samples)
    for rate in (0.1, 0.85, 1.15, 10):
        stretched = time_stretch(y, SR, rate)
        assert len(stretched) == (max(1, round(n_samples / rate)) if n_samples else 0)
        assert np.isfinite(stretched).all()
    for n_steps in (-36, -2, 2, 36):
        shifted = pitch_shift(y, SR, n_steps)
        assert shifted.shape == y.shape
        assert np.isfinite(shifted).all()
    # The level of a few milliseconds of speech is preserved.
    if n_samples >= 100 and y.any():
        assert level(time_stretch(y, SR, 0.85)) == pytest.approx(level(y), rel=0.03)
        assert level(pitch_shift(y, SR, 2)) == pytest.approx(level(y), rel=0.03)


def test_silence_stays_silence():
    assert not time_stretch(np.zeros(SR), SR, 0.9).any()
    assert not pitch_shift(np.zeros(SR), SR, 2).any()


def test_residue_of_a_shift_beyond_half_the_rate_is_not_amplified(tone):
    assert level(pitch_shift(tone(f0=9000), SR, 12)) < 0.1 * level(tone())


def test_identity_returns_a_copy(tone):
    y = tone().astype(np.float32)
    for same in (time_stretch(y, SR, 1), pitch_shift(y, SR, 0)):
        np.testing.assert_array_equal(same, y)
        assert not np.shares_memory(same, y)


@pytest.mark.parametrize("scale", [2.0**-100, 2.0**-20, 2.0**20, 2.0**60])
def test_gain_is_preserved(voice, scale):
    y = voice(150, 0.5)
    np.testing.assert_allclose(time_stretch(scale * y, SR, 0.9), scale * time_stretch(y, SR, 0.9), rtol=1e-6)
    np.testing.assert_allclose(pitch_shift(scale * y, SR, 1.5), scale * pitch_shift(y, SR, 1.5), rtol=1e-6)


@pytest.mark.parametrize("sr", [1000, 8000, 48000])
def test_other_rates(sr):
    y = 0.3 * np.sin(2 * np.pi * 150 * np.arange(2 * sr) / sr)
    assert np.nanmedian(pitch(pitch_shift(y, sr, 4), sr)[0]) == pytest.approx(150 * 2 ** (4 / 12), rel=0.01)


def test_results_are_reproducible_and_the_input_is_not_changed(voice):
    y = voice(150).astype(np.float32)
    before = y.copy()
    y.flags.writeable = False
    np.testing.assert_array_equal(time_stretch(y, SR, 0.9), time_stretch(y, SR, 0.9))
    np.testing.assert_array_equal(pitch_shift(y, SR, 2), pitch_shift(y, SR, 2))
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda y: time_stretch(y, SR, 0), "rate must be a number from 0.1 to 10.0, got 0"),
        (lambda y: time_stretch(y, SR, np.nan), "rate must be"),
        (lambda y: pitch_shift(y, SR, 37), "semitones must be a number from -36.0 to 36.0, got 37"),
        (lambda y: pitch_shift(y, 100, 2), "sr must be a whole number from 1000"),
        (lambda y: time_stretch(y, 22050.0, 2), "sr must be a whole number"),
        (lambda y: pitch_shift(y[np.newaxis], SR, 2), "one channel"),
        (lambda y: time_stretch(y * np.nan, SR, 2), "finite"),
    ],
)
def test_bad_arguments_are_refused(tone, call, message):
    with pytest.raises(ValueError, match=message):
        call(tone())


def test_stretcher_is_imported_with_the_first_call():
    code = "import savee_mm.signal, savee_mm.augmentation, sys; print('python_stretch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
