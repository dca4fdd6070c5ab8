"""Samples: floats with full scale at 1, integers written as floats, samples of unknown full scale."""

import numpy as np
import pytest
import soundfile

from savee_mm import ClipError, ClipWarning
from savee_mm.media import read_audio
from savee_mm.media._samples import to_full_scale

SPEECH = 0.3 * np.sin(0.05 * np.arange(4000)) * np.sin(0.003 * np.arange(4000))


@pytest.mark.parametrize("peak", [0, 1e-6, 1, 1.4, 9.9])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_samples_up_to_20_db_above_full_scale_are_not_changed(peak, dtype):
    y = (peak / 0.3 * SPEECH).astype(dtype)
    np.testing.assert_array_equal(to_full_scale(y), y.astype(np.float32))


def test_full_scale_square_wave_is_not_taken_for_integers():
    y = np.sign(np.sin(np.arange(100.0)))
    np.testing.assert_array_equal(to_full_scale(y), y)


@pytest.mark.parametrize("n_bits", [16, 24, 32])
@pytest.mark.parametrize("gain", [0.3, 3.0])
def test_integers_are_divided_by_their_full_scale(n_bits, gain):
    y = np.rint(gain * SPEECH * 2.0 ** (n_bits - 1))
    with pytest.warns(ClipWarning, match=f"divided by {2 ** (n_bits - 1)}"):
        scaled = to_full_scale(y)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, gain * SPEECH, atol=0.6 / 2 ** (n_bits - 1) + 1e-7)


def test_quiet_integers_are_recognized():
    with pytest.warns(ClipWarning, match="samples of up to 3, .* divided by 32768"):
        np.testing.assert_array_equal(to_full_scale(np.array([0.0, 3.0, -2.0])), np.array([0, 3, -2]) / 32768)


def test_mean_of_integer_channels_is_recognized():
    with pytest.warns(ClipWarning, match="divided by 32768"):
        np.testing.assert_allclose(to_full_scale(np.array([0.5, -3000.5])), np.array([0.5, -3000.5]) / 32768)


@pytest.mark.parametrize("y", [[0.5, 12.3], [0.25, -999.5], [1e10, 1.0], [1e18, -1.0], [3e38, 0.1], [1e300, 0.0]])
def test_unknown_full_scale_is_an_error(y):
    with pytest.raises(ClipError, match=r"samples of up to .*; expected floats with full scale at 1; divide"):
        to_full_scale(np.array(y))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_an_error(value):
    with pytest.raises(ClipError, match="1 of 3 samples are NaN or infinite"):
        to_full_scale(np.array([0.0, value, 0.1]))


@pytest.mark.parametrize("sr", [None, 16000])
def test_float_file_of_integers_is_read_as_the_integer_file(tmp_path, sr):
    y = np.rint(SPEECH * 32768)
    soundfile.write(tmp_path / "integer.wav", y.astype(np.int16), 44100)
    soundfile.write(tmp_path / "float.wav", y, 44100, subtype="FLOAT")
    expected, _ = read_audio(tmp_path / "integer.wav", sr=sr)
    with pytest.warns(ClipWarning, match=r"clip 'float' .*float.wav\): samples of up to"):
        found, _ = read_audio(tmp_path / "float.wav", sr=sr)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("peak", [1e18, 1e38, 3.4e38])
def test_file_of_huge_samples_is_an_error_at_any_rate(tmp_path, peak):
    soundfile.write(tmp_path / "huge.wav", peak * SPEECH / 0.3, 44100, subtype="FLOAT")
    for sr in (None, 16000):
        with pytest.raises(ClipError, match="huge"):
            read_audio(tmp_path / "huge.wav", sr=sr)
