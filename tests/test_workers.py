"""Worker processes end with the process that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from joblib import Parallel

from savee_mm._workers import delayed

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
