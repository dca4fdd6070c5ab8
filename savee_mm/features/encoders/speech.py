"""SpeechEmbedding: statistics of the hidden states of a pretrained speech encoder."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from savee_mm._docstrings import shared_docs
from savee_mm.features._sound import load_sound
from savee_mm.features._tabular import TabularTransformer
from savee_mm.features.encoders import _onnx
from savee_mm.features.encoders._reader import FRONT_ENDS, Reader, find_front_end, output_sizes
from savee_mm.features.encoders.presets import ENCODERS, find_encoder

_STATISTICS = ("mean", "std", "max")


@shared_docs
class SpeechEmbedding(TabularTransformer):
    """Statistics over time of the hidden states of a frozen speech encoder, run by onnxruntime.

    The encoder is an ONNX file. Clips longer than its window are read in windows; the statistics are computed over the
    frames of the clip itself, without those of padding. Columns are named ``<encoder>_<output>_<number>_<statistic>``.

    Parameters
    ----------
    model : str or path-like
        Name of a registered encoder (``"whisper-base"``, ``"smart-turn"``, ``"ge2e"``, ``"wav2vec2"``, ``"hubert"``,
        ``"wavlm"``, ``"emotion2vec"``), whose file is in the folder of ``SAVEE_MM_WEIGHTS``; or the path of an ONNX
        file. ``savee-mm export-encoder`` makes one of a local checkpoint.
    front_end : str or callable, default=None
        Input of the encoder: ``"waveform"`` (samples), ``"standardized"`` (samples with zero mean and unit variance),
        ``"whisper"`` (:func:`~savee_mm.signal.whisper_log_mel`), ``"whisper_standardized"`` (the same of standardised
        samples), ``"ge2e"`` (:func:`~savee_mm.signal.ge2e_mel`), or a function of the samples. None means that of the
        registered encoder, and ``"waveform"`` for a path.
    outputs : sequence of str, default=None
        Tensors to use, also inner ones. None means those of the registered encoder, and the last output for a path.
    window, hop : float, default=None
        Length and distance of windows (s). None means those of the registered encoder; a path has no window, and
        ``hop`` is ``window``.
    pad : {"none", "left", "right"}, default=None
        Where clips shorter than the window are padded with zeros. None means that of the registered encoder, and
        ``"none"`` for a path.
    pool : sequence of {"mean", "std", "max"}, default=("mean", "std")
        Statistics over time.
    sr : int, default=16000
        Sample rate of the encoder (Hz), to which clips are resampled.
    %(input_sr)s
    %(n_jobs)s
    %(cache)s
    %(on_error_medians)s
    %(verbose)s

    Attributes
    ----------
    weights_sha256_ : str
        SHA-256 of the ONNX file. Prediction with another file is refused.
    output_sizes_ : dict of str to int
        Number of values per frame of each output.
    fill_values_ : ndarray of shape (n_features,)
        Medians over the training clips.
    %(failed_clips_)s

    See Also
    --------
    savee_mm.model_selection.ClipGridSearchCV : Chooses ``outputs`` on inner folds.

    Notes
    -----
    Late blocks of speech recognisers encode the text. Where speakers read the same sentences in one emotion only, as in
    SAVEE, scores by speaker then reward the recognition of the sentence. Choose the block on folds with unseen texts.

    Encoders need the packages onnxruntime and onnx: ``pip install 'savee-mm[encoders]'``.

    References
    ----------
    A. Pasad, J.-C. Chou, K. Livescu, "Layer-wise analysis of a self-supervised speech representation model", ASRU 2021.

    Examples
    --------
    >>> from savee_mm import SpeechEmbedding, load_savee
    >>> savee = load_savee("SAVEE/")  # doctest: +SKIP
    >>> SpeechEmbedding("whisper-base", outputs=["hidden_3"]).fit_transform(savee.data).shape  # doctest: +SKIP
    (480, 1024)
    """

    _parameter_constraints = {
        **TabularTransformer._parameter_constraints,
        "model": [str, os.PathLike],
        "front_end": [StrOptions(set(FRONT_ENDS)), callable, None],
        "outputs": ["array-like", None],
        "window": [Interval(Real, 0, None, closed="neither"), None],
        "hop": [Interval(Real, 0, None, closed="neither"), None],
        "pad": [StrOptions({"none", "left", "right"}), None],
        "pool": ["array-like"],
        "sr": [Interval(Integral, 1000, None, closed="left")],
        "input_sr": [Interval(Integral, 1000, None, closed="left"), None],
    }

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        front_end: str | Callable | None = None,
        outputs: Sequence[str] | None = None,
        window: float | None = None,
        hop: float | None = None,
        pad: Literal["none", "left", "right"] | None = None,
        pool: Sequence[str] = ("mean", "std"),
        sr: int = 16000,
        input_sr: int | None = None,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        on_error: Literal["raise", "fill"] = "raise",
        verbose: bool | int = False,
    ) -> None:
        self.model = model
        self.front_end = front_end
        self.outputs = outputs
        self.window = window
        self.hop = hop
        self.pad = pad
        self.pool = pool
        self.sr = sr
        self.input_sr = input_sr
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _resolve(self):
        unknown = [name for name in self.pool if name not in _STATISTICS]
        if unknown or not len(self.pool):
            raise ValueError(
                f"The 'pool' parameter of SpeechEmbedding must contain one or more of {', '.join(_STATISTICS)}. "
                f"Got {self.pool!r} instead."
            )
        reader = self._make_reader()
        self.output_sizes_ = dict(zip(reader.outputs, output_sizes(reader), strict=True))
        self.weights_sha256_ = reader.weights.sha256

    def _make_reader(self):
        preset = ENCODERS.get(os.fspath(self.model))
        path = self.model if preset is None else find_encoder(self.model)
        weights = _onnx.identify_model(path)
        settings = {name: getattr(preset, name, None) for name in ("front_end", "outputs", "window", "hop", "pad")}
        settings |= {name: value for name in settings if (value := getattr(self, name)) is not None}
        front_end = find_front_end(settings["front_end"] or "waveform")
        if front_end.sr not in (None, self.sr):
            raise ValueError(f"The front end {front_end.key!r} needs sr={front_end.sr}, got sr={self.sr}.")
        return Reader(
            weights,
            front_end,
            _onnx.check_outputs(weights, settings["outputs"]),
            self.sr,
            settings["window"],
            settings["hop"],
            settings["pad"] or "none",
        )

    def _pretrained_files(self):
        return (self._make_reader().weights,)

    def _kernel(self):
        reader = self._make_reader()
        _onnx.check_digest(reader.weights, self.weights_sha256_)
        return partial(_embed, reader=reader, pool=tuple(self.pool), input_sr=self.input_sr)

    def _output_columns(self):
        prefix = Path(self.model).stem.replace("-", "_")
        return [
            (f"{prefix}_{output}_{i:04d}_{statistic}", "1")
            for output, size in self.output_sizes_.items()
            for statistic in self.pool
            for i in range(size)
        ]


def _embed(source, *, reader, pool, input_sr, recipe=None):
    """Return the statistics of each output over the frames of a clip."""
    y, _ = load_sound(source, sr=reader.sr, input_sr=input_sr, recipe=recipe)
    return np.concatenate([getattr(frames, name)(axis=0) for frames in reader.read(y) for name in pool])
