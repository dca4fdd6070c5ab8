"""The aligned crop: a face turned, scaled and moved so that its eyes lie at fixed places."""

import cv2
import numpy as np
from numpy.typing import ArrayLike

from savee_mm.vision.crop import check_margin, check_size
from savee_mm.vision.faces import check_image

# Where the eyes lie in YuNet's boxes of 210 frontal faces (JAFFE, GRID, RAVDESS), as shares of the box's longer side:
# their distance, and how far above the box's centre. So an aligned crop is about as close as one around the box.
_EYE_DISTANCE = 0.35
_EYES_ABOVE_CENTRE = 0.12


def align_face(
    image: np.ndarray, landmarks: ArrayLike, *, size: tuple[int, int] = (64, 64), margin: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a face out of a picture so that its eyes lie at fixed places of the crop.

    A similarity transform: what is turned, scaled and moved, and nothing is sheared or stretched. The line between
    the eyes becomes level, its middle the middle of the crop's width.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        RGB.
    landmarks : array-like of shape (n_points, 2)
        x and y (pixels) of the person's right eye, then of the left; what follows is not used. As in
        :class:`savee_mm.vision.Faces`.
    size : tuple of int, default=(64, 64)
        (height, width) of the result (pixels). Where they differ, the square around the face is widened to that shape.
    margin : float, default=0.0
        What the square is larger than the face, as a share of its side, as in :func:`crop_face`: at 0 the eyes are
        0.35 of the square's side apart, and 0.12 of it above the middle.

    Returns
    -------
    crop : ndarray of shape (size[0], size[1], 3), float32
        RGB in [0, 1]. Beyond the picture's borders its edge pixels are repeated. Shrunk by pixel area, enlarged
        linearly.
    transform : ndarray of shape (2, 3), float64
        From the picture's pixels to the crop's, for :func:`map_points`.

    Raises
    ------
    ValueError
        Where the picture, size or margin is none, or the eyes are not two different points.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.vision import align_face, map_points
    >>> eyes = np.array([[60.0, 50.0], [95.0, 50.0]])
    >>> crop, transform = align_face(np.zeros((120, 160, 3), np.uint8), eyes, size=(100, 100))
    >>> map_points(transform, eyes).round(6)
    array([[32.5, 38. ],
           [67.5, 38. ]])
    """
    image = check_image(image)
    transform = eye_transform(landmarks, size=size, margin=margin)
    return _warp(image, transform, *check_size(size)), transform


def eye_transform(landmarks, *, size=(64, 64), margin=0.0):
    """Return the transform of :func:`align_face`, from the picture's pixels to the crop's.

    Parameters
    ----------
    landmarks, size, margin
        As in :func:`align_face`.

    Returns
    -------
    transform : ndarray of shape (2, 3), float64

    Raises
    ------
    ValueError
        Where the size or margin is none, or the eyes are not two different points.
    """
    height, width = check_size(size)
    margin = check_margin(margin)
    eyes = np.asarray(landmarks, dtype=np.float64)
    if eyes.ndim != 2 or eyes.shape[1] != 2 or len(eyes) < 2 or not np.isfinite(eyes[:2]).all():
        raise ValueError(f"Expected landmarks of shape (n_points, 2), the two eyes first, got {landmarks!r}.")
    across = eyes[1] - eyes[0]
    if not across.any():
        raise ValueError(f"Expected the two eyes at different places, got both at {eyes[0]}.")
    side = min(height, width) / (1 + margin)
    # As complex numbers a similarity transform is a * z + b.
    turn = side * _EYE_DISTANCE / complex(*across)
    target = complex(width / 2, height / 2 - side * _EYES_ABOVE_CENTRE)
    shift = target - turn * complex(*eyes[:2].mean(axis=0))
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def steady_eyes(landmarks: ArrayLike) -> np.ndarray:
    """Return the eyes of a face over a clip with one distance and one direction.

    These are the medians over the frames, of x and of y, of the way from eye to eye. What a detector tells of single
    frames wanders, and a tilt of the head is left to be seen; where the face is, is told by each frame itself.

    Parameters
    ----------
    landmarks : array-like of shape (n_frames, n_points, 2)
        x and y (pixels) of the person's right eye, then of the left; what follows is not used.

    Returns
    -------
    eyes : ndarray of shape (n_frames, 2, 2), float64
        For :func:`align_face`, frame by frame.

    Raises
    ------
    ValueError
        For landmarks of another shape, no frames, or points that are not finite.

    Examples
    --------
    >>> from savee_mm.vision import steady_eyes
    >>> steady_eyes([[[20, 30], [50, 30]], [[24, 30], [58, 30]], [[20, 32], [50, 32]]])[1]
    array([[26., 30.],
           [56., 30.]])
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.ndim != 3 or points.shape[2] != 2 or points.shape[1] < 2 or not len(points):
        raise ValueError(f"Expected landmarks of shape (n_frames, n_points, 2), the eyes first, got {points.shape}.")
    eyes = points[:, :2]
    if not np.isfinite(eyes).all():
        raise ValueError(f"Expected eyes at finite places, got {eyes[~np.isfinite(eyes).all(axis=(1, 2))][0]}.")
    across = np.median(eyes[:, 1] - eyes[:, 0], axis=0)
    return eyes.mean(axis=1, keepdims=True) + np.array([[-0.5], [0.5]]) * across


def map_points(transform: np.ndarray, points: ArrayLike) -> np.ndarray:
    """Map points of a picture to a crop of it.

    Parameters
    ----------
    transform : ndarray of shape (2, 3)
        As :func:`align_face` and :func:`crop_transform` return it.
    points : array-like of shape (..., 2)
        x and y (pixels; the first pixel reaches from 0 to 1).

    Returns
    -------
    points : ndarray of shape (..., 2), float64
        NaN stays NaN.

    Examples
    --------
    >>> from savee_mm.vision import map_points
    >>> map_points([[2, 0, 1], [0, 2, 0]], [3, 4])
    array([7., 8.])
    """
    transform = np.asarray(transform, dtype=np.float64)
    return np.asarray(points, dtype=np.float64) @ transform[:, :2].T + transform[:, 2]


def _warp(image, transform, height, width):
    """Return the crop (float32 in [0, 1]) that ``transform`` makes of a picture."""
    # warpAffine takes single points of the picture, which aliases where it shrinks: so it makes a crop at least as
    # fine as the picture, and that is shrunk by a whole factor.
    fine = max(1, int(np.ceil(1 / np.hypot(*transform[:, 0]))))
    to_fine = transform * fine
    # OpenCV counts from the middle of the first pixel, we from its corner.
    to_fine[:, 2] += to_fine[:, :2].sum(axis=1) / 2 - 0.5
    warped = cv2.warpAffine(
        image, to_fine, (width * fine, height * fine), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if fine > 1:
        warped = cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA)
    return warped.astype(np.float32) / np.float32(255)
