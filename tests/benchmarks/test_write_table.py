"""Tables of benchmark results."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "write_table.py"


@pytest.fixture(scope="module")
def writer():
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


def report(ours, peer, goal=0.4, *, over_sounds=True):
    """Return a report of one benchmark, over 10 s of sound or of a whole call."""
    extra_info = {"peers": [{"name": "librosa", "seconds": peer, "goal": goal}]}
    if over_sounds:
        extra_info |= {"input": "24 clips", "seconds_of_sound": 10}
    return {
        "datetime": "2026-11-22T10:00:00+00:00",
        "commit_info": {"id": "0123456789", "dirty": False},
        "machine_info": {
            "cpu": {"brand_raw": "Abacus"},
            "n_cores": 2,
            "system": "Linux",
            "load": 0.25,
            "versions": {"Python": "3.13.0"},
        },
        "benchmarks": [{"group": "mfcc", "stats": {"data": ours, "rounds": len(ours)}, "extra_info": extra_info}],
    }


def test_ratio_is_that_of_the_medians_with_the_extremes_of_the_rounds(writer):
    # The peer was slow in the last round, which does not affect the medians.
    result = writer.compare([1.0, 2.0, 3.0], [4.0, 5.0, 60.0])
    assert (result.ours, result.peer, result.ratio) == (2, 5, 0.4)
    assert (result.lowest, result.highest) == (3 / 60, 2 / 5)


def test_times_of_different_rounds_are_refused(writer):
    with pytest.raises(ValueError, match="shorter"):
        writer.compare([1.0, 2.0], [1.0])


def test_row_has_milliseconds_per_second_of_sound(writer):
    (row,) = writer.time_rows(report([1.0, 1.0], [4.0, 4.0])["benchmarks"])
    assert row == ("mfcc", "100", "librosa", "400", "0.250 (0.250–0.250)", "≤ 0.4, reached")


@pytest.mark.parametrize(
    ("ratio", "goal", "expected"),
    [(0.4, 0.4, "≤ 0.4, reached"), (0.41, 0.4, "≤ 0.4, **missed**"), (0.07, 1 / 14, "≤ 0.071, reached"), (9, None, "")],
)
def test_verdict(writer, ratio, goal, expected):
    assert writer.verdict(ratio, goal) == expected


@pytest.mark.parametrize(
    ("over_sounds", "row", "rounds"),
    [
        (True, "| mfcc | 100 | librosa | 400 |", "Input: 24 clips, 10 s of sound; 1 rounds"),
        (False, "| mfcc | 1e+03 | librosa | 4e+03 |", "- 1 rounds"),
    ],
)
def test_page_keeps_its_text_and_gets_new_results(writer, tmp_path, over_sounds, row, rounds):
    page, run = tmp_path / "page.md", tmp_path / "report.json"
    places = [f"{begin}\nold\n{end}\n" for begin, end in (writer.SOUND, writer.CALLS)]
    page.write_text("before\n" + "between\n".join(places) + "after\n")
    run.write_text(json.dumps(report([1.0], [4.0], over_sounds=over_sounds)))
    writer.main(page, run)
    once = page.read_text()
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    # The report has no result for the other place.
    assert once.count("old") == 1
    assert places[over_sounds] in once
    assert row in once
    assert rounds in once
    assert "Abacus, 2 cores" in once
    writer.main(page, run)
    assert page.read_text() == once


@pytest.mark.parametrize("page", ["no place", "{end} {begin}", "{begin} {begin} {end}"])
def test_page_without_its_place_is_refused(writer, page):
    begin, end = writer.SOUND
    with pytest.raises(ValueError, match="once each"):
        writer.put_between(page.format(begin=begin, end=end), "results", writer.SOUND)


def test_tables_of_memory_and_processes(writer):
    memory = writer.memory_table([{"extra_info": {"lengths": [4, 60], "peak_mib": {"list": [1.234, 123.4]}}}])
    assert memory.splitlines()[-1] == "| list | 1.2 | 123 |"
    run = {
        "n_jobs": 2,
        "n_clips": 480,
        "first_call": 9.04,
        "second_call": 6.0,
        "cpu": 20.0,
        "peak_mib": [100, 101.6],
        "parent_peak_mib": 99,
    }
    assert writer.workers_table([run]).splitlines()[-1] == "| 2 | 9.0 | 6.0 | 20.0 | 100, 102 | 99 |"


def test_page_of_the_documentation_has_both_places(writer):
    page = (SCRIPT.parents[1] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for place in (writer.SOUND, writer.CALLS):
        assert "results of this run" in writer.put_between(page, "results of this run", place)
