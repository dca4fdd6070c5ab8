"""What a detector finds in a picture, and the one rule that chooses among several faces."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Faces:
    """The faces found in one picture, in the order of falling score.

    Attributes
    ----------
    boxes : ndarray of shape (n_faces, 4), float64
        x and y of the upper left corner, width, height (pixels). A box may reach beyond the picture.
    scores : ndarray of shape (n_faces,), float64
        The detector's own confidence: comparable within one detector only.
    landmarks : ndarray of shape (n_faces, 5, 2), float64, or None
        x and y (pixels) of the person's right eye, left eye, nose tip, right and left mouth corner; None
        where the detector finds none.
    """

    boxes: np.ndarray
    scores: np.ndarray
    landmarks: np.ndarray | None = None

    def __len__(self):
        return len(self.boxes)


def sorted_faces(boxes, scores, landmarks=None):
    """Return Faces by falling score, without boxes that have no area."""
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    scores = np.asarray(scores, dtype=np.float64).reshape(-1)
    order = np.argsort(-scores, kind="stable")
    order = order[(boxes[order, 2] > 0) & (boxes[order, 3] > 0)]
    if landmarks is not None:
        landmarks = np.asarray(landmarks, dtype=np.float64).reshape(-1, 5, 2)[order]
    return Faces(boxes[order], scores[order], landmarks)


def choose_face(faces: Faces, image_shape: tuple[int, int]) -> int | None:
    """Choose the face of the person that the picture is about: large, and near the picture's centre.

    Each box weighs ``area * (1 - d)``, where d is the distance of its centre from the picture's centre as a
    share of half the picture's diagonal; the heaviest wins, and the better score between equals. So a speaker
    who sits to one side still wins over a small face in the middle, and a box inside the speaker's face (a
    mouth taken for a face) loses.

    Parameters
    ----------
    faces : Faces
        What a detector found.
    image_shape : tuple of int
        (height, width, ...) of the picture (pixels).

    Returns
    -------
    index : int or None
        Place of the face in ``faces``; None where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.vision import Faces, choose_face
    >>> boxes = np.array([[0.0, 0.0, 40.0, 40.0], [140.0, 80.0, 60.0, 80.0]])
    >>> choose_face(Faces(boxes, np.array([0.9, 0.8])), (240, 320))
    1
    """
    return int(np.argmax(weigh_faces(faces, image_shape))) if len(faces) else None


def weigh_faces(faces, image_shape):
    """Return the weight of each face in the choice of :func:`choose_face`.

    Parameters
    ----------
    faces : Faces
        What a detector found.
    image_shape : tuple of int
        (height, width, ...) of the picture (pixels).

    Returns
    -------
    weights : ndarray of shape (n_faces,), float64
        In pixels of area, 0 or more.
    """
    height, width = image_shape[:2]
    offsets = faces.boxes[:, :2] + faces.boxes[:, 2:] / 2 - (width / 2, height / 2)
    distance = np.hypot(offsets[:, 0], offsets[:, 1]) / (np.hypot(width, height) / 2)
    area = faces.boxes[:, 2] * faces.boxes[:, 3]
    return area * (1 - np.minimum(distance, 1))


def check_image(image):
    """Return ``image`` as a contiguous picture.

    Raises
    ------
    ValueError
        Where it is no array of shape (height, width, 3) and type uint8, or has no pixels.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(
            f"Expected a picture of shape (height, width, 3) and type uint8 (RGB), got shape {image.shape} "
            f"and type {image.dtype}."
        )
    return np.ascontiguousarray(image)
