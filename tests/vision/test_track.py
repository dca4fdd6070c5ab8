"""follow_face: one person in all frames of a clip, and no bystander."""

import numpy as np
import pytest

from savee_mm.vision import Faces, choose_face, follow_face, link_faces
from savee_mm.vision.track import n_tracks, track_weights

SHAPE = (240, 320)
LEFT, RIGHT = (20, 60, 60, 80), (200, 70, 80, 90)


def frame(*boxes):
    return Faces(np.array(boxes, dtype=float).reshape(-1, 4), np.linspace(0.9, 0.6, len(boxes)))


def moved(box, x, y=0):
    return (box[0] + x, box[1] + y, *box[2:])


def test_links_do_not_depend_on_the_order_of_the_faces():
    frames = [frame(LEFT, RIGHT), frame(moved(RIGHT, 10), moved(LEFT, -8, 5)), frame(), frame(LEFT)]
    labels = link_faces(frames)
    assert [label.tolist() for label in labels] == [[0, 1], [1, 0], [], [0]]
    assert n_tracks(labels) == 2
    # The right face is larger.
    left, right = track_weights(frames, labels, SHAPE)
    assert 0 < left < right


def test_nearest_face_is_linked_first():
    # Both are near enough to the first face; the nearer one continues its track.
    labels = link_faces([frame(LEFT), frame(moved(LEFT, 50), moved(LEFT, 4))])
    assert [label.tolist() for label in labels] == [[0], [1, 0]]


def test_box_of_another_size_is_another_face():
    mouth = (40, 110, 20, 20)
    assert link_faces([frame(LEFT), frame(mouth)])[1].tolist() == [1]


def test_single_face_is_chosen_anywhere():
    frames = [frame(LEFT), frame(RIGHT), frame(), frame((5, 5, 20, 20))]
    assert follow_face(frames, SHAPE) == [0, 0, None, 0]
    assert follow_face([frame(), frame()], SHAPE) == [None, None]


@pytest.mark.parametrize("seed", range(5))
def test_clips_of_one_face_equal_the_choice_in_each_frame(seed):
    rng = np.random.default_rng(seed)
    frames = [frame(*rng.uniform(10, 100, (rng.integers(0, 2), 4))) for _ in range(12)]
    assert follow_face(frames, SHAPE) == [choose_face(faces, SHAPE) for faces in frames]


def test_larger_face_over_all_frames_is_followed():
    # In the second frame the other face is closer.
    close = (10, 40, 110, 120)
    frames = [frame(LEFT, RIGHT), frame(close, RIGHT), frame(LEFT, RIGHT)]
    assert choose_face(frames[1], SHAPE) == 0
    assert follow_face(frames, SHAPE) == [1, 1, 1]


def test_bystander_does_not_replace_the_person():
    frames = [frame(LEFT, RIGHT), frame(LEFT), frame(RIGHT, LEFT)]
    assert follow_face(frames, SHAPE) == [1, None, 0]


def test_weights_choose_the_track():
    frames = [frame(LEFT, RIGHT), frame(RIGHT, LEFT)]
    assert follow_face(frames, SHAPE) == [1, 0]
    assert follow_face(frames, SHAPE, [0.7, 0.1]) == [0, 1]
