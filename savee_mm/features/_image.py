"""Base class of the extractors that return an image of the audio: fixed size and normalization."""

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from savee_mm._rows import BLOCK
from savee_mm.features._base import ClipTransformer


class SoundImageTransformer(ClipTransformer):
    """Base of the extractors that return low-level descriptors over time as an image.

    A subclass has the parameters ``n_frames``, ``sr``, ``input_sr``, ``hop_length``, ``n_fft`` and ``normalize``,
    defines ``_n_rows()``, and returns a kernel that ends with :func:`pad_frames`: NaN after the end of the clip.
    """

    _parameter_constraints = {
        **ClipTransformer._parameter_constraints,
        "n_frames": [Interval(Integral, 1, None, closed="left")],
        "sr": [Interval(Integral, 1000, None, closed="left"), None],
        "input_sr": [Interval(Integral, 1000, None, closed="left"), None],
        "hop_length": [Interval(Integral, 1, None, closed="left")],
        "n_fft": [Interval(Integral, 16, None, closed="left")],
        "normalize": [StrOptions({"clip", "training"}), None],
    }

    @property
    def _learns_from_clips(self):
        return self.normalize == "training"

    def _n_rows(self):
        raise NotImplementedError

    def _shape(self):
        return self._n_rows(), self.n_frames

    def _learn(self, values):
        # Frames after the end of a clip are NaN and do not count.
        n_frames = _sum_over_frames(lambda block: ~np.isnan(block), values)
        self.mean_ = _sum_over_frames(np.nan_to_num, values) / n_frames
        mean = self.mean_[:, np.newaxis]
        variance = _sum_over_frames(lambda block: np.nan_to_num(block - mean) ** 2, values) / n_frames
        self.scale_ = _positive(np.sqrt(variance))

    def _finish(self, values):
        if self.normalize == "training":
            check_is_fitted(self, "mean_")
            values = (values - self.mean_[:, np.newaxis]) / self.scale_[:, np.newaxis]
        elif self.normalize == "clip":
            values = _normalize_each(values)
        return np.nan_to_num(values, copy=False, nan=0.0)[..., np.newaxis].astype(np.float32, copy=False)


def trim_sound(y, *, n_frames, n_fft, hop_length):
    """Return the samples that the first ``n_frames`` frames cover.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Samples.
    n_frames : int
        Number of centred frames.
    n_fft, hop_length : int
        Length of a frame and distance between two frames (samples).

    Returns
    -------
    y : ndarray of shape (at most n_samples,)
    """
    return y[: (n_frames - 1) * hop_length + n_fft // 2]


def pad_frames(rows, n_frames):
    """Trim rows to a number of frames, or pad them with NaN.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, any number)
        One column for each frame.
    n_frames : int
        Number of frames of the image.

    Returns
    -------
    image : ndarray of shape (n_rows, n_frames), float32
    """
    rows = rows[:, :n_frames]
    image = np.full((len(rows), n_frames), np.nan, np.float32)
    image[:, : rows.shape[1]] = rows
    return image


def _sum_over_frames(function, values):
    """Return the sum of a function of images over clips and frames, shape (n_rows,), a block of clips at a time."""
    blocks = (values[start : start + BLOCK] for start in range(0, len(values), BLOCK))
    return sum(function(np.asarray(block)).sum(axis=(0, 2), dtype=np.float64) for block in blocks)


def _normalize_each(values):
    out = np.zeros_like(values)
    for image, target in zip(values, out, strict=True):
        known = ~np.isnan(image[0])
        frames = image[:, known]
        if frames.size:
            centred = frames - frames.mean(axis=1, keepdims=True)
            target[:, known] = centred / _positive(frames.std(axis=1, keepdims=True))
    return out


def _positive(scale):
    """Replace scales within rounding error of 0 by 1, so that constants stay constant."""
    return np.where(scale > 1e-4, scale, 1.0).astype(scale.dtype)
