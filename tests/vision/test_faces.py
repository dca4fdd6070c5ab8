"""Faces and choose_face: the choice among several faces."""

import numpy as np
import pytest

from savee_mm.vision import Faces, choose_face
from savee_mm.vision.faces import sorted_faces

SHAPE = (240, 320, 3)


def faces(*boxes):
    return Faces(np.array(boxes, dtype=float).reshape(-1, 4), np.ones(len(boxes)))


def test_no_face():
    assert choose_face(faces(), SHAPE) is None


def test_single_face_is_chosen_anywhere():
    assert choose_face(faces((-30, -30, 40, 40)), SHAPE) == 0
    assert choose_face(faces((-300, -300, 40, 40)), SHAPE) == 0


@pytest.mark.parametrize(
    ("boxes", "chosen"),
    [
        ([(140, 100, 40, 40), (110, 70, 100, 100)], 1),  # both at the centre: the larger one
        ([(0, 0, 80, 80), (120, 80, 80, 80)], 1),  # equal sizes: the one at the centre
        ([(150, 110, 20, 20), (20, 60, 120, 120)], 1),  # a small face at the centre is a bystander
        ([(110, 70, 100, 100), (130, 130, 50, 40)], 0),  # a mouth detected as a face
        ([(110, 70, 100, 100), (110, 70, 100, 100)], 0),  # equal boxes: the better score, which is first
    ],
)
def test_large_face_near_the_centre_is_chosen(boxes, chosen):
    assert choose_face(faces(*boxes), SHAPE) == chosen


def test_choice_is_invariant_to_scale_and_mirroring():
    rng = np.random.default_rng(0)
    boxes = np.column_stack([rng.uniform(0, 250, 20), rng.uniform(0, 180, 20), *rng.uniform(10, 80, (2, 20))])
    chosen = choose_face(faces(*boxes), SHAPE)
    assert choose_face(faces(*boxes * 3), (720, 960)) == chosen
    mirrored = boxes.copy()
    mirrored[:, 0] = 320 - boxes[:, 0] - boxes[:, 2]
    assert choose_face(faces(*mirrored), SHAPE) == chosen
    assert choose_face(faces(*boxes[::-1]), SHAPE) == 19 - chosen


def test_faces_are_sorted_by_score_without_empty_boxes():
    landmarks = np.arange(30).reshape(3, 10)
    found = sorted_faces([(0, 0, 5, 5), (1, 1, 0, 5), (2, 2, 5, 5)], [0.6, 0.9, 0.8], landmarks)
    np.testing.assert_array_equal(found.scores, [0.8, 0.6])
    np.testing.assert_array_equal(found.boxes[:, 0], [2, 0])
    np.testing.assert_array_equal(found.landmarks[:, 0, 0], [20, 0])
    assert len(found) == 2
    assert sorted_faces([], []).boxes.shape == (0, 4)
