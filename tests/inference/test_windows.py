"""Windows: their times, their content, and that past events are not kept."""

import weakref

import numpy as np
import pytest

from savee_mm.inference._events import Frame, in_order, in_pieces
from savee_mm.inference.windows import slide

SR = 100


def sound(seconds, start=0.0):
    return in_pieces(start, np.arange(round(seconds * SR), dtype=np.float32) / SR, SR)


def frames(seconds, fps=10, start=0.0):
    return (Frame(start + i / fps, np.full((1, 1, 3), i % 256, np.uint8)) for i in range(round(seconds * fps)))


def spans(windows):
    return [(round(w.start, 3), round(w.end, 3)) for w in windows]


def test_windows_slide_and_have_their_own_content():
    windows = list(slide(in_order([sound(5), frames(5)]), 2, 1))
    assert spans(windows) == [(0, 2), (1, 3), (2, 4), (3, 5)]
    for window in windows:
        np.testing.assert_allclose(window.samples, window.start + np.arange(200) / SR, atol=1e-6)
        assert [round(time, 6) for time, _ in window.frames] == [i / 10 for i in range(20)]
        assert window.frames[0][1][0, 0, 0] == round(window.start * 10)
        assert window.sr == SR


def test_clock_starts_with_the_first_event():
    windows = list(slide(in_order([sound(2, start=50.5), frames(2, start=50.0)]), 1, 1))
    assert spans(windows) == [(0, 1), (1, 2), (2, 2.5)][:2]
    assert len(windows[0].samples) == 50
    np.testing.assert_allclose(windows[1].samples[0], 0.5)


def test_clock_starts_at_the_origin():
    windows = list(slide(sound(2, start=51.5), 1, 1, origin=50.0))
    assert spans(windows) == [(0, 1), (1, 2), (2, 3), (3, 3.5)][:3]
    assert [len(window.samples) for window in windows] == [0, 50, 100]


@pytest.mark.parametrize(
    ("seconds", "window", "hop", "expected"),
    [
        (0.5, 3, 1, [(0, 0.5)]),  # shorter than a window
        (5.9, 3, 3, [(0, 3), (3, 5.9)]),
        (4.4, 3, 1, [(0, 3), (1, 4)]),  # 0.4 s more make no window
        (4.6, 3, 1, [(0, 3), (1, 4), (2, 4.6)]),
        (3, 3, 1, [(0, 3)]),
        (1, 0.3, 0.3, [(0, 0.3), (0.3, 0.6), (0.6, 0.9)]),
    ],
)
def test_last_window_ends_with_the_recording(seconds, window, hop, expected):
    assert spans(slide(sound(seconds), window, hop)) == expected


def test_empty_stream_has_no_windows():
    assert list(slide(iter(()), 3, 1)) == []
    assert list(slide(iter(()), 3, 1, origin=0.0)) == []


def test_window_is_yielded_as_soon_as_it_is_over():
    pulled = []

    def watched():
        for piece in sound(10):
            pulled.append(piece.time)
            yield piece

    window = next(slide(watched(), 2, 1))
    assert window.end == 2
    assert pulled[-1] == pytest.approx(2.0)
    assert window.seen == pytest.approx(2.0)


def test_gap_has_empty_windows():
    windows = list(slide(in_order([sound(1), sound(1, start=5)]), 1, 1))
    assert [len(w.samples) for w in windows] == [100, 0, 0, 0, 0, 100]


def test_only_the_current_window_is_kept():
    alive, most = _Alive(), 0

    def watched():
        nonlocal most
        for i in range(20_000):
            event = Frame(i / 10, np.zeros((1, 1, 3), np.uint8))
            alive.add(event.pixels)
            most = max(most, len(alive))
            yield event

    assert sum(1 for _ in slide(watched(), 3, 1)) == 1998
    assert most <= 45  # a window, a hop, and the references of the loops themselves


class _Alive:
    """Counts arrays that are still referenced."""

    def __init__(self):
        self._references = []

    def add(self, array):
        self._references = [reference for reference in self._references if reference() is not None]
        self._references.append(weakref.ref(array))

    def __len__(self):
        return len(self._references)
