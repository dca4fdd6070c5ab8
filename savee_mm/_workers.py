"""Worker processes: tasks outlive a worker that is killed, and workers end with their parent."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import islice
from typing import Any

import joblib
from joblib import Parallel
from joblib.parallel import get_active_backend

_INTERVAL = 0.5  # s between two checks of the parent
_watched: set[int] = set()  # parents that a thread of this process watches
_ENOUGH = 2  # tasks for each worker of Dask that are submitted at a time


class WorkerDied:
    """Result of a task whose worker process ended without a result, also when the task ran alone."""

    reason = "its worker process ended without a result, also in a second attempt (killed, out of memory, or a crash)"


def run_tasks(
    function: Callable[..., Any], tasks: Iterable[tuple], *, n_jobs: int | None = None
) -> Iterator[tuple[int, Any]]:
    """Run a function on many tasks in the active backend of joblib, and yield the results as they come.

    If a worker process is killed, the tasks that it had are run again, one at a time, so that a task that kills its
    worker is found and others go on.

    Parameters
    ----------
    function : callable
        A picklable function.
    tasks : iterable of tuple
        The arguments of each call. It is read as workers become free, not at once.
    n_jobs : int, default=None
        Number of processes, as in :class:`joblib.Parallel`.

    Yields
    ------
    number : int
        Position of the task.
    result : object
        What the function returned, or a :class:`WorkerDied`.
    """
    backend, _ = get_active_backend()
    if type(backend).__name__ == "DaskDistributedBackend":
        yield from _run_on_dask(backend, function, enumerate(tasks))
        return
    numbered = enumerate(tasks)
    while True:
        running: dict[int, tuple] = {}
        try:
            yield from _run_in_parallel(function, numbered, running, n_jobs)
            return
        except BrokenProcessPool:
            unfinished = sorted(running.items())
        for task in unfinished:
            try:
                yield from _run_in_parallel(function, iter([task]), {}, n_jobs)
            except BrokenProcessPool:
                yield task[0], WorkerDied()


def _run_in_parallel(function, numbered, running, n_jobs):
    """Yield numbers and results; ``running`` holds the tasks that were given to workers and have no result yet."""

    def calls():
        for number, task in numbered:
            running[number] = task
            yield delayed(_numbered)(number, function, task)

    for number, result in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(calls()):
        del running[number]
        yield number, result


def run_all(function: Callable[..., Any], tasks: Iterable[tuple], *, n_jobs: int | None = None) -> list:
    """Run a function on many tasks as :func:`run_tasks` does, and return the results in the order of the tasks.

    Parameters
    ----------
    function, tasks, n_jobs : object
        As of :func:`run_tasks`.

    Returns
    -------
    results : list

    Raises
    ------
    RuntimeError
        If the worker of a task ended twice.
    """
    results = dict(run_tasks(function, tasks, n_jobs=n_jobs))
    for number, result in sorted(results.items()):
        if isinstance(result, WorkerDied):
            raise RuntimeError(f"Task {number}: {result.reason}. Lower n_jobs, or give the workers more memory.")
    return [results[number] for number in range(len(results))]


def _numbered(number, function, task):
    return number, function(*task)


def _run_on_dask(backend, function, numbered):
    """Submit tasks to the cluster itself: joblib waits forever for a task that Dask gives up."""
    from distributed import KilledWorker, as_completed

    client, running = backend.client, {}

    def submit(n_tasks):
        new = []
        for number, task in islice(numbered, n_tasks):
            # In a tuple, arrays and tables travel with the task. Scattered data would be lost with its worker.
            future = client.submit(_EndsWithParent(_apply), function, task, pure=False)
            running[future] = number
            new.append(future)
        return new

    finished = as_completed(submit(_ENOUGH * backend.effective_n_jobs(-1)), raise_errors=False)
    try:
        with backend.retrieval_context():
            for future in finished:
                number = running.pop(future)
                try:
                    result = future.result()
                except KilledWorker:
                    result = WorkerDied()
                finished.update(submit(1))
                yield number, result
    finally:
        for future in running:
            with suppress(Exception):
                future.cancel()


def _apply(function, task):
    return function(*task)


class _EndsWithParent:
    """A function that, where a worker process runs it, lets the process end with its parent.

    Without that, the workers of joblib go on with their tasks, and then wait for minutes.
    """

    def __init__(self, function):
        self.function = function
        self.parent = os.getpid()

    def __call__(self, *args, **kwargs):
        # In the parent itself nothing is watched, nor in processes that another one has started, such as those of Dask.
        if os.getppid() == self.parent and self.parent not in _watched:
            _watched.add(self.parent)
            threading.Thread(target=_end_with, args=(self.parent,), daemon=True).start()
        return self.function(*args, **kwargs)


def delayed(function: Callable) -> Callable[..., Any]:
    """Return ``joblib.delayed`` of a function, whose worker processes end when their parent ends, also by a signal.

    Parameters
    ----------
    function : callable
        Function for :class:`joblib.Parallel`.

    Returns
    -------
    delayed : callable
        To be called with the arguments of the function.

    Notes
    -----
    On Windows, a process does not learn that its parent has ended.
    """
    return joblib.delayed(_EndsWithParent(function))


def _end_with(parent):
    while os.getppid() == parent:
        time.sleep(_INTERVAL)
    os._exit(1)
