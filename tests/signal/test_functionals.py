"""Functionals: agreement with numpy, slope of a line, interpolation."""

import numpy as np
import pytest

from savee_mm.signal import STATISTICS, resample_frames, summarize

LOCATIONS = ("mean", "min", "max", "median", "p5", "p20", "p80", "p95")
ROWS = np.random.default_rng(0).normal(size=(3, 50))


def test_statistics_agree_with_numpy():
    names = ["mean", "std", "min", "max", "range", "median", "p5", "p95"]
    expected = [
        ROWS.mean(axis=1),
        ROWS.std(axis=1),
        ROWS.min(axis=1),
        ROWS.max(axis=1),
        np.ptp(ROWS, axis=1),
        np.median(ROWS, axis=1),
        np.percentile(ROWS, 5, axis=1),
        np.percentile(ROWS, 95, axis=1),
    ]
    np.testing.assert_allclose(summarize(ROWS, names, time_step=0.01), np.stack(expected, axis=1))


def test_one_row_is_a_vector():
    np.testing.assert_allclose(summarize(ROWS[0], ["mean", "slope"], time_step=1).shape, (2,))
    np.testing.assert_array_equal(summarize(ROWS[0], ["mean"], time_step=1), summarize(ROWS, ["mean"], time_step=1)[0])


def test_slope_is_that_of_the_regression_line_per_second():
    times = 0.02 * np.arange(50)
    expected = [np.polyfit(times, row, 1)[0] for row in ROWS]
    np.testing.assert_allclose(summarize(ROWS, ["slope"], time_step=0.02)[:, 0], expected)


def test_steps_of_a_staircase():
    stairs = np.cumsum([0.0, 1.0, -1.0, 3.0, -3.0])
    mean, deviation = summarize(stairs, ["delta_mean", "delta_std"], time_step=1)
    assert (mean, deviation) == (2, 1)


def test_midrange_is_the_difference_of_two_percentiles():
    low, high, between = summarize(ROWS, ["p20", "p80", "midrange"], time_step=1).T
    np.testing.assert_allclose(between, high - low)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_constant_has_no_spread_and_no_slope(name):
    value = summarize(np.full(9, 3.0), [name], time_step=0.01)[0]
    assert value == pytest.approx(3 if name in LOCATIONS else 0)


def test_single_frame_is_enough():
    assert np.isfinite(summarize([2.0], list(STATISTICS), time_step=0.01)).all()
    np.testing.assert_array_equal(resample_frames([2.0], 4), [2, 2, 2, 2])


@pytest.mark.parametrize("n_frames", [1, 2, 37, 50, 51, 300])
def test_resampling_agrees_with_interpolation_of_numpy(n_frames):
    positions = np.linspace(0, 49, n_frames)
    expected = [np.interp(positions, np.arange(50), row) for row in ROWS]
    np.testing.assert_allclose(resample_frames(ROWS, n_frames), expected, atol=1e-12)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"Unknown statistics \['kurtosis'\]; known are mean"):
        summarize(ROWS, ["kurtosis"], time_step=0.01)
    for empty in ([], np.zeros((2, 0)), np.zeros((2, 2, 2))):
        with pytest.raises(ValueError, match="at least one frame"):
            summarize(empty, ["mean"], time_step=0.01)


@pytest.mark.parametrize("n_frames", [1, 2, 7, 100])
def test_percentiles_are_those_of_numpy(n_frames):
    rows = np.random.default_rng(n_frames).normal(size=(3, n_frames))
    values = summarize(rows, ["p5", "p20", "median", "p80", "p95", "midrange"], time_step=0.01)
    expected = np.percentile(rows, [5, 20, 50, 80, 95], axis=1)
    expected = np.vstack([expected, expected[3] - expected[1]]).T
    np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-15)
