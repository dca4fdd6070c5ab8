"""Clips that a branch of a fusion does not predict: reasons and warnings."""

import warnings

import numpy as np
import pandas as pd
import pytest

from savee_mm import ClipWarning
from savee_mm._missing import SILENT, is_missing
from savee_mm.classifiers._missing_branches import missing_values, warn_of_missing

TABLE = pd.DataFrame({"audio": ["a.wav", None, ""], "pitch": [1, np.nan, 2]}, index=[3, 4, 5])


def missing(branch, columns):
    return missing_values(branch, TABLE, columns, list("abc"))


def reasons(columns):
    return {clip_id: reason for _, clip_id, _, reason in missing("voice", columns)}


def test_missing_file_is_a_missing_modality():
    found = reasons(["audio"])
    assert found == dict.fromkeys("bc", "missing audio: no value in the column 'audio'")
    assert all(map(is_missing, found.values()))


def test_missing_value_names_its_column():
    assert reasons(["pitch"]) == {"b": "no value in the column 'pitch'"}


def test_missing_column_is_missing_for_all_clips():
    assert reasons(["smile"]) == dict.fromkeys("abc", "the table has no column 'smile'")


def test_first_column_without_a_value_is_the_reason():
    assert reasons(["pitch", "audio"])["b"] == "no value in the column 'pitch'"
    assert reasons(["pitch", "audio"])["c"] == "missing audio: no value in the column 'audio'"


def test_branch_for_which_all_clips_are_missing_is_warned_of():
    with pytest.warns(ClipWarning, match="3 of 3 clips are missing for branch 'face': the table has no column 'smile'"):
        warn_of_missing(missing("face", ["smile"]), 3, stacklevel=1)


def test_file_that_holds_nothing_is_warned_of():
    with pytest.warns(
        ClipWarning, match=r"1 of 3 clips .* 'voice'; see failed_clips_. First: clip 'a' \(a.wav\): missing"
    ):
        warn_of_missing([("voice", "a", "a.wav", SILENT)], 3, stacklevel=1)


def test_every_branch_is_warned_of():
    failures = missing("face", ["smile"]) + missing("lips", ["mouth"])
    with pytest.warns(ClipWarning, match="'face'"), pytest.warns(ClipWarning, match="'lips'"):
        warn_of_missing(failures, 3, stacklevel=1)


def test_single_missing_values_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_missing(missing("voice", ["audio"]), 3, stacklevel=1)


def test_warning_is_that_of_the_caller():
    with pytest.warns(ClipWarning) as caught:
        warn_of_missing(missing("face", ["smile"]), 3, stacklevel=1)
    assert caught[0].filename == __file__
