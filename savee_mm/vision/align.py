"""Aligned crops: a face is rotated, scaled and shifted so that its eyes are at fixed positions."""

import cv2
import numpy as np
from numpy.typing import ArrayLike

from savee_mm.vision.crop import check_margin, check_size
from savee_mm.vision.faces import check_image

# Position of the eyes in YuNet's boxes of 210 frontal faces (JAFFE, GRID, RAVDESS), as fractions of the longer side:
# their distance, and their height above the centre. An aligned crop then shows about as much as a crop of the box.
_EYE_DISTANCE = 0.35
_EYES_ABOVE_CENTRE = 0.12
# Correction of the eye line of a clip (rad) that has half of the weight. On upright faces the eye line of YuNet over
# twelve frames differs from that in an enlarged crop of one frame by 2 degrees (standard deviation).
_HALF_WEIGHT = np.deg2rad(4)


def align_face(
    image: np.ndarray, landmarks: ArrayLike, *, size: tuple[int, int] = (64, 64), margin: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Crop a face so that its eyes are at fixed positions of the crop.

    The crop is a similarity transform of the image: rotation, scaling and translation, without shear. The line between
    the eyes becomes horizontal, and its centre is at half the width of the crop.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        RGB.
    landmarks : array-like of shape (n_points, 2)
        x and y (pixels) of the person's right eye, then of the left, as in :class:`savee_mm.vision.Faces`. Further
        points are ignored.
    size : tuple of int, default=(64, 64)
        (height, width) of the crop (pixels). If they differ, the square around the face is extended to that shape.
    margin : float, default=0.0
        Extra size of the square around the face, as a fraction of its side, as in :func:`crop_face`. At 0 the distance
        of the eyes is 0.35 of the side, and they are 0.12 of it above the centre.

    Returns
    -------
    crop : ndarray of shape (size[0], size[1], 3), float32
        RGB in [0, 1]. Outside the image its edge pixels are repeated. Interpolation is by area when shrinking, linear
        when enlarging.
    transform : ndarray of shape (2, 3), float64
        From pixels of the image to pixels of the crop, for :func:`map_points`.

    Raises
    ------
    ValueError
        If the image, size or margin is not valid, or the eyes are not two different points.

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
    """Return the transform of :func:`align_face`, from pixels of the image to pixels of the crop.

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
        If the size or margin is not valid, or the eyes are not two different points.
    """
    height, width = check_size(size)
    margin = check_margin(margin)
    eyes = np.asarray(landmarks, dtype=np.float64)
    if eyes.ndim != 2 or eyes.shape[1] != 2 or len(eyes) < 2 or not np.isfinite(eyes[:2]).all():
        raise ValueError(f"Expected landmarks of shape (n_points, 2), the two eyes first, got {landmarks!r}.")
    across = eyes[1] - eyes[0]
    if not across.any():
        raise ValueError(f"Expected two different eye positions, got {eyes[0]} twice.")
    side = min(height, width) / (1 + margin)
    # As complex numbers a similarity transform is a * z + b.
    turn = side * _EYE_DISTANCE / complex(*across)
    target = complex(width / 2, height / 2 - side * _EYES_ABOVE_CENTRE)
    shift = target - turn * complex(*eyes[:2].mean(axis=0))
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def steady_eyes(landmarks: ArrayLike) -> np.ndarray:
    """Return the eyes of a face over a clip with one distance and one direction.

    Distance and direction are the medians over the frames of the vector between the eyes. This removes the noise of
    the detector, and keeps tilts of the head visible. The position of the face is that of each frame.

    Parameters
    ----------
    landmarks : array-like of shape (n_frames, n_points, 2)
        x and y (pixels) of the person's right eye, then of the left. Further points are ignored.

    Returns
    -------
    eyes : ndarray of shape (n_frames, 2, 2), float64
        Landmarks for :func:`align_face`, for each frame.

    Raises
    ------
    ValueError
        If the landmarks have another shape, no frames, or points that are not finite.

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
        raise ValueError(f"Expected finite positions of the eyes, got {eyes[~np.isfinite(eyes).all(axis=(1, 2))][0]}.")
    across = np.median(eyes[:, 1] - eyes[:, 0], axis=0)
    return eyes.mean(axis=1, keepdims=True) + np.array([[-0.5], [0.5]]) * across


def eye_angle(landmarks):
    """Return the angle (rad, clockwise) of the eye line.

    Parameters
    ----------
    landmarks : ndarray of shape (..., n_points, 2)
        x and y (pixels), the person's right eye first, then the left.

    Returns
    -------
    angle : ndarray of shape (...)
    """
    across = landmarks[..., 1, :] - landmarks[..., 0, :]
    return np.arctan2(across[..., 1], across[..., 0])


def turn_landmarks(landmarks, before, after):
    """Turn the landmarks of a clip to the eye line of better landmarks of some frames.

    Small corrections are within the error of both measurements and have a small weight; with an angle of 4 degrees it
    is one half. So landmarks of an upright face stay as they are.

    Parameters
    ----------
    landmarks : ndarray of shape (n_frames, n_points, 2)
        x and y (pixels), the two eyes first.
    before, after : ndarray of shape (n_some, n_points, 2)
        Landmarks of some frames, and better ones.

    Returns
    -------
    landmarks : ndarray of shape (n_frames, n_points, 2)
        Rotated around the midpoint of the eyes and shifted by the mean corrections of angle and midpoint.
    """
    angle = np.mean((eye_angle(after) - eye_angle(before) + np.pi) % (2 * np.pi) - np.pi)
    weight = angle**4 / (angle**4 + _HALF_WEIGHT**4)
    turn = weight * angle
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middles = landmarks[:, :2].mean(axis=1, keepdims=True)
    shift = weight * (after[:, :2] - before[:, :2]).mean(axis=(0, 1))
    return (landmarks - middles) @ rotation + middles + shift


def map_points(transform: np.ndarray, points: ArrayLike) -> np.ndarray:
    """Map points of an image to a crop of it.

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
    """Return the crop (float32 in [0, 1]) of an image by a transform."""
    # warpAffine samples single points, which aliases when shrinking. So warp to a multiple of the size that is not
    # coarser than the image, and shrink that by area.
    fine = max(1, int(np.ceil(1 / np.hypot(*transform[:, 0]))))
    to_fine = transform * fine
    # OpenCV measures from the centre of the first pixel, we from its corner.
    to_fine[:, 2] += to_fine[:, :2].sum(axis=1) / 2 - 0.5
    warped = cv2.warpAffine(
        image, to_fine, (width * fine, height * fine), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if fine > 1:
        warped = cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA)
    return warped.astype(np.float32) / np.float32(255)
