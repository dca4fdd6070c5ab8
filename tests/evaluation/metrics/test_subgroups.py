"""Metrics of groups, gaps, and groups that are left out."""

import numpy as np
import pandas as pd
import pytest

from savee_mm.evaluation.metrics.scores import score
from savee_mm.evaluation.metrics.subgroups import gap, group_scores, grouping_columns, largest_gap, name_groups


def test_scores_are_those_of_the_clips_of_the_group(make_predictions):
    rows = make_predictions()
    table = group_scores(rows, "sex")
    assert sorted(table.index) == ["female", "male"]
    for sex, line in table.iterrows():
        own = rows[rows["sex"] == sex]
        expected = score(own["target"], own["predicted"])
        assert (line["n_clips"], line["n_speakers"]) == (len(own), 2)
        for name in ("accuracy", "uar"):
            assert line[name] == pytest.approx(expected[name])
            assert line[f"{name}_low"] < line[name] < line[f"{name}_high"]


def test_lowest_group_is_first(make_predictions):
    table = group_scores(make_predictions(right=[0.9, 0.5, 0.7, 0.8], n_clips=60), "speaker")
    assert table.index[0] == "S1"
    assert table["accuracy"].is_monotonic_increasing


@pytest.mark.parametrize(("n_speakers", "drawn"), [(2, "clips within speakers"), (8, "speakers (t)"), (16, "speakers")])
def test_intervals_are_over_the_speakers_of_the_group(make_predictions, n_speakers, drawn):
    """Half of the speakers are in each group: one, four or eight people."""
    table = group_scores(make_predictions(n_speakers=n_speakers), "sex")
    assert table["n_speakers"].tolist() == [n_speakers / 2] * 2
    assert table["drawn"].unique().tolist() == [drawn]


def test_without_speakers_clips_are_drawn(make_predictions):
    rows = make_predictions()
    assert set(group_scores(rows.assign(speaker=rows["speaker"].replace("S0", "")), "sex")["drawn"]) == {
        "clips",
        "speakers (t)",
    }


def test_gap_is_between_the_lowest_and_the_highest_group(make_predictions):
    rows = make_predictions(right=[0.9, 0.5, 0.7, 0.8], n_clips=60)
    accuracy, uar = largest_gap(rows, "speaker")
    by_speaker = (rows["target"] == rows["predicted"]).groupby(rows["speaker"]).mean()
    assert accuracy == {
        "column": "speaker",
        "metric": "accuracy",
        "gap": pytest.approx(by_speaker.max() - by_speaker.min()),
        "lowest": "S1",
        "low": pytest.approx(by_speaker["S1"]),
        "highest": "S0",
        "high": pytest.approx(by_speaker["S0"]),
    }
    assert uar["metric"] == "uar"


def test_gap_is_undefined_if_a_group_has_no_value():
    undefined = gap(pd.Series({"f": 0.5, "m": np.nan, "x": 0.25}))
    assert (undefined["lowest"], undefined["highest"]) == ("m", "m")
    assert np.isnan([undefined[name] for name in ("gap", "low", "high")]).all()
    assert gap(pd.Series({"f": 0.5, "m": 0.25}))["gap"] == 0.25


def test_small_groups_are_left_out_of_gaps(make_predictions):
    rows = make_predictions(n_clips=30)
    rows["room"] = np.where(np.arange(len(rows)) < 19, "small", "large")
    assert largest_gap(rows, "room") == []
    assert group_scores(rows, "room").loc["small", "n_clips"] == 19
    # With two seeds there are still 19 clips.
    assert largest_gap(pd.concat([rows, rows.assign(seed=1)]), "room") == []


def test_numbers_are_cut_into_quarters():
    ages = pd.Series([*range(20, 60), None], name="age")
    groups = name_groups(ages)
    assert groups.nunique() == 5
    assert groups.value_counts().loc[lambda n: n.index != "unknown"].tolist() == [10] * 4
    assert groups.iloc[-1] == "unknown"
    assert name_groups(pd.Series([1, 2, 2], name="intensity")).tolist() == ["1", "2", "2"]
    assert name_groups(pd.Series([f"{n:02}" for n in range(20)], name="speaker")).nunique() == 20


def test_many_sentences_are_grouped_only_on_request(make_predictions):
    rows = make_predictions()
    rows["sentence"] = [str(n % 30) for n in range(len(rows))]
    rows["intensity"] = np.arange(len(rows)) % 2
    assert grouping_columns(rows) == ["speaker", "sex", "intensity"]
    assert len(group_scores(rows, "sentence")) == 30


def test_missing_values_are_a_group():
    assert name_groups(pd.Series(["f", None, np.nan, "m"], name="sex")).tolist() == ["f", "unknown", "unknown", "m"]
