"""LeakageReport: length, truth value, text, table and error."""

import pickle

import pytest

from savee_mm import LeakageError, LeakageReport
from savee_mm.evaluation.leakage import Finding, join_reports

CLIP = Finding("clip", "2 clips on both sides", (0, 1, 4), (0, 2), "protocol 'clip', seed 0")
FITTED = Finding("fitted", "SVC is fitted already")


def test_length_is_the_number_of_findings():
    report = LeakageReport([CLIP, FITTED], ["one note", "one note"])
    assert len(report) == 2
    assert report
    assert list(report) == [CLIP, FITTED]
    assert report.notes == ("one note",)
    assert not LeakageReport([], ["one note"])


def test_text_names_kind_and_place():
    text = str(LeakageReport([CLIP, FITTED], ["one note"]))
    assert text.splitlines() == [
        "2 leaks between training and test:",
        "- clip (protocol 'clip', seed 0): 2 clips on both sides",
        "- fitted: SVC is fitted already",
        "Notes:",
        "- one note",
    ]
    assert str(LeakageReport([])) == "No leak was found."


def test_table_has_a_row_for_each_finding():
    frame = LeakageReport([CLIP, FITTED]).to_frame()
    assert frame["kind"].tolist() == ["clip", "fitted"]
    assert frame["rows"].tolist() == [(0, 1, 4), ()]
    assert LeakageReport([]).to_frame().columns.tolist() == ["kind", "where", "message", "rows", "folds"]


def test_raises_if_there_is_a_finding():
    LeakageReport([], ["one note"]).raise_if_any()
    with pytest.raises(LeakageError, match="2 clips on both sides") as caught:
        LeakageReport([CLIP], ["one note"]).raise_if_any()
    assert "one note" not in str(caught.value)
    # The error survives the way back from a worker process.
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert list(again.report) == [CLIP]


def test_joined_reports_have_no_duplicates():
    joined = join_reports([LeakageReport([CLIP], ["a"]), LeakageReport([CLIP, FITTED], ["a", "b"])])
    assert list(joined) == [CLIP, FITTED]
    assert joined.notes == ("a", "b")
