"""Face detector: YuNet, run by onnxruntime, or by OpenCV's FaceDetectorYN."""

import cv2
import numpy as np

from savee_mm.vision._base import FaceDetector, loading
from savee_mm.vision._yunet_graph import YuNetGraph
from savee_mm.vision.faces import sorted_faces

# Trained on faces of 10 to 300 pixels: larger images are scaled down to this side (pixels).
_LONGER_SIDE = 640
# At this side (pixels), large faces are found in a quarter of the time. A face is large from this fraction of the side.
_CLOSE_SIDE = 360
_CLOSE_FACE = 0.18
# At this side their boxes are found in a quarter of that time, but the landmarks hardly follow a tilt of the head.
_BOX_SIDE = 160
# OpenCV 4 reads outside its buffers if the coarsest map (1/32) has one row: it sometimes finds faces in a blank image.
_SHORTEST_SIDE = 96
# Landmarks follow a tilt of the head only if the face is large. So they are computed again in a crop of this height and
# width, in which the box has this longer side (pixels), and which is rotated until the eyes are level within an angle.
_CROP_HEIGHT, _CROP_WIDTH, _CROP_FACE = 256, 192, 200
_MAX_CROPS, _LEVEL = 3, np.deg2rad(5)  # number of crops at most, angle (rad)
# Mean angle of the eyes (rad) in such crops of 22 faces and their mirror images, where symmetry demands 0.
_CROP_BIAS = np.deg2rad(1.6)
# Boxes with a larger overlap (intersection over union) are one face.
_NMS_THRESHOLD = 0.3
_TOP_K = 200


class YuNetDetector(FaceDetector):
    """YuNet: boxes and five landmarks. The score is a probability.

    onnxruntime runs the network; without it OpenCV, which finds the same faces in twice the time. Boxes and landmarks
    differ by less than .001 pixels.

    Parameters
    ----------
    model : path-like
        ``face_detection_yunet_2026may.onnx``, whose input size is dynamic, as OpenCV 5 requires.
    threshold : float
        The lowest score that counts as a face.

    References
    ----------
    Wu, Peng and Yu (2023), "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20.
    """

    name = "yunet"

    def __init__(self, model, *, threshold):
        super().__init__(threshold=threshold)
        try:
            self._detect = YuNetGraph(model, threshold, _NMS_THRESHOLD, _TOP_K).detect
        except (ImportError, ValueError):  # no onnxruntime, or a file that only OpenCV may be able to read
            self._detect = _opencv_detect(model, threshold)

    def _find(self, image):
        return self._find_close(image, _CLOSE_SIDE)

    def _find_boxes(self, image):
        return self._find_close(image, _BOX_SIDE)

    def _find_close(self, image, side):
        """Find faces at that longer side (pixels) if one of them is large, else at the largest side."""
        if max(image.shape) > side:
            faces = self._find_at(image, side)
            if len(faces) and faces.boxes[:, 2:].max() >= _CLOSE_FACE * max(image.shape):
                return faces
        return self._find_at(image, _LONGER_SIDE)

    def _refine(self, image, box, landmarks):
        """Return the landmarks of the face in the box in a crop that is rotated until its eyes are level."""
        centre, scale = complex(*(box[:2] + box[2:] / 2)), _CROP_FACE / box[2:].max()
        middle = complex(_CROP_WIDTH, _CROP_HEIGHT) / 2
        tilt, points = 0.0, _to_complex(landmarks)
        for _ in range(_MAX_CROPS):
            turn = scale * np.exp(-1j * tilt)
            # OpenCV measures from the centre of the first pixel, we from its corner.
            shift = middle - turn * centre + (turn - 1) * (0.5 + 0.5j)
            transform = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
            crop = cv2.warpAffine(image, transform, (_CROP_WIDTH, _CROP_HEIGHT), borderMode=cv2.BORDER_REPLICATE)
            faces = self._find_at(crop, _CROP_HEIGHT)
            if not len(faces):
                break
            offsets = np.abs(_to_complex(faces.boxes[:, :2] + faces.boxes[:, 2:] / 2) - middle)
            level = (_to_complex(faces.landmarks[offsets.argmin()]) - middle) * np.exp(-1j * _CROP_BIAS)
            points = centre + level / turn
            change = np.angle(_across(level))
            tilt += change
            if abs(change) < _LEVEL:
                break
        return np.stack([points.real, points.imag], axis=-1)

    def _find_at(self, image, longer_side):
        """Find faces in an image, scaled down to that longer side (pixels) if it is larger."""
        height, width = image.shape[:2]
        shrink = min(1.0, longer_side / max(height, width))
        if shrink < 1:
            new_size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
            image = cv2.resize(image, new_size, interpolation=cv2.INTER_AREA)
        scale = np.array([width / image.shape[1], height / image.shape[0]])
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        if min(image.shape[:2]) < _SHORTEST_SIDE:
            below, right = (max(0, _SHORTEST_SIDE - side) for side in image.shape[:2])
            image = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT)
        # Rows of box (4), landmarks (10), score.
        found = self._detect(image)
        points = found[:, :14].reshape(-1, 7, 2) * scale
        return sorted_faces(points[:, :2].reshape(-1, 4), found[:, 14], points[:, 2:])


def _opencv_detect(model, threshold):
    """Return the method of :class:`YuNetGraph` that finds faces, in OpenCV."""
    with loading(model):
        network = cv2.FaceDetectorYN.create(
            str(model), "", (_LONGER_SIDE, _LONGER_SIDE), threshold, _NMS_THRESHOLD, _TOP_K
        )

    def detect(image):
        network.setInputSize(image.shape[1::-1])
        _, found = network.detect(image)
        return np.empty((0, 15)) if found is None else found.astype(np.float64)

    return detect


def _to_complex(points):
    return points[..., 0] + 1j * points[..., 1]


def _across(points):
    """Return the vector from the right eye to the left eye."""
    return points[1] - points[0]
