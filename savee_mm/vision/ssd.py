"""The ResNet-10 SSD of OpenCV's samples."""

from pathlib import Path

import cv2
import numpy as np

from savee_mm.vision._base import FaceDetector, loading
from savee_mm.vision.faces import sorted_faces

# What the network was trained with: its input side (pixels) and the mean of blue, green and red.
_SIDE = 300
_MEAN = (104, 177, 123)


class SSDDetector(FaceDetector):
    """OpenCV's ResNet-10 single-shot detector; the score is a probability.

    The whole picture is scaled to 300 x 300, whatever its shape, as in training. No landmarks.

    Parameters
    ----------
    graph, config : path-like
        ``opencv_face_detector_uint8.pb`` and ``opencv_face_detector.pbtxt``: the form that OpenCV 4 and 5
        both load. OpenCV 4 loads the Caffe form too, ``.caffemodel`` and ``.prototxt``.
    threshold : float
        The lowest score that counts as a face.

    References
    ----------
    Liu et al. (2016), "SSD: Single Shot MultiBox Detector", ECCV; weights: opencv_3rdparty,
    dnn_samples_face_detector_20180220_uint8.
    """

    name = "ssd"

    def __init__(self, graph, config, *, threshold):
        super().__init__(threshold=threshold)
        caffe = Path(graph).suffix == ".caffemodel"
        if caffe and not hasattr(cv2.dnn, "readNetFromCaffe"):
            raise ValueError(
                f"OpenCV {cv2.__version__} reads no Caffe files any more, got {graph}. Give the network as .pb and "
                '.pbtxt, which fetch_weights("ssd") downloads, or install opencv-python<5.'
            )
        with loading(graph, config):
            if caffe:
                self._network = cv2.dnn.readNetFromCaffe(str(config), str(graph))
            else:
                self._network = cv2.dnn.readNetFromTensorflow(str(graph), str(config))

    def _find(self, image):
        height, width = image.shape[:2]
        blob = cv2.dnn.blobFromImage(image, 1.0, (_SIDE, _SIDE), _MEAN, swapRB=True, crop=False)
        self._network.setInput(blob)
        # Rows of (picture, class, score, left, top, right, bottom), the last four as shares of the picture.
        found = self._network.forward().reshape(-1, 7).astype(np.float64)
        found = found[found[:, 2] >= self.threshold]
        corners = found[:, 3:] * (width, height, width, height)
        boxes = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
        return sorted_faces(boxes, found[:, 2])
