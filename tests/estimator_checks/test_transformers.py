"""Checks of transformers that read a clip table, named after scikit-learn's."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

KIND = "transformer"


def _has_columns(subject):
    return subject.fitted.transform(subject.X_new).ndim == 2


def test_check_transformer_general(subject):
    fresh = clone(subject.estimator)
    together = fresh.fit_transform(subject.X, subject.y)
    np.testing.assert_array_equal(together, subject.fitted.transform(subject.X))
    assert len(together) == len(subject.X)
    assert np.isfinite(together).all()
    assert together.dtype.kind == "f"
    # Labels are optional and change nothing.
    np.testing.assert_array_equal(clone(subject.estimator).fit(subject.X).transform(subject.X), together)


def test_check_transformer_get_feature_names_out(subject):
    assert hasattr(subject.fitted, "get_feature_names_out") == _has_columns(subject)
    if _has_columns(subject):
        with pytest.raises(NotFittedError):
            clone(subject.estimator).get_feature_names_out()
        names = subject.fitted.get_feature_names_out()
        assert names.dtype == object
        assert names.shape == subject.fitted.transform(subject.X_new).shape[1:]
        assert len(set(names)) == len(names)


def test_check_set_output_transform_pandas(subject):
    # Images and frames are not columns and have no set_output.
    assert hasattr(subject.estimator, "set_output") == _has_columns(subject)
    if _has_columns(subject):
        out = clone(subject.estimator).set_output(transform="pandas").fit_transform(subject.X)
        names = subject.fitted.get_feature_names_out()
        expected = pd.DataFrame(subject.fitted.transform(subject.X), subject.X.index, names)
        pd.testing.assert_frame_equal(out, expected, check_column_type=False)


def test_check_global_output_transform_pandas(subject):
    with config_context(transform_output="pandas"):
        out = clone(subject.estimator).fit(subject.X).transform(subject.X_new)
    assert type(out) is (pd.DataFrame if _has_columns(subject) else np.ndarray)
    np.testing.assert_array_equal(np.asarray(out), subject.fitted.transform(subject.X_new))
