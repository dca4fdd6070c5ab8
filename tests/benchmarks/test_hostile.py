"""Damaged and manipulated inputs end in a result or in the documented error."""

import os
import signal
import time
from collections import Counter

import numpy as np
import pytest

from benchmarks import hostile
from benchmarks.hostile import Outcome, Result, Worker, make_input, run


@pytest.mark.slow
def test_inputs_end_in_results_or_documented_errors():
    result = run(300, seed=0)
    print(result)
    assert not result.problems()
    assert len(result.outcomes) == 300
    kinds = Counter(outcome.kind for outcome in result.outcomes.values())
    assert set(kinds) == {"clean", "refused"}


def test_counts_and_problems():
    outcomes = {
        0: Outcome("clean", "", 1.0),
        1: Outcome("refused", "ClipError of audio from a.wav: empty", 2.0),
        2: Outcome("refused", "ValueError: no table", 2.0),
        3: Outcome("crash", "the worker ended with -11", 0.0),
    }
    result = Result(outcomes, 2.0)
    assert str(result) == (
        "hostile: 4 inputs, 1 clean results, 1 ClipErrors, 1 other documented errors, 0 other exceptions, 1 crashes, "
        "0 hangs, peak memory 2 MiB"
    )
    assert result.problems() == ["input 3: crash: the worker ended with -11"]


def test_inputs_depend_on_seed_and_number_only():
    sources = {reader: [(f"{reader}.bin", np.random.default_rng(0).bytes(5000))] for reader in hostile.READERS}
    assert make_input(sources, 0, 7) == make_input(sources, 0, 7)
    contents = {make_input(sources, seed, number)[2] for seed in range(2) for number in range(20)}
    assert len(contents) > 20


def start(connection):
    connection.send(Outcome("clean", "", 0.0))
    connection.recv()


def end_at_the_first_input(connection):
    start(connection)
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_at_the_first_input(connection):
    start(connection)
    time.sleep(600)


@pytest.mark.parametrize(
    ("function", "kind", "detail"),
    [
        (end_at_the_first_input, "crash", "the worker ended with -9"),
        (sleep_at_the_first_input, "hang", "no result in 0.1 s"),
    ],
)
def test_crashes_and_hangs_are_seen(function, kind, detail):
    worker = Worker(function, limit=0.1 if kind == "hang" else hostile.LIMIT)
    assert worker.read(0)[:2] == (kind, detail)
    worker.end()
