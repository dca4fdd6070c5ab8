"""Base class of the face detectors: check of the image, lock, pickling by name."""

import threading
from contextlib import contextmanager
from dataclasses import replace

import cv2
import numpy as np

from savee_mm.vision.faces import check_image


class FaceDetector:
    """Find faces in images.

    Subclasses implement ``_find(image)``, ``_find_boxes(image)`` if that is faster, and ``_refine(image, box,
    landmarks)`` if a second look at a face gives better landmarks.

    Parameters
    ----------
    threshold : float
        The lowest score that counts as a face.
    """

    name: str | None = None
    # The function that builds this detector in another process, and its arguments: set by make_detector.
    factory = None

    def __init__(self, *, threshold):
        self.threshold = threshold
        # OpenCV's networks keep their buffers between calls.
        self._lock = threading.Lock()

    def __repr__(self):
        return f"{type(self).__name__}(threshold={self.threshold})"

    def detect(self, image, landmarks=True, refine=True):
        """Find the faces in one image.

        Parameters
        ----------
        image : ndarray of shape (height, width, 3), uint8
            RGB.
        landmarks : bool, default=True
            Whether landmarks are needed. False can be faster.
        refine : bool, default=True
            Whether to compute landmarks as exactly as the detector can, as :meth:`refine` does for one face.

        Returns
        -------
        faces : Faces
            Faces whose score reaches the threshold, by descending score; may be empty.

        Raises
        ------
        ValueError
            If ``image`` is not such an array.
        """
        image = check_image(image)
        with self._lock:
            if not landmarks:
                return self._find_boxes(image)
            faces = self._find(image)
            if not refine or faces.landmarks is None:
                return faces
            refined = [
                self._refine(image, box, points) for box, points in zip(faces.boxes, faces.landmarks, strict=True)
            ]
            return replace(faces, landmarks=np.reshape(refined, faces.landmarks.shape))

    def refine(self, image, faces, index):
        """Compute the landmarks of one face as exactly as the detector can.

        Parameters
        ----------
        image : ndarray of shape (height, width, 3), uint8
            RGB.
        faces : Faces
            Result of :meth:`detect` for the image with ``refine=False``.
        index : int
            Index of the face.

        Returns
        -------
        landmarks : ndarray of shape (5, 2), float64
            x and y (pixels), as in :class:`savee_mm.vision.Faces`.
        """
        image = check_image(image)
        with self._lock:
            return self._refine(image, faces.boxes[index], faces.landmarks[index])

    @classmethod
    def can_read(cls, paths):
        """Return whether the installed OpenCV reads the format of the weights in ``paths``."""
        return True

    def _find_boxes(self, image):
        """Return the Faces of an image whose landmarks are not used."""
        return self._find(image)

    def _refine(self, image, box, landmarks):
        """Return better landmarks of the face in the box."""
        return landmarks

    def __reduce__(self):
        # A network cannot be pickled, and its weights may be elsewhere in another process.
        if self.factory is None:
            raise TypeError(f"Only detectors of make_detector can be pickled, got {self!r}.")
        return self.factory


# OpenCV 4.8 to 4.10 have these functions in cv2 itself, OpenCV 5 only here.
_LOGGING = getattr(cv2.utils, "logging", cv2)
_LOG_ERRORS = 2


@contextmanager
def loading(*paths):
    """Turn OpenCV's errors about a file that it cannot read into a ValueError with a remedy."""
    level = _LOGGING.getLogLevel()
    _LOGGING.setLogLevel(_LOG_ERRORS)
    try:
        yield
    except (cv2.error, SystemError) as error:
        names = " and ".join(map(str, paths))
        raise ValueError(
            f"OpenCV {cv2.__version__} cannot read the weights {names}; fetch them again with `savee-mm fetch-weights`."
        ) from error
    finally:
        _LOGGING.setLogLevel(level)
