"""load_table: what a user's own table must have, and what is said where it does not."""

import numpy as np
import pandas as pd
import pytest

from savee_mm.datasets.table import load_table

HEADER = "audio,video,speaker,sentence,clip_id,emotion,age\n"


@pytest.fixture
def corpus(tmp_path):
    """Write four files in two folders; return a function that writes a CSV file beside them."""
    for name in ("ann/one.wav", "ann/two.wav", "bob/one.wav", "bob/one.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    def write(text, name="clips.csv", encoding="utf-8"):
        (tmp_path / name).write_text(text, encoding=encoding)
        return tmp_path / name

    return write


def test_full_table(corpus, tmp_path):
    path = corpus("age," + HEADER.removesuffix(",age\n") + "\n"
                  "41,ann/one.wav,,007,hello,x1,joy\n"
                  f"28,{tmp_path}/bob/one.wav,bob/one.mp4,bob,hello,x2,none\n")  # fmt: skip
    bunch = load_table(path)
    assert list(bunch.data.columns) == ["audio", "video", "speaker", "sentence", "clip_id", "age", "emotion"]
    assert list(bunch.data.index) == [0, 1]
    assert bunch.data["audio"].tolist() == [f"{tmp_path}/ann/one.wav", f"{tmp_path}/bob/one.wav"]
    assert bunch.data["video"].tolist() == [None, f"{tmp_path}/bob/one.mp4"]
    assert bunch.data["age"].tolist() == [41, 28]
    assert bunch.target.tolist() == ["joy", "none"]
    assert isinstance(bunch.target, np.ndarray)
    assert bunch.target_names == ["joy", "none"]
    assert bunch.groups.tolist() == ["007", "bob"]
    assert "2 clips" in bunch.DESCR


def test_least_table(corpus):
    bunch = load_table(corpus("video,label\nbob/one.mp4,3\n"), target="label")
    assert list(bunch.data.columns) == ["audio", "video", "clip_id", "label"]
    assert bunch.data["audio"].tolist() == [None]
    assert bunch.data["clip_id"].tolist() == ["one"]
    assert bunch.target.tolist() == ["3"]
    assert bunch.groups is None


def test_spreadsheet_with_byte_order_mark_and_tabs(corpus):
    text = "audio\temotion\nann/one.wav\tjoy\n"
    assert load_table(corpus(text, "clips.tsv", "utf-8-sig")).target.tolist() == ["joy"]


def test_relative_csv_path(corpus, tmp_path, monkeypatch):
    corpus("audio,emotion\nann/one.wav,joy\n")
    monkeypatch.chdir(tmp_path)
    assert load_table("clips.csv").data["audio"].tolist() == ["ann/one.wav"]


def test_dataframe(corpus, tmp_path):
    table = pd.DataFrame(
        {"emotion": ["joy", "fear"], "audio": [tmp_path / "ann/two.wav", None], "speaker": [1, 2]},
        index=[7, 9],
    )
    table["video"] = [np.nan, str(tmp_path / "bob/one.mp4")]
    before = table.copy()
    bunch = load_table(table)
    pd.testing.assert_frame_equal(table, before)
    assert list(bunch.data.index) == [0, 1]
    assert bunch.data["audio"].tolist() == [f"{tmp_path}/ann/two.wav", None]
    assert bunch.data["video"].tolist() == [None, f"{tmp_path}/bob/one.mp4"]
    assert bunch.groups.tolist() == ["1", "2"]


def test_equal_stems_are_named(corpus):
    path = corpus("audio,emotion\nann/one.wav,joy\nbob/one.wav,fear\nann/two.wav,joy\n")
    with pytest.raises(ValueError, match=r"has no column 'clip_id'.*more than once \(one\)\. Add the column"):
        load_table(path)


def test_absent_files_are_counted_and_named(corpus, tmp_path):
    rows = "".join(f"lost{i}.wav,joy\n" for i in range(8))
    with pytest.raises(ValueError, match=rf"8 of the 9 files .* {tmp_path}/lost0\.wav, .* and 3 more"):
        load_table(corpus(f"audio,emotion\nann/one.wav,joy\n{rows}"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("audio,label\nann/one.wav,joy\n", r"no column 'emotion'.*\['audio', 'label'\].*target="),
        ("audio;emotion\nann/one.wav;joy\n", r"no column 'emotion'.*\['audio;emotion'\]"),
        ("path,emotion\nann/one.wav,joy\n", r"neither a column 'audio' nor 'video'.*\['path', 'emotion'\]"),
        ("audio,emotion\n", "no row"),
        ("", "cannot be read as a CSV file"),
        (
            "audio,video,emotion\nann/one.wav,,joy\n , ,fear\n",
            "1 of 2 rows .* neither audio nor video: rows 1 ",
        ),
        ("audio,emotion\nann/one.wav,joy\nann/two.wav,\n", "'emotion' .* empty in 1 of 2 rows: rows 1 "),
        ("audio,speaker,emotion\nann/one.wav,,joy\n", "'speaker' .* empty .* leave the whole column out"),
    ],
)
def test_unusable_tables(corpus, text, message):
    with pytest.raises(ValueError, match=message):
        load_table(corpus(text))


def test_no_csv_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*clips\.csv"):
        load_table(tmp_path / "clips.csv")


def test_media_file_in_place_of_a_table(tmp_path):
    (tmp_path / "a01.wav").write_bytes(bytes(range(128, 256)))
    with pytest.raises(ValueError, match="cannot be read as a CSV file in UTF-8"):
        load_table(tmp_path / "a01.wav")
