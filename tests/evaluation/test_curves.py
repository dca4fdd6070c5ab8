"""Curves over epochs: found wherever the network is, averaged over folds of unequal length."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import DenseClassifier
from savee_mm.evaluation.curves import average_curves, find_history

X = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
Y = np.resize(["a", "b"], 24)


def network():
    return DenseClassifier(n_units=(2,), epochs=2, random_state=0)


@pytest.mark.parametrize(
    "estimator",
    [
        network(),
        make_pipeline(StandardScaler(), network()),
        GridSearchCV(make_pipeline(StandardScaler(), network()), {"denseclassifier__dropout": [0.0]}, cv=2),
    ],
    ids=["network", "pipeline", "search"],
)
def test_history_is_found(estimator):
    history = find_history(estimator.fit(X, Y))
    assert set(history) == {"accuracy", "loss"}
    assert [len(values) for values in history.values()] == [2, 2]


def test_what_has_no_epochs_has_no_history():
    assert find_history(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)) is None


def test_folds_that_stopped_early_count_until_then():
    curves = average_curves([{"loss": [3.0, 1.0]}, {"loss": [1.0, 0.5, 0.25]}]).set_index("epoch")
    assert curves["name"].unique().tolist() == ["loss"]
    assert curves["n_folds"].to_dict() == {1: 2, 2: 2, 3: 1}
    np.testing.assert_allclose(curves["mean"], [2, 0.75, 0.25])
    np.testing.assert_allclose(curves["sd"], [1, 0.25, 0])


def test_no_folds_no_curves():
    assert average_curves([]).empty
