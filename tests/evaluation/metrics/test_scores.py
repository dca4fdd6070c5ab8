"""score: averages over the true classes, by hand and against scikit-learn; averages over folds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, precision_score

from savee_mm.evaluation.metrics.scores import SCORES, average_curves, score, speakers_sd


def test_small_example_by_hand():
    # anger: 2 of 3 correct, 1 false positive; fear: 1 of 2 correct, 1 false positive.
    scores = score(["anger", "anger", "anger", "fear", "fear"], ["anger", "anger", "fear", "fear", "anger"])
    assert list(scores) == list(SCORES)
    assert scores["accuracy"] == pytest.approx(3 / 5)
    assert scores["precision"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert scores["recall"] == scores["uar"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert scores["f1"] == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_scores_agree_with_scikit_learn_if_all_classes_are_true():
    target, predicted = np.random.default_rng(0).choice(["anger", "fear", "neutral"], size=(2, 60), p=[0.6, 0.3, 0.1])
    assert set(predicted) <= set(target)
    assert score(target, predicted) == {
        "accuracy": pytest.approx(accuracy_score(target, predicted)),
        "precision": pytest.approx(precision_score(target, predicted, average="macro")),
        "recall": pytest.approx(balanced_accuracy_score(target, predicted)),
        "f1": pytest.approx(f1_score(target, predicted, average="macro")),
        "uar": pytest.approx(balanced_accuracy_score(target, predicted)),
    }


def test_class_that_is_only_predicted_does_not_count():
    scores = score(["anger", "anger", "fear", "fear"], ["anger", "sadness", "fear", "fear"])
    assert scores["uar"] == pytest.approx((1 / 2 + 1) / 2)
    assert scores["precision"] == 1


def test_class_that_is_never_predicted_has_a_precision_of_0():
    scores = score(["anger", "anger", "fear"], ["anger", "anger", "anger"])
    assert scores["precision"] == pytest.approx((2 / 3 + 0) / 2)
    assert scores["f1"] == pytest.approx((4 / 5 + 0) / 2)


def test_single_class_scores_1_without_a_warning():
    assert set(score(["fear", "fear"], ["fear", "fear"]).values()) == {1.0}


def test_folds_that_stopped_early_count_for_their_epochs():
    curves = average_curves([{"loss": [3.0, 1.0]}, {"loss": [1.0, 0.5, 0.25]}]).set_index("epoch")
    assert curves["name"].unique().tolist() == ["loss"]
    assert curves["n_folds"].to_dict() == {1: 2, 2: 2, 3: 1}
    np.testing.assert_allclose(curves["mean"], [2, 0.75, 0.25])
    np.testing.assert_allclose(curves["sd"], [1, 0.25, 0])


def test_no_folds_no_curves():
    assert average_curves([]).empty


def test_deviation_over_speakers_leaves_missing_speakers_out():
    rows = pd.DataFrame({"speaker": ["A", "B", None], "target": "x", "predicted": ["x", "y", "y"]})
    assert speakers_sd(rows) == 0.5
    assert np.isnan(speakers_sd(rows.iloc[1:]))
