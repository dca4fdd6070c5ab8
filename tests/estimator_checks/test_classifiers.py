"""Checks of classifiers that read a clip table, images or frames, named after scikit-learn's."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

KIND = "classifier"


def test_check_classifiers_train(subject):
    clf = subject.fitted
    p = clf.predict_proba(subject.X_new)
    assert p.shape == (len(subject.X_new), 7)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(clf.predict(subject.X_new), clf.classes_[p.argmax(axis=1)])
    assert clf.score(subject.X_new, clf.predict(subject.X_new)) == 1


def test_check_classifiers_classes(subject):
    names, numbers = np.unique(subject.y, return_inverse=True)
    np.testing.assert_array_equal(subject.fitted.classes_, names)
    # Labels can be numbers in a list; if they have the order of the names, nothing else changes.
    clf = clone(subject.estimator).fit(subject.X, (10 * numbers).tolist())
    np.testing.assert_array_equal(clf.classes_, 10 * np.arange(7))
    np.testing.assert_array_equal(clf.predict_proba(subject.X_new), subject.fitted.predict_proba(subject.X_new))


def test_check_sample_weights_pandas_series(subject):
    labels = pd.Series(subject.y, index=np.arange(len(subject.y))[::-1])
    weights = pd.Series(np.ones(len(labels)), index=labels.index)
    clf = clone(subject.estimator).fit(subject.X, labels, sample_weight=weights)
    assert (weights == 1).all(), "check_sample_weights_not_overwritten"
    # check_sample_weights_invariance: weights of one equal no weights.
    np.testing.assert_allclose(
        clf.predict_proba(subject.X_new), subject.fitted.predict_proba(subject.X_new), rtol=0, atol=1e-6
    )


def test_check_sample_weights_shape(subject):
    for shape in ((len(subject.y) - 1,), (len(subject.y), 2)):
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples|must be 1D"):
            clone(subject.estimator).fit(subject.X, subject.y, sample_weight=np.ones(shape))


def test_check_classifiers_one_label(subject):
    with pytest.raises(ValueError, match=r"class"):
        clone(subject.estimator).fit(subject.X, np.full(len(subject.y), "anger"))


def test_check_classifiers_regression_target(subject):
    with pytest.raises(ValueError, match=r"Unknown label type: continuous"):
        clone(subject.estimator).fit(subject.X, np.linspace(0, 1, len(subject.y)) ** 2)


def test_check_requires_y_none(subject):
    with pytest.raises(ValueError, match=r"requires y to be passed, but the target y is None"):
        clone(subject.estimator).fit(subject.X, None)


def test_check_supervised_y_no_nan(subject):
    y = subject.y.astype(object)
    y[3] = np.nan
    with pytest.raises(ValueError, match=r"y is missing|NaN"):
        clone(subject.estimator).fit(subject.X, y)


def test_check_supervised_y_2d(subject):
    with pytest.raises(ValueError, match=r"y should be a 1d array"):
        clone(subject.estimator).fit(subject.X, np.column_stack([subject.y, subject.y]))
