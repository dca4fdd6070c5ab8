"""Slopes of coefficients over time: exact on lines, agreement with librosa, short clips."""

import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm.signal import mfcc_delta


@pytest.mark.parametrize("width", [3, 9, 15])
def test_agrees_with_librosa(width):
    rows = np.random.default_rng(0).standard_normal((5, 40)).astype(np.float32)
    assert_allclose(mfcc_delta(rows, width=width), librosa.feature.delta(rows, width=width), atol=1e-6)


def test_line_has_its_slope_also_at_the_ends():
    rows = np.outer([1.0, -0.5], np.arange(30)) + 7
    assert_allclose(mfcc_delta(rows), np.outer([1.0, -0.5], np.ones(30)), rtol=1e-6)


def test_constant_has_slope_zero():
    assert_array_equal(mfcc_delta(np.full((3, 20), 4.2)), 0)


@pytest.mark.parametrize("n_frames", range(1, 10))
def test_window_of_a_short_clip_is_shortened(n_frames):
    delta = mfcc_delta(2.0 * np.arange(n_frames).reshape(1, -1))
    assert_allclose(delta, np.full((1, n_frames), 2.0 if n_frames > 2 else 0.0), rtol=1e-6)


@pytest.mark.parametrize(("shape", "width"), [((10,), 9), ((1, 20), 8), ((1, 20), 1)])
def test_bad_input(shape, width):
    with pytest.raises(ValueError, match="width"):
        mfcc_delta(np.zeros(shape), width=width)
