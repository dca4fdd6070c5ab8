"""Face detector: the ResNet-10 SSD of the OpenCV samples."""

from pathlib import Path

import cv2
import numpy as np

from savee_mm.vision._base import FaceDetector, loading
from savee_mm.vision.faces import sorted_faces

# Input of the network: side (pixels), and the mean of blue, green and red.
_SIDE = 300
_MEAN = (104, 177, 123)
# Boxes with a larger overlap (intersection over union) are one face, if the network does not merge them itself.
_NMS_THRESHOLD = 0.45
# Suffix of a network -> its format, the function of OpenCV that reads it, and whether that takes the description first.
_READERS = {
    ".onnx": ("ONNX", "readNetFromONNX", False),
    ".caffemodel": ("Caffe", "readNetFromCaffe", True),
    ".pb": ("TensorFlow", "readNetFromTensorflow", False),
}


class SSDDetector(FaceDetector):
    """Single-shot detector (ResNet-10) of OpenCV. The score is a probability.

    Images of any shape are scaled to 300 x 300, as in training. No landmarks.

    Parameters
    ----------
    graph : path-like
        The network; its suffix is its format. OpenCV 4 and 5.0 read ``opencv_face_detector_uint8.pb``, OpenCV 4 also
        ``.caffemodel``, all versions ``.onnx``. An ONNX network returns rows of (image, class, score, left, top,
        right, bottom), or scores (1, n, 2) and corners (1, n, 4); corners are relative to the size of the image.
    config : path-like, default=None
        Description of the network: ``opencv_face_detector.pbtxt`` or a ``.prototxt``. None for ONNX.
    threshold : float
        The lowest score that counts as a face.

    References
    ----------
    Liu et al. (2016), "SSD: Single Shot MultiBox Detector", ECCV; weights: opencv_3rdparty,
    dnn_samples_face_detector_20180220_uint8.
    """

    name = "ssd"

    def __init__(self, graph, config=None, *, threshold):
        super().__init__(threshold=threshold)
        form, reader, config_first = _reader(graph)
        read = getattr(cv2.dnn, reader, None)
        if read is None:
            raise ValueError(
                f"OpenCV {cv2.__version__} cannot read {form} files, got {graph}. Use the detector 'yunet', pass the "
                f"network as .onnx, or install {'opencv-python<5' if form == 'Caffe' else 'opencv-python<5.1'} instead."
            )
        files = [str(path) for path in (graph, config) if path is not None]
        with loading(*files):
            self._network = read(*files[::-1] if config_first else files)

    @classmethod
    def can_read(cls, paths):
        """Return whether this version of OpenCV reads the format of the network."""
        return hasattr(cv2.dnn, _reader(paths[0])[1])

    def _find(self, image):
        height, width = image.shape[:2]
        blob = cv2.dnn.blobFromImage(image, 1.0, (_SIDE, _SIDE), _MEAN, swapRB=True, crop=False)
        self._network.setInput(blob)
        scores, corners = _candidates(self._network.forward(self._network.getUnconnectedOutLayersNames()))
        enough = scores >= self.threshold
        corners = corners[enough] * (width, height, width, height)
        return sorted_faces(np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]]), scores[enough])


def _reader(graph):
    return _READERS.get(Path(graph).suffix.lower(), _READERS[".pb"])


def _candidates(outputs):
    """Return the scores and the relative corners of the boxes in the outputs of a network."""
    if len(outputs) == 1:
        rows = outputs[0].reshape(-1, 7).astype(np.float64)
        return rows[:, 2], rows[:, 3:]
    scores, corners = sorted((output.reshape(-1, output.shape[-1]) for output in outputs), key=lambda a: a.shape[1])
    scores, corners = scores[:, -1].astype(np.float64), corners.astype(np.float64)
    boxes = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    kept = np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), 0.0, _NMS_THRESHOLD), dtype=int).ravel()
    return scores[kept], corners[kept]
