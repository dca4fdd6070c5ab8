"""Checks of estimators that read images (4-D) or frames (5-D), named after scikit-learn's checks of arrays."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils._testing import create_memmap_backed_data

KIND = "array"


def test_check_n_features_in_after_fitting(subject):
    assert subject.fitted.input_shape_ == subject.X.shape[1:]
    for other in (subject.X_new[:, :-1], subject.X_new[..., np.newaxis], subject.X_new.reshape(7, -1)):
        with pytest.raises(ValueError, match=r"Expected .* of shape"):
            subject.fitted.predict_proba(other)


def test_check_estimators_nan_inf(subject):
    for value in (np.nan, np.inf):
        bad = subject.X.copy()
        bad[2].flat[5] = value
        with pytest.raises(ValueError, match=r"Clips \[2\] contain NaN or infinite"):
            clone(subject.estimator).fit(bad, subject.y)
        with pytest.raises(ValueError, match=r"Clips \[2\] contain NaN or infinite"):
            subject.fitted.predict_proba(bad)


def test_check_readonly_memmap_input(subject):
    X = create_memmap_backed_data(subject.X_new)
    np.testing.assert_array_equal(subject.fitted.predict_proba(X), subject.fitted.predict_proba(subject.X_new))


def test_check_f_contiguous_array_estimator(subject):
    X = np.asfortranarray(subject.X_new)
    np.testing.assert_array_equal(subject.fitted.predict_proba(X), subject.fitted.predict_proba(subject.X_new))


def test_check_estimators_dtypes(subject):
    p = subject.fitted.predict_proba(subject.X_new.astype(np.float64))
    np.testing.assert_array_equal(p, subject.fitted.predict_proba(subject.X_new))
    assert p.dtype == np.float64
    assert subject.fitted.predict_proba((subject.X_new > 0.5).astype(np.uint8)).shape == (7, 7)


def test_check_complex_data(subject):
    with pytest.raises(ValueError, match=r"Expected .* of shape"):
        clone(subject.estimator).fit(subject.X.astype(complex), subject.y)


def test_check_dtype_object(subject):
    with pytest.raises(ValueError, match=r"Expected .* of shape"):
        clone(subject.estimator).fit(subject.X.astype(str), subject.y)


def test_check_classifier_data_not_an_array(subject):
    np.testing.assert_array_equal(
        subject.fitted.predict_proba(subject.X_new.tolist()), subject.fitted.predict_proba(subject.X_new)
    )
