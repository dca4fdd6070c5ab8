"""Which of several faces speaks: the one whose mouth changes with the voice."""

import numpy as np
from numpy.typing import ArrayLike

from savee_mm.vision.align import align_face
from savee_mm.vision.crop import crop_face

_SIDE = 32  # pixels
# Shares of a face's box: the mouth, and the brows and eyes, which move with the head but not with the voice.
_MOUTH = np.s_[19:30, 8:24]
_UPPER = np.s_[4:15, 4:28]
_FEWEST = 8  # pairs of frames; of fewer everything correlates


def face_thumbnail(image: np.ndarray, box: ArrayLike, landmarks: ArrayLike | None = None) -> np.ndarray:
    """Return a face in grey at a fixed small size.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        RGB.
    box : array-like of shape (4,)
        x and y of the upper left corner, width, height (pixels).
    landmarks : array-like of shape (5, 2), default=None
        Where they are given the crop is aligned by the eyes, see :func:`align_face`.

    Returns
    -------
    thumbnail : ndarray of shape (32, 32), float32
        Luma (ITU-R BT.601) in [0, 1].
    """
    size = (_SIDE, _SIDE)
    crop = crop_face(image, box, size=size) if landmarks is None else align_face(image, landmarks, size=size)[0]
    return crop @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


def voice_agreement(changes: np.ndarray, loudness: np.ndarray) -> float:
    """Return how well the changes of a face go with those of a voice.

    Parameters
    ----------
    changes : ndarray of shape (n_pairs, 32, 32)
        The second thumbnail of a face less the first, of pairs of frames about a tenth of a second apart.
    loudness : ndarray of shape (n_pairs,)
        The change of the voice's loudness meanwhile.

    Returns
    -------
    agreement : float
        Pearson's correlation of each pixel with the loudness, root mean square over the mouth less that over the
        upper face, which a nodding head and a flickering light move too; -1 where there are fewer than eight pairs.
    """
    if len(loudness) < _FEWEST:
        return -1.0
    return _correlation(changes[:, *_MOUTH], loudness) - _correlation(changes[:, *_UPPER], loudness)


def _correlation(changes, loudness):
    """Return the root mean square over the pixels of their correlation with the loudness."""
    changes, loudness = changes - changes.mean(axis=0), loudness - loudness.mean()
    scale = np.sqrt(np.square(changes).sum(axis=0) * np.square(loudness).sum())
    products = np.tensordot(loudness, changes, axes=1)
    return float(np.sqrt(np.mean(np.square(products / np.maximum(scale, 1e-9)))))
