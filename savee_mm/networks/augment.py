"""Random augmentation of video frames within the graph: mirroring, movement, light, occlusion."""

import math

import numpy as np
from keras import layers, ops, random


def random_frames(frames, *, flip, shift, rotation, zoom, brightness, occlusion, seed):
    """Augment a tensor of video frames at random in training; return it unchanged in prediction.

    All frames of a clip are changed in the same way. The channels are averaged, as the networks on frames do first.

    Parameters
    ----------
    frames : KerasTensor of shape (batch, n_frames, height, width, channels)
        Pixels in [0, 1].
    flip : bool
        Whether to mirror half of the clips left to right.
    shift : float
        Maximum shift, as a fraction of height and width.
    rotation : float
        Maximum rotation about the centre (degrees).
    zoom : float
        Maximum relative change of size.
    brightness : float
        Maximum relative change of contrast, and maximum change of brightness in standard deviations of the clip's
        pixels: once for the whole image, and once from edge to edge in each direction, as from a lamp at one side.
    occlusion : float
        Side of a square that hides a part of every second clip, as a fraction of height and width. Its centre is
        anywhere in the image, its colour is the clip's mean.
    seed : int
        Seed of all changes.

    Returns
    -------
    frames : KerasTensor of the same shape
    """
    layer = RandomFrames(
        flip=flip,
        shift=shift,
        rotation=rotation,
        zoom=zoom,
        brightness=brightness,
        occlusion=occlusion,
        seed=seed,
    )
    # One channel takes a third of the time of three.
    gray = ops.mean(frames, axis=-1, keepdims=True)
    return ops.repeat(layer(gray), frames.shape[-1], axis=-1)


class RandomFrames(layers.Layer):
    """Layer of :func:`random_frames`, whose parameters it takes."""

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
        """Return frames of shape (batch, n_frames, height, width, channels), changed if ``training``."""
        if not training:
            return frames
        if self._flip or self._shift or self._rotation or self._zoom:
            frames = self._moved(frames)
        if self._brightness:
            frames = self._lit(frames)
        return self._occluded(frames) if self._occlusion else frames

    def compute_output_shape(self, shape):
        """Return the same shape."""
        return shape

    def _draw(self, frames, limit, n=1):
        """Draw n numbers in [-limit, limit] for each clip, shape (batch, n)."""
        return random.uniform((ops.shape(frames)[0], n), -limit, limit, seed=self._generator)

    def _moved(self, frames):
        n_frames, height, width, channels = frames.shape[1:]
        angle = self._draw(frames, math.radians(self._rotation))
        size = 1 + self._draw(frames, self._zoom)
        mirror = ops.where(self._draw(frames, 1) < 0, -1.0, 1.0) if self._flip else 1.0
        # Affine map from output to input coordinates, about the centre of the image.
        xx, xy = mirror * size * ops.cos(angle), -size * ops.sin(angle)
        yx, yy = mirror * size * ops.sin(angle), size * ops.cos(angle)
        x, y = (width - 1) / 2, (height - 1) / 2
        x_offset = x - xx * x - xy * y + self._draw(frames, self._shift * width)
        y_offset = y - yx * x - yy * y + self._draw(frames, self._shift * height)
        zero = ops.zeros_like(xx)
        transforms = ops.concatenate([xx, xy, x_offset, yx, yy, y_offset, zero, zero], axis=1)
        images = ops.image.affine_transform(
            ops.reshape(frames, (-1, height, width, channels)),
            ops.repeat(transforms, n_frames, axis=0),
            interpolation="bilinear",
            fill_mode="nearest",
        )
        return ops.reshape(images, (-1, n_frames, height, width, channels))

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
    """Return the mean and standard deviation of each clip, shape (batch, 1, 1, 1, 1)."""
    axes = (1, 2, 3, 4)
    return ops.mean(frames, axis=axes, keepdims=True), ops.std(frames, axis=axes, keepdims=True)


def _ramp(n):
    """Return n evenly spaced numbers from -1 to 1."""
    return np.linspace(-1, 1, n, dtype=np.float32)
