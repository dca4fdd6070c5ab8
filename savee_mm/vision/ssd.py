"""Face detector: the ResNet-10 SSD of the OpenCV samples."""

from pathlib import Path

import cv2
import numpy as np

from savee_mm.vision._base import FaceDetector, loading
from savee_mm.vision.faces import sorted_faces

# Input of the network: side (pixels), and the mean of blue, green and red.
_SIDE = 300
_MEAN = (104, 177, 123)


class SSDDetector(FaceDetector):
    """Single-shot detector (ResNet-10) of OpenCV. The score is a probability.

    Images of any shape are scaled to 300 x 300, as in training. No landmarks.

    Parameters
    ----------
    graph, config : path-like
        ``opencv_face_detector_uint8.pb`` and ``opencv_face_detector.pbtxt``, which OpenCV 4 and 5 load, or
        ``.caffemodel`` and ``.prototxt`` with OpenCV 4.
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
                f"OpenCV {cv2.__version__} cannot read Caffe files, got {graph}. Use the .pb and .pbtxt files, which "
                'fetch_weights("ssd") downloads, or install opencv-python<5.'
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
        # Rows of (image, class, score, left, top, right, bottom), the last four relative to the size of the image.
        found = self._network.forward().reshape(-1, 7).astype(np.float64)
        found = found[found[:, 2] >= self.threshold]
        corners = found[:, 3:] * (width, height, width, height)
        boxes = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
        return sorted_faces(boxes, found[:, 2])
