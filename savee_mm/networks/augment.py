"""Random changes of the training pictures, in the graph: a face is mirrored, moved, lit otherwise, half hidden."""

import math

import numpy as np
from keras import layers, ops, random


class RandomFrames(layers.Layer):
    """Change every clip at random while the network trains, all its frames alike; otherwise pass it on.

    It stands ahead of a network and is no part of it: what predicts or is saved has no such layer.

    Parameters
    ----------
    flip : bool
        Whether to mirror half of the clips left to right.
    shift : float
        Largest shift, as a share of the picture's height and width.
    rotation : float
        Largest turn around the picture's centre (degrees).
    zoom : float
        Largest change of size, as a share of it.
    brightness : float
        Largest change of contrast, as a share of it, and of light, in standard deviations of the clip's pixels: once
        for the whole picture, and once from edge to edge in each direction, as a lamp to one side would.
    occlusion : float
        Side of a square that hides part of every second clip, as a share of the picture's sides. Its centre is
        anywhere; it shows the clip's mean.
    seed : int
        Seed of all of it.
    """

    def __init__(self, *, flip, shift, rotation, zoom, brightness, occlusion, seed, **options):
        super().__init__(**options)
        self._flip = flip
        self._shift = shift
        self._rotation = rotation
        self._zoom = zoom
        self._brightness = brightness
        self._occlusion = occlusion
        self._generator = random.SeedGenerator(seed)

    def call(self, frames, training=False):
        """Return frames of shape (batch, n_frames, height, width, channels), changed where ``training``."""
        if not training:
            return frames
        if self._flip or self._shift or self._rotation or self._zoom:
            frames = self._moved(frames)
        if self._brightness:
            frames = self._lit(frames)
        return self._occluded(frames) if self._occlusion else frames

    def compute_output_shape(self, shape):
        """Return the shape of the frames, which stays."""
        return shape

    def _draw(self, frames, limit, n=1):
        """Return n numbers of a clip between -limit and limit, shape (batch, n)."""
        return random.uniform((ops.shape(frames)[0], n), -limit, limit, seed=self._generator)

    def _moved(self, frames):
        n_frames, height, width, channels = frames.shape[1:]
        angle = self._draw(frames, math.radians(self._rotation))
        size = 1 + self._draw(frames, self._zoom)
        mirror = ops.where(self._draw(frames, 1) < 0, -1.0, 1.0) if self._flip else 1.0
        # From a pixel of the result to where it is looked up, about the picture's centre.
        xx, xy = mirror * size * ops.cos(angle), -size * ops.sin(angle)
        yx, yy = mirror * size * ops.sin(angle), size * ops.cos(angle)
        x, y = (width - 1) / 2, (height - 1) / 2
        x_offset = x - xx * x - xy * y + self._draw(frames, self._shift * width)
        y_offset = y - yx * x - yy * y + self._draw(frames, self._shift * height)
        nought = ops.zeros_like(xx)
        transforms = ops.concatenate([xx, xy, x_offset, yx, yy, y_offset, nought, nought], axis=1)
        pictures = ops.image.affine_transform(
            ops.reshape(frames, (-1, height, width, channels)),
            ops.repeat(transforms, n_frames, axis=0),
            interpolation="bilinear",
            fill_mode="nearest",
        )
        return ops.reshape(pictures, (-1, n_frames, height, width, channels))

    def _lit(self, frames):
        height, width = frames.shape[2:4]
        mean, deviation = _level(frames)
        contrast, light, across, down = (
            ops.reshape(self._draw(frames, self._brightness), (-1, 1, 1, 1, 1)) for _ in range(4)
        )
        slope = across * _ramp(width)[:, np.newaxis] + down * _ramp(height)[:, np.newaxis, np.newaxis]
        return mean + (frames - mean) * (1 + contrast) + deviation * (light + slope)

    def _occluded(self, frames):
        height, width = frames.shape[2:4]
        row, column = self._draw(frames, height / 2), self._draw(frames, width / 2)
        rows = ops.abs(_ramp(height) * (height / 2) - row) <= self._occlusion * height / 2
        columns = ops.abs(_ramp(width) * (width / 2) - column) <= self._occlusion * width / 2
        chosen = self._draw(frames, 1) < 0
        hidden = ops.logical_and(ops.logical_and(rows, chosen)[:, :, np.newaxis], columns[:, np.newaxis])
        return ops.where(hidden[:, np.newaxis, :, :, np.newaxis], _level(frames)[0], frames)


def _level(frames):
    """Return mean and standard deviation of every clip, of shape (batch, 1, 1, 1, 1)."""
    axes = (1, 2, 3, 4)
    return ops.mean(frames, axis=axes, keepdims=True), ops.std(frames, axis=axes, keepdims=True)


def _ramp(n):
    """Return n numbers from -1 to 1."""
    return np.linspace(-1, 1, n, dtype=np.float32)
