"""Databases of audformat: corpora there and back, and databases with tables of their own."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from savee_mm import load_audformat, to_audformat
from savee_mm.datasets._common import make_bunch

audformat = pytest.importorskip("audformat", reason="the extra 'interchange' is not installed")
# audformat 1.4 calls pandas in a way that pandas 3.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.set_index:DeprecationWarning")


@pytest.fixture
def segments(tmp_path):
    table = {
        "audio": [str(tmp_path / "a.wav")] * 2 + [str(tmp_path / "b.mp4")],
        "video": [str(tmp_path / "a.avi")] * 2 + [str(tmp_path / "b.mp4")],
        "speaker": ["ann", "ann", "007"],
        "sentence": ["1", "2", None],
        "clip_id": ["x", "y", "z"],
        "start": [0.0, 1.25, np.nan],
        "end": [1.25, 3.000000001, np.nan],
        "age": [30, 30, 41],
    }
    return make_bunch(pd.DataFrame(table), ["joy", "anger", "joy"], "")


def test_synthetic_corpus_there_and_back_by_a_folder(corpus, tmp_path):
    to_audformat(corpus, name="synthetic").save(tmp_path / "database")
    loaded = load_audformat(tmp_path / "database")
    columns = ["audio", "video", "speaker", "sentence", "clip_id"]
    pd.testing.assert_frame_equal(loaded.data[columns], corpus.data[columns])
    assert loaded.target.tolist() == corpus.target.tolist()
    assert loaded.groups.tolist() == corpus.groups.tolist()


def test_segments_there_and_back(segments):
    loaded = load_audformat(to_audformat(segments, name="talk"))
    pd.testing.assert_frame_equal(loaded.data[list(segments.data)], segments.data, check_dtype=False, rtol=0, atol=0)
    assert loaded.target.tolist() == segments.target.tolist()


def test_database_with_a_table_of_speakers_and_open_segments(tmp_path):
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(24000), 8000)
    database = audformat.Database("other", source="a test")
    database.schemes["emotion"] = audformat.Scheme(labels=["joy", "anger"])
    people = {"s1": {"gender": "female", "age": 30}, "s2": {"gender": "male", "age": 41}}
    database.schemes["speaker"] = audformat.Scheme(labels=people)
    index = audformat.segmented_index(["a.wav", "a.wav", "b.wav"], starts=[0, 1.5, 0], ends=[1.5, None, None])
    database["emotion"] = audformat.Table(index)
    database["emotion"]["emotion"] = audformat.Column(scheme_id="emotion")
    database["emotion"]["emotion"].set(["joy", "anger", None])
    database["files"] = audformat.Table(audformat.filewise_index(["a.wav", "b.wav"]))
    database["files"]["speaker"] = audformat.Column(scheme_id="speaker")
    database["files"]["speaker"].set(["s1", "s2"])
    database.save(tmp_path)
    bunch = load_audformat(tmp_path, columns={"sex": "gender"})
    assert bunch.data[["start", "end"]].to_numpy().tolist() == [[0.0, 1.5], [1.5, 3.0]]
    assert bunch.data["audio"].tolist() == [str(tmp_path / "a.wav")] * 2
    assert bunch.data[["speaker", "sex", "age"]].to_numpy().tolist() == [["s1", "female", 30]] * 2
    assert bunch.data["clip_id"].tolist() == ["a_0.000-1.500", "a_1.500-3.000"]
    assert bunch.target.tolist() == ["joy", "anger"]
    assert "a test" in bunch.DESCR
    with pytest.raises(ValueError, match="no value of 'mood'; its schemes are emotion, speaker"):
        load_audformat(tmp_path, target="mood")


def test_clips_that_audformat_cannot_hold(segments):
    segments.data[["start", "end"]] = 0.0, 1.0
    with pytest.raises(ValueError, match="Two clips are one segment of"):
        to_audformat(segments, name="talk")
    segments.data["audio"] = segments.data["video"] = None
    with pytest.raises(ValueError, match="neither audio nor video"):
        to_audformat(segments, name="talk")
