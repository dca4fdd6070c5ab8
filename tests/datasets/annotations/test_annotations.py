"""Timelines as files of annotation tools: nothing is lost, edits are read, and other readers open the files."""

import json
import xml.etree.ElementTree as ET
from itertools import pairwise

import av
import numpy as np
import pandas as pd
import pytest
import soundfile

from savee_mm import load_annotations, read_annotations, write_annotations

SUFFIXES = ["TextGrid", "eaf", "vtt", "json"]
LABELS = {
    "joy": "a plain label",
    'say "hi"': "quotes",
    "two\nlines": "line breaks",
    "a\n\nb": "an empty line",
    "<b>&amp;": "markup",
    "a --> b": "the arrow of cues",
    "intervals [1]:": "a heading of a TextGrid",
    'class = "IntervalTier"': "another heading",
    " padded ": "spaces",
    "NOTE x": "a comment of WebVTT",
    "]]>": "the end of CDATA",
    "\x07": "a control character",
    "freude 😀 é": "characters beyond ASCII",
    "true": "a word of JSON",
}


@pytest.fixture
def timeline():
    """Overlapping windows as EmotionTimeline returns them, with a pause, beyond an hour."""
    starts = np.r_[0, 1 / 3, 2, 3599.9996, 3600.5, 360000.25]
    return pd.DataFrame(
        {
            "start": starts,
            "end": starts + 2.00049,
            "emotion": pd.Series(["joy", None, "anger", "joy", "fear", "joy"], dtype=object),
            "confidence": [0.1 + 0.2, np.nan, 1.0, 0.5, 1e-17, 0.25],
            "note": pd.Series(["", "a pause; no voice", "", "x > y [z]", "", ""], dtype=object),
            "anger": [0.0, np.nan, 1.0, 0.5, 2 / 3, 0.75],
        }
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip_loses_nothing(timeline, tmp_path, suffix):
    path = tmp_path / f"talk.{suffix}"
    for table in (timeline, timeline[::-1].reset_index(drop=True), timeline[:1]):
        write_annotations(table, path)
        pd.testing.assert_frame_equal(read_annotations(path), table, check_exact=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("label", list(LABELS), ids=list(LABELS.values()))
def test_labels_of_any_characters(tmp_path, suffix, label):
    table = pd.DataFrame({"start": [0.5, 2.0], "end": [1.5, 3.0], "mood": [label, "other"]}, dtype=object)
    table = table.astype({"start": float, "end": float})
    write_annotations(table, tmp_path / f"a.{suffix}", target="mood")
    pd.testing.assert_frame_equal(read_annotations(tmp_path / f"a.{suffix}", target="mood"), table)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_empty_timeline(timeline, tmp_path, suffix):
    write_annotations(timeline[:0], tmp_path / f"a.{suffix}")
    assert read_annotations(tmp_path / f"a.{suffix}").shape == (0, 3)


def test_labels_and_times_changed_in_a_tool_are_read(timeline, tmp_path):
    write_annotations(timeline[2:4], tmp_path / "a.eaf")
    text = (tmp_path / "a.eaf").read_text()
    assert text.count(">anger<") == 1
    edited = text.replace(">anger<", ">surprise<").replace('TIME_VALUE="2000"', 'TIME_VALUE="1750"')
    (tmp_path / "a.eaf").write_text(edited)
    table = read_annotations(tmp_path / "a.eaf")
    assert table["emotion"].tolist() == ["surprise", "joy"]
    assert table["start"].tolist() == [1.75, timeline["start"][3]]
    assert table["end"].tolist() == timeline["end"][2:4].tolist()
    assert table["confidence"].tolist() == [1.0, 0.5]


def test_labels_that_were_added_and_deleted_in_a_tool(timeline, tmp_path):
    write_annotations(timeline[:4], tmp_path / "a.vtt")
    cues = (tmp_path / "a.vtt").read_text().split("\n\n")
    kept = [cue for cue in cues if not cue.startswith("3\n")]
    kept.insert(-2, "00:10.000 --> 00:00:12.500\n<v Ann>sad &amp; tired</v>")
    (tmp_path / "a.vtt").write_text("\n\n".join(kept))
    table = read_annotations(tmp_path / "a.vtt")
    assert table["emotion"].tolist() == ["joy", None, "sad & tired", "joy"]
    assert table["start"].tolist() == [0.0, 1 / 3, 10.0, timeline["start"][3]]
    assert np.isnan(table["confidence"][2])


# ---- files of other programs, and other readers


def test_textgrid_of_praat(tmp_path, timeline):
    call = pytest.importorskip("parselmouth").praat.call
    for command in ("Save as text file", "Save as short text file"):
        grid = call("Create TextGrid", 0, 10, "words emotion", "")
        call(grid, "Insert boundary", 2, 1.25)
        call(grid, "Insert boundary", 2, 2.5)
        call(grid, "Set interval text", 2, 2, 'a "calm"\u00e9')
        call(grid, command, str(tmp_path / "praat.TextGrid"))
        table = read_annotations(tmp_path / "praat.TextGrid")
        assert table.to_numpy().tolist() == [[1.25, 2.5, 'a "calm"\u00e9']]


def test_praat_reads_our_textgrid(tmp_path, timeline):
    import parselmouth
    from parselmouth.praat import call

    write_annotations(timeline, tmp_path / "a.TextGrid")
    grid = parselmouth.read(str(tmp_path / "a.TextGrid"))
    names = [call(grid, "Get tier name", i) for i in range(1, call(grid, "Get number of tiers") + 1)]
    assert names == ["emotion", "emotion data", "emotion 2", "emotion 2 data", "emotion 3", "emotion 3 data"]
    labels = [
        call(grid, "Get label of interval", tier, i)
        for tier in (1, 3, 5)
        for i in range(1, call(grid, "Get number of intervals", tier) + 1)
    ]
    assert sorted(filter(None, labels)) == ["anger", "fear", "joy", "joy", "joy"]


def test_speach_reads_our_elan_file(tmp_path, timeline):
    elan = pytest.importorskip("speach.elan", reason="an independent reader of ELAN files")
    (tmp_path / "talk ö.wav").touch()
    write_annotations(timeline, tmp_path / "a.eaf", media=tmp_path / "talk ö.wav")
    document = elan.read_eaf(str(tmp_path / "a.eaf"))
    found = [(a.from_ts.value, a.to_ts.value, a.value) for tier in document if "data" not in tier.name for a in tier]
    expected = [(round(row.start * 1000), round(row.end * 1000), row.emotion or "") for row in timeline.itertuples()]
    assert sorted(found) == sorted(expected)
    root = ET.parse(tmp_path / "a.eaf").getroot()
    (media,) = root.iter("MEDIA_DESCRIPTOR")
    assert media.get("MIME_TYPE") in ("audio/x-wav", "audio/wav")
    # Annotations of one tier do not overlap, as ELAN requires.
    for tier in document:
        if "data" not in tier.name:
            times = sorted((a.from_ts.value, a.to_ts.value) for a in tier)
            assert all(first[1] <= second[0] for first, second in pairwise(times))


def test_ffmpeg_reads_our_webvtt(tmp_path, timeline):
    timeline = timeline[timeline["emotion"].notna()]
    write_annotations(timeline, tmp_path / "a.vtt")
    with av.open(str(tmp_path / "a.vtt")) as container:
        packets = [packet for packet in container.demux() if packet.size]
        found = [(packet.pts, packet.pts + packet.duration, bytes(packet).decode()) for packet in packets]
    assert found == [(round(row.start * 1000), round(row.end * 1000), row.emotion) for row in timeline.itertuples()]


def test_label_studio_export(tmp_path):
    region = {"from_name": "mood", "to_name": "audio", "type": "labels"}
    tasks = [
        {
            "id": 1,
            "data": {"audio": "/data/local-files/?d=talk.wav"},
            "annotations": [
                {"was_cancelled": True, "result": []},
                {
                    "result": [
                        {**region, "value": {"start": 1.5, "end": 2.25, "labels": ["joy"]}},
                        {"from_name": "rating", "type": "rating", "value": {"rating": 4}},
                    ]
                },
            ],
            "predictions": [{"result": [{**region, "value": {"start": 0, "end": 9, "labels": ["fear"]}}]}],
        }
    ]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    assert read_annotations(tmp_path / "tasks.json").to_numpy().tolist() == [[1.5, 2.25, "joy"]]


# ---- as a corpus


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_annotations_are_labels_of_segments(tmp_path, timeline, suffix):
    soundfile.write(tmp_path / "talk.wav", np.zeros(16000), 8000)
    write_annotations(timeline, tmp_path / f"talk.{suffix}", media=tmp_path / "talk.wav")
    bunch = load_annotations(tmp_path / f"talk.{suffix}")
    assert bunch.target.tolist() == ["joy", "anger", "joy", "fear", "joy"]
    assert bunch.data["audio"].tolist() == [str(tmp_path / "talk.wav")] * 5
    np.testing.assert_array_equal(bunch.data["start"], timeline["start"][timeline["emotion"].notna()])
    assert bunch.data["clip_id"][0] == "talk_0.000-2.000"
    assert bunch.groups is None
    assert "1 segments have no label" in bunch.DESCR


def test_folder_of_annotations_with_recordings_elsewhere(tmp_path, timeline):
    for folder in ("labels", "media"):
        (tmp_path / folder).mkdir()
    for name in "ab":
        (tmp_path / "media" / f"{name}.mp4").write_bytes(b"video")
        write_annotations(timeline.assign(speaker=name), tmp_path / "labels" / f"{name}.vtt")
    bunch = load_annotations(tmp_path / "labels", media=tmp_path / "media")
    assert bunch.groups.tolist() == ["a"] * 5 + ["b"] * 5
    (tmp_path / "media" / "b.mp4").unlink()
    with pytest.raises(FileNotFoundError, match=r"The recording of '.*b.vtt' is missing"):
        load_annotations(tmp_path / "labels", media=tmp_path / "media")


# ---- bad input


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"start": [0.0], "emotion": ["joy"]}, "'end' is missing"),
        ({"start": [1.0], "end": [1.0], "emotion": ["joy"]}, "row 0, got start 1.0 and end 1.0"),
        ({"start": [np.nan], "end": [1.0], "emotion": ["joy"]}, "row 0, got start nan"),
        ({"start": [0.0], "end": [1e-5], "emotion": ["joy"]}, "too short for this format"),
        ({"start": [0.0], "end": [1.0], "emotion": [["joy"]]}, "column 'emotion', row 0, got list"),
    ],
)
def test_tables_that_are_no_timelines(tmp_path, table, message):
    with pytest.raises(ValueError, match=message):
        write_annotations(pd.DataFrame(table), tmp_path / "a.eaf")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_that_are_no_annotations(tmp_path, suffix):
    (tmp_path / f"a.{suffix}").write_text("no annotations")
    with pytest.raises(ValueError, match="cannot be read as annotations"):
        read_annotations(tmp_path / f"a.{suffix}")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read_annotations(tmp_path / f"b.{suffix}")


@pytest.mark.parametrize("record", ["[0, {}]", "[0]", "[1, [2]]", "[" * 100_000])
def test_records_that_were_damaged(tmp_path, timeline, record):
    path = tmp_path / "a.json"
    write_annotations(timeline, path, format="labelstudio")
    (task,) = json.loads(path.read_text())
    task["predictions"][0]["result"][0]["meta"]["text"] = [record]
    path.write_text(json.dumps([task]))
    with pytest.raises(ValueError, match=r"a\.json' cannot be read as annotations"):
        read_annotations(path, format="labelstudio")


def test_unknown_suffix_and_tier(tmp_path, timeline):
    with pytest.raises(ValueError, match=r"Expected a file named \.textgrid, .* got '.*a.srt'"):
        write_annotations(timeline, tmp_path / "a.srt")
    write_annotations(timeline, tmp_path / "a.srt", format="vtt")
    write_annotations(timeline, tmp_path / "a.eaf")
    with pytest.raises(ValueError, match="no annotation in tier 'mood'; its tiers are emotion, emotion 2"):
        read_annotations(tmp_path / "a.eaf", tier="mood")
    with pytest.raises(ValueError, match=r"has several tiers \(emotion, emotion 2\); choose by tier="):
        read_annotations(tmp_path / "a.eaf", target="mood")
