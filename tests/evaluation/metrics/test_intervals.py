"""Bootstrap intervals: their draws, their coverage, and agreement with resampled tables."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import sem, t
from sklearn.metrics import log_loss, precision_recall_fscore_support

from savee_mm.evaluation.metrics.intervals import COVERAGE, bootstrap, bootstrap_classes, draw, interval, over_speakers
from savee_mm.evaluation.metrics.scores import score


def test_with_fewer_than_eight_speakers_each_keeps_the_number_of_clips():
    speakers = np.repeat(["A", "B"], [10, 25])
    weights, drawn = draw(speakers, n_draws=50)
    assert drawn == "clips within speakers"
    assert (weights[0] == 1).all()
    assert (weights[:, :10].sum(axis=1) == 10).all()
    assert (weights[:, 10:].sum(axis=1) == 25).all()
    assert (weights[1:].max(axis=1) > 1).all()


def test_eight_speakers_are_drawn_with_all_their_clips():
    speakers = np.repeat([f"S{n}" for n in range(8)], 5)
    weights, drawn = draw(speakers, n_draws=50)
    assert drawn == "speakers"
    by_speaker = weights.reshape(51, 8, 5)
    assert (by_speaker == by_speaker[:, :, :1]).all()
    assert (by_speaker[:, :, 0].sum(axis=1) == 8).all()


def test_without_speakers_clips_are_drawn():
    assert draw([""] * 20, n_draws=5).drawn == "clips"
    assert set(COVERAGE) == {"clips", "speakers", "speakers (t)", "clips within speakers"}


def test_with_missing_speakers_clips_are_drawn():
    assert draw(["A", "B", "", "B"] * 10, n_draws=5).drawn == "clips"
    assert draw([*map(str, range(20)), ""], n_draws=5).drawn == "clips"


def test_same_seed_same_draws_and_they_are_read_only():
    speakers = ["A", "B"] * 10
    first, again, other = (draw(speakers, n_draws=9, random_state=seed).weights for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 2


def test_values_are_those_of_a_table_with_repeated_rows(make_predictions):
    rows = make_predictions(n_speakers=2, n_clips=20)
    weights, _ = draw(rows["speaker"], n_draws=1)
    repeated = rows.loc[rows.index.repeat(weights[1].astype(int))]
    table = bootstrap(rows, n_draws=1)  # both ends of the interval are the single sample
    expected = score(repeated["target"], repeated["predicted"])
    expected["log_loss"] = log_loss(repeated["target"], repeated.filter(regex="^p_"))
    assert table["low"].to_dict() == pytest.approx(expected, abs=1e-6)
    assert table["high"].to_dict() == pytest.approx(expected, abs=1e-6)
    whole = score(rows["target"], rows["predicted"])
    whole["log_loss"] = log_loss(rows["target"], rows.filter(regex="^p_"))
    assert table["value"].to_dict() == pytest.approx(whole, abs=1e-6)


def test_interval_of_a_proportion_is_close_to_the_binomial_one():
    right = np.resize([1.0, 1.0, 1.0, 0.0], 400)
    weights, _ = draw(["A"] * 400)
    figure, low, high = interval(weights @ right / 400)
    sd = np.sqrt(0.75 * 0.25 / 400)
    assert figure == 0.75
    np.testing.assert_allclose([low, high], [0.75 - 1.96 * sd, 0.75 + 1.96 * sd], atol=0.004)


def test_interval_over_speakers_is_wide_if_speakers_differ(make_predictions):
    right = np.tile([0.4, 0.95], 8)
    rows = make_predictions(n_speakers=16, right=right)
    over_speakers = bootstrap(rows).loc["accuracy"]
    over_clips = bootstrap(rows.assign(speaker="", clip_id=rows.index)).loc["accuracy"]
    assert (over_speakers["drawn"], over_clips["drawn"]) == ("speakers", "clips")
    assert over_speakers["value"] == over_clips["value"]
    assert over_speakers["high"] - over_speakers["low"] > 2 * (over_clips["high"] - over_clips["low"])


def test_more_seeds_do_not_narrow_the_interval(make_predictions):
    one = make_predictions()
    three = pd.concat([one.assign(seed=seed) for seed in range(3)], ignore_index=True)
    pd.testing.assert_frame_equal(bootstrap(one), bootstrap(three))
    pd.testing.assert_frame_equal(bootstrap_classes(one), bootstrap_classes(three))


def test_without_probabilities_there_is_no_log_loss(make_predictions):
    rows = make_predictions()
    assert "log_loss" not in bootstrap(rows[[name for name in rows if not name.startswith("p_")]]).index


def test_scores_of_classes_agree_with_scikit_learn(make_predictions):
    rows = make_predictions()
    table = bootstrap_classes(rows)
    expected = precision_recall_fscore_support(rows["target"], rows["predicted"])
    for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
        np.testing.assert_allclose(table[name], values)
        assert (table[f"{name}_low"] < table[name]).all()
        assert (table[name] < table[f"{name}_high"]).all()
    assert table["n_clips"].tolist() == expected[3].tolist()


def test_no_interval_without_a_value():
    figure, low, high = interval(np.full(5, np.nan))
    assert np.isnan([figure, low, high]).all()


# In 40 experiments, a 95 % interval misses the true value more than 7 times with a probability below .001.
def test_interval_covers_the_true_value():
    random = np.random.default_rng(0)
    weights = draw(["A"] * 200, n_draws=500).weights
    missed = 0
    for _ in range(40):
        _, low, high = interval(weights @ (random.random(200) < 0.6) / 200)
        missed += not low <= 0.6 <= high
    assert missed <= 7


def test_t_interval_over_speakers_is_that_of_scipy(make_predictions):
    """With equal numbers of clips, the interval is that of the mean of the speakers' values."""
    rows = make_predictions(n_speakers=5, right=[0.9, 0.5, 0.7, 0.8, 0.6])
    table = over_speakers(rows)
    for name in ("accuracy", "uar"):
        values = [score(own["target"], own["predicted"])[name] for _, own in rows.groupby("speaker")]
        expected = t.interval(0.95, len(values) - 1, np.mean(values), sem(values))
        np.testing.assert_allclose(table.loc[name, ["low", "high"]].astype(float), expected)
    assert table["drawn"].unique().tolist() == ["speakers (t)"]


def test_t_interval_does_not_shrink_with_more_clips(make_predictions):
    """People are counted: four times the clips of the same speakers, with the same accuracies, add no information."""
    rows = make_predictions(n_speakers=3, right=[0.9, 0.5, 0.7])
    more = pd.concat([rows.assign(clip_id=rows["clip_id"] + f"-{copy}") for copy in range(4)])
    few, many = over_speakers(rows), over_speakers(more)
    pd.testing.assert_frame_equal(few, many)
    assert (
        np.diff(bootstrap(more).loc["accuracy", ["low", "high"]])[0] < np.diff(few.loc["accuracy", ["low", "high"]])[0]
    )


def test_t_interval_of_two_speakers_is_within_the_range_of_the_metric(make_predictions):
    table = over_speakers(make_predictions(n_speakers=2, right=[0.95, 0.3]))
    assert table["low"].tolist() == [0, 0]
    assert table["high"].tolist() == [1, 1]
