"""Checks of fitted estimators that read a clip table, images or frames, named after scikit-learn's."""

import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

# The rounding in single precision depends on the place of a clip in its batch.
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def _copy(fitted):
    return pickle.loads(pickle.dumps(fitted))


def test_check_estimators_unfitted(subject):
    for name in subject.methods:
        with pytest.raises(NotFittedError):
            getattr(subject.estimator, name)(subject.X)


def test_check_fit_check_is_fitted(subject):
    with pytest.raises(NotFittedError):
        check_is_fitted(subject.estimator)
    check_is_fitted(subject.fitted)
    with pytest.raises(NotFittedError):
        check_is_fitted(clone(subject.fitted))


def test_check_estimators_fit_returns_self(subject):
    assert subject.returned is subject.fitted


def test_check_estimators_overwrite_params(subject):
    assert joblib.hash(subject.fitted.get_params()) == joblib.hash(subject.estimator.get_params())


def test_check_dont_overwrite_parameters(subject):
    learnt = vars(subject.fitted).keys() - vars(subject.estimator).keys()
    assert all(name.startswith("_") or name.endswith("_") for name in learnt), learnt


def test_check_dict_unchanged(subject):
    fitted = _copy(subject.fitted)
    before = dict(vars(fitted))
    for name in subject.methods:
        getattr(fitted, name)(subject.X_new)
    after = vars(fitted)
    assert after.keys() == before.keys()
    changed = {name for name, value in before.items() if after[name] is not value}
    assert not any(joblib.hash(after[name]) != joblib.hash(before[name]) for name in changed), changed


def test_check_estimators_pickle(subject):
    expected = subject.output(subject.fitted, subject.X_new)
    # Fitted networks are run by Keras, copies by onnxruntime.
    np.testing.assert_allclose(subject.output(_copy(subject.fitted), subject.X_new), expected, rtol=0, atol=1e-6)


def test_check_fit_idempotent(subject):
    expected = subject.output(subject.fitted, subject.X_new)
    again = _copy(subject.fitted).fit(subject.X, subject.y)
    np.testing.assert_array_equal(subject.output(again, subject.X_new), expected)


def test_check_methods_subset_invariance(subject):
    whole = subject.output(subject.fitted, subject.X_new)
    single = [subject.output(subject.fitted, subject.X_new[i : i + 1]) for i in range(len(whole))]
    np.testing.assert_allclose(np.concatenate(single), whole, **CLOSE)


def test_check_methods_sample_order_invariance(subject):
    whole = subject.output(subject.fitted, subject.X_new)
    np.testing.assert_allclose(subject.output(subject.fitted, subject.X_new[::-1])[::-1], whole, **CLOSE)


def test_check_fit1d(subject):
    with pytest.raises(ValueError, match=r"[Ee]xpected|reads a clip table"):
        clone(subject.estimator).fit(np.arange(float(len(subject.y))), subject.y)


def test_check_fit2d_predict1d(subject):
    for name in subject.methods:
        with pytest.raises(ValueError, match=r"[Ee]xpected|reads a clip table"):
            getattr(subject.fitted, name)(np.arange(3.0))


def test_check_estimators_empty_data_messages(subject):
    with pytest.raises(ValueError, match=r"at least one|an empty one|\b0\b"):
        clone(subject.estimator).fit(subject.X[:0], subject.y[:0])
