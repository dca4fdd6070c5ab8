"""One-vs-rest curves and areas are scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import auc, roc_auc_score

from savee_mm.evaluation.roc import auc_table, roc_curves

CLASSES = ["x", "y", "z"]


@pytest.fixture
def answers():
    random = np.random.default_rng(0)
    target = random.choice(CLASSES, 90)
    logits = random.normal(size=(90, 3)) + 1.5 * (target[:, None] == CLASSES)
    return target, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_areas_are_those_under_the_curves(answers):
    table = auc_table(*answers, CLASSES, np.repeat([0, 1, 2], 30))
    curves = roc_curves(*answers, CLASSES)
    assert list(curves) == CLASSES
    for name, (false, true) in curves.items():
        assert table.at[name, "auc"] == pytest.approx(auc(false, true))
    expected = roc_auc_score(*answers, multi_class="ovr", average=None)
    np.testing.assert_allclose(table["auc"], expected)


def test_mean_over_folds_is_unhurt_by_folds_that_differ_in_level(answers):
    target, probabilities = answers
    folds = np.repeat([0, 1], 45)
    shifted = probabilities.copy()
    shifted[folds == 1, 0] *= 0.01
    before, after = (auc_table(target, p, CLASSES, folds).loc["x"] for p in (probabilities, shifted))
    assert after["auc_folds"] == pytest.approx(before["auc_folds"])
    assert after["auc"] < before["auc"] - 0.01


def test_a_class_that_is_not_there_has_no_curve(answers):
    target, probabilities = answers
    kept = target != "z"
    assert list(roc_curves(target[kept], probabilities[kept], CLASSES)) == ["x", "y"]
    table = auc_table(target[kept], probabilities[kept], CLASSES, np.zeros(kept.sum()))
    assert table.loc["z"].isna().all()
