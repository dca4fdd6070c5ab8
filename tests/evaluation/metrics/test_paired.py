"""Paired comparisons: by hand, against scipy, and under the null hypothesis."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, permutation_test

from savee_mm.evaluation.metrics.paired import branch_gains, compare


def rows(right, speakers, seed=0):
    """Predictions that are correct where ``right`` is true."""
    right = np.asarray(right)
    return pd.DataFrame(
        {
            "speaker": speakers,
            "clip_id": np.arange(len(right)),
            "seed": seed,
            "target": "a",
            "predicted": np.where(right, "a", "b"),
        }
    )


def test_mcnemar_by_hand():
    speakers = np.repeat(["A", "B"], 10)
    first, second = np.ones(20, bool), np.ones(20, bool)
    second[:6] = False  # six clips that only the first predicts correctly
    first[10] = False  # one that only the second predicts correctly
    result = compare(rows(first, speakers), rows(second, speakers))
    assert (result["better"], result["worse"]) == (6, 1)
    assert result["difference"] == pytest.approx(5 / 20)
    assert result["p_clips"] == pytest.approx(2 * binom.cdf(1, 7, 0.5))
    assert result["low"] < 5 / 20 < result["high"]


@pytest.mark.parametrize("n_speakers", [4, 9])
def test_sign_flips_agree_with_scipy(n_speakers):
    speakers = np.repeat([f"S{n}" for n in range(n_speakers)], 12)
    random = np.random.default_rng(1)
    first, second = (rows(random.random(12 * n_speakers) < share, speakers) for share in (0.75, 0.6))
    result = compare(first, second)
    means = [part.groupby("speaker")["predicted"].apply(lambda p: (p == "a").mean()) for part in (first, second)]
    expected = permutation_test(means, lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf)
    assert result["p_speakers"] == pytest.approx(expected.pvalue)
    assert result["p_speakers_least"] == 2 / 2**n_speakers


def test_four_speakers_with_equal_signs_give_an_eighth():
    speakers = np.repeat(list("ABCD"), 10)
    result = compare(rows([True] * 40, speakers), rows([False] * 40, speakers))
    assert result["p_clips"] < 1e-9
    assert result["p_speakers"] == result["p_speakers_least"] == 0.125


def test_signs_of_many_speakers_are_flipped_at_random():
    speakers = np.repeat([f"S{n}" for n in range(20)], 5)
    random = np.random.default_rng(2)
    first, second = (rows(random.random(100) < share, speakers) for share in (0.95, 0.4))
    assert compare(first, second)["p_speakers"] < 0.001
    assert compare(first, second) == compare(first, second)


def test_no_difference():
    same = rows([True, False] * 5, ["A", "B"] * 5)
    result = compare(same, same)
    assert (result["difference"], result["p_clips"], result["p_speakers"]) == (0, 1, 1)


def test_single_speaker_gives_no_test_over_speakers():
    result = compare(rows([True] * 9, "A"), rows([False] * 9, "A"))
    assert np.isnan(result["p_speakers"])


def test_missing_speakers_give_no_test_over_speakers():
    speakers = ["A", "A", "B", None]
    result = compare(rows([True] * 4, speakers), rows([False] * 4, speakers))
    assert np.isnan([result["p_speakers"], result["p_speakers_least"]]).all()
    assert result["drawn"] == "clips"


def test_clip_counts_once_for_any_number_of_seeds():
    speakers = ["A"] * 6 + ["B"] * 6
    first, second = np.resize([True, True, False], 12), np.resize([True, False, False], 12)
    one = compare(rows(first, speakers), rows(second, speakers))
    many = pd.concat([rows(first, speakers, seed) for seed in range(5)])
    assert compare(many, rows(second, speakers)) == one


def test_different_clips_are_refused():
    with pytest.raises(ValueError, match="3 of 10 have predictions of only one"):
        compare(rows([True] * 10, "A"), rows([True] * 7, "A"))


def test_both_tests_keep_their_level_without_a_difference():
    random = np.random.default_rng(3)
    speakers = np.repeat([f"S{n}" for n in range(10)], 20)
    tested = [compare(*(rows(random.random(200) < 0.6, speakers) for _ in "ab"), n_draws=2) for _ in range(60)]
    for name in ("p_clips", "p_speakers"):
        # More than 9 of 60 below .05 has a probability of .001.
        assert sum(result[name] <= 0.05 for result in tested) <= 9


def test_only_the_test_over_speakers_keeps_its_level_if_speakers_differ():
    random = np.random.default_rng(4)
    speakers = np.repeat([f"S{n}" for n in range(10)], 60)
    rejected = {"p_clips": 0, "p_speakers": 0}
    for _ in range(40):
        # Each speaker suits one of the systems at random: over unseen speakers there is no difference.
        lean = np.repeat(random.choice([-0.2, 0.2], 10), 60)
        first, second = (rows(random.random(600) < 0.6 + sign * lean / 2, speakers) for sign in (1, -1))
        result = compare(first, second, n_draws=2)
        for name in rejected:
            rejected[name] += result[name] <= 0.05
    assert rejected["p_speakers"] <= 7
    assert rejected["p_clips"] > 12


def test_gain_is_over_the_most_accurate_branch():
    target = np.array(["x", "y"] * 4)
    rows = pd.DataFrame({"seed": np.repeat([0, 1], 4), "target": target, "predicted": target})
    rows["branch_a"] = ["x", "y", "x", "x", "x", "x", "x", "x"]
    rows["branch_b"] = ["x", "x", None, None, "x", "y", "x", None]
    gains = branch_gains(rows)
    assert gains["combined"].tolist() == [1, 1]
    assert gains["best_branch"].tolist() == ["a", "b"]
    assert gains["best"].tolist() == [0.75, 0.75]
    assert gains["difference"].tolist() == [0.25, 0.25]
    assert gains["branch_b"].tolist() == [0.25, 0.75]


def test_folds_without_branches_are_left_out():
    rows = pd.DataFrame({"seed": 0, "target": ["x", "x"], "predicted": ["x", "y"], "branch_a": ["x", None]})
    assert branch_gains(rows).loc[0, ["combined", "best"]].tolist() == [1, 1]
    assert branch_gains(rows.assign(branch_a=None)).empty
    assert branch_gains(rows.drop(columns="branch_a")).empty
