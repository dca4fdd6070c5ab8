"""Tables of make scale."""

import pytest

from benchmarks import scale, training


def test_first_size_predicts_the_time_of_the_others():
    row = {"n_clips": 1000, "cpu_ms": 2.0, "wall_ms": 3.0, "peak_mib": 300.0, "n_files": 4, "kb": 0.5}
    table = scale.table_of([row, {**row, "n_clips": 5000, "cpu_ms": 1.0}])
    assert table.splitlines()[-1].startswith("| 5,000 | 5 | 10 | 1.00 |")


def test_ratio_is_of_the_larger_size_to_the_smaller():
    rows = [{"name": "CNN", "n_clips": n, "peak_mib": peak, "cpu_ms": 1.0} for n, peak in ((2000, 500), (20_000, 600))]
    assert training.table_of(rows).splitlines()[-1] == "| CNN | 500 | 600 | 1.20 | 1.00 |"


def test_table_replaces_the_one_of_its_name(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- a -->\nold\n<!-- end of a -->\n<!-- b -->\n<!-- end of b -->\n")
    scale.write_into(page, "a", "| new |\n")
    assert page.read_text() == "<!-- a -->\n| new |\n<!-- end of a -->\n<!-- b -->\n<!-- end of b -->\n"
    with pytest.raises(AssertionError, match="no place for the table 'c'"):
        scale.write_into(page, "c", "")
