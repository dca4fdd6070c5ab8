"""CORAL: means and covariances of an unseen corpus become those of the training."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from savee_mm import CORAL

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(4, 4))


def make(n=400, seed=0, mix=MIX, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, 4)) @ mix + shift


def test_means_and_covariances_are_those_of_the_training():
    train, other = make(), make(seed=1, mix=np.diag([3.0, 1, 0.2, 1]), shift=7)
    aligned = CORAL(regularization=1e-9).fit(train).transform(other)
    np.testing.assert_allclose(aligned.mean(axis=0), train.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(np.cov(aligned.T), np.cov(train.T), rtol=1e-6, atol=1e-6)


def test_training_samples_stay():
    """Their own covariance is that of the training, so that the alignment is the identity."""
    train = make()
    coral = CORAL()
    np.testing.assert_array_equal(coral.fit_transform(train), train)
    np.testing.assert_allclose(coral.transform(train), train, atol=1e-9)


def test_map_is_that_of_the_publication():
    """Whitening by (C_other + I)^(-1/2), colouring by (C_train + I)^(1/2), with matrix square roots of scipy."""
    from scipy.linalg import inv, sqrtm

    train, other = make(), make(seed=1, mix=np.eye(4))
    expected = (
        (other - other.mean(axis=0)) @ inv(sqrtm(np.cov(other.T) + np.eye(4))) @ sqrtm(np.cov(train.T) + np.eye(4))
    )
    np.testing.assert_allclose(CORAL().fit(train).transform(other), expected.real + train.mean(axis=0))


def test_regularization_keeps_correlations():
    train, other = make(), make(seed=1, mix=np.eye(4))
    moved = CORAL(regularization=1e9).fit(train).transform(other)
    np.testing.assert_allclose(moved - moved.mean(axis=0), other - other.mean(axis=0), atol=1e-6)


def test_fewer_samples_than_features():
    wide = np.random.default_rng(0).normal(size=(10, 50))
    assert np.isfinite(CORAL().fit(wide).transform(wide[:9] + 1)).all()


def test_small_calls_are_not_aligned():
    coral = CORAL(min_samples=5).fit(make())
    few = make(4, seed=2, shift=9)
    np.testing.assert_array_equal(coral.transform(few), few)
    assert abs(coral.transform(make(5, seed=2, shift=9)).mean()) < 3


def test_classifier_of_a_rotated_domain():
    """A domain with other variances is classified as well as the training domain, where labels are balanced."""
    X, y = make(seed=3, mix=np.eye(4)), np.tile([0, 1], 200)
    X[y == 1] += [2, 2, 0, 0]
    domain = X * [0.1, 10, 1, 1] + 5
    plain = LogisticRegression().fit(X, y)
    aligned = make_pipeline(CORAL(regularization=1e-6), LogisticRegression()).fit(X, y)
    assert aligned.score(domain, y) > plain.score(X, y) - 0.02
    assert plain.score(domain, y) < 0.7


@pytest.mark.parametrize("params", [{"regularization": 0}, {"min_samples": 1}])
def test_bad_parameters(params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter of CORAL"):
        CORAL(**params).fit(make())
