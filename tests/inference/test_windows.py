"""Windows: where they lie, what they hold, and that nothing is held that is over."""

import weakref

import numpy as np
import pytest

from savee_mm.inference._events import Picture, Sound, in_order, in_pieces, thinned
from savee_mm.inference._windows import slide

SR = 100


def sound(seconds, start=0.0):
    return in_pieces(start, np.arange(round(seconds * SR), dtype=np.float32) / SR, SR)


def pictures(seconds, fps=10, start=0.0):
    return (Picture(start + i / fps, np.full((1, 1, 3), i % 256, np.uint8)) for i in range(round(seconds * fps)))


def spans(windows):
    return [(round(w.start, 3), round(w.end, 3)) for w in windows]


def test_windows_slide_and_hold_their_own_stretch():
    windows = list(slide(in_order([sound(5), pictures(5)]), 2, 1))
    assert spans(windows) == [(0, 2), (1, 3), (2, 4), (3, 5)]
    for window in windows:
        np.testing.assert_allclose(window.samples, window.start + np.arange(200) / SR, atol=1e-6)
        assert [round(time, 6) for time, _ in window.pictures] == [i / 10 for i in range(20)]
        assert window.pictures[0][1][0, 0, 0] == round(window.start * 10)
        assert window.sr == SR


def test_clock_starts_with_the_first_event():
    windows = list(slide(in_order([sound(2, start=50.5), pictures(2, start=50.0)]), 1, 1))
    assert spans(windows) == [(0, 1), (1, 2), (2, 2.5)][:2]
    assert len(windows[0].samples) == 50
    np.testing.assert_allclose(windows[1].samples[0], 0.5)


@pytest.mark.parametrize(
    ("seconds", "window", "hop", "expected"),
    [
        (0.5, 3, 1, [(0, 0.5)]),  # shorter than a window
        (5.9, 3, 3, [(0, 3), (3, 5.9)]),
        (4.4, 3, 1, [(0, 3), (1, 4)]),  # 0.4 s more are not worth a window
        (4.6, 3, 1, [(0, 3), (1, 4), (2, 4.6)]),
        (3, 3, 1, [(0, 3)]),
        (1, 0.3, 0.3, [(0, 0.3), (0.3, 0.6), (0.6, 0.9)]),
    ],
)
def test_last_window_ends_with_the_recording(seconds, window, hop, expected):
    assert spans(slide(sound(seconds), window, hop)) == expected


def test_nothing_has_no_windows():
    assert list(slide(iter(()), 3, 1)) == []


def test_window_is_given_as_soon_as_it_is_over():
    pulled = []

    def watched():
        for piece in sound(10):
            pulled.append(piece.time)
            yield piece

    window = next(slide(watched(), 2, 1))
    assert window.end == 2
    assert pulled[-1] == pytest.approx(2.0)
    assert window.seen == pytest.approx(2.0)


def test_a_gap_has_windows_without_content():
    windows = list(slide(in_order([sound(1), sound(1, start=5)]), 1, 1))
    assert [len(w.samples) for w in windows] == [100, 0, 0, 0, 0, 100]


def test_no_more_is_held_than_a_window_is_long():
    alive, most = _Alive(), 0

    def watched():
        nonlocal most
        for i in range(20_000):
            event = Picture(i / 10, np.zeros((1, 1, 3), np.uint8))
            alive.add(event.pixels)
            most = max(most, len(alive))
            yield event

    assert sum(1 for _ in slide(watched(), 3, 1)) == 1998
    assert most <= 45  # a window and a hop, and what the loops themselves hold


class _Alive:
    """Counts arrays that are still held by somebody."""

    def __init__(self):
        self._references = []

    def add(self, array):
        self._references = [reference for reference in self._references if reference() is not None]
        self._references.append(weakref.ref(array))

    def __len__(self):
        return len(self._references)


def test_pieces_are_short_and_lose_nothing():
    pieces = list(in_pieces(3.0, np.arange(17, dtype=np.float32), SR))
    assert [len(piece.samples) for piece in pieces] == [5, 5, 5, 2]
    assert [piece.time for piece in pieces] == pytest.approx([3.0, 3.05, 3.1, 3.15])
    np.testing.assert_array_equal(np.concatenate([piece.samples for piece in pieces]), np.arange(17))
    assert pieces[-1].end == pytest.approx(3.17)


@pytest.mark.parametrize(("fps", "kept"), [(10, 10), (25, 25), (30, 25), (None, 25), (0.5, 1)])
def test_pictures_are_thinned_to_the_rate_that_is_wanted(fps, kept):
    assert len(list(thinned(((i / 25, i) for i in range(25)), fps))) == kept


def test_sound_of_no_length_is_no_trouble():
    assert list(in_pieces(0.0, np.empty(0, np.float32), SR)) == []
    assert Sound(1.0, np.zeros(50), SR).end == 1.5
