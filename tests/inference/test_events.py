"""Events: pieces of sound, and frames at a lower rate."""

import numpy as np
import pytest

from savee_mm.inference._events import Sound, in_pieces, thinned

SR = 100


def test_pieces_are_short_and_complete():
    pieces = list(in_pieces(3.0, np.arange(17, dtype=np.float32), SR))
    assert [len(piece.samples) for piece in pieces] == [5, 5, 5, 2]
    assert [piece.time for piece in pieces] == pytest.approx([3.0, 3.05, 3.1, 3.15])
    np.testing.assert_array_equal(np.concatenate([piece.samples for piece in pieces]), np.arange(17))
    assert pieces[-1].end == pytest.approx(3.17)


@pytest.mark.parametrize(("fps", "kept"), [(10, 10), (25, 25), (30, 25), (None, 25), (0.5, 1)])
def test_frames_are_thinned_to_fps(fps, kept):
    assert len(list(thinned(((i / 25, i) for i in range(25)), fps))) == kept


def test_empty_sound_has_no_pieces():
    assert list(in_pieces(0.0, np.empty(0, np.float32), SR)) == []
    assert Sound(1.0, np.zeros(50), SR).end == 1.5
