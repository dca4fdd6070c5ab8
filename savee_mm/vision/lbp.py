"""scikit-image's cascade of local binary patterns: a face detector whose weights come with the package."""

import cv2
import numpy as np

from savee_mm.vision._base import FaceDetector
from savee_mm.vision.faces import sorted_faces

# The cascade's window (pixels), and the picture's shorter side that it is run at: a frontal face that fills
# less than about a fifth of it is not found.
_WINDOW = 24
_SHORTER_SIDE = 128
# Coarser steps (1.2 and 1.3) lose 3 of 255 frames of talking faces, finer ones gain nothing.
_SCALE_FACTOR = 1.1
_STEP_RATIO = 1.0
# Windows that overlap more than this (intersection over union) speak for one face.
_SAME_FACE = 0.4
# A box that lies in a bigger face by more than this share of itself is a part of that face.
_INSIDE = 0.7


class LBPDetector(FaceDetector):
    """The frontal-face LBP cascade of scikit-image; the score is the number of windows that agree.

    Windows that overlap are merged into their mean, and what lies inside a better supported face is dropped:
    the cascade takes mouths and chins for faces and answers twice for one face. No landmarks.

    Parameters
    ----------
    threshold : int
        The lowest number of agreeing windows that counts as a face.

    References
    ----------
    Liao et al. (2007), "Learning Multi-scale Block Local Binary Patterns for Face Recognition", ICB.
    """

    name = "lbp"

    def __init__(self, *, threshold):
        super().__init__(threshold=threshold)
        # Slow to import, and of no use to the other detectors.
        from skimage import data
        from skimage.feature import Cascade

        self._cascade = Cascade(data.lbp_frontal_face_cascade_filename())

    def _find(self, image):
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        shrink = min(1.0, _SHORTER_SIDE / min(grey.shape))
        if shrink < 1:
            grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        if min(grey.shape) < _WINDOW:
            return sorted_faces([], [])
        # A threshold above 1 merges nothing: the windows come one by one, and their number is the score.
        windows = self._cascade.detect_multi_scale(
            grey,
            scale_factor=_SCALE_FACTOR,
            step_ratio=_STEP_RATIO,
            min_size=(_WINDOW, _WINDOW),
            max_size=(min(grey.shape), min(grey.shape)),
            min_neighbor_number=1,
            intersection_score_threshold=1.5,
        )
        raw = np.array([(w["c"], w["r"], w["width"], w["height"]) for w in windows], dtype=np.float64).reshape(-1, 4)
        boxes, votes = merge_windows(raw)
        enough = votes >= self.threshold
        scale = image.shape[1] / grey.shape[1]
        return sorted_faces(boxes[enough] * scale, votes[enough])


def merge_windows(windows):
    """Merge overlapping windows into faces.

    Parameters
    ----------
    windows : ndarray of shape (n_windows, 4)
        x, y, width, height (pixels).

    Returns
    -------
    boxes : ndarray of shape (n_faces, 4)
        Mean of the windows of each face, the best supported first.
    votes : ndarray of shape (n_faces,), int
        How many windows each face has.
    """
    boxes, votes = [], []
    shared = _intersections(windows, windows)
    areas = windows[:, 2] * windows[:, 3]
    overlap = shared / (areas[:, None] + areas - shared)
    left = np.ones(len(windows), dtype=bool)
    while left.any():
        # The window with most others around it speaks first and takes them along.
        near = (overlap > _SAME_FACE) & left & left[:, None]
        group = near[np.argmax(near.sum(axis=1))]
        boxes.append(windows[group].mean(axis=0))
        votes.append(group.sum())
        left &= ~group
    return _without_parts(np.array(boxes).reshape(-1, 4), np.array(votes, dtype=int))


def _without_parts(boxes, votes):
    """Drop what lies in, or around, a face with more votes."""
    order = np.argsort(-votes, kind="stable")
    boxes, votes = boxes[order], votes[order]
    areas = boxes[:, 2] * boxes[:, 3]
    share = _intersections(boxes, boxes) / np.minimum(areas, areas[:, None])
    kept = []
    for i in range(len(boxes)):
        if not kept or share[i, kept].max() <= _INSIDE:
            kept.append(i)
    return boxes[kept], votes[kept]


def _intersections(a, b):
    """Shared area of every box of ``a`` with every box of ``b``."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    return np.clip(high - low, 0, None).prod(axis=2)
