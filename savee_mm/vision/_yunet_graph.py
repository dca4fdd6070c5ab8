"""YuNet's network in onnxruntime, with the decoding of OpenCV's FaceDetectorYN."""

from functools import lru_cache

import cv2
import numpy as np

from savee_mm._sessions import make_session

STRIDES = (8, 16, 32)  # pixels between the anchors of the three maps
_PAIRS = [0, 1] * 5  # x and y of each landmark
_OUTPUTS = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES]


class YuNetGraph:
    """Finds faces as ``cv2.FaceDetectorYN`` does, in about half of its time.

    Parameters
    ----------
    model : path-like
        The ONNX file.
    threshold : float
        The lowest score that counts as a face.
    nms_threshold : float
        Boxes with a larger overlap (intersection over union) are one face.
    top_k : int
        Number of boxes with the highest scores that are considered.

    Raises
    ------
    ImportError
        If onnxruntime is not installed.
    ValueError
        If onnxruntime cannot run the file on images of any size.
    """

    def __init__(self, model, threshold, nms_threshold, top_k):
        try:
            # One small image at a time: on a GPU, the transfers would take longer than the network.
            self._session = make_session(str(model), keeps_memory=True, on_gpu=False)
        except ImportError:
            raise
        except Exception as error:  # onnxruntime's errors share no base class
            raise ValueError(f"onnxruntime cannot read {model}") from error
        [self._input] = self._session.get_inputs()
        if any(isinstance(side, int) for side in self._input.shape[2:]):
            raise ValueError(f"{model} accepts images of one size only, {self._input.shape}")
        self._threshold, self._nms_threshold, self._top_k = threshold, nms_threshold, top_k

    def detect(self, image):
        """Find the faces in an image.

        Parameters
        ----------
        image : ndarray of shape (height, width, 3), uint8
            BGR.

        Returns
        -------
        faces : ndarray of shape (n_faces, 15), float64
            Box (x, y, width, height), five landmarks (x, y each) and score, in pixels of the image.
        """
        below, right = (-side % STRIDES[-1] for side in image.shape[:2])
        padded = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT) if below or right else image
        # An eighth of the time of cv2.dnn.blobFromImage.
        channels = np.stack(cv2.split(padded)).astype(np.float32)[np.newaxis]
        outputs = self._session.run(_OUTPUTS, {self._input.name: channels})
        # The three maps, one after the other.
        classes, objects, boxes, points = (np.concatenate(outputs[i : i + 3], axis=1)[0] for i in range(0, 12, 3))
        scores = np.sqrt(classes[:, 0] * objects[:, 0])
        found = np.flatnonzero(scores >= self._threshold)
        if not len(found):
            return np.empty((0, 15))
        found = found[np.argsort(-scores[found], kind="stable")[: self._top_k]]
        grid, strides = (of_anchors[found] for of_anchors in _anchors(*padded.shape[:2]))
        size = np.exp(boxes[found, 2:])
        corners = grid + boxes[found, :2] - size / 2
        landmarks = points[found] + grid[:, _PAIRS]
        faces = np.hstack([strides * corners, strides * size, strides * landmarks, scores[found, np.newaxis]])
        return faces[_distinct(faces[:, :4], self._nms_threshold)]


@lru_cache(maxsize=32)
def _anchors(height, width):
    """Return column and row of all anchors of an image, shape (n_anchors, 2), and their strides (pixels)."""
    grids = [np.indices((height // stride, width // stride))[::-1].reshape(2, -1).T for stride in STRIDES]
    return np.concatenate(grids), np.repeat(STRIDES, [len(grid) for grid in grids])[:, np.newaxis]


def _distinct(boxes, threshold):
    """Return the positions of boxes that overlap no earlier one; as OpenCV, on whole pixels."""
    kept = {}
    for i, (x, y, width, height) in enumerate(np.trunc(boxes).tolist()):
        area = width * height
        for left, top, right, bottom, other in kept.values():
            shared = max(0, min(x + width, right) - max(x, left)) * max(0, min(y + height, bottom) - max(y, top))
            if shared > threshold * (area + other - shared):
                break
        else:
            kept[i] = x, y, x + width, y + height, area
    return list(kept)
