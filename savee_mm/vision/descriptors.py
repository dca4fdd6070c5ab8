"""Descriptors of face crops: histograms of gradients and of local binary patterns, geometry of the landmarks."""

import numpy as np
from numpy.typing import ArrayLike

# Regularisation, relative to a contrast of 1 across one pixel: the noise of flat regions is not amplified.
_FLAT = 0.01
N_PATTERNS = 59
"""Number of uniform local binary patterns with eight neighbours, and one for all other patterns."""

GEOMETRY = (
    "eyes_nose",
    "eyes_mouth",
    "nose_mouth",
    "mouth_width",
    "eye_corner",
    "eye_corner_across",
    "nose_corner",
    "mouth_angle",
    "eyes_angle",
    "mouth_tilt",
    "nose_turn",
)
"""Names of the columns of :func:`landmark_geometry`."""


def hog(images: ArrayLike, *, n_cells: tuple[int, int] = (6, 6), n_bins: int = 12, signed: bool = True) -> np.ndarray:
    """Compute histograms of oriented gradients on a grid of cells.

    The magnitude of a gradient is distributed linearly over the nearest cells and directions, so that small shifts and
    rotations change little. Each cell is normalised by the energy of the 3 x 3 cells around it, which reduces the
    influence of lighting. The square root increases the weight of weak edges.

    Parameters
    ----------
    images : array-like of shape (..., height, width)
        Grey levels in [0, 1].
    n_cells : tuple of int, default=(6, 6)
        Rows and columns of the grid.
    n_bins : int, default=12
        Number of directions of the gradient. Bin 0 is the direction to the right (a vertical edge that is bright on its
        right side). The next bins turn downwards.
    signed : bool, default=True
        Whether the bins cover 360 degrees, so that dark to bright and bright to dark differ, or 180 degrees.

    Returns
    -------
    histograms : ndarray of shape (..., n_rows, n_columns, n_bins), float32
        In [0, 3]. Zeros for a constant image.

    Raises
    ------
    ValueError
        If the images are smaller than the grid, not numeric, or not finite.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005; the square root is from
    R. Arandjelovic, A. Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.vision import hog
    >>> edge = np.repeat([[0.0] * 12 + [1.0] * 12], 24, axis=0)
    >>> int(hog(edge, n_cells=(2, 2)).sum(axis=(0, 1)).argmax())
    0
    """
    from savee_mm.vision._hog_kernels import oriented_votes

    images = _check_images(images, n_cells)
    if int(n_bins) != n_bins or n_bins < 2:
        raise ValueError(f"Expected n_bins of at least 2, got {n_bins!r}.")
    # The square root is closer to perceived brightness, and reduces multiplicative lighting.
    images = np.sqrt(np.clip(images, 0, None))
    flat = np.ascontiguousarray(images.reshape(-1, *images.shape[-2:]))
    votes = oriented_votes(flat, *map(int, n_cells), int(n_bins), 2 * np.pi if signed else np.pi)
    histograms = votes.reshape(*images.shape[:-2], *votes.shape[1:])
    energy = _mean_of_neighbours(np.square(histograms).sum(axis=-1))
    return np.sqrt(histograms / np.sqrt(energy + _FLAT**2)[..., np.newaxis])


def mirror_hog(histograms: np.ndarray) -> np.ndarray:
    """Return the histograms of the mirrored images, without the images.

    Parameters
    ----------
    histograms : ndarray of shape (..., n_rows, n_columns, n_bins)
        Result of :func:`hog` with ``signed=True`` and an even number of bins.

    Returns
    -------
    histograms : ndarray of the same shape
    """
    n_bins = histograms.shape[-1]
    # A gradient to the right points to the left.
    bins = (n_bins // 2 - np.arange(n_bins)) % n_bins
    return histograms[..., ::-1, :][..., bins]


def lbp_histograms(images: ArrayLike, *, n_cells: tuple[int, int] = (6, 6), radius: float = 1) -> np.ndarray:
    """Compute histograms of uniform local binary patterns on a grid of cells.

    The pattern of a pixel states which of its eight neighbours on a circle are at least as bright. The 58 patterns with
    at most two changes around the circle (spots, edges, corners) have one bin each, all others share the last bin.

    Parameters
    ----------
    images : array-like of shape (..., height, width)
        Grey levels in [0, 1].
    n_cells : tuple of int, default=(6, 6)
        Rows and columns of the grid.
    radius : float, default=1
        Distance of the neighbours (pixels).

    Returns
    -------
    histograms : ndarray of shape (..., n_rows, n_columns, 59), float32
        Square roots of the relative frequencies of the patterns in each cell. Zeros for a constant image.

    Raises
    ------
    ValueError
        As :func:`hog`.

    References
    ----------
    T. Ojala, M. Pietikäinen, T. Mäenpää, "Multiresolution gray-scale and rotation invariant texture classification
    with local binary patterns", IEEE Transactions on Pattern Analysis and Machine Intelligence 24, 2002; on faces
    T. Ahonen, A. Hadid, M. Pietikäinen, IEEE TPAMI 28, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.vision import lbp_histograms
    >>> noise = np.random.default_rng(0).uniform(size=(2, 24, 24))
    >>> lbp_histograms(noise, n_cells=(3, 3)).shape
    (2, 3, 3, 59)
    """
    from skimage.feature import local_binary_pattern

    images = _check_images(images, n_cells)
    flat = images.reshape(-1, *images.shape[-2:])
    # Integers, as from a camera: equal levels stay equal in spite of rounding.
    levels = np.clip(np.rint(flat * 255), 0, 255).astype(np.uint8)
    rows, columns = (np.arange(n) * m // n for n, m in zip(flat.shape[1:], n_cells, strict=True))
    cells = (rows[:, np.newaxis] * n_cells[1] + columns) * N_PATTERNS
    n_bins = n_cells[0] * n_cells[1] * N_PATTERNS
    # Outside the image its edge pixels are repeated.
    border = int(np.ceil(radius))
    histograms = np.zeros((len(flat), n_bins), np.float32)
    for i, image in enumerate(levels):
        if np.ptp(image):
            patterns = local_binary_pattern(np.pad(image, border, mode="edge"), 8, radius, method="nri_uniform")
            patterns = patterns[border:-border, border:-border].astype(np.int64)
            histograms[i] = np.bincount((cells + patterns).ravel(), minlength=n_bins)
    histograms = histograms.reshape(*images.shape[:-2], *n_cells, N_PATTERNS)
    return np.sqrt(histograms / np.maximum(histograms.sum(axis=-1, keepdims=True), 1))


def landmark_geometry(landmarks: ArrayLike) -> np.ndarray:
    """Measure distances and angles between five landmarks, invariant to shift, rotation and scale.

    Distances are divided by the distance of the eyes. "Eyes" and "mouth" are the centres of both points. Measures of
    both sides are averaged.

    Parameters
    ----------
    landmarks : array-like of shape (..., 5, 2)
        x and y of the person's right eye, left eye, nose tip, right and left mouth corner (pixels).

    Returns
    -------
    measures : ndarray of shape (..., 11), float64
        In the order of :data:`GEOMETRY`: seven distances; the angles at the nose between the corners of the mouth and
        between the eyes; the angle from the line of the eyes to that of the mouth (radians); the distance of the nose
        from the perpendicular bisector of the eyes, positive towards the left eye. NaN if a landmark is NaN.

    Raises
    ------
    ValueError
        If the array has another shape.

    Examples
    --------
    >>> from savee_mm.vision import GEOMETRY, landmark_geometry
    >>> measures = landmark_geometry([[20, 20], [40, 20], [30, 32], [24, 42], [36, 42]])
    >>> dict(zip(GEOMETRY, measures.round(2).tolist()))["mouth_width"]
    0.6
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.ndim < 2 or points.shape[-2:] != (5, 2):
        raise ValueError(f"Expected landmarks of shape (..., 5, 2), got {points.shape}.")
    # With complex numbers, a difference times the conjugate of another has the angle between them.
    right_eye, left_eye, nose, right_corner, left_corner = np.moveaxis(points[..., 0] + 1j * points[..., 1], -1, 0)
    across = left_eye - right_eye
    interocular = np.where(across == 0, np.nan, np.abs(across))
    eyes, mouth = (right_eye + left_eye) / 2, (right_corner + left_corner) / 2

    def distance(a, b):
        return np.abs(a - b) / interocular

    def angle_at_nose(a, b):
        turn = (a - nose) * np.conj(b - nose)
        return np.abs(np.arctan2(turn.imag, turn.real))

    tilt = (left_corner - right_corner) * np.conj(across)
    measures = [
        distance(eyes, nose),
        distance(eyes, mouth),
        distance(nose, mouth),
        distance(left_corner, right_corner),
        (distance(right_eye, right_corner) + distance(left_eye, left_corner)) / 2,
        (distance(right_eye, left_corner) + distance(left_eye, right_corner)) / 2,
        (distance(nose, right_corner) + distance(nose, left_corner)) / 2,
        angle_at_nose(right_corner, left_corner),
        angle_at_nose(right_eye, left_eye),
        np.arctan2(tilt.imag, tilt.real),
        ((nose - eyes) * np.conj(across)).real / interocular**2,
    ]
    return np.stack(measures, axis=-1)


def _check_images(images, n_cells):
    """Return the images as float32."""
    images = np.asarray(images)
    if len(n_cells) != 2 or any(int(n) != n or n < 1 for n in n_cells):
        raise ValueError(f"Expected n_cells = (rows, columns) of positive integers, got {n_cells!r}.")
    fits = images.ndim >= 2 and images.shape[-2] >= n_cells[0] and images.shape[-1] >= n_cells[1]
    if not fits or images.dtype.kind not in "fiub":
        raise ValueError(
            f"Expected grey images of shape (..., height, width), at least {n_cells[0]} x {n_cells[1]} pixels, got "
            f"an array of shape {images.shape} and type {images.dtype}."
        )
    images = images.astype(np.float32, copy=False)
    if not np.isfinite(images).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(images))} of {images.size} pixels are NaN or infinite.")
    return images


def _mean_of_neighbours(values):
    """Return the mean over 3 x 3 cells on the last two axes. Edge values are repeated."""
    rows, columns = values.shape[-2:]
    padded = np.pad(values, [(0, 0)] * (values.ndim - 2) + [(1, 1), (1, 1)], mode="edge")
    return sum(padded[..., i : i + rows, j : j + columns] for i in range(3) for j in range(3)) / 9
