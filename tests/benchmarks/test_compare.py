"""Comparison of two reports: which benchmarks became slower."""

import json

import pytest

from benchmarks.compare import main


@pytest.fixture
def write(tmp_path):
    def write(name, cpu="one", **benchmarks):
        entries = [{"fullname": key, "stats": {"data": data}} for key, data in benchmarks.items()]
        path = tmp_path / name
        path.write_text(json.dumps({"machine_info": {"cpu": {"brand_raw": cpu}}, "benchmarks": entries}))
        return str(path)

    return write


def test_slower_benchmark_is_named_first(write, capsys):
    a = write("a.json", f0=[1.0, 1.1, 1.2], hog=[2.0, 2.1, 2.2], old=[1.0])
    b = write("b.json", f0=[1.0, 1.15, 1.2], hog=[3.0, 3.15, 3.3], new=[1.0])
    assert main([a, b]) == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["2100.000", "3150.000", "1.500", "slower", "hog"]
    assert lines[1] == ["1100.000", "1150.000", "1.045", "f0"]
    assert [" ".join(line) for line in lines[2:]] == ["only in B: new", "only in A: old"]


def test_faster_is_no_failure_and_other_machines_are_warned_of(write, capsys):
    a, b = write("a.json", f0=[2.0, 2.1]), write("b.json", cpu="two", f0=[1.0, 1.1])
    assert main([a, b]) == 0
    warning, line = capsys.readouterr().out.splitlines()
    assert warning.startswith("Warning: two machines, one and two")
    assert "faster" in line
