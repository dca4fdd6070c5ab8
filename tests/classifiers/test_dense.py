"""DenseClassifier is a scikit-learn classifier over columns of features."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm.classifiers.dense import DenseClassifier

SMALL = {"n_units": 16, "epochs": 30, "learning_rate": 0.01, "random_state": 0}


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = StandardScaler().fit_transform(X)[order], np.array(["setosa", "versicolor", "virginica"])[y][order]
    return X[:100], y[:100], X[100:], y[100:]


@pytest.fixture(scope="module")
def fitted(iris):
    return DenseClassifier(**SMALL).fit(*iris[:2])


def test_iris_is_learnt(fitted, iris):
    _, _, X, y = iris
    assert fitted.score(X, y) > 0.9
    assert fitted.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    p = fitted.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.classes_[p.argmax(axis=1)], fitted.predict(X))


def test_hidden_layers_have_their_sizes(iris):
    clf = DenseClassifier(n_units=(7, 5), epochs=1, random_state=0).fit(*iris[:2])
    assert [weights.shape for weights in clf.model_.get_weights()[::2]] == [(4, 7), (7, 5), (5, 3)]


def test_same_seed_gives_the_same_probabilities(fitted, iris):
    X, y, *_ = iris
    np.testing.assert_array_equal(DenseClassifier(**SMALL).fit(X, y).predict_proba(X), fitted.predict_proba(X))


def test_clone_is_unfitted(fitted, iris):
    assert clone(fitted).get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        clone(fitted).predict(iris[2])


def test_pickle_keeps_the_probabilities(fitted, iris):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(iris[2]), fitted.predict_proba(iris[2]))


def test_columns_of_a_table_have_names(iris):
    X = pd.DataFrame(iris[0], columns=["a", "b", "c", "d"])
    clf = DenseClassifier(**{**SMALL, "epochs": 1}).fit(X, iris[1])
    assert clf.n_features_in_ == 4
    assert clf.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names should match"):
        clf.predict(X[["b", "a", "c", "d"]])


@pytest.mark.slow
def test_early_stopping_depends_on_the_validation_clips(iris):
    X, y, X_validation, y_validation = iris
    params = {**SMALL, "epochs": 200, "early_stopping": True, "patience": 2, "learning_rate": 0.05}
    clf = DenseClassifier(**params).fit(X, y, validation_data=(X_validation, y_validation))
    assert clf.n_epochs_ < 200
    assert len(clf.history_["val_loss"]) == clf.n_epochs_


def test_early_stopping_needs_validation_clips_with_the_same_columns(iris):
    X, y, X_validation, y_validation = iris
    clf = DenseClassifier(**SMALL, early_stopping=True)
    with pytest.raises(ValueError, match="needs validation_data"):
        clf.fit(X, y)
    with pytest.raises(ValueError, match="has 3 features, but DenseClassifier is expecting 4"):
        clf.fit(X, y, validation_data=(X_validation[:, :3], y_validation))


@pytest.mark.slow
def test_grid_search_through_a_pipeline(iris):
    clf = make_pipeline(StandardScaler(), DenseClassifier(**{**SMALL, "epochs": 1}))
    search = GridSearchCV(clf, {"denseclassifier__n_units": [4, (4, 4)]}, cv=2, error_score="raise").fit(*iris[:2])
    assert search.best_estimator_[-1].n_epochs_ == 1


@pytest.mark.parametrize(
    "bad", [{"n_units": 0}, {"n_units": ()}, {"n_units": (8, 0)}, {"n_units": 2.5}, {"dropout": 1.0}]
)
def test_bad_parameter_is_refused(bad, iris):
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter"):
        DenseClassifier(**bad).fit(*iris[:2])


DEVICES = """
import sys
from contextlib import nullcontext
import numpy as np
import tensorflow as tf
from savee_mm import DenseClassifier

halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
X = np.random.default_rng(0).normal(size=(32, 6))
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope() if sys.argv[1] == "two" else nullcontext():
    model = DenseClassifier(epochs=3, batch_size=8, dropout=0, random_state=0).fit(X, X[:, 0] > 0)
print(type(model.model_.weights[0].value).__name__, *model.history_["loss"])
"""


@pytest.mark.slow
def test_two_devices_have_the_loss_of_one():
    runs = [
        subprocess.run([sys.executable, "-c", DEVICES, n], capture_output=True, text=True, check=True).stdout.split()
        for n in ("one", "two")
    ]
    assert [run[0] for run in runs] == ["ResourceVariable", "MirroredVariable"]
    np.testing.assert_allclose(*(np.array(run[1:], float) for run in runs), atol=1e-5)
