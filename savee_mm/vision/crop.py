"""Crops: the square around a face, scaled to a fixed size."""

import cv2
import numpy as np
from numpy.typing import ArrayLike

from savee_mm.vision.faces import check_image


def crop_face(
    image: np.ndarray, box: ArrayLike, *, size: tuple[int, int] = (64, 64), margin: float = 0.0
) -> np.ndarray:
    """Crop the square around the centre of a face and scale it.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        RGB.
    box : array-like of shape (4,)
        x and y of the upper left corner, width, height (pixels).
    size : tuple of int, default=(64, 64)
        (height, width) of the crop (pixels). If they differ, the square is extended to that shape, not stretched.
    margin : float, default=0.0
        Extra size of the square, as a fraction of the larger side of the box: with 0.2 the square has 1.2 times that
        side.

    Returns
    -------
    crop : ndarray of shape (size[0], size[1], 3), float32
        RGB in [0, 1]. Outside the image its edge pixels are repeated. Interpolation is by area when shrinking, linear
        when enlarging.

    Raises
    ------
    ValueError
        If the image, box, size or margin is not valid.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.vision import crop_face
    >>> crop = crop_face(np.full((120, 160, 3), 255, dtype=np.uint8), (100, 20, 80, 90))
    >>> crop.shape, float(crop.min())
    ((64, 64, 3), 1.0)
    """
    image = check_image(image)
    rows, columns, (height, width) = _spans(box, size, margin)
    patch = _select(image, rows, columns)
    shrinks = len(rows) >= height and len(columns) >= width
    scaled = cv2.resize(patch, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return scaled.astype(np.float32) / np.float32(255)


def crop_transform(box: ArrayLike, *, size: tuple[int, int] = (64, 64), margin: float = 0.0) -> np.ndarray:
    """Return the transform of :func:`crop_face`, for :func:`savee_mm.vision.map_points`.

    Parameters
    ----------
    box : array-like of shape (4,)
        x and y of the upper left corner, width, height (pixels).
    size : tuple of int, default=(64, 64)
        (height, width) of the crop (pixels).
    margin : float, default=0.0
        As in :func:`crop_face`.

    Returns
    -------
    transform : ndarray of shape (2, 3), float64
        From pixels of the image to pixels of the crop.

    Raises
    ------
    ValueError
        If the box, size or margin is not valid.

    Examples
    --------
    >>> from savee_mm.vision import crop_transform
    >>> crop_transform((100, 20, 32, 32), size=(64, 64))
    array([[   2.,    0., -200.],
           [   0.,    2.,  -40.]])
    """
    rows, columns, (height, width) = _spans(box, size, margin)
    x, y = width / len(columns), height / len(rows)
    return np.array([[x, 0.0, -x * columns.start], [0.0, y, -y * rows.start]])


def check_size(size):
    """Return (height, width) as two ints.

    Raises
    ------
    ValueError
        If ``size`` is not a pair of positive integers.
    """
    if len(size) != 2 or any(int(side) != side or side < 1 for side in size):
        raise ValueError(f"Expected size = (height, width) of positive integers, got {size!r}.")
    return int(size[0]), int(size[1])


def check_margin(margin):
    """Return the margin.

    Raises
    ------
    ValueError
        If it is not above -1.
    """
    if not margin > -1:
        raise ValueError(f"Expected a margin above -1, got {margin!r}.")
    return margin


def _spans(box, size, margin):
    """Return the rows and columns (ranges) around a box, which can extend outside the image, and the size."""
    box = np.asarray(box, dtype=np.float64)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise ValueError(f"Expected box = (x, y, width, height) with a positive width and height, got {box}.")
    height, width = check_size(size)
    side = max(box[2], box[3]) * (1 + check_margin(margin))
    rows = _span(box[1] + box[3] / 2, side * max(1, height / width))
    columns = _span(box[0] + box[2] / 2, side * max(1, width / height))
    return rows, columns, (height, width)


def _span(centre, length):
    """Return the range of pixels around ``centre``."""
    n_pixels = max(1, round(length))
    first = int(np.floor(centre - n_pixels / 2 + 0.5))
    return range(first, first + n_pixels)


def _select(image, rows, columns):
    """Return those rows and columns of an image. Outside the image its edge pixels are repeated."""
    if all(span.start >= 0 and span.stop <= n for span, n in zip((rows, columns), image.shape, strict=False)):
        return image[rows.start : rows.stop, columns.start : columns.stop]
    rows, columns = (np.clip(span, 0, n - 1) for span, n in zip((rows, columns), image.shape, strict=False))
    return image[rows[:, None], columns]
