"""Reliability and its error: by hand, and on predictions that are calibrated by construction."""

import numpy as np
import pytest

from savee_mm.evaluation.calibration import expected_calibration_error, reliability

CLASSES = ["a", "b"]


def test_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.15, 0.85], [0.55, 0.45], [0.6, 0.4]])
    table = reliability(["a", "a", "a", "b"], probabilities, CLASSES, n_bins=10)
    filled = table[table["n"] > 0]
    # .9 lies on an edge and belongs to the bin below; so does .6.
    np.testing.assert_allclose(filled[["low", "high", "n"]], [[0.5, 0.6, 2], [0.8, 0.9, 2]])
    np.testing.assert_allclose(filled["confidence"], [0.575, 0.875])
    np.testing.assert_allclose(filled["accuracy"], [0.5, 0.5])
    assert expected_calibration_error(table) == pytest.approx((2 * 0.075 + 2 * 0.375) / 4)


def test_certain_and_right_is_calibrated():
    table = reliability(["a", "b"], np.eye(2), CLASSES)
    assert expected_calibration_error(table) == 0
    assert table["n"].tolist() == [0] * 9 + [2]


def test_calibrated_probabilities_have_a_small_error_and_sharpened_ones_a_large_one():
    random = np.random.default_rng(0)
    p = random.random(4000)
    target = np.where(random.random(4000) < p, "a", "b")
    probabilities = np.column_stack([p, 1 - p])
    assert expected_calibration_error(reliability(target, probabilities, CLASSES)) < 0.03
    sharp = probabilities**6 / (probabilities**6).sum(axis=1, keepdims=True)
    assert expected_calibration_error(reliability(target, sharp, CLASSES)) > 0.12


def test_every_clip_is_in_a_bin():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(3), size=500)
    assert reliability(random.choice(["x", "y", "z"], 500), probabilities, ["x", "y", "z"], 7)["n"].sum() == 500
