"""Worker processes that end with their parent."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import joblib

_INTERVAL = 0.5  # s between two checks of the parent
_watched: set[int] = set()  # parents that a thread of this process watches


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
