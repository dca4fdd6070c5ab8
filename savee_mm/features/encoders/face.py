"""FaceEmbedding: statistics over time of the embeddings of face crops by a pretrained encoder."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np

from savee_mm._docstrings import shared_docs
from savee_mm._weights import LocalWeights
from savee_mm.features.encoders import _onnx
from savee_mm.features.faces import FaceFrameSampler
from savee_mm.features.faces._table import FaceTableTransformer, apex_frames
from savee_mm.vision import WITH_LANDMARKS, resolve_detector

_KEPT = ("mean", "std", "onset", "apex")
_STATISTICS = (*_KEPT, "mean-onset", "apex-onset")
_SIZE = 112  # pixels, of an encoder with free height and width


@shared_docs
class FaceEmbedding(FaceTableTransformer):
    """Extract statistics over time of the embeddings of a face by a frozen encoder, run by onnxruntime.

    The encoder is an ONNX file whose input is one image or several, channels first or last. Columns are named
    ``face_<number>_<statistic>``. Statistics over the frames: ``mean``, ``std``, ``onset`` (the first frame), ``apex``
    (mean over the third of the frames that differ most from the first), ``mean-onset`` and ``apex-onset``. The last two
    are relative to the first frame of the clip, which removes most differences between persons if speakers begin with a
    neutral face.

    Parameters
    ----------
    model : str or path-like
        The ONNX file.
    sampler : FaceFrameSampler, default=None
        Sampler of face crops. None is 6 frames of the encoder's size, aligned by the eyes if the weights of YuNet are
        present at fit, otherwise centred.
    output : str, default=None
        Tensor of shape ``(n_images, n_values)`` to use, also an inner one. None is the last output.
    mean, std : float or sequence of 3 floats, default=0, 1
        The encoder's input is ``(crop - mean) / std``, with crops in [0, 1] and in the order red, green, blue.
    statistics : sequence of str, default=("mean", "apex-onset")
        Statistics over the frames, see above.
    %(n_jobs)s
    %(cache)s
    %(on_error_medians)s
    %(verbose)s

    Attributes
    ----------
    weights_sha256_ : str
        SHA-256 of the ONNX file. Prediction with another file is refused.
    sampler_ : FaceFrameSampler
        The fitted sampler.
    n_values_ : int
        Number of values of an embedding.
    fill_values_ : ndarray of shape (n_features,)
        Medians over the training clips.
    %(failed_clips_)s

    See Also
    --------
    FaceDescriptor : Descriptors that need no pretrained network.

    Notes
    -----
    Needs the packages onnxruntime and onnx: ``pip install 'savee-mm[encoders]'``.

    Examples
    --------
    >>> from savee_mm import FaceEmbedding, load_savee
    >>> savee = load_savee("SAVEE/")  # doctest: +SKIP
    >>> FaceEmbedding("face_encoder.onnx", mean=0.5, std=0.5).fit_transform(savee.data).shape  # doctest: +SKIP
    (480, 1024)
    """

    _parameter_constraints = {
        **FaceTableTransformer._parameter_constraints,
        "model": [str, os.PathLike],
        "output": [str, None],
        "mean": ["array-like", float, int],
        "std": ["array-like", float, int],
        "statistics": ["array-like"],
    }

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        sampler: FaceFrameSampler | None = None,
        output: str | None = None,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
        statistics: Sequence[str] = ("mean", "apex-onset"),
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        on_error: Literal["raise", "fill"] = "raise",
        verbose: bool | int = False,
    ) -> None:
        self.model = model
        self.sampler = sampler
        self.output = output
        self.mean = mean
        self.std = std
        self.statistics = statistics
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _resolve(self):
        unknown = [name for name in self.statistics if name not in _STATISTICS]
        if unknown or not len(self.statistics):
            raise ValueError(
                f"The 'statistics' parameter of FaceEmbedding must contain one or more of {', '.join(_STATISTICS)}. "
                f"Got {self.statistics!r} instead."
            )
        weights = _onnx.identify_model(self.model)
        super()._resolve()
        trial = np.zeros((1, *self.sampler_.size, 3), np.float32)
        self.n_values_ = _embed(trial, **self._describe_with(weights).keywords).shape[1]
        self.weights_sha256_ = weights.sha256

    def _pretrained_files(self):
        return (_onnx.identify_model(self.model),)

    def _default_sampler(self):
        _, height, width = _layout(_onnx.identify_model(self.model))
        align = "eyes" if resolve_detector("auto") in WITH_LANDMARKS else "center"
        return FaceFrameSampler(size=(height or _SIZE, width or _SIZE), align=align)

    def _describe(self):
        weights = _onnx.identify_model(self.model)
        _onnx.check_digest(weights, self.weights_sha256_)
        return self._describe_with(weights)

    def _describe_with(self, weights):
        outputs = _onnx.check_outputs(weights, None if self.output is None else [self.output])
        scale = {name: np.broadcast_to(getattr(self, name), 3).astype(float).tolist() for name in ("mean", "std")}
        return partial(_describe_track, weights=weights, outputs=outputs, **scale)

    def _shape(self):
        return len(_KEPT), self.n_values_

    def _chosen(self, kept):
        mean, std, onset, apex = np.moveaxis(kept.astype(np.float64), 1, 0)
        found = dict(zip(_STATISTICS, (mean, std, onset, apex, mean - onset, apex - onset), strict=True))
        return np.concatenate([found[name] for name in self.statistics], axis=1)

    def _learn(self, values):
        super()._learn(self._chosen(values))

    def _finish(self, values):
        return super()._finish(self._chosen(values))

    def _output_columns(self):
        return [(f"face_{i:04d}_{name}", "1") for name in self.statistics for i in range(self.n_values_)]


def _describe_track(track, **encoder):
    """Return mean, standard deviation, onset and apex of the embeddings of one clip, (4, n_values) float32."""
    # Masked frames have no box.
    values = _embed(track.crops[~np.isnan(track.boxes).any(axis=1)], **encoder)
    return np.stack([values.mean(axis=0), values.std(axis=0), values[0], values[apex_frames(values)].mean(axis=0)])


def _embed(crops, *, weights: LocalWeights, outputs, mean, std):
    """Return the embeddings of crops of shape (n_images, height, width, n_channels), as (n_images, n_values)."""
    channels, height, width = _layout(weights)
    if height not in (None, crops.shape[1]) or width not in (None, crops.shape[2]):
        raise ValueError(
            f"{weights.path} expects images of {height} x {width} pixels, got {crops.shape[1]} x {crops.shape[2]}; set "
            f"size=({height}, {width}) in the sampler."
        )
    images = np.asarray((np.repeat(crops, 3 // crops.shape[-1], axis=-1) - mean) / std, dtype=np.float32)
    images = images.transpose(0, 3, 1, 2) if channels == "first" else images
    run = _onnx.open_session(weights, outputs)
    fixed = _onnx.input_shape(weights)[0]
    batches = [images] if fixed is None else np.split(images, len(images))
    parts = [_onnx.run_model(run, batch, "choose an encoder of single images")[0] for batch in batches]
    values = np.concatenate([part.reshape(len(part), -1) for part in parts])
    if len(values) != len(images):
        raise ValueError(f"{weights.path} returns {len(values)} embeddings for {len(images)} images; choose an output.")
    return values


def _layout(weights):
    """Return "first" or "last", where the channels are, and height and width of the input, None where they are free.

    Raises
    ------
    ValueError
        If the input is not that of an image with three channels.
    """
    shape = _onnx.input_shape(weights)
    if len(shape) == 4 and shape[1] == 3:
        return "first", shape[2], shape[3]
    if len(shape) == 4 and shape[3] == 3:
        return "last", shape[1], shape[2]
    raise ValueError(
        f"{weights.path} has an input of shape {shape}, expected (n, 3, height, width) or (n, height, width, 3); "
        "choose an encoder of color images."
    )
