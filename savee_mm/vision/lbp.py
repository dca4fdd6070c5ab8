"""Face detector: the LBP cascade of scikit-image, which needs no download."""

import cv2
import numpy as np

from savee_mm.vision._base import FaceDetector
from savee_mm.vision.faces import sorted_faces

# Window of the cascade (pixels), and the shorter side to which images are scaled. A frontal face smaller than about a
# fifth of that side is not found.
_WINDOW = 24
_SHORTER_SIDE = 128
# Coarser steps (1.2 and 1.3) miss 3 of 255 frames of talking faces; finer ones find no more.
_SCALE_FACTOR = 1.1
_STEP_RATIO = 1.0
# Windows with a larger overlap (intersection over union) are one face.
_SAME_FACE = 0.4
# A box with a larger fraction of its area inside another box is part of the same face.
_INSIDE = 0.7


class LBPDetector(FaceDetector):
    """Frontal-face LBP cascade of scikit-image. The score is the number of overlapping windows.

    Overlapping windows are merged into their mean. Boxes inside a face with more windows are dropped, because the
    cascade also detects mouths and chins, and detects some faces twice. No landmarks.

    Parameters
    ----------
    threshold : int
        The lowest number of overlapping windows that counts as a face.

    References
    ----------
    Liao et al. (2007), "Learning Multi-scale Block Local Binary Patterns for Face Recognition", ICB.
    """

    name = "lbp"

    def __init__(self, *, threshold):
        super().__init__(threshold=threshold)
        # Slow to import, and not needed by the other detectors.
        try:
            from skimage import data
            from skimage.feature import Cascade
        except ImportError as error:
            raise ImportError(
                "The face detector 'lbp' needs scikit-image. Install it with `pip install scikit-image`, or fetch the "
                "weights of a better detector with `savee-mm fetch-weights yunet`."
            ) from error

        self._cascade = Cascade(data.lbp_frontal_face_cascade_filename())

    def _find(self, image):
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        shrink = min(1.0, _SHORTER_SIDE / min(grey.shape))
        if shrink < 1:
            grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        if min(grey.shape) < _WINDOW:
            return sorted_faces([], [])
        # With a threshold above 1 windows are not merged: their number is the score.
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
        Mean of the windows of each face, by descending number of windows.
    votes : ndarray of shape (n_faces,), int
        Number of windows of each face.
    """
    boxes, votes = [], []
    shared = _intersections(windows, windows)
    areas = windows[:, 2] * windows[:, 3]
    overlap = shared / (areas[:, None] + areas - shared)
    left = np.ones(len(windows), dtype=bool)
    while left.any():
        # Start with the window that overlaps most others, and remove all of them.
        near = (overlap > _SAME_FACE) & left & left[:, None]
        group = near[np.argmax(near.sum(axis=1))]
        boxes.append(windows[group].mean(axis=0))
        votes.append(group.sum())
        left &= ~group
    return _without_parts(np.array(boxes).reshape(-1, 4), np.array(votes, dtype=int))


def _without_parts(boxes, votes):
    """Drop boxes inside, or around, a face with more votes."""
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
    """Return the intersection area of every box of ``a`` with every box of ``b``."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    return np.clip(high - low, 0, None).prod(axis=2)
