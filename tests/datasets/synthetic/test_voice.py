"""Synthetic voices: agreement of Praat with the given F0, jitter, shimmer and formants."""

import numpy as np
import parselmouth
import pytest
from parselmouth.praat import call

from savee_mm.datasets.synthetic import synthesize_voice

SR = 22050


def praat(y, sr=SR):
    """Return F0 (Hz) of voiced frames, local jitter and local shimmer, with Praat's defaults."""
    sound = parselmouth.Sound(y.astype(float), sr)
    pitch = sound.to_pitch_ac(pitch_floor=75, pitch_ceiling=600)
    frequency = pitch.selected_array["frequency"]
    pulses = call([sound, pitch], "To PointProcess (cc)")
    limits = (0, 0, 0.0001, 0.02, 1.3)
    jitter = call(pulses, "Get jitter (local)", *limits)
    shimmer = call([sound, pulses], "Get shimmer (local)", *limits, 1.6)
    return frequency[frequency > 0], jitter, shimmer


@pytest.mark.parametrize("vowel", ["a", "i", "u"])
@pytest.mark.parametrize("f0", [90.0, 130.0, 220.0, 320.0])
def test_praat_measures_the_given_f0(vowel, f0):
    y, truth = synthesize_voice([vowel], f0=f0, jitter=0.005, shimmer=0.02)
    assert truth["f0_mean"] == pytest.approx(f0, rel=0.001)
    # 0.5%: the perturbed periods' mean over Praat's frames is not their mean over all pulses.
    assert praat(y)[0].mean() == pytest.approx(f0, rel=0.005)


@pytest.mark.parametrize("vowel", ["a", "i", "u"])
@pytest.mark.parametrize("f0", [90.0, 130.0, 220.0, 320.0])
@pytest.mark.parametrize(("jitter", "shimmer"), [(0.005, 0.02), (0.02, 0.08)])
def test_praat_measures_the_given_jitter_and_shimmer(vowel, f0, jitter, shimmer):
    y, truth = synthesize_voice([vowel], f0=f0, jitter=jitter, shimmer=shimmer, duration=1.5)
    # The onset and offset of the voice add to the shimmer, at most a tenth of 2%.
    assert truth["jitter"] == pytest.approx(jitter, rel=0.01)
    assert truth["shimmer"] == pytest.approx(shimmer, rel=0.1)
    _, measured_jitter, measured_shimmer = praat(y)
    # 6%: Praat places pulses by waveform matching, and leaves out two or three at the ends of the voice.
    assert measured_jitter == pytest.approx(truth["jitter"], rel=0.06)
    assert measured_shimmer == pytest.approx(truth["shimmer"], rel=0.06)


def test_voice_without_perturbation():
    y, truth = synthesize_voice(["a"], f0=120.0)
    assert truth["jitter"] < 1e-4
    # 0.001: the resolution of Praat's matching at 16 kHz to 44.1 kHz.
    _, jitter, shimmer = praat(y)
    assert jitter < 0.001
    assert shimmer < 0.003


def test_breath_noise_increases_the_shimmer_of_praat():
    clear, _ = synthesize_voice(["a"], f0=120.0, jitter=0.005)
    breathy, _ = synthesize_voice(["a"], f0=120.0, jitter=0.005, breathiness=0.2)
    assert praat(breathy)[2] > 2 * praat(clear)[2]


def test_f0_has_the_given_slope_and_range():
    y, _ = synthesize_voice(["a"], f0=150.0, f0_slope=6.0, duration=1.2)
    f0 = praat(y)[0]
    # 0.6 semitones: the first and last frames of Praat reach 20 ms into the sound.
    assert 12 * np.log2(f0[-1] / f0[0]) == pytest.approx(6.0, abs=0.6)
    y, truth = synthesize_voice(["a"], f0=150.0, f0_range=2.0, duration=1.2)
    # 10%: Praat's frames of 40 ms smooth the contour.
    assert praat(y)[0].std() == pytest.approx(truth["f0_std"], rel=0.1)
    assert truth["f0_std"] == pytest.approx(150 * (2 ** (2 / 12) - 1), rel=0.1)


def test_consonants_interrupt_the_voice():
    _, vowels = synthesize_voice(["a", "i", "a"], duration=1.2)
    y, broken = synthesize_voice(["sa", "si", "ba"], duration=1.2)
    assert vowels["voiced_share"] > 0.85
    assert 0.5 < broken["voiced_share"] < 0.75
    assert len(praat(y)[0]) > 0


def test_formants_are_those_of_the_vowel():
    y, _ = synthesize_voice(["a"], f0=100.0)
    formants = parselmouth.Sound(y.astype(float), SR).to_formant_burg()
    first, second = (formants.get_value_at_time(k, 0.5) for k in (1, 2))
    # 10%: linear prediction is biased towards the nearest harmonic, up to 50 Hz away.
    assert first == pytest.approx(730, rel=0.1)
    assert second == pytest.approx(1090, rel=0.1)
    short, _ = synthesize_voice(["a"], f0=100.0, formant_scale=1.2)
    formants = parselmouth.Sound(short.astype(float), SR).to_formant_burg()
    assert formants.get_value_at_time(2, 0.5) == pytest.approx(1.2 * 1090, rel=0.1)


@pytest.mark.parametrize("rms", [0.005, 0.05])
def test_level_length_and_silent_edges(rms):
    y, truth = synthesize_voice(["ma", "lu"], duration=0.8, rms=rms, edge=0.1)
    assert y.dtype == np.float32
    assert y.shape == (round(0.8 * SR),)
    assert np.sqrt(np.mean(y.astype(float) ** 2)) == pytest.approx(rms, rel=1e-4)
    assert truth["rms"] == pytest.approx(rms, rel=1e-4)
    assert truth["duration"] == pytest.approx(0.8, abs=1 / SR)
    assert truth["rate"] == pytest.approx(2 / 0.6)
    assert not y[: round(0.08 * SR)].any()
    assert not y[-round(0.08 * SR) :].any()


def test_peak_stays_in_range():
    y, truth = synthesize_voice(["a"], rms=0.49, f0=80.0)
    assert np.abs(y).max() <= 0.98 + 1e-6
    assert truth["rms"] < 0.49


@pytest.mark.parametrize("sr", [16000, 44100])
def test_other_sample_rates(sr):
    y, _ = synthesize_voice(["a"], sr=sr, f0=200.0, jitter=0.01)
    f0, jitter, _ = praat(y, sr)
    assert f0.mean() == pytest.approx(200, rel=0.005)
    assert jitter == pytest.approx(0.01, rel=0.06)


def test_random_numbers_come_from_random_state_only():
    arguments = {"jitter": 0.01, "shimmer": 0.03, "breathiness": 0.1, "f0_range": 2.0}
    before = np.random.get_state()[1].copy()  # noqa: NPY002 (the global state must not change)
    first, _ = synthesize_voice(["sa", "mo"], random_state=3, **arguments)
    again, _ = synthesize_voice(["sa", "mo"], random_state=3, **arguments)
    other, _ = synthesize_voice(["sa", "mo"], random_state=4, **arguments)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"syllables": "ma"}, "sequence of syllables"),
        ({"syllables": []}, "sequence of syllables"),
        ({"syllables": ["xa"]}, "sequence of syllables"),
        ({"duration": 0.1}, "silent edges"),
        ({"f0": 10.0}, "f0 of 50 to 500"),
        ({"jitter": -0.1}, "jitter of 0"),
        ({"shimmer": 0.5}, "shimmer of 0"),
        ({"rms": 0.0}, "rms in"),
        ({"sr": 8000}, "sr of at least"),
        ({"syllables": ["ba"], "duration": 0.2, "f0": 50.0}, "four periods"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        synthesize_voice(**{"syllables": ["a"], **arguments})
