"""What all face detectors share: the check of the picture, one caller at a time, a pickle by name."""

import threading
from contextlib import contextmanager
from pathlib import Path

import cv2

from savee_mm.vision.faces import check_image


class FaceDetector:
    """Finds faces in pictures; subclasses say how in ``_find(image)``, and in ``_find_boxes(image)`` if that is less.

    Parameters
    ----------
    threshold : float
        The lowest score that counts as a face.
    """

    name: str | None = None
    weights: tuple[Path, ...] | None = None  # the paths of weights that lie elsewhere than in the folder of weights

    def __init__(self, *, threshold):
        self.threshold = threshold
        # OpenCV's networks keep their buffers between calls.
        self._lock = threading.Lock()

    def __repr__(self):
        return f"{type(self).__name__}(threshold={self.threshold})"

    def detect(self, image, landmarks=True):
        """Find the faces in one picture.

        Parameters
        ----------
        image : ndarray of shape (height, width, 3), uint8
            RGB.
        landmarks : bool, default=True
            Whether those that the detector has are to be as exact as they can be; without, boxes may come sooner.

        Returns
        -------
        faces : Faces
            Those whose score reaches the threshold, the best first; empty where there is none.

        Raises
        ------
        ValueError
            Where ``image`` is no such picture.
        """
        image = check_image(image)
        with self._lock:
            return (self._find if landmarks else self._find_boxes)(image)

    def _find_boxes(self, image):
        """Return the Faces of a picture, whose landmarks nobody looks at."""
        return self._find(image)

    def __reduce__(self):
        # A network cannot be pickled, and its weights may lie elsewhere in another process.
        from savee_mm.vision.detectors import make_detector

        return make_detector, (self.name,) if self.weights is None else (self.name, self.weights)


@contextmanager
def loading(*paths):
    """Turn what OpenCV says about a file it cannot read into a ValueError with a remedy."""
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
