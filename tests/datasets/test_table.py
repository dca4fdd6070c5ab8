"""load_table: columns and cells of a table, errors, and warnings."""

import os
import unicodedata

import numpy as np
import pandas as pd
import pytest

from savee_mm.datasets.table import load_table

HEADER = "audio,video,speaker,sentence,clip_id,emotion,age\n"


@pytest.fixture
def corpus(tmp_path):
    """Write four files in two folders; return a function that writes a CSV file next to them."""
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
    assert list(bunch.data.columns) == ["audio", "video", "speaker", "sentence", "clip_id", "age"]
    assert list(bunch.data.index) == [0, 1]
    assert bunch.data["audio"].tolist() == [f"{tmp_path}/ann/one.wav", f"{tmp_path}/bob/one.wav"]
    assert bunch.data["video"].tolist() == [None, f"{tmp_path}/bob/one.mp4"]
    assert bunch.data["age"].tolist() == [41, 28]
    assert bunch.target.tolist() == ["joy", "none"]
    assert isinstance(bunch.target, np.ndarray)
    assert bunch.target_names == ["joy", "none"]
    assert bunch.groups.tolist() == ["007", "bob"]
    assert "2 clips" in bunch.DESCR


def test_smallest_table(corpus):
    bunch = load_table(corpus("video,label\nbob/one.mp4,3\n"), target="label")
    assert list(bunch.data.columns) == ["audio", "video", "clip_id"]
    assert bunch.label_columns == ["label"]
    assert bunch.data["audio"].tolist() == [None]
    assert bunch.data["clip_id"].tolist() == ["one"]
    assert bunch.target.tolist() == ["3"]
    assert bunch.groups is None


def test_spreadsheet_with_byte_order_mark_and_tabs(corpus):
    text = "audio\temotion\nann/one.wav\tjoy\n"
    assert load_table(corpus(text, "clips.tsv", "utf-8-sig")).target.tolist() == ["joy"]


@pytest.mark.parametrize(
    "header", ["Audio,Speaker ,EMOTION", " audio, speaker, emotion", "AUDIO,speaker\u00a0,Emotion"]
)
def test_headers_match_without_case_and_spaces(corpus, header):
    bunch = load_table(corpus(f"{header}\nann/one.wav,ann,joy\nann/two.wav,bob,fear\n"))
    assert bunch.groups.tolist() == ["ann", "bob"]
    assert bunch.target.tolist() == ["joy", "fear"]


def test_headers_of_a_dataframe_match_without_case_and_spaces(corpus, tmp_path):
    table = pd.DataFrame(
        {"Audio": [tmp_path / "ann/one.wav"], "Clip ID": ["x"], "Speaker ": ["ann"], "Emotion": ["joy"]}
    )
    bunch = load_table(table)
    assert list(bunch.data.columns) == ["audio", "video", "speaker", "clip_id"]
    assert bunch.data["clip_id"].tolist() == ["x"]


def test_target_matches_without_case_and_spaces(corpus):
    assert load_table(corpus("audio,Mood \nann/one.wav,joy\n"), target="mood").label_columns == ["mood"]


def test_columns_with_other_names(corpus):
    path = corpus("path,who,mood,room\nann/one.wav,ann,joy,5\n")
    bunch = load_table(path, target="mood", columns={"audio": "Path", "speaker": "who"})
    assert bunch.data.columns.tolist() == ["audio", "video", "speaker", "clip_id", "room"]
    assert bunch.groups.tolist() == ["ann"]
    with pytest.raises(ValueError, match=r"no column 'file'; its columns are \['path', 'who', 'mood', 'room'\]"):
        load_table(path, target="mood", columns={"audio": "file"})


def test_name_in_two_unicode_forms_is_one_speaker(corpus):
    forms = [unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD")]
    assert forms[0] != forms[1]
    rows = f"ann/one.wav,{forms[0]},joy\nann/two.wav,{forms[1]},joy\n"
    assert load_table(corpus(f"audio,speaker,emotion\n{rows}")).groups.tolist() == ["Zoë", "Zoë"]


@pytest.mark.parametrize(("table", "disk"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_file_is_found_in_another_unicode_form(corpus, tmp_path, table, disk):
    name = "zoë.wav"
    (tmp_path / unicodedata.normalize(disk, name)).touch()
    bunch = load_table(corpus(f"audio,emotion\n{unicodedata.normalize(table, name)},joy\n"))
    assert os.path.isfile(bunch.data["audio"][0])


def test_delimiters_at_the_end_of_rows(corpus):
    bunch = load_table(corpus("audio,speaker,emotion\nann/one.wav,ann,joy,\nann/two.wav,ann,fear,,\n"))
    assert bunch.target.tolist() == ["joy", "fear"]
    bunch = load_table(corpus("audio,speaker,emotion,,\nann/one.wav,ann,joy,,\n,,,,\n"))
    assert bunch.data.columns.tolist() == ["audio", "video", "speaker", "clip_id"]
    assert bunch.target.tolist() == ["joy"]


def test_short_row_has_empty_cells(corpus):
    assert load_table(corpus("audio,emotion,video\nann/one.wav,joy\n")).data["video"].tolist() == [None]


def test_equal_columns_are_merged(corpus, tmp_path):
    rows = [[str(tmp_path / "ann/one.wav"), "joy"] * 2]
    bunch = load_table(pd.DataFrame(rows, columns=["audio", "emotion", "audio", "Emotion"]))
    assert bunch.data.columns.tolist() == ["audio", "video", "clip_id"]


def test_semicolons_with_decimal_commas(corpus):
    bunch = load_table(corpus("audio;emotion;age;note\nann/one.wav;joy;1,5;a, b\nann/two.wav;fear;2;c\n"))
    assert bunch.data["age"].tolist() == [1.5, 2.0]
    assert bunch.data["note"].tolist() == ["a, b", "c"]
    bunch = load_table(corpus("audio;emotion;age\nann/one.wav;joy;1.5\n"))
    assert bunch.data["age"].tolist() == [1.5]


def test_semicolons_with_decimal_points_and_commas(corpus):
    text = "audio;start;end;emotion;raters\nann/one.wav;0.1;0.3;joy;1,5\nann/two.wav;0.2;0.4;fear;2\n"
    table = load_table(corpus(text)).data
    assert table[["start", "end", "raters"]].to_numpy().tolist() == [[0.1, 0.3, 1.5], [0.2, 0.4, 2.0]]


def test_delimiter_in_a_line_of_its_own(corpus):
    assert load_table(corpus("sep=;\naudio;emotion\nann/one.wav;joy\n")).target.tolist() == ["joy"]


def test_other_delimiters_in_a_quoted_name(corpus):
    bunch = load_table(corpus('audio;emotion;"a, b, c"\nann/one.wav;joy;1\n'))
    assert bunch.data["a, b, c"].tolist() == [1]


def test_quoted_cells(corpus):
    bunch = load_table(corpus('audio,emotion,note\n"ann/one.wav",joy,"a, ""b""\nc"\n'))
    assert bunch.data["note"].tolist() == ['a, "b"\nc']


@pytest.fixture
def labelled(tmp_path):
    """Return a function that makes a table of clips with these classes, and other columns."""

    def make(classes, **columns):
        names = [f"{i}.wav" for i in range(len(classes))]
        for name in names:
            (tmp_path / name).touch()
        return pd.DataFrame({"audio": [str(tmp_path / name) for name in names], "emotion": classes, **columns})

    return make


def test_rare_and_similar_classes_are_warned_of_with_counts(labelled):
    with pytest.warns(UserWarning, match="Classes|Similar") as caught:
        load_table(labelled(["angry"] * 5 + ["sad"] * 4 + ["Angyr"] + ["calm"] * 2))
    rare, similar = (str(warning.message) for warning in caught)
    assert "one or two clips: 'Angyr' (1), 'calm' (2)" in rare
    assert "'Angyr' (1) and 'angry' (5)" in similar


def test_classes_and_speakers_that_differ_in_case_are_warned_of(labelled):
    with pytest.warns(UserWarning, match="Similar") as caught:
        load_table(labelled(["Joy"] * 3 + ["joy"] * 3 + ["fear"] * 3, speaker=["Ann", "ann", "Bob"] * 3))
    messages = [str(warning.message) for warning in caught]
    assert "'Joy' (3) and 'joy' (3)" in messages[0]
    assert "column 'speaker'" in messages[1]
    assert "'Ann' (3) and 'ann' (3)" in messages[1]


def test_usual_classes_need_no_warning(labelled):
    classes = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "calm", "boredom"]
    assert load_table(labelled(classes * 3)).target_names == sorted(classes)


CLASSES = ["anger", "joy", "fear", "sadness"] * 6


@pytest.mark.parametrize(
    "labels",
    [
        CLASSES,
        [name.upper() for name in CLASSES],
        [len(name) for name in CLASSES],
        [f"EMO-{name[0]}" for name in CLASSES],
        [*CLASSES[:18], "fear", "joy", "joy", "anger", "sadness", "fear"],
    ],
    ids=["copy", "capitals", "number", "code", "second rater"],
)
def test_columns_with_labels_are_left_out_and_named(labelled, labels):
    table = labelled(CLASSES, rating=labels, take=[1, 2, 3] * 8)
    with pytest.warns(UserWarning, match="with labels are left out of the data: 'rating'"):
        bunch = load_table(table)
    assert bunch.label_columns == ["emotion", "rating"]
    assert bunch.data.columns.tolist() == ["audio", "video", "clip_id", "take"]


def test_columns_without_labels_are_kept(labelled):
    rng = np.random.default_rng(0)
    columns = {
        "sex": ["female", "male"] * 12,
        "guess": rng.permutation(CLASSES),
        "session": list(range(24)),
        "room": ["A"] * 24,
    }
    bunch = load_table(labelled(CLASSES, **columns))
    assert bunch.label_columns == ["emotion"]
    assert set(columns) <= set(bunch.data.columns)


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
        ("audio|emotion\nann/one.wav|joy\n", r"no column 'emotion'.*\['audio\|emotion'\]"),
        ("path,emotion\nann/one.wav,joy\n", r"neither a column 'audio' nor 'video'.*\['path', 'emotion'\]"),
        ("audio,emotion\n", "no row"),
        ("audio,emotion\nann/one.wav,joy,loud\n", "Line 2 .* has 3 cells, and the header has 2.*double quotes"),
        ("audio,emotion,audio\nann/one.wav,joy,ann/two.wav\n", "column 'audio' more than once, with different"),
        ("audio,Audio ,emotion\nann/one.wav,ann/two.wav,joy\n", "column 'audio' more than once"),
        ("audio,,emotion\nann/one.wav,5,joy\n", "a column without a name"),
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


def test_segments_of_one_file_have_names_with_their_times(tmp_path):
    (tmp_path / "talk.wav").touch()
    rows = [("talk.wav", 0.5, 2, "joy"), ("talk.wav", 2, 3.25, "anger")]
    table = pd.DataFrame(rows, columns=["audio", "Start", "End", "emotion"])
    table.to_csv(tmp_path / "clips.csv", index=False)
    data = load_table(tmp_path / "clips.csv").data
    assert data["clip_id"].tolist() == ["talk_0.500-2.000", "talk_2.000-3.250"]
    assert data[["start", "end"]].to_numpy().tolist() == [[0.5, 2.0], [2.0, 3.25]]
    table.assign(End=[2, 1]).to_csv(tmp_path / "clips.csv", index=False)
    with pytest.raises(ValueError, match=r"talk.wav\): expected a segment with 0 <= start < end"):
        load_table(tmp_path / "clips.csv")
