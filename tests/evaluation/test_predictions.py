"""Columns of a clip table that predictions keep, and columns that are read from predictions."""

import json

import numpy as np
import pandas as pd

from savee_mm.evaluation._predictions import clip_codes, extra_columns, group_columns, read_probabilities


def test_columns_that_form_groups_are_kept():
    table = pd.DataFrame(
        {
            "audio": [f"{n}.wav" for n in range(8)],
            "speaker": list("AABBCCDD"),
            "clip_id": range(8),
            "sex": ["f", "m", "f", None] * 2,
            "age": np.repeat([20, 30], 4),
            "loud": np.array([True, False] * 4),
            "loudness": np.linspace(0, 1, 8),  # a different value for each clip
            "array": [np.zeros(2)] * 8,
            "p_sex": "f",  # the name of a probability
            "fold": 3,  # the name of a column of predictions
        }
    )
    groups = group_columns(table)
    assert list(groups) == ["sex", "age", "loud"]
    cells = groups.iloc[np.array([3, 4])].to_dict("list")
    assert json.loads(json.dumps(cells)) == {"sex": [None, "f"], "age": [20, 30], "loud": [False, True]}


def test_class_that_is_missing_from_training_has_probability_0():
    rows = pd.DataFrame({"p_a": [0.5, 1.0], "p_b": [0.5, np.nan], "p_c": [np.nan, np.nan]})
    probabilities, classes = read_probabilities(rows)
    assert classes == ["a", "b"]
    np.testing.assert_array_equal(probabilities, [[0.5, 0.5], [1, 0]])


def test_probabilities_of_some_rows_only_are_ignored():
    assert read_probabilities(pd.DataFrame({"p_a": [0.5, np.nan], "p_b": [0.5, np.nan]})) == (None, [])
    assert read_probabilities(pd.DataFrame({"speaker": ["A"]})) == (None, [])


def test_clips_of_one_name_are_distinguished_by_speaker():
    rows = pd.DataFrame({"speaker": ["A", "B", "A", "A"], "clip_id": [1, 1, 2, 1]})
    codes, speakers = clip_codes(rows)
    assert codes.tolist() == [0, 1, 2, 0]
    assert speakers.tolist() == ["A", "B", "A"]


def test_extra_columns_begin_with_the_speaker(make_predictions):
    assert extra_columns(make_predictions().assign(history=None)) == ["speaker", "sex"]
