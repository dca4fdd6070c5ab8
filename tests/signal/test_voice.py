"""Harmonics-to-noise ratio and timing: known signals, agreement with Praat, bad input."""

import numpy as np
import parselmouth
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm.signal import (
    hnr,
    loudness_peaks,
    pauses,
    pitch,
    praat,
    short_time_energy,
    voice_report,
    voiced_segments,
)

SPEECH = [f"savee_chimera/AudioData/{name}.flac" for name in ("DC/a01", "JE/su07", "JK/f11", "KL/n01")]


def noisy_tone(snr, sr, f0=200.0, duration=1.0):
    n = round(duration * sr)
    noise = np.random.default_rng(0).standard_normal(n)
    return np.sqrt(2) * 10 ** (snr / 20) * np.sin(2 * np.pi * f0 * np.arange(n) / sr) + noise


@pytest.mark.parametrize("sr", [8000, 22050, 96000])
@pytest.mark.parametrize("snr", [5, 10, 20, 30, 40])
def test_tone_in_noise_has_its_ratio(snr, sr):
    ratio, times = hnr(noisy_tone(snr, sr), sr)
    assert_array_equal(times, pitch(noisy_tone(snr, sr), sr)[1])
    # The estimate from 40 ms varies by some tenths of a dB, and the highest maximum is chosen.
    assert np.nanmedian(ratio) == pytest.approx(snr, abs=0.6)


def test_clean_tone_has_a_higher_ratio_than_any_voice(tone):
    ratio, _ = hnr(tone(200), 22050)
    assert (ratio > 45).all()
    assert (ratio <= 60.0001).all()


def test_ratio_is_defined_in_voiced_frames():
    y = np.concatenate([noisy_tone(20, 16000), np.zeros(8000)])
    report = voice_report(y, 16000)
    assert_array_equal(np.isfinite(report.hnr), np.isfinite(report.f0))
    assert 0 < np.isfinite(report.f0).sum() < len(report.f0)
    assert_array_equal(report.hnr, hnr(y, 16000)[0])
    # Rounding errors: the ratio does not depend on the level.
    assert_allclose(hnr(-3 * y, 16000)[0], report.hnr, atol=1e-3)


@pytest.mark.parametrize("path", SPEECH)
def test_praat_on_speech(shared, path):
    y, sr = sf.read(shared / "data" / path)
    ours, theirs = voice_report(y, sr).hnr, praat.voice_report(y, sr).hnr
    both = np.isfinite(ours) & np.isfinite(theirs)
    # With the same window, the difference is that of float32.
    assert np.median(np.abs(ours - theirs)[both]) < 1e-3
    assert np.mean(np.abs(ours - theirs)[both] < 0.05) > 0.98


@pytest.mark.parametrize("path", SPEECH)
@pytest.mark.parametrize(("n_periods", "difference"), [(3.0, 0.25), (4.5, 1.5)])
def test_difference_from_harmonicity_of_praat_is_that_of_the_window(shared, path, n_periods, difference):
    y, sr = sf.read(shared / "data" / path)
    ours, times = hnr(y, sr)
    found = parselmouth.Sound(y, sr).to_harmonicity_ac(0.01, 75, 0.1, n_periods)
    # Unvoiced frames have -200 dB.
    theirs = np.interp(times, found.xs(), np.where(found.values[0] > -200, found.values[0], np.nan))
    both = np.isfinite(ours) & np.isfinite(theirs)
    assert both.sum() > 50
    # On SAVEE r is .96 and .93; at octave jumps the candidates may differ.
    assert np.corrcoef(ours[both], theirs[both])[0, 1] > 0.85
    # In a longer window a changing voice is less periodic, by 0.0 to 0.4 and 0.7 to 2.3 dB in these clips.
    assert np.median((ours - theirs)[both]) == pytest.approx(difference, abs=0.3 if n_periods == 3 else 1)


def test_segments_of_a_known_voice():
    f0 = np.array([100.0] * 20 + [np.nan] * 30 + [120.0] * 10 + [0.0] * 5)
    voiced, unvoiced = voiced_segments(f0, 0.02 + 0.01 * np.arange(65))
    assert_allclose(voiced, [0.2, 0.1])
    assert_allclose(unvoiced, [0.3, 0.05])


def test_segments_fill_the_time(shared):
    y, sr = sf.read(shared / "data" / SPEECH[0])
    f0, times = pitch(y, sr)
    voiced, unvoiced = voiced_segments(f0, times)
    assert abs(len(voiced) - len(unvoiced)) <= 1
    assert voiced.sum() + unvoiced.sum() == pytest.approx(0.01 * len(times))
    assert voiced.sum() / (0.01 * len(times)) == pytest.approx(np.isfinite(f0).mean())


def test_segments_of_short_input():
    assert [len(part) for part in voiced_segments([], [])] == [0, 0]
    voiced, unvoiced = voiced_segments([100.0], [0.02])
    assert (voiced.tolist(), unvoiced.tolist()) == ([0.01], [])
    with pytest.raises(ValueError, match="one shape"):
        voiced_segments([1.0, 2.0], [0.0])


@pytest.mark.parametrize("sr", [8000, 22050, 96000])
@pytest.mark.parametrize(("gain", "offset"), [(1, 0), (1e-3, 0), (0.3, 0.05), (-0.5, -0.2)])
def test_pauses_are_found_at_any_level(sr, gain, offset, tone):
    parts = [np.zeros(sr // 2), tone(200, 1, sr), np.zeros(sr // 2), tone(200, 1, sr), np.zeros(sr // 10)]
    y = np.concatenate([*parts, tone(150, 1, sr), np.zeros(sr)])
    lengths, share = pauses(gain * y + offset, sr)
    # The half second, but not the tenth, which is too short, nor the ends. Frames of 20 ms overlap the edges.
    assert_allclose(lengths, [0.5], atol=0.03)
    assert share == pytest.approx(0.5 / 3.6, abs=0.01)


def test_threshold_and_duration_of_pauses(tone):
    y = tone(200, 3, 16000)
    y[16000:24000] *= 0.1
    assert len(pauses(y, 16000)[0]) == 0
    assert len(pauses(y, 16000, threshold=-15)[0]) == 1
    assert len(pauses(y, 16000, threshold=-15, min_duration=0.6)[0]) == 0


@pytest.mark.parametrize("y", [np.zeros(0), np.zeros(8000), np.full(8000, 0.3)])
def test_silence_has_no_share_of_pauses(y):
    lengths, share = pauses(y, 16000)
    assert len(lengths) == 0
    assert np.isnan(share)


def test_loudness_peaks_are_syllables():
    t = np.arange(400) / 100
    contour = 1 - np.cos(2 * np.pi * 4 * t)
    noise = 0.02 * np.random.default_rng(0).standard_normal(len(t))
    peaks = loudness_peaks(contour + noise)
    assert_allclose(t[peaks], 0.125 + 0.25 * np.arange(16), atol=0.03)
    # They do not depend on gain or offset.
    assert_array_equal(loudness_peaks(5 * (contour + noise) + 2), peaks)


def test_small_ripples_are_not_peaks():
    contour = np.sin(np.pi * np.arange(201) / 200) + 0.02 * np.sin(np.arange(201))
    assert len(loudness_peaks(contour)) == 1
    assert len(loudness_peaks(contour, threshold=0.001)) > 10


@pytest.mark.parametrize(("contour", "n"), [([], 0), ([1.0], 0), ([1.0] * 9, 0), (np.arange(9), 0)])
def test_loudness_without_peaks(contour, n):
    assert len(loudness_peaks(contour)) == n


def test_peaks_of_energy():
    sr = 16000
    t = np.arange(2 * sr) / sr
    y = np.abs(np.sin(2 * np.pi * 2.5 * t)) * np.sin(2 * np.pi * 300 * t)
    # Half waves of 2.5 Hz are five syllables per second.
    assert len(loudness_peaks(short_time_energy(y, frame_length=320, hop_length=160))) == 10


@pytest.mark.parametrize("contour", [np.zeros((2, 3)), [0.0, np.nan]])
def test_bad_loudness(contour):
    with pytest.raises(ValueError, match="finite loudness"):
        loudness_peaks(contour)


@pytest.mark.parametrize("kernel", [hnr, pauses])
@pytest.mark.parametrize("y", [np.full(8000, np.nan), np.zeros((2, 8000))])
def test_bad_sound(kernel, y):
    with pytest.raises(ValueError, match="expected a"):
        kernel(y, 16000)
