"""Formants: known resonances, agreement with Praat on speech, sounds without formants."""

import numpy as np
import parselmouth
import pytest
import soundfile as sf
import soxr
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm.datasets.synthetic.voice import _FORMANTS, synthesize_voice
from savee_mm.signal import _formant_kernels, formants, pitch
from savee_mm.signal.formants import _poles

SPEECH = [f"savee_chimera/AudioData/{name}.flac" for name in ("DC/a01", "JE/h03", "JK/su07", "KL/n10")]
BANDWIDTHS = (60, 90, 120, 150, 200)


def vowel(frequencies, sr=11000, f0=100, duration=0.4):
    """Return harmonics that fall by 6 dB per octave, filtered by resonators that are exact at 11 kHz."""
    harmonics = f0 * np.arange(1, 5500 // f0)
    delay = np.exp(-2j * np.pi * harmonics / 11000)
    spectrum = 1 / (1 - np.exp(-2 * np.pi * 50 / 11000) * delay)
    for frequency, bandwidth in zip(frequencies, BANDWIDTHS, strict=True):
        pole = np.exp((-np.pi * bandwidth + 2j * np.pi * frequency) / 11000)
        spectrum /= (1 - pole * delay) * (1 - pole.conj() * delay)
    t = np.arange(round(duration * sr)) / sr
    return (spectrum[:, None] * np.exp(2j * np.pi * harmonics[:, None] * t)).sum(axis=0).real


def in_praat(y, sr, times, **settings):
    found = parselmouth.Sound(y, sr).to_formant_burg(time_step=0.01, **settings)
    return np.array([[found.get_value_at_time(k, t) for t in times] for k in (1, 2, 3)])


@pytest.mark.parametrize("sr", [11000, 16000, 44000])
@pytest.mark.parametrize("name", "aeiou")
def test_resonators_are_found(sr, name):
    frequencies, _ = formants(vowel(_FORMANTS[name], sr), sr)
    # Within half of F0, because the spectrum of a voice is sampled at its harmonics.
    assert_allclose(np.median(frequencies, axis=1), _FORMANTS[name][:3], rtol=0.05, atol=30)


@pytest.mark.parametrize("name", "ao")
def test_synthetic_voice_has_its_formants(name):
    y, _ = synthesize_voice([name], f0=100)
    f0, times = pitch(y, 22050)
    frequencies, _ = formants(y, 22050, times=times[f0 > 0])
    # The glottal source shifts resonances by some per cent, in Praat too.
    assert_allclose(np.median(frequencies, axis=1), _FORMANTS[name][:3], rtol=0.07)


@pytest.mark.parametrize("path", SPEECH)
@pytest.mark.parametrize(
    ("rate", "max_frequency"), [(16000, 5500), (22050, 5500), (44100, 5000), (44100, 5500), (48000, 5500)]
)
def test_agreement_with_praat_on_voiced_speech(shared, path, rate, max_frequency):
    y, sr = sf.read(shared / "data" / path)
    y = soxr.resample(y, sr, rate)
    times = parselmouth.Sound(y, rate).to_formant_burg(0.01, 5, max_frequency).xs()
    assert_allclose(formants(y, rate, max_frequency=max_frequency)[1], times, atol=1e-9)
    f0, pitch_times = pitch(y, rate)
    times = times[np.isfinite(np.interp(times, pitch_times, f0))]
    frequencies, _ = formants(y, rate, times=times, max_frequency=max_frequency)
    error = np.abs(frequencies / in_praat(y, rate, times, maximum_formant=max_frequency) - 1)
    assert np.median(error) < 1e-5
    # Frames whose centre is on a sample may be one sample apart.
    assert np.mean(error < 1e-3) > 0.95
    assert_allclose(
        frequencies.mean(axis=1), in_praat(y, rate, times, maximum_formant=max_frequency).mean(axis=1), rtol=1e-3
    )


def test_times_select_frames():
    y = synthesize_voice(["ma", "si", "lo"])[0]
    frequencies, times = formants(y, 22050)
    chosen, chosen_times = formants(y, 22050, times=times[10:80:3])
    assert_array_equal(chosen_times, times[10:80:3])
    # The order of sums may differ between blocks of frames.
    assert_allclose(chosen, frequencies[:, 10:80:3], rtol=1e-6)


def test_gain_and_polarity_do_not_matter():
    y = vowel(_FORMANTS["e"], 16000)
    expected, _ = formants(y, 16000)
    for gain in (-1, 1e-9, 1e200):
        assert_allclose(formants(gain * y, 16000)[0], expected, rtol=1e-6)


@pytest.mark.parametrize("n_formants", [1, 5])
def test_number_of_formants(n_formants):
    frequencies, times = formants(vowel(_FORMANTS["a"]), 11000, n_formants=n_formants)
    assert frequencies.shape == (n_formants, len(times))
    assert (np.diff(frequencies, axis=0) > 0).all()


@pytest.mark.parametrize("sr", [1000, 8000, 44100, 96000])
@pytest.mark.parametrize("kind", ["silence", "constant", "clipped", "click", "noise"])
def test_any_sound_is_accepted(sr, kind):
    t = np.arange(sr // 4) / sr
    y = {
        "silence": np.zeros(len(t)),
        "constant": np.full(len(t), 0.3),
        "clipped": np.clip(9 * np.sin(900 * t), -1, 1),
        "click": (t == t[len(t) // 2]).astype(float),
        "noise": np.random.default_rng(0).standard_normal(len(t)),
    }[kind]
    before = y.copy()
    frequencies, times = formants(y, sr)
    assert_array_equal(y, before)
    assert frequencies.shape == (3, len(times)) == (3, 21)
    known = frequencies[np.isfinite(frequencies)]
    assert ((known >= 50) & (known <= min(5500, sr / 2) - 50)).all()
    assert len(known) == 0 if kind == "silence" else len(known) > 0 or kind == "constant"


@pytest.mark.parametrize("n_samples", [0, 1, 700])
def test_short_sounds(n_samples):
    y = np.ones(n_samples)
    frequencies, times = formants(y, 16000)
    assert frequencies.shape == (3, 0)
    assert times.shape == (0,)
    frequencies, _ = formants(y, 16000, times=[n_samples / 32000])
    assert frequencies.shape == (3, 1)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"n_formants": 6}, "n_formants=6"),
        ({"n_formants": 0}, "n_formants=0"),
        ({"max_frequency": 0}, "max_frequency=0"),
        ({"time_step": -1}, "time_step=-1"),
        ({"sr": 0}, "sr=0"),
        ({"times": [0.6]}, "within the sound of 0.5 s"),
        ({"times": [np.nan]}, "within the sound of 0.5 s"),
        ({"times": [[0.1]]}, "shape"),
    ],
)
def test_bad_arguments(keywords, message):
    with pytest.raises(ValueError, match=message):
        formants(np.zeros(8000), **{"sr": 16000, **keywords})


@pytest.mark.parametrize("y", [np.full(8000, np.nan), np.zeros((2, 8000))])
def test_bad_sound(y):
    with pytest.raises(ValueError, match="expected a"):
        formants(y, 16000)


@pytest.mark.parametrize(
    "poles", [np.linspace(-0.9, 0.9, 10), np.zeros(10), np.full(10, 0.5), np.repeat([0.3, -0.7], 5)]
)
def test_poles_of_predictors_with_known_poles(poles):
    # Complex, real, and multiple poles, whose accuracy is a tenth root of that of the numbers.
    poles = (
        np.r_[poles[:4], 0.8 * np.exp(1j * np.array([1, -1, 2, -2])), poles[4:6]] if len(set(poles)) == 10 else poles
    )
    predictor = -np.poly(poles)[1:].real
    found = _poles(_formant_kernels, predictor[np.newaxis])[0]
    assert_allclose(np.poly(found), np.poly(poles), atol=1e-9)
