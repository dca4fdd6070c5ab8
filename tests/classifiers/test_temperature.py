"""Temperature scaling: the divisor of scores with the smallest log loss."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.metrics import log_loss as reference_log_loss

from savee_mm.classifiers._temperature import fit_temperature, log_loss

BOUNDS = (1 / 30, 100)


def make_scores(n_clips=200, random_state=0):
    """Return overconfident log-probabilities of three classes, the true classes, and weights."""
    rng = np.random.default_rng(random_state)
    codes, weights = rng.integers(0, 3, n_clips), rng.uniform(0.5, 2, n_clips)
    return log_softmax(3 * (np.eye(3)[codes] + rng.normal(size=(n_clips, 3))), axis=1), codes, weights


def test_log_loss_is_that_of_scikit_learn():
    scores, codes, weights = make_scores()
    assert log_loss(scores, codes, weights) == pytest.approx(
        reference_log_loss(codes, np.exp(scores), sample_weight=weights)
    )


def test_temperature_has_the_smallest_log_loss():
    scores, codes, weights = make_scores()

    def loss(temperature):
        return reference_log_loss(codes, softmax(scores / temperature, axis=1), sample_weight=weights)

    best = fit_temperature(scores, codes, weights, BOUNDS)
    assert loss(best) < min(loss(0.99 * best), loss(1.01 * best))


def test_temperature_scales_with_the_scores():
    scores, codes, weights = make_scores()
    single, double = (fit_temperature(factor * scores, codes, weights, BOUNDS) for factor in (1, 2))
    # The search ends within 1e-6 of the logarithm of either.
    assert double == pytest.approx(2 * single, rel=1e-5)


def test_temperature_of_wrong_scores_is_the_upper_bound():
    codes = np.tile(np.arange(3), 50)
    wrong = log_softmax(-3 * np.eye(3)[codes], axis=1)
    assert fit_temperature(wrong, codes, np.ones(150), BOUNDS) == pytest.approx(100, rel=1e-3)
