"""Calibration by hand and on predictions that are calibrated by construction; ROC curves against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import auc, roc_auc_score

from savee_mm.evaluation.metrics.probabilities import (
    auc_table,
    expected_calibration_error,
    reliability,
    roc_curves,
)

CLASSES = ["a", "b"]
THREE = ["x", "y", "z"]


def test_reliability_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.15, 0.85], [0.55, 0.45], [0.6, 0.4]])
    table = reliability(["a", "a", "a", "b"], probabilities, CLASSES, n_bins=10)
    filled = table[table["n"] > 0]
    # .9 and .6 are on edges, and in the lower bins.
    np.testing.assert_allclose(filled[["low", "high", "n"]], [[0.5, 0.6, 2], [0.8, 0.9, 2]])
    np.testing.assert_allclose(filled["confidence"], [0.575, 0.875])
    np.testing.assert_allclose(filled["accuracy"], [0.5, 0.5])
    assert expected_calibration_error(table) == pytest.approx((2 * 0.075 + 2 * 0.375) / 4)


def test_certain_and_correct_is_calibrated():
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


@pytest.fixture
def answers():
    random = np.random.default_rng(0)
    target = random.choice(THREE, 90)
    logits = random.normal(size=(90, 3)) + 1.5 * (target[:, None] == THREE)
    return target, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_areas_are_those_under_the_curves(answers):
    table = auc_table(*answers, THREE, np.repeat([0, 1, 2], 30))
    curves = roc_curves(*answers, THREE)
    assert list(curves) == THREE
    for name, (false, true) in curves.items():
        assert table.at[name, "auc"] == pytest.approx(auc(false, true))
    expected = roc_auc_score(*answers, multi_class="ovr", average=None)
    np.testing.assert_allclose(table["auc"], expected)


def test_mean_over_folds_does_not_depend_on_the_level_of_folds(answers):
    target, probabilities = answers
    folds = np.repeat([0, 1], 45)
    shifted = probabilities.copy()
    shifted[folds == 1, 0] *= 0.01
    before, after = (auc_table(target, p, THREE, folds).loc["x"] for p in (probabilities, shifted))
    assert after["auc_folds"] == pytest.approx(before["auc_folds"])
    assert after["auc"] < before["auc"] - 0.01


def test_missing_class_has_no_curve(answers):
    target, probabilities = answers
    kept = target != "z"
    assert list(roc_curves(target[kept], probabilities[kept], THREE)) == ["x", "y"]
    table = auc_table(target[kept], probabilities[kept], THREE, np.zeros(kept.sum()))
    assert table.loc["z"].isna().all()
