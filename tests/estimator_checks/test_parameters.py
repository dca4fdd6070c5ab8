"""Checks of the parameters of all public estimators and samplers, named after scikit-learn's; nothing is fitted."""

import inspect

import joblib
import pytest
from sklearn.base import clone

KIND = "any"
# Parameters without a default: what a composition wraps.
WRAPPED = {"estimator", "estimators", "extractor", "param_grid", "model"}


def _signature(estimator):
    return inspect.signature(type(estimator)).parameters


def test_check_parameters_default_constructible(unfitted):
    wrapped = {name for name, p in _signature(unfitted).items() if p.default is p.empty}
    assert wrapped <= WRAPPED
    default = type(unfitted)(**{name: getattr(unfitted, name) for name in wrapped})
    for name, parameter in _signature(unfitted).items():
        assert parameter.kind is parameter.KEYWORD_ONLY or name in {*wrapped, "sampler"}, name
        if name not in wrapped:
            assert getattr(default, name) is parameter.default
            assert isinstance(parameter.default, (str, int, float, bool, tuple, type(None))), "may not be shared"


def test_check_no_attributes_set_in_init(unfitted):
    assert set(vars(unfitted)) == set(_signature(unfitted)) == set(unfitted.get_params(deep=False))


def test_check_get_params_invariance(unfitted):
    shallow, deep = unfitted.get_params(deep=False), unfitted.get_params(deep=True)
    assert all(deep[name] is value for name, value in shallow.items())


def test_check_set_params(unfitted):
    before = joblib.hash(unfitted.get_params())
    assert unfitted.set_params(**unfitted.get_params()) is unfitted
    assert joblib.hash(unfitted.get_params()) == before
    # Values are validated in fit: the constructor and set_params accept any value.
    for name in _signature(unfitted):
        anything = object()
        made = type(unfitted)(**{**unfitted.get_params(deep=False), name: anything})
        assert getattr(made, name) is anything
        assert getattr(clone(unfitted).set_params(**{name: anything}), name) is anything
    with pytest.raises(ValueError, match="Invalid parameter 'no_such_parameter'"):
        unfitted.set_params(no_such_parameter=1)


def test_check_estimator_cloneable(unfitted):
    copy = clone(unfitted)
    assert copy is not unfitted
    assert joblib.hash(copy.get_params()) == joblib.hash(unfitted.get_params())
    nested = {name for name, value in copy.get_params(deep=False).items() if hasattr(value, "get_params")}
    assert not any(getattr(copy, name) is getattr(unfitted, name) for name in nested)


def test_check_estimator_repr(unfitted):
    assert repr(unfitted).startswith(f"{type(unfitted).__name__}(")


def test_check_param_validation(unfitted):
    class Odd:
        """A value that no parameter accepts."""

    fit = unfitted.fit if hasattr(unfitted, "fit") else unfitted.fit_resample
    for name in _signature(unfitted):
        usual = getattr(unfitted, name)
        setattr(unfitted, name, Odd())
        # Parameters are validated before clips are read: there are none.
        with pytest.raises((ValueError, TypeError), match=rf"{name}\b.*{type(unfitted).__name__}|Odd"):
            fit(None, None)
        setattr(unfitted, name, usual)
