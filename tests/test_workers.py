"""Worker processes: tasks outlive a worker that is killed, and workers end with the process that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from joblib import Parallel

from savee_mm._workers import WorkerDied, delayed, run_all, run_tasks

# Prints the ids of its two workers, which have more to do than a test can wait for.
PARENT = """
import os, sys, time
from joblib import Parallel
from savee_mm._workers import delayed

def work(folder):
    open(os.path.join(folder, str(os.getpid())), "w").close()
    time.sleep(600)

Parallel(n_jobs=2)(delayed(work)(sys.argv[1]) for _ in range(8))
"""


def wait_until(holds):
    """Wait for a state of other processes; a minute is more than any of them needs."""
    end = time.monotonic() + 60
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def runs(process):
    """Return whether a process runs. One that has ended may remain as a zombie until its new parent waits for it."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="the states of processes are read from /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
def test_workers_end_with_their_parent(number, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)])
    assert wait_until(lambda: len(os.listdir(tmp_path)) == 2)
    workers = os.listdir(tmp_path)
    process.send_signal(number)
    process.wait()
    assert wait_until(lambda: not any(map(runs, workers)))


@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_nothing_is_watched_in_the_process_itself(backend):
    from savee_mm import _workers

    assert Parallel(n_jobs=2, backend=backend)(delayed(abs)(i) for i in range(-3, 0)) == [3, 2, 1]
    assert os.getppid() not in _workers._watched


def square(number, folder):
    """Return the square. Some numbers kill the process: 3 the first time, 5 each time."""
    with open(Path(folder, str(number)), "a") as log:
        log.write(".")
    if number == 5 or (number == 3 and Path(folder, "3").stat().st_size == 1):
        os._exit(9)
    return number**2


square.__module__ = "__main__"  # pickled by value: worker processes cannot import the tests


def test_tasks_of_a_killed_worker_run_again_and_the_one_that_kills_is_named(tmp_path):
    results = dict(run_tasks(square, ((n, str(tmp_path)) for n in range(12)), n_jobs=2))
    assert isinstance(results.pop(5), WorkerDied)
    assert results == {n: n**2 for n in range(12) if n != 5}
    n_runs = {n: Path(tmp_path, str(n)).stat().st_size for n in range(12)}
    assert n_runs[3] == 2
    assert max(n_runs.values()) == 2


def test_results_are_in_the_order_of_the_tasks(tmp_path):
    assert run_all(pow, [(3, 2), (2, 2), (1, 2)]) == [9, 4, 1]
    with pytest.raises(RuntimeError, match="Task 0: its worker process ended without a result"):
        run_all(square, [(5, str(tmp_path))], n_jobs=2)


def test_error_of_a_task_is_raised_and_error_of_the_iterable_too():
    with pytest.raises(ZeroDivisionError):
        run_all(divmod, [(1, 0)])
    with pytest.raises(ValueError, match="too many tasks"):
        run_all(pow, tasks_that_fail())


def tasks_that_fail():
    yield 2, 2
    raise ValueError("too many tasks")


def test_tasks_are_read_as_workers_become_free():
    n_read = []
    for position, _ in run_tasks(pow, ((n_read.append(n) or n, 2) for n in range(5))):
        assert len(n_read) == position + 1
