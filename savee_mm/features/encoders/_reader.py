"""One clip through a speech encoder: its windows, their front end, and the frames that belong to the clip."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from savee_mm._validation import ClipError
from savee_mm._weights import LocalWeights
from savee_mm.features.encoders import _onnx
from savee_mm.signal.encoder_inputs import ENCODER_SR, ge2e_mel, standardized_samples, whisper_log_mel


def _samples(y):
    return y.astype(np.float32, copy=False)


@dataclass(frozen=True)
class FrontEnd:
    """What an encoder reads: a function of samples; two are equal, and have one ``repr``, if their keys are equal."""

    key: str
    function: Callable = field(repr=False, compare=False)
    standardize: bool = field(default=False, repr=False, compare=False)  # before the padding
    sr: int | None = field(default=None, repr=False, compare=False)  # the only sample rate (Hz) that it supports


FRONT_ENDS = {
    front_end.key: front_end
    for front_end in (
        FrontEnd("waveform", _samples),
        FrontEnd("standardized", _samples, standardize=True),
        FrontEnd("whisper", whisper_log_mel, sr=ENCODER_SR),
        FrontEnd("whisper_standardized", whisper_log_mel, standardize=True, sr=ENCODER_SR),
        FrontEnd("ge2e", ge2e_mel, sr=ENCODER_SR),
    )
}
"""Front ends by name."""


def find_front_end(value):
    """Return the FrontEnd of a name, or of a function, whose key then is its name and a digest of its code."""
    if not callable(value):
        return FRONT_ENDS[value]
    code = getattr(value, "__code__", None)
    content = repr(value) if code is None else f"{code.co_code!r} {code.co_consts!r} {code.co_names!r}"
    name = getattr(value, "__qualname__", type(value).__qualname__)
    return FrontEnd(f"{name} {hashlib.sha256(content.encode()).hexdigest()[:16]}", value)


@dataclass(frozen=True)
class Reader:
    """Reads the hidden states of clips.

    Parameters
    ----------
    weights : LocalWeights
        The ONNX file.
    front_end : FrontEnd
        Input of the encoder.
    outputs : tuple of str
        Tensors to read.
    sr : int
        Sample rate of the encoder (Hz).
    window, hop : float or None
        Length and distance of the windows (s). None reads whole clips, and windows without overlap.
    pad : {"none", "left", "right"}
        Where a clip that is shorter than the window is padded with zeros.
    """

    weights: LocalWeights
    front_end: FrontEnd
    outputs: tuple[str, ...]
    sr: int
    window: float | None = None
    hop: float | None = None
    pad: str = "none"

    def read(self, y):
        """Return an array of shape (n_frames, n_values) for each output, over the frames of the clip.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Audio at ``sr``.

        Returns
        -------
        frames : list of ndarray

        Raises
        ------
        ClipError
            If the encoder does not accept the clip.
        """
        parts = [self._read_window(y[start:stop], new) for start, stop, new in self._windows(len(y))]
        return [np.concatenate(frames) for frames in zip(*parts, strict=True)]

    def _length(self, otherwise):
        return otherwise if self.window is None else round(self.window * self.sr)

    def _windows(self, n_samples):
        """Yield start and stop of each window, and its number of samples that earlier windows contain.

        The last window of a clip that is longer than one ends with the clip.
        """
        length = self._length(n_samples)
        hop = length if self.hop is None else round(self.hop * self.sr)
        last, covered = max(0, n_samples - length), 0
        for start in [*range(0, last, hop), last]:
            stop = min(start + length, n_samples)
            yield start, stop, max(0, covered - start)
            covered = stop

    def _read_window(self, samples, n_known):
        if self.front_end.standardize:
            samples = standardized_samples(samples)
        missing = 0 if self.pad == "none" else self._length(len(samples)) - len(samples)
        before, after = (missing, 0) if self.pad == "left" else (0, missing)
        n_samples = before + len(samples) + after
        try:
            array = self.front_end.function(np.pad(samples, (before, after)) if missing else samples)
        except ValueError as error:
            raise ClipError(f"the encoder's front end does not accept it: {error}; leave the clip out") from error
        outputs = _onnx.run_model(
            _onnx.open_session(self.weights, self.outputs),
            np.asarray(array, np.float32)[np.newaxis],
            "check front_end, sr, window and pad, or leave the clip out if it is too short",
        )
        own = (before + n_known) / n_samples, (n_samples - after) / n_samples
        return [_share(output, *own) for output in outputs]


@lru_cache(maxsize=16)
def output_sizes(reader):
    """Return the number of values per frame of each output of a Reader, read from noise once.

    Raises
    ------
    ValueError
        If the encoder does not accept what the front end returns.
    """
    noise = np.random.default_rng(0).normal(0, 0.01, reader._length(reader.sr)).astype(np.float32)
    try:
        return tuple(frames.shape[1] for frames in reader.read(noise))
    except ClipError as error:
        raise ValueError(f"{reader.weights.path}: {error.reason}") from None


def _share(output, begin, end):
    """Return the frames of an output of shape (1, n_frames, n_values) or (1, n_values) between two shares of it."""
    if output.ndim not in (2, 3) or len(output) != 1:
        raise ClipError(
            f"the encoder returns an output of shape {output.shape}, expected (1, n_frames, n_values) or "
            "(1, n_values); choose other outputs"
        )
    if output.ndim == 2:
        return output
    first = min(round(begin * output.shape[1]), output.shape[1] - 1)
    return output[0, first : max(first + 1, round(end * output.shape[1]))]
