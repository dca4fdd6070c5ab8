"""Combinations of branches: weights that do not fall behind a branch, and a stacker where it is clearly better."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.metrics import log_loss

from savee_mm.classifiers.late_fusion._combination import (
    InnerClips,
    choose_combinations,
    combine,
    fit_temperature,
    log_scores,
)


def test_factor_is_the_inverse_of_the_best_temperature():
    rng = np.random.default_rng(0)
    codes, weights = rng.integers(0, 3, 200), rng.uniform(0.5, 2, 200)
    scores = log_softmax(3 * (np.eye(3)[codes] + rng.normal(size=(200, 3))), axis=1)

    def loss(factor):
        return log_loss(codes, softmax(factor * scores, axis=1), sample_weight=weights)

    best = fit_temperature(scores, codes, weights)
    assert loss(best) < min(loss(0.99 * best), loss(1.01 * best))


def test_a_branch_that_is_wrong_keeps_its_order():
    codes = np.tile(np.arange(3), 50)
    wrong = log_softmax(-3 * np.eye(3)[codes], axis=1)
    assert fit_temperature(wrong, codes, np.ones(150)) == pytest.approx(0.01, rel=1e-3)


def test_a_branch_that_is_sure_and_wrong_has_no_weight():
    codes = np.tile(np.arange(3), 50)
    right = log_softmax(np.eye(3)[codes] + np.random.default_rng(0).normal(size=(150, 3)), axis=1)
    wrong = log_softmax(-3 * np.eye(3)[codes], axis=1)
    clips = InnerClips(np.array([wrong, right]), codes, np.arange(150) % 5, np.ones(150))
    choice = choose_combinations(clips)[-1]
    assert choice.kind == 1
    assert choice.combination.weights[0] == 0


@pytest.mark.parametrize("n_branches", [2, 3, 5])
def test_weights_are_as_often_right_as_any_branch_at_the_least_log_loss(n_branches):
    clips = made_up(n_branches)
    judged = choose_combinations(clips, "weights")[-1].judged
    assert judged["weights"][0] >= max(judged[b][0] for b in range(n_branches))
    assert judged["weights"][1] < min(judged[b][1] for b in range(n_branches))


def test_what_weights_sum_up_is_calibrated():
    # Two branches that say the same are no surer together than one.
    clips = made_up(n_clips=400)
    doubled = InnerClips(np.repeat(clips.scores[:1], 2, axis=0), *clips[1:])
    alone, _, both = choose_combinations(doubled, "weights")
    np.testing.assert_allclose(
        both.combination.log_proba(doubled.scores), alone.combination.log_proba(doubled.scores), atol=1e-3
    )


def test_log_scores_are_bounded_and_keep_the_order():
    p = np.array([[1.0, 0, 0], [0.5, 0.3, 0.2]])
    scores = log_scores(p)
    assert scores.min() > -7
    np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1)
    np.testing.assert_array_equal(scores.argsort(axis=1)[1], p.argsort(axis=1)[1])
    np.testing.assert_allclose(np.exp(scores), p, atol=3e-3)


def test_stacker_is_taken_where_it_is_clearly_better():
    # The voice says joy for fear and fear for joy: no sum of log-probabilities mends that.
    rng = np.random.default_rng(0)
    codes, folds = np.tile(np.arange(3), 200), np.repeat(np.arange(5), 120)
    said = np.array([0, 2, 1])[codes]
    p = np.full((2, 600, 3), 0.1)
    p[0, np.arange(600), said] = 0.8
    p[1] = 1 / 3 + 0.01 * rng.normal(size=(600, 3))
    [*_, choice] = choose_combinations(InnerClips(np.log(p), codes, folds, np.ones(600)))
    assert choice.kind == "stack"
    assert choice.judged["stack"][0] > 0.9
    assert choice.judged["weights"][0] < 0.5


def made_up(n_branches=2, n_clips=200, random_state=0):
    """What good branches say of clips in five folds."""
    rng = np.random.default_rng(random_state)
    codes = rng.integers(0, 3, n_clips)
    scores = log_softmax(2 * np.eye(3)[codes] + rng.normal(size=(n_branches, n_clips, 3)), axis=2)
    return InnerClips(scores, codes, np.arange(n_clips) % 5, np.ones(n_clips))


def test_every_set_of_branches_has_a_choice():
    choices = choose_combinations(made_up(3))
    assert [choice.members for choice in choices] == [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]]
    for choice in choices:
        others = np.setdiff1d(np.arange(3), choice.members)
        assert (choice.combination.weights[others] == 0).all()
    assert [choice.kind for choice in choices[:3]] == [0, 1, 2]


def test_each_clip_is_combined_by_what_it_has():
    clips = made_up()
    choices = choose_combinations(clips, "weights")
    scores = clips.scores.copy()
    scores[0, ::3] = np.nan
    scores[1, 1::3] = np.nan
    log_p = combine([(choice.members, choice.combination) for choice in choices], scores)
    for rows, choice in (
        (slice(0, None, 3), choices[1]),
        (slice(1, None, 3), choices[0]),
        (slice(2, None, 3), choices[2]),
    ):
        expected = np.tensordot(choice.combination.weights, clips.scores[:, rows], axes=1)
        np.testing.assert_allclose(log_p[rows], log_softmax(expected, axis=1))


def test_stackers_are_judged_on_folds_that_they_were_not_fitted_to():
    clips = made_up(n_clips=60)
    judged = choose_combinations(clips)[-1].judged["stack"]
    log_p = np.empty((60, 3))
    for fold in range(5):
        rows = clips.folds == fold
        stack = choose_combinations(clips.of(~rows), "stack")[-1].combination
        log_p[rows] = stack.log_proba(clips.scores[:, rows])
    assert judged[0] == pytest.approx((log_p.argmax(axis=1) == clips.codes).mean())
    assert judged[1] == pytest.approx(log_loss(clips.codes, np.exp(log_p)))


def test_class_that_the_stacker_has_not_met_is_nearly_impossible():
    clips = made_up()
    clips = clips.of(clips.codes != 1)
    combination = choose_combinations(clips, "stack")[-1].combination
    p = np.exp(combination.log_proba(clips.scores))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (p[:, 1] < 2e-3).all()
    assert (p[:, 1] > 0).all()
