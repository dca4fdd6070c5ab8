"""Clips of a late fusion: which have the values that a branch reads, and whose speakers are unseen."""

import numpy as np
import pandas as pd
import pytest

from savee_mm.classifiers.late_fusion._clips import clips_present, read_clips, read_training_clips

SPEAKERS = np.repeat(["A", "B"], 20)


def unseen(table, seen=()):
    return read_clips(table, {"voice": []}).unseen_speakers(seen).tolist()


def read_training(table, y, **params):
    return read_training_clips(table, y, {"voice": []}, **params)


def make_table(speakers=SPEAKERS):
    table = pd.DataFrame({"speaker": speakers, "clip_id": [f"c{i}" for i in range(len(speakers))]})
    return table, np.resize(["anger", "joy"], len(speakers))


@pytest.mark.parametrize("empty", [None, "", np.nan, pd.NA])
def test_clip_needs_a_value_in_every_column(empty):
    table = pd.DataFrame({"video": ["a.avi", empty, "b.avi"], "smile": [0, 1, np.nan]})
    assert clips_present(table, ["video"]).tolist() == [True, False, True]
    assert clips_present(table, ["video", "smile"]).tolist() == [True, False, False]


def test_without_columns_every_clip_is_present():
    assert clips_present(pd.DataFrame({"smile": [0, np.nan]}), []).all()


def test_no_clip_has_a_value_in_a_missing_column():
    assert not clips_present(pd.DataFrame({"smile": [0, 1]}), ["smile", "brow"]).any()


def test_unseen_speakers_are_found_by_name():
    assert unseen(pd.DataFrame({"speaker": [1, "2", None, "x", np.nan]}), ["1"]) == [None, "2", None, "x", None]


def test_numbers_of_speakers_are_names_also_in_a_column_with_gaps():
    assert unseen(pd.DataFrame({"speaker": [1, 2, np.nan]}), ["1"]) == [None, "2", None]


def test_without_the_column_no_speaker_is_known():
    assert unseen(pd.DataFrame({"pitch": range(5)}), ["1"]) == [None] * 5


def test_augmented_copies_have_no_unseen_speaker():
    assert unseen(pd.DataFrame({"speaker": ["x"] * 3, "augmentation": ["", None, "gain=-3.0"]})) == ["x", "x", None]


def test_seen_speakers_are_those_of_weighted_clips():
    table, y = make_table()
    assert read_training(table, y).seen_speakers == ["A", "B"]
    assert read_training(table, y, sample_weight=(SPEAKERS == "B") * 2.0).seen_speakers == ["B"]


def test_speakers_are_unseen_in_folds_by_speaker():
    assert read_training(*make_table()).unseen_in_fold.tolist() == SPEAKERS.tolist()


def test_speakers_in_several_folds_are_not_unseen():
    assert read_training(*make_table(), inner_groups="clip_id").unseen_in_fold.tolist() == [None] * 40
