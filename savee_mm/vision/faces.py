"""Faces that a detector finds in an image, and the choice of one of them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Faces:
    """Faces found in one image, by descending score.

    Attributes
    ----------
    boxes : ndarray of shape (n_faces, 4), float64
        x and y of the upper left corner, width, height (pixels). A box can extend outside the image.
    scores : ndarray of shape (n_faces,), float64
        Confidence of the detector. Scores of different detectors are not comparable.
    landmarks : ndarray of shape (n_faces, 5, 2), float64, or None
        x and y (pixels) of the person's right eye, left eye, nose tip, right and left mouth corner. None if the
        detector has no landmarks.
    """

    boxes: np.ndarray
    scores: np.ndarray
    landmarks: np.ndarray | None = None

    def __len__(self):
        return len(self.boxes)


def sorted_faces(boxes, scores, landmarks=None):
    """Return Faces by descending score, without boxes of zero area."""
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    scores = np.asarray(scores, dtype=np.float64).reshape(-1)
    order = np.argsort(-scores, kind="stable")
    order = order[(boxes[order, 2] > 0) & (boxes[order, 3] > 0)]
    if landmarks is not None:
        landmarks = np.asarray(landmarks, dtype=np.float64).reshape(-1, 5, 2)[order]
    return Faces(boxes[order], scores[order], landmarks)


def choose_face(faces: Faces, image_shape: tuple[int, int]) -> int | None:
    """Choose the main face of an image: large, and near the centre.

    The weight of a box is ``area * (1 - d)``, where d is the distance of its centre from the centre of the image,
    divided by half the diagonal of the image. The box with the largest weight is chosen; the score decides between
    equal weights. So a speaker at one side is preferred to a small face in the centre, and to a false detection inside
    the face, such as the mouth.

    Parameters
    ----------
    faces : Faces
        Detected faces.
    image_shape : tuple of int
        (height, width, ...) of the image (pixels).

    Returns
    -------
    index : int or None
        Index of the face in ``faces``; None if it is empty.

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
    """Return the weight of each face in :func:`choose_face`.

    Parameters
    ----------
    faces : Faces
        Detected faces.
    image_shape : tuple of int
        (height, width, ...) of the image (pixels).

    Returns
    -------
    weights : ndarray of shape (n_faces,), float64
        Areas (pixels), 0 or more.
    """
    height, width = image_shape[:2]
    offsets = faces.boxes[:, :2] + faces.boxes[:, 2:] / 2 - (width / 2, height / 2)
    distance = np.hypot(offsets[:, 0], offsets[:, 1]) / (np.hypot(width, height) / 2)
    area = faces.boxes[:, 2] * faces.boxes[:, 3]
    return area * (1 - np.minimum(distance, 1))


def check_image(image):
    """Return ``image`` as a contiguous array.

    Raises
    ------
    ValueError
        If it is not an array of shape (height, width, 3) and type uint8, or has no pixels.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(
            f"Expected an image of shape (height, width, 3) and type uint8 (RGB), got shape {image.shape} "
            f"and type {image.dtype}."
        )
    return np.ascontiguousarray(image)
