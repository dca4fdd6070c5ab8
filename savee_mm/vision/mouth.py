"""Detection of the speaking face: the mouth that changes with the level of the voice."""

import numpy as np
from numpy.typing import ArrayLike

from savee_mm.vision.align import align_face
from savee_mm.vision.crop import crop_face

_SIDE = 32  # pixels
# Regions of a thumbnail: the mouth, and the brows and eyes, which move with the head but not with the voice.
_MOUTH = np.s_[19:30, 8:24]
_UPPER = np.s_[4:15, 4:28]
_MIN_PAIRS = 8  # with fewer pairs of frames, correlations are high by chance


def face_thumbnail(image: np.ndarray, box: ArrayLike, landmarks: ArrayLike | None = None) -> np.ndarray:
    """Return a small grey image of a face.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        RGB.
    box : array-like of shape (4,)
        x and y of the upper left corner, width, height (pixels).
    landmarks : array-like of shape (5, 2), default=None
        If given, the crop is aligned by the eyes, see :func:`align_face`.

    Returns
    -------
    thumbnail : ndarray of shape (32, 32), float32
        Luma (ITU-R BT.601) in [0, 1].
    """
    size = (_SIDE, _SIDE)
    crop = crop_face(image, box, size=size) if landmarks is None else align_face(image, landmarks, size=size)[0]
    return crop @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


def voice_agreement(changes: np.ndarray, loudness: np.ndarray) -> float:
    """Return how strongly changes of the mouth correlate with changes of the level of a voice.

    Parameters
    ----------
    changes : ndarray of shape (n_pairs, 32, 32)
        Second minus first thumbnail of a face, for pairs of frames about 0.1 s apart.
    loudness : ndarray of shape (n_pairs,)
        Change of the loudness of the voice between the two frames of each pair.

    Returns
    -------
    agreement : float
        RMS over the pixels of the mouth of Pearson's correlation with the loudness, minus that over the upper face,
        which also changes with head movements and lighting. -1 with fewer than eight pairs.
    """
    if len(loudness) < _MIN_PAIRS:
        return -1.0
    return _correlation(changes[:, *_MOUTH], loudness) - _correlation(changes[:, *_UPPER], loudness)


def face_change(before, after, box):
    """Return how a face changes from one frame to the next.

    Parameters
    ----------
    before, after : ndarray of shape (height, width, 3), uint8
        RGB.
    box : array-like of shape (4,)
        Of the face in the first frame. The same place is compared in both, because boxes of a detector jitter.

    Returns
    -------
    change : ndarray of shape (32, 32), float16
        Difference of the grey levels (from 0 to 1), for :func:`voice_agreement`.
    """
    return (face_thumbnail(after, box) - face_thumbnail(before, box)).astype(np.float16)


def mouth_motion(changes):
    """Return how much the mouth changes.

    Parameters
    ----------
    changes : ndarray of shape (n_changes, 32, 32)
        From :func:`face_change`.

    Returns
    -------
    motion : ndarray of shape (n_changes,)
        RMS over the pixels of the mouth.
    """
    return np.sqrt(np.square(changes[:, *_MOUTH].astype(np.float32)).mean(axis=(1, 2)))


def _correlation(changes, loudness):
    """Return the RMS over the pixels of their correlation with the loudness."""
    changes, loudness = changes - changes.mean(axis=0), loudness - loudness.mean()
    scale = np.sqrt(np.square(changes).sum(axis=0) * np.square(loudness).sum())
    products = np.tensordot(loudness, changes, axes=1)
    return float(np.sqrt(np.mean(np.square(products / np.maximum(scale, 1e-9)))))
