"""Compiled pass of the histograms of oriented gradients."""

import numpy as np

from savee_mm._jit import compiled


@compiled
def oriented_votes(images, n_rows, n_columns, n_bins, turn):
    """Sum the gradients of images into cells and directions.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width), float32
        Brightness.
    n_rows, n_columns : int
        Number of cells.
    n_bins : int
        Number of directions.
    turn : float
        Angle that the bins cover (radians).

    Returns
    -------
    votes : ndarray of shape (n_images, n_rows, n_columns, n_bins), float32
        Strength of the gradients, shared linearly by the two nearest bins, rows and columns of cells.
    """
    n_images, height, width = images.shape
    period, scale = np.float32(turn), np.float32(n_bins / turn)
    votes = np.zeros((n_images, n_rows, n_columns, n_bins), np.float32)
    # Space for the cells outside the image, whose share is dropped.
    sums = np.empty((n_rows + 2, n_columns + 2, n_bins))
    for i in range(n_images):
        sums[:] = 0
        for y in range(height):
            row = (y + 0.5) * n_rows / height + 0.5
            top = int(row)
            low = row - top
            for x in range(width):
                across = images[i, y, x + 1] - images[i, y, x - 1] if 0 < x < width - 1 else np.float32(0)
                down = images[i, y + 1, x] - images[i, y - 1, x] if 0 < y < height - 1 else np.float32(0)
                strength = np.sqrt(np.float64(across * across + down * down))
                if strength == 0:
                    continue
                # In single precision, a right angle is exactly on a bin.
                angle = np.arctan2(down, across)
                if angle < 0:
                    angle += period
                if angle >= period:
                    angle -= period
                direction = angle * scale
                first = int(direction)
                share = np.float64(direction - np.float32(first))
                first %= n_bins
                second = (first + 1) % n_bins
                column = (x + 0.5) * n_columns / width + 0.5
                left = int(column)
                right = column - left
                for k, part in ((first, strength * (1 - share)), (second, strength * share)):
                    sums[top, left, k] += part * (1 - low) * (1 - right)
                    sums[top, left + 1, k] += part * (1 - low) * right
                    sums[top + 1, left, k] += part * low * (1 - right)
                    sums[top + 1, left + 1, k] += part * low * right
        votes[i] = sums[1:-1, 1:-1]
    return votes
