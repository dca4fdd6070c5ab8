"""Runs that are killed while they write lose nothing, and are the same when they are repeated."""

import time

import numpy as np
import pytest

from benchmarks.kill import DRAFT, Counts, Runs, run


@pytest.mark.slow
def test_killed_runs_lose_nothing():
    counts = run(8, seed=0)
    print(counts)
    assert counts.is_good()
    assert counts.kills == 8
    assert counts.during_writes > 0


def write_in_place(folder, sounds):
    (folder / "out.csv").write_text("half")
    (folder / f"x{DRAFT}").touch()
    time.sleep(0.2)
    (folder / f"x{DRAFT}").unlink()
    (folder / "out.csv").write_text("whole")


def test_half_written_outputs_are_counted(tmp_path):
    counts = Runs(write_in_place, tmp_path).kill(np.random.default_rng(0))
    assert counts == Counts(kills=1, during_writes=1, damaged=1)
    assert not counts.is_good()
    assert str(counts) == (
        "kill: 1 kills, 1 in the middle of a file, 0 outputs lost, 1 half-written, 0 reruns that differ, 0 drafts left "
        "by reruns"
    )
