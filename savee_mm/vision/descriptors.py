"""Descriptors of face crops: histograms of edge directions and of local binary patterns, measures between landmarks."""

import numpy as np
from numpy.typing import ArrayLike

# Of a contrast of 1 across one pixel: what is flatter counts as flat, and its noise is not blown up.
_FLAT = 0.01
N_PATTERNS = 59
"""Codes of uniform local binary patterns with eight neighbours; the last one stands for all others."""

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
"""Names of the measures of :func:`landmark_geometry`, in their order."""


def hog(pictures: ArrayLike, *, n_cells: tuple[int, int] = (6, 6), n_bins: int = 12, signed: bool = True) -> np.ndarray:
    """Count edge directions on a grid of cells.

    The edge's strength is shared linearly between the nearest cells and the nearest directions, so that a small shift
    or turn changes little. Each cell is set off against the strength of the 3 x 3 cells around it, which takes out
    lighting, and the root is taken, which lets weak edges speak beside strong ones.

    Parameters
    ----------
    pictures : array-like of shape (..., height, width)
        Grey, in [0, 1].
    n_cells : tuple of int, default=(6, 6)
        Rows and columns of the grid.
    n_bins : int, default=12
        Directions of the gradient. Bin 0 is to the right, as at an upright edge with its bright side there; directions
        go on downwards.
    signed : bool, default=True
        Whether the bins share a whole turn, so that from dark to bright is another direction than from bright to dark,
        or half a turn.

    Returns
    -------
    histograms : ndarray of shape (..., n_rows, n_columns, n_bins), float32
        In [0, 3]; zeros where a picture is constant.

    Raises
    ------
    ValueError
        For pictures that are smaller than the grid, not numbers, or not finite.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005; the root after
    R. Arandjelovic, A. Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.vision import hog
    >>> edge = np.repeat([[0.0] * 12 + [1.0] * 12], 24, axis=0)
    >>> int(hog(edge, n_cells=(2, 2)).sum(axis=(0, 1)).argmax())
    0
    """
    pictures = _check_pictures(pictures, n_cells)
    if int(n_bins) != n_bins or n_bins < 2:
        raise ValueError(f"Expected n_bins of 2 at least, got {n_bins!r}.")
    # Brightness is perceived, and lighting multiplied, on a scale nearer to the root.
    pictures = np.sqrt(np.clip(pictures, 0, None))
    down, across = np.zeros_like(pictures), np.zeros_like(pictures)
    down[..., 1:-1, :] = pictures[..., 2:, :] - pictures[..., :-2, :]
    across[..., 1:-1] = pictures[..., 2:] - pictures[..., :-2]
    strength = np.hypot(across, down)
    turn = 2 * np.pi if signed else np.pi
    direction = np.arctan2(down, across) % turn * (n_bins / turn)
    nearest = np.floor(direction)
    share = direction - nearest
    nearest = nearest.astype(np.int64) % n_bins
    rows, columns = (_cell_weights(n, m) for n, m in zip(pictures.shape[-2:], n_cells, strict=True))
    histograms = np.empty((*pictures.shape[:-2], *n_cells, n_bins), np.float32)
    for k in range(n_bins):
        votes = np.where(nearest == k, 1 - share, 0) + np.where((nearest + 1) % n_bins == k, share, 0)
        histograms[..., k] = rows @ (votes * strength) @ columns.T
    energy = _mean_of_neighbours(np.square(histograms).sum(axis=-1))
    return np.sqrt(histograms / np.sqrt(energy + _FLAT**2)[..., np.newaxis])


def lbp_histograms(pictures: ArrayLike, *, n_cells: tuple[int, int] = (6, 6), radius: float = 1) -> np.ndarray:
    """Count uniform local binary patterns on a grid of cells.

    Each pixel is told by which of its eight neighbours on a circle are at least as bright. The 58 patterns that change
    at most twice around the circle (spots, edges, corners) have a bin each, all others share the last one.

    Parameters
    ----------
    pictures : array-like of shape (..., height, width)
        Grey, in [0, 1].
    n_cells : tuple of int, default=(6, 6)
        Rows and columns of the grid.
    radius : float, default=1
        Distance of the neighbours (pixels).

    Returns
    -------
    histograms : ndarray of shape (..., n_rows, n_columns, 59), float32
        Roots of the shares of the patterns in each cell. Zeros where a picture is constant, which has no pattern.

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

    pictures = _check_pictures(pictures, n_cells)
    flat = pictures.reshape(-1, *pictures.shape[-2:])
    # In whole numbers, as a camera gives them: ties are ties, whatever the rounding.
    levels = np.clip(np.rint(flat * 255), 0, 255).astype(np.uint8)
    rows, columns = (np.arange(n) * m // n for n, m in zip(flat.shape[1:], n_cells, strict=True))
    cells = (rows[:, np.newaxis] * n_cells[1] + columns) * N_PATTERNS
    n_bins = n_cells[0] * n_cells[1] * N_PATTERNS
    # Beyond the border its pixels are repeated.
    border = int(np.ceil(radius))
    histograms = np.zeros((len(flat), n_bins), np.float32)
    for i, picture in enumerate(levels):
        if np.ptp(picture):
            patterns = local_binary_pattern(np.pad(picture, border, mode="edge"), 8, radius, method="nri_uniform")
            patterns = patterns[border:-border, border:-border].astype(np.int64)
            histograms[i] = np.bincount((cells + patterns).ravel(), minlength=n_bins)
    histograms = histograms.reshape(*pictures.shape[:-2], *n_cells, N_PATTERNS)
    return np.sqrt(histograms / np.maximum(histograms.sum(axis=-1, keepdims=True), 1))


def landmark_geometry(landmarks: ArrayLike) -> np.ndarray:
    """Measure distances and angles between five landmarks, which no shift, turn or scale of the face changes.

    Distances are told in distances of the eyes. Eyes and mouth without a side are the points in their middle, and what
    both sides have is the mean of the two.

    Parameters
    ----------
    landmarks : array-like of shape (..., 5, 2)
        x and y of the person's right eye, left eye, nose tip, right and left mouth corner (pixels).

    Returns
    -------
    measures : ndarray of shape (..., 11), float64
        In the order of :data:`GEOMETRY`: seven distances, the angles at the nose between the corners of the mouth and
        between the eyes, the angle from the line of the eyes to the mouth's (radians), and how far the nose is off the
        line through the middle of the eyes and across it, towards the left eye. NaN where a landmark is.

    Raises
    ------
    ValueError
        For an array of another shape.

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
    # As complex numbers, one difference times the conjugate of another holds the angle between them.
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


def _check_pictures(pictures, n_cells):
    """Return pictures as float32."""
    pictures = np.asarray(pictures)
    if len(n_cells) != 2 or any(int(n) != n or n < 1 for n in n_cells):
        raise ValueError(f"Expected n_cells = (rows, columns) of positive integers, got {n_cells!r}.")
    fits = pictures.ndim >= 2 and pictures.shape[-2] >= n_cells[0] and pictures.shape[-1] >= n_cells[1]
    if not fits or pictures.dtype.kind not in "fiub":
        raise ValueError(
            f"Expected grey pictures of shape (..., height, width), {n_cells[0]} x {n_cells[1]} pixels at least, got "
            f"an array of shape {pictures.shape} and type {pictures.dtype}."
        )
    pictures = pictures.astype(np.float32, copy=False)
    if not np.isfinite(pictures).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(pictures))} of {pictures.size} pixels are NaN or infinite.")
    return pictures


def _cell_weights(n_pixels, n_cells):
    """Return how much each pixel counts in each cell, (n_cells, n_pixels): linearly less away from its middle."""
    middles = (np.arange(n_cells) + 0.5) * n_pixels / n_cells
    offsets = np.abs(np.arange(n_pixels) + 0.5 - middles[:, np.newaxis])
    return np.maximum(0, 1 - offsets * n_cells / n_pixels).astype(np.float32)


def _mean_of_neighbours(values):
    """Return the mean over 3 x 3 cells on the last two axes; beyond the border its values are repeated."""
    rows, columns = values.shape[-2:]
    padded = np.pad(values, [(0, 0)] * (values.ndim - 2) + [(1, 1), (1, 1)], mode="edge")
    return sum(padded[..., i : i + rows, j : j + columns] for i in range(3) for j in range(3)) / 9
