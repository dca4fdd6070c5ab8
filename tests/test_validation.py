"""The input gate says what came, what was expected and which clip."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from savee_mm import ClipError
from savee_mm._validation import check_clips, names_in


def test_error_names_clip_path_and_reason():
    error = ClipError("no sound in it", path="corpus/DC_a01.wav")
    assert (error.clip_id, error.path, error.reason) == ("DC_a01", "corpus/DC_a01.wav", "no sound in it")
    assert str(error) == "clip 'DC_a01' (corpus/DC_a01.wav): no sound in it"
    assert isinstance(error, ValueError)


def test_error_survives_a_worker_process():
    error = pickle.loads(pickle.dumps(ClipError("empty", path="a.wav", clip_id="DC_a01")))
    assert (error.clip_id, error.path, error.reason) == ("DC_a01", "a.wav", "empty")


def test_table_is_read_by_column_name_whatever_else_it_holds():
    table = pd.DataFrame({"note": [1, 2], "audio": ["x/a.wav", Path("b.wav")], "clip_id": ["A", "B"]}, index=[7, 3])
    clips = check_clips(table, "audio")
    assert [(clip.clip_id, clip.source) for clip in clips] == [("A", "x/a.wav"), ("B", "b.wav")]


def test_clip_id_falls_back_to_the_file_name():
    assert check_clips(pd.DataFrame({"audio": ["x/a.wav"]}), "audio")[0].clip_id == "a"
    assert check_clips(["x/a.wav"], "audio")[0].clip_id == "a"
    assert check_clips(pd.DataFrame({"audio": [None]}, index=[7]), "audio")[0].clip_id == "row 7"


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, ""])
def test_missing_path_is_a_clip_without_source(missing):
    assert check_clips(pd.DataFrame({"audio": ["a.wav", missing]}), "audio")[1].source is None


def test_arrays_pass_through():
    y = np.zeros(10)
    assert check_clips([y], "audio")[0].source is y
    assert len(check_clips(np.zeros((3, 10)), "audio")) == 3


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pd.DataFrame({"video": ["a.avi"]}), r"no column 'audio'; its columns are \['video'\]"),
        (pd.DataFrame({"audio": [3]}), "clip 'row 0': expected a path in the column 'audio' of the clip table, got 3"),
        (pd.DataFrame({"audio": []}), "at least one clip"),
        ([], "at least one clip"),
        ("a.wav", r"Put the one path into a list"),
        ({"audio": ["a.wav"]}, "got dict"),
        (None, "got NoneType"),
        ([np.zeros((2, 10))], r"clip '0': expected a path or a 1-D array.*shape \(2, 10\).*average the channels"),
        ([np.array(["a"])], "clip '0': expected a path or a 1-D array of numbers"),
    ],
)
def test_what_is_no_list_of_clips_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        check_clips(X, "audio")


def test_speakers_are_known_by_name():
    assert names_in(pd.DataFrame({"speaker": ["DC", 1, 1.0, 1.5, None, np.nan, pd.NA]}), "speaker").tolist() == (
        ["DC", "1", "1", "1.5", None, None, None]
    )
    assert names_in(pd.DataFrame({"clip_id": ["a", "b"]}), "speaker").tolist() == [None, None]
