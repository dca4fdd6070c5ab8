"""Windows that slide over sound and pictures as they come, and hold no more of them than one is long."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from savee_mm.inference._events import Sound

_EPS = 1e-6
_NO_SOUND = np.empty(0, np.float32)


@dataclass(frozen=True)
class Window:
    """What a stretch of time holds.

    Attributes
    ----------
    start, end : float
        Since the first event (s).
    samples : ndarray of shape (n_samples,)
        Its sound, empty where there is none.
    sr : float or None
        Rate of the sound (Hz).
    pictures : list of (float, ndarray)
        Times since ``start`` (s) and pictures.
    seen : float
        Time of the event that showed that the window is over (s).
    """

    start: float
    end: float
    samples: np.ndarray
    sr: float | None
    pictures: list
    seen: float


def slide(events, window, hop):
    """Cut events into windows.

    Parameters
    ----------
    events : iterable of Sound or Picture
        In the order of their times.
    window, hop : float
        Length of a window, and from the start of one to that of the next (s).

    Yields
    ------
    window : Window
        Each as soon as an event at or behind its end has come. The last one ends with the recording, and is there
        where it adds more than half a hop.
    """
    held, origin, number, end = deque(), None, 0, 0.0
    for event in events:
        origin = event.time if origin is None else origin
        now = event.time - origin
        while now >= number * hop + window - _EPS:
            yield _cut(held, origin, number * hop, number * hop + window, now)
            number += 1
            _forget(held, origin + number * hop)
        held.append(event)
        end = max(end, event.end - origin)
    while end >= number * hop + window - _EPS:
        yield _cut(held, origin, number * hop, number * hop + window, end)
        number += 1
    covered = (number - 1) * hop + window if number else 0.0
    if origin is not None and (number == 0 or end - covered > hop / 2):
        yield _cut(held, origin, number * hop, end, end)


def _cut(held, origin, start, end, seen):
    """Return what is held between two times."""
    first, last = origin + start - _EPS, origin + end - _EPS
    samples, sr, pictures = [], None, []
    for event in held:
        if isinstance(event, Sound):
            sr = event.sr
            places = (round((time - event.time) * sr) for time in (first, last))
            samples.append(event.samples[slice(*(max(0, place) for place in places))])
        elif first <= event.time < last or start == end:
            pictures.append((event.time - origin - start, event.pixels))
    return Window(start, end, np.concatenate(samples) if samples else _NO_SOUND, sr, pictures, seen)


def _forget(held, time):
    """Drop what is over before a time."""
    while held and max(held[0].end, held[0].time) < time - _EPS:
        held.popleft()
