"""Base class of the face detectors: check of the image, lock, pickling by name."""

import threading
from contextlib import contextmanager

import cv2

from savee_mm.vision.faces import check_image


class FaceDetector:
    """Find faces in images. Subclasses implement ``_find(image)``, and ``_find_boxes(image)`` if that is faster.

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

    def detect(self, image, landmarks=True):
        """Find the faces in one image.

        Parameters
        ----------
        image : ndarray of shape (height, width, 3), uint8
            RGB.
        landmarks : bool, default=True
            Whether to compute landmarks as exactly as the detector can. False can be faster.

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
            return (self._find if landmarks else self._find_boxes)(image)

    @classmethod
    def can_read(cls, paths):
        """Return whether the installed OpenCV reads the format of the weights in ``paths``."""
        return True

    def _find_boxes(self, image):
        """Return the Faces of an image whose landmarks are not used."""
        return self._find(image)

    def __reduce__(self):
        # A network cannot be pickled, and its weights may be elsewhere in another process.
        if self.factory is None:
            raise TypeError(f"Only detectors of make_detector can be pickled, got {self!r}.")
        return self.factory


@contextmanager
def loading(*paths):
    """Turn OpenCV's errors about a file that it cannot read into a ValueError with a remedy."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        yield
    except (cv2.error, SystemError) as error:
        names = " and ".join(map(str, paths))
        raise ValueError(
            f"OpenCV {cv2.__version__} cannot read the weights {names}; fetch them again with `savee-mm fetch-weights`."
        ) from error
    finally:
        cv2.utils.logging.setLogLevel(level)
