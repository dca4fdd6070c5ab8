"""Face tracking: link the boxes of each face over the frames of a clip, and choose one face."""

import numpy as np
from numpy.typing import ArrayLike

from savee_mm.vision.faces import Faces, weigh_faces

# Two boxes are one face if the distance of their centres is at most this number of mean sides, and neither side is
# more than twice the other: the heads of two people do not come closer.
_REACH = 1.0
_LARGEST_RATIO = 2.0


def follow_face(
    detections: list[Faces], image_shape: tuple[int, int], weights: ArrayLike | None = None
) -> list[int | None]:
    """Choose the face of one person in each frame.

    Parameters
    ----------
    detections : list of Faces
        Detected faces of each frame, in the order of time.
    image_shape : tuple of int
        (height, width, ...) of the frames (pixels).
    weights : array-like of shape (n_tracks,), default=None
        Weight of each track of :func:`link_faces`. None for the weights of :func:`choose_face`, summed over the
        frames.

    Returns
    -------
    chosen : list of int or None
        Index of the face in the Faces of each frame; None if it is not detected.

    Notes
    -----
    The track with the largest weight is chosen. In frames without it, a track that is never in the same frame replaces
    it: it can be the same face after a large movement. A bystander, who is seen together with the person, is not
    chosen. In a clip that never shows two faces at once, every face is chosen.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.vision import Faces, follow_face
    >>> left, right = [20.0, 40.0, 50.0, 50.0], [200.0, 40.0, 60.0, 60.0]
    >>> frames = [Faces(np.array(boxes), np.ones(len(boxes))) for boxes in ([left, right], [right, left], [left])]
    >>> follow_face(frames, (240, 320))
    [1, 0, None]
    """
    labels = link_faces(detections)
    if weights is None:
        weights = track_weights(detections, labels, image_shape)
    followed = _with_substitutes(labels, np.asarray(weights, dtype=np.float64))
    places = [np.flatnonzero(np.isin(of_frame, followed)) for of_frame in labels]
    return [int(place[0]) if place.size else None for place in places]


def link_faces(detections: list[Faces]) -> list[np.ndarray]:
    """Link the boxes of each face over the frames.

    Parameters
    ----------
    detections : list of Faces
        Detected faces of each frame, in the order of time.

    Returns
    -------
    labels : list of ndarray of shape (n_faces,), int
        Track number (from 0) of each face of each frame. Boxes are linked to the last box of each track, the
        closest pairs first.
    """
    labels, last = [], np.empty((0, 4))
    for faces in detections:
        of_frame = match_boxes(last, faces.boxes)
        new = of_frame < 0
        of_frame[new] = len(last) + np.arange(new.sum())
        last = np.vstack([last, faces.boxes[new]])
        last[of_frame] = faces.boxes
        labels.append(of_frame)
    return labels


def track_weights(detections, labels, image_shape):
    """Return the weights of :func:`choose_face` of each track, summed over the frames.

    Parameters
    ----------
    detections : list of Faces
        Detected faces of each frame.
    labels : list of ndarray of int
        Track numbers from :func:`link_faces`.
    image_shape : tuple of int
        (height, width, ...) of the frames (pixels).

    Returns
    -------
    weights : ndarray of shape (n_tracks,), float64
    """
    weights = np.zeros(n_tracks(labels))
    for faces, of_frame in zip(detections, labels, strict=True):
        weights[of_frame] += weigh_faces(faces, image_shape)
    return weights


def n_tracks(labels):
    """Return the number of tracks in ``labels``."""
    return 1 + max((int(of_frame.max()) for of_frame in labels if of_frame.size), default=-1)


def match_boxes(last, boxes):
    """Return the track that each box continues.

    Parameters
    ----------
    last : ndarray of shape (n_tracks, 4)
        Last box of each track.
    boxes : ndarray of shape (n_faces, 4)
        Boxes of the next frame.

    Returns
    -------
    matched : ndarray of shape (n_faces,), int
        Index of the track, -1 for a new face.
    """
    matched = np.full(len(boxes), -1)
    if not len(last) or not len(boxes):
        return matched
    sides, new_sides = last[:, 2:].max(axis=1), boxes[:, 2:].max(axis=1)
    offsets = (last[:, None, :2] + last[:, None, 2:] / 2) - (boxes[:, :2] + boxes[:, 2:] / 2)
    distance = np.hypot(offsets[..., 0], offsets[..., 1]) / ((sides[:, None] + new_sides) / 2)
    ratio = np.maximum(sides[:, None] / new_sides, new_sides / sides[:, None])
    distance[(distance > _REACH) | (ratio > _LARGEST_RATIO)] = np.inf
    while np.isfinite(distance).any():
        track, box = np.unravel_index(distance.argmin(), distance.shape)
        matched[box] = track
        distance[track], distance[:, box] = np.inf, np.inf
    return matched


def _with_substitutes(labels, weights):
    """Return the track with the largest weight, and the tracks that are never in the same frame as a chosen one."""
    seen = np.zeros((len(weights), len(labels)), dtype=bool)
    for frame, of_frame in enumerate(labels):
        seen[of_frame, frame] = True
    followed, covered = [], np.zeros(len(labels), dtype=bool)
    for track in np.argsort(-weights, kind="stable"):
        if not (seen[track] & covered).any():
            followed.append(track)
            covered |= seen[track]
    return followed
