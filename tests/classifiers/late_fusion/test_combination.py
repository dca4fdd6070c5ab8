"""Combinations of branches: sums that are not worse than a branch, and a stacker where it is clearly better."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.metrics import log_loss

from savee_mm.classifiers.late_fusion._combination import (
    OutOfFold,
    choose_combinations,
    combine,
    log_scores,
)


def test_confident_and_wrong_branch_has_hardly_any_weight():
    codes = np.tile(np.arange(3), 50)
    right = log_softmax(np.eye(3)[codes] + np.random.default_rng(0).normal(size=(150, 3)), axis=1)
    wrong = log_softmax(-3 * np.eye(3)[codes], axis=1)
    clips = OutOfFold(np.array([wrong, right]), codes, np.arange(150) % 5, np.ones(150))
    weights = choose_combinations(clips, "weights")[-1].combination.weights
    assert weights[0] < 0.01 * weights[1]


@pytest.mark.parametrize("n_branches", [2, 3, 5])
def test_weights_have_the_accuracy_of_any_branch_at_a_lower_log_loss(n_branches):
    clips = make_out_of_fold(n_branches)
    metrics = choose_combinations(clips, "weights")[-1].metrics
    assert metrics["weights"][0] >= max(metrics[b][0] for b in range(n_branches))
    assert metrics["weights"][1] < min(metrics[b][1] for b in range(n_branches))


def test_similar_branches_have_equal_weights():
    clips = make_out_of_fold(3, n_clips=100)
    weights = choose_combinations(clips, "weights")[-1].combination.weights
    temperatures = [choice.combination.weights[b] for b, choice in enumerate(choose_combinations(clips)[:3])]
    np.testing.assert_allclose(weights / temperatures / np.sum(weights / temperatures), 1 / 3, atol=0.1)


def test_branch_that_knows_little_has_little_weight():
    clips = make_out_of_fold(2, n_clips=400)
    noise = log_softmax(np.random.default_rng(1).normal(size=clips.scores.shape[1:]), axis=1)
    clips = clips._replace(scores=np.stack([clips.scores[0], noise]))
    weights = choose_combinations(clips, "weights")[-1].combination.weights
    assert weights[1] < 0.1 * weights[0]


def test_weighted_sum_is_calibrated():
    # Two equal branches are together as confident as one.
    clips = make_out_of_fold(n_clips=400)
    doubled = OutOfFold(np.repeat(clips.scores[:1], 2, axis=0), *clips[1:])
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


def test_stacker_is_chosen_where_it_is_clearly_better():
    # The voice swaps joy and fear: no sum of log-probabilities corrects that.
    rng = np.random.default_rng(0)
    codes, folds = np.tile(np.arange(3), 200), np.repeat(np.arange(5), 120)
    swapped = np.array([0, 2, 1])[codes]
    p = np.full((2, 600, 3), 0.1)
    p[0, np.arange(600), swapped] = 0.8
    p[1] = 1 / 3 + 0.01 * rng.normal(size=(600, 3))
    [*_, choice] = choose_combinations(OutOfFold(np.log(p), codes, folds, np.ones(600)))
    assert choice.kind == "stack"
    assert choice.metrics["stack"][0] > 0.9
    assert choice.metrics["weights"][0] < 0.5


def make_out_of_fold(n_branches=2, n_clips=200, random_state=0):
    """Return out-of-fold predictions of good branches in five folds."""
    rng = np.random.default_rng(random_state)
    codes = rng.integers(0, 3, n_clips)
    scores = log_softmax(2 * np.eye(3)[codes] + rng.normal(size=(n_branches, n_clips, 3)), axis=2)
    return OutOfFold(scores, codes, np.arange(n_clips) % 5, np.ones(n_clips))


def test_every_set_of_branches_has_a_choice():
    choices = choose_combinations(make_out_of_fold(3))
    assert [choice.branches for choice in choices] == [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]]
    for choice in choices:
        others = np.setdiff1d(np.arange(3), choice.branches)
        assert (choice.combination.weights[others] == 0).all()
    assert [choice.kind for choice in choices[:3]] == [0, 1, 2]


def test_each_clip_is_combined_by_the_branches_that_predict_it():
    clips = make_out_of_fold()
    choices = choose_combinations(clips, "weights")
    scores = clips.scores.copy()
    scores[0, ::3] = np.nan
    scores[1, 1::3] = np.nan
    log_p = combine([(choice.branches, choice.combination) for choice in choices], scores)
    for rows, choice in (
        (slice(0, None, 3), choices[1]),
        (slice(1, None, 3), choices[0]),
        (slice(2, None, 3), choices[2]),
    ):
        expected = np.tensordot(choice.combination.weights, clips.scores[:, rows], axes=1)
        np.testing.assert_allclose(log_p[rows], log_softmax(expected, axis=1))


def test_stackers_are_evaluated_on_folds_that_they_were_not_fitted_to():
    clips = make_out_of_fold(n_clips=60)
    metrics = choose_combinations(clips)[-1].metrics["stack"]
    log_p = np.empty((60, 3))
    for fold in range(5):
        rows = clips.folds == fold
        stack = choose_combinations(clips.take(~rows), "stack")[-1].combination
        log_p[rows] = stack.log_proba(clips.scores[:, rows])
    assert metrics[0] == pytest.approx((log_p.argmax(axis=1) == clips.codes).mean())
    assert metrics[1] == pytest.approx(log_loss(clips.codes, np.exp(log_p)))


def test_class_without_training_clips_is_improbable_for_the_stacker():
    clips = make_out_of_fold()
    clips = clips.take(clips.codes != 1)
    combination = choose_combinations(clips, "stack")[-1].combination
    p = np.exp(combination.log_proba(clips.scores))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (p[:, 1] < 2e-3).all()
    assert (p[:, 1] > 0).all()
