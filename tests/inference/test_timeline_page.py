"""The page of a timeline: its content, and the files that it writes."""

import json
import re
from html import unescape
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from savee_mm import EmotionTimeline, write_timeline_page
from savee_mm.inference.timeline_page import Row, Span, _crops


@pytest.fixture(scope="module")
def table(voice, recording):
    return EmotionTimeline(voice, window=2, hop=2).predict(recording)


@pytest.fixture(scope="module")
def page(table, recording, tmp_path_factory):
    return write_timeline_page(table, recording, tmp_path_factory.mktemp("page") / "talk.html", people=[])


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)[1])


def test_recording_is_converted_into_the_folder_of_the_page(page):
    assert sorted(path.name for path in page.parent.iterdir()) == ["talk.html", "talk.media.mp4"]
    assert 'src="talk.media.mp4"' in page.read_text(encoding="utf-8")


def test_spans_are_the_windows_of_the_table(page, table):
    ((name, spans),) = data_of(page)["rows"]
    assert name == ""
    assert len(spans) == len(table)
    for (_, _, text, confidence, kind, _), emotion, share in zip(
        spans, table["emotion"], table["confidence"], strict=True
    ):
        assert (text, kind) == ((emotion, "emotion") if emotion else ("pause", "pause"))
        assert confidence == (pytest.approx(share, abs=1e-3) if emotion else 0)


def test_bands_are_stacked_to_the_top(page, table):
    paths = re.findall(r'<path d="(.*?)"', page.read_text(encoding="utf-8"))
    n_predicted = table["confidence"].notna().sum()
    limits = [np.array(re.findall(r"M\S+ (\S+?)V(\S+?)H", path), dtype=float) for path in paths]
    assert all(len(each) == n_predicted for each in limits)
    np.testing.assert_allclose(limits[0][:, 0], 100)
    np.testing.assert_allclose(limits[-1][:, 1], 0, atol=0.1)
    for below, above in pairwise(limits):
        np.testing.assert_allclose(above[:, 0], below[:, 1])


def test_faces_have_relative_boxes_and_crops(voice, corpus, tmp_path):
    clip = corpus.data["video"].iloc[0]
    table = EmotionTimeline(voice).predict(clip)
    page = write_timeline_page(table, clip, tmp_path / "talk.html", detector="lbp")
    ((name, faces),) = data_of(page)["faces"]
    assert name == "person 1"
    faces = np.array(faces)
    assert np.abs(faces[:, 1] + faces[:, 3] / 2 - 0.5).max() < 0.15
    assert (faces[:, 3:] < 0.6).all()
    assert page.read_text(encoding="utf-8").count("data:image/jpeg;base64,") == 2


def test_texts_of_neighbours_are_joined_unless_there_is_a_gap():
    times = [(0, 1), (1, 2), (3, 4), (4, 5)]
    spans = [
        Span(*pair, text, 0.5, "emotion", "") for pair, text in zip(times, ["joy", "joy", "joy", "fear"], strict=True)
    ]
    assert [text[:3] for text in Row("", [], spans, []).texts] == [(0, 2, "joy"), (3, 4, "joy"), (4, 5, "fear")]


def test_first_and_last_window_are_drawn_to_their_ends(page, table):
    ((_, spans),) = data_of(page)["rows"]
    assert spans[0][0] == table["start"].iloc[0]
    assert spans[-1][1] == table["end"].iloc[-1]
    assert all(first[1] == second[0] for first, second in pairwise(spans))


def test_crops_do_not_overlap():
    pixels = np.zeros((4, 4, 3), np.uint8)
    times = [time for time, _ in _crops([(time, pixels) for time in np.arange(0, 100, 1.5)], 96.0)]
    assert len(times) <= 16
    assert np.diff(times).min() >= 6


def test_text_is_escaped(corpus, tmp_path):
    row = {"start": 0.0, "end": 1.0, "emotion": "</script><b>", "confidence": 0.6, "note": '"><i>'}
    table = pd.DataFrame([row | {"</script><b>": 0.6, "'&lt;": 0.4}])
    page = write_timeline_page(table, corpus.data["audio"].iloc[0], tmp_path / "a.html", title="<i>", notes="<u>")
    text = page.read_text(encoding="utf-8")
    assert not re.search("<[biu]>", text)
    assert text.count("</script>") == 2
    assert "<h1>&lt;i&gt;</h1>" in text
    assert "'&lt;" in unescape(text)
    assert data_of(page)["rows"][0][1][0][2] == "</script><b>"


def test_page_may_not_load_anything(page):
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page.read_text(encoding="utf-8"))[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.read_text(encoding="utf-8"))


def test_utterances_are_drawn_where_they_are(table, recording, tmp_path):
    spoken = table[table["emotion"].notna()].iloc[[0, -1]].assign(person=["person 2", "person 1"])
    page = write_timeline_page(spoken, recording, tmp_path / "a.html", people=[])
    rows = data_of(page)["rows"]
    assert [name for name, _ in rows] == ["person 2", "person 1"]
    assert [spans[0][:2] for _, spans in rows] == spoken[["start", "end"]].to_numpy().tolist()


def test_wrong_tables_are_refused(table, recording, tmp_path):
    with pytest.raises(ValueError, match="a table without rows"):
        write_timeline_page(table.iloc[:0], recording, tmp_path / "a.html")
    with pytest.raises(ValueError, match="column 'note' is missing"):
        write_timeline_page(table.drop(columns="note"), recording, tmp_path / "a.html")
    assert not any(tmp_path.iterdir())
