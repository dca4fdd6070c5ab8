"""Properties of kernels on any sound: shapes, finite values, and what gain, polarity and silence change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from savee_mm import signal
from savee_mm.signal import DESCRIPTORS, STATISTICS, low_level_descriptors, summarize

SR = 16000
GAINS = st.sampled_from([0.25, 0.5, 2.0])  # powers of two: samples are scaled without rounding


@st.composite
def sounds(draw, min_size=1):
    """Noise, clicks, a tone, an offset or silence, or two of them in a row; up to a quarter of a second."""
    parts = []
    for _ in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(["noise", "clicks", "tone", "constant", "zeros"]))
        n, seed = draw(st.integers(min_size, 2000)), draw(st.integers(0, 2**16))
        level = 10 ** draw(st.floats(-5, -0.1))
        rng = np.random.default_rng(seed)
        parts.append(
            level
            * {
                "noise": rng.uniform(-1, 1, n),
                "clicks": (rng.random(n) < 0.01).astype(float),
                "tone": np.sin(2 * np.pi * rng.uniform(50, 7000) * np.arange(n) / SR),
                "constant": np.ones(n),
                "zeros": np.zeros(n),
            }[kind]
        )
    return np.concatenate(parts).astype(np.float32)


@given(sounds(), st.sampled_from([64, 512, 2048]), st.sampled_from([16, 160, 512]))
def test_descriptors_are_finite_and_of_one_length(y, n_fft, hop_length):
    before = y.copy()
    # The formants of contrast and mel bands need some bins.
    names = [name for name in DESCRIPTORS if n_fft > 64 or name not in ("spec_contrast",)]
    values = low_level_descriptors(y, SR, features=names, n_fft=n_fft, hop_length=hop_length, n_mels=20, n_mfcc=13)
    assert list(values) == names
    n_frames = {array.shape[-1] for array in values.values()}
    assert n_frames == {1 + len(y) // hop_length}
    assert all(np.isfinite(array).all() for array in values.values())
    np.testing.assert_array_equal(y, before)


@given(sounds())
def test_polarity_changes_no_descriptor_of_the_spectrum(y):
    names = [name for name in DESCRIPTORS if name != "zcr"]
    values, inverted = (low_level_descriptors(sign * y, SR, features=names) for sign in (1, -1))
    for name in names:
        np.testing.assert_array_equal(values[name], inverted[name], err_msg=name)


@given(sounds(), GAINS)
def test_energy_grows_with_the_square_of_the_gain(y, gain):
    for name, power in (("rms", 1), ("energy", 2), ("amplitude_envelope", 1), ("power_spectrogram", 2)):
        values, scaled = (low_level_descriptors(g * y, SR, features=[name])[name] for g in (1, np.float32(gain)))
        np.testing.assert_allclose(scaled, gain**power * values, rtol=1e-5, atol=1e-30, err_msg=name)


@given(sounds(), st.integers(1, 40))
def test_functionals_do_not_depend_on_the_scale(y, n_frames):
    frames = np.resize(y, n_frames).astype(np.float64)
    values = summarize(frames, STATISTICS, time_step=0.01)
    assert values.shape == (len(STATISTICS),)
    named = dict(zip(STATISTICS, values, strict=True))
    assert named["min"] <= named["mean"] + 1e-12
    assert named["mean"] <= named["max"] + 1e-12
    assert named["range"] == pytest.approx(named["max"] - named["min"])
    np.testing.assert_allclose(
        summarize(4 * frames, ["mean", "std", "median", "slope"], time_step=0.01),
        4 * np.array([named[name] for name in ("mean", "std", "median", "slope")]),
        rtol=1e-9,
        atol=1e-12,
    )


@given(sounds(min_size=800), GAINS)
def test_pitch_is_that_of_the_quieter_and_the_inverted_sound(y, gain):
    f0, times = signal.pitch(y, SR)
    assert f0.shape == times.shape
    assert ((f0 >= 75) & (f0 <= 600))[~np.isnan(f0)].all()
    for changed in (-y, np.float32(gain) * y):
        np.testing.assert_allclose(signal.pitch(changed, SR)[0], f0, rtol=1e-6)


@given(sounds(min_size=400), st.sampled_from([-7, -1, 3, 12]), st.sampled_from([0.5, 1.3, 2.0]))
def test_shift_keeps_the_length_and_stretch_divides_it(y, semitones, rate):
    shifted, stretched = signal.pitch_shift(y, SR, semitones=semitones), signal.time_stretch(y, SR, rate=rate)
    assert shifted.shape == y.shape
    assert abs(len(stretched) - len(y) / rate) <= 1
    assert np.isfinite(shifted).all()
    assert np.isfinite(stretched).all()


@given(sounds(min_size=1))
def test_level_is_the_requested_one_or_the_sound_is_silent(y):
    normalized, _ = signal.normalize_rms(y, SR, rms=0.05)
    assert normalized.shape == y.shape
    level = np.sqrt(np.mean(normalized.astype(np.float64) ** 2))
    assert np.isfinite(level)
    assert level <= 0.05 * (1 + 1e-4)
