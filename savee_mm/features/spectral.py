"""SpectralFeatures: spectral low-level descriptors as functionals or at a fixed number of frames."""

import os
from collections.abc import Sequence
from functools import partial
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from savee_mm._docstrings import shared_docs
from savee_mm.features._sound import load_sound
from savee_mm.features._tabular import TabularTransformer
from savee_mm.signal import DESCRIPTORS, STATISTICS, low_level_descriptors, resample_frames, summarize

DEFAULT_FEATURES = (
    "amplitude_envelope",
    "rms",
    "zcr",
    "ber",
    "spec_centroid",
    "spec_bandwidth",
    "spec_flatness",
    "spec_flux",
    "spec_contrast",
    "mfcc",
    "mfcc_delta",
    "teo",
)
DEFAULT_STATISTICS = ("mean", "std", "p5", "p95", "range", "slope")


@shared_docs
class SpectralFeatures(TabularTransformer):
    """Extract spectral low-level descriptors from the audio of each clip.

    All descriptors come from one short-time Fourier transform of the sound without its mean: a constant offset of the
    recording, which librosa's functions include, would dominate the lowest frequencies.

    The columns are ordered by descriptor, and by row for descriptors with several rows (``mfcc``, ``spec_contrast``,
    spectrograms). Functionals come first, ``<feature>_<statistic>`` or ``<feature>_<row>_<statistic>``, then the values
    over time, ``<feature>__t<frame>`` or ``<feature>_<row>__t<frame>``, which :class:`PCACorrSelector` groups. With
    ``statistics=()`` and a single descriptor, the array can be reshaped to images, ``(n_clips, n_rows, n_frames)``.

    Parameters
    ----------
    features : sequence of str, default=DEFAULT_FEATURES
        Low-level descriptors, defined in :func:`savee_mm.signal.low_level_descriptors`.
    statistics : sequence of str, default=("mean", "std", "p5", "p95", "range", "slope")
        Functionals over time, see :func:`savee_mm.signal.summarize`; may be empty.
    n_frames : int, default=None
        Number of frames to which each descriptor is interpolated linearly; None for functionals only.
    %(sr)s
    %(input_sr)s
    n_fft, hop_length : int, default=2048, 512
        Length and step of the analysis window (samples).
    n_mfcc, n_mels : int, default=13, 128
        Number of MFCCs and of mel bands.
    split_frequency : float, default=2000
        Boundary between the two bands of ``ber`` (Hz).
    %(n_jobs)s
    %(cache)s
    %(on_error_medians)s
    %(verbose)s

    Attributes
    ----------
    fill_values_ : ndarray of shape (n_features,)
        Medians over the training clips, which replace the values of a clip that failed.
    %(failed_clips_)s

    See Also
    --------
    AudioFeatures : These features and :class:`ProsodyFeatures` from a single read of the clip.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import SpectralFeatures
    >>> tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050)
    >>> extractor = SpectralFeatures(features=["spec_centroid", "rms"], statistics=["median"], n_frames=2)
    >>> extractor.set_params(input_sr=22050).set_output(transform="pandas")  # doctest: +ELLIPSIS
    SpectralFeatures(...)
    >>> extractor.fit_transform([tone]).columns.tolist()
    ['spec_centroid_median', 'spec_centroid__t0', 'spec_centroid__t1', 'rms_median', 'rms__t0', 'rms__t1']
    """

    _parameter_constraints = {
        **TabularTransformer._parameter_constraints,
        "features": ["array-like"],
        "statistics": ["array-like"],
        "n_frames": [Interval(Integral, 1, None, closed="left"), None],
        "sr": [Interval(Integral, 1000, None, closed="left"), None],
        "input_sr": [Interval(Integral, 1000, None, closed="left"), None],
        "n_fft": [Interval(Integral, 16, None, closed="left")],
        "hop_length": [Interval(Integral, 1, None, closed="left")],
        "n_mfcc": [Interval(Integral, 1, None, closed="left")],
        "n_mels": [Interval(Integral, 1, None, closed="left")],
        "split_frequency": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        features: Sequence[str] = DEFAULT_FEATURES,
        statistics: Sequence[str] = DEFAULT_STATISTICS,
        n_frames: int | None = None,
        sr: int | None = 22050,
        input_sr: int | None = None,
        n_fft: int = 2048,
        hop_length: int = 512,
        n_mfcc: int = 13,
        n_mels: int = 128,
        split_frequency: float = 2000.0,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        on_error: Literal["raise", "fill"] = "raise",
        verbose: bool | int = False,
    ) -> None:
        self.features = features
        self.statistics = statistics
        self.n_frames = n_frames
        self.sr = sr
        self.input_sr = input_sr
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mfcc = n_mfcc
        self.n_mels = n_mels
        self.split_frequency = split_frequency
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _kernel(self):
        return partial(_spectral, sr=self.sr, input_sr=self.input_sr, **self._measurement())

    def _measurement(self):
        """Return the parameters of ``measure_spectrum``."""
        return {
            "features": tuple(self.features),
            "statistics": tuple(self.statistics),
            "n_frames": self.n_frames,
            "n_fft": self.n_fft,
            "hop_length": self.hop_length,
            "n_mfcc": self.n_mfcc,
            "n_mels": self.n_mels,
            "split_frequency": self.split_frequency,
        }

    def _resolve(self):
        for name, known in (("features", DESCRIPTORS), ("statistics", STATISTICS)):
            values = getattr(self, name)
            unknown = [value for value in values if value not in known]
            if unknown or len(set(values)) < len(values):
                raise ValueError(
                    f"The {name!r} parameter of {type(self).__name__} must be distinct names among "
                    f"{', '.join(known)}. Got {list(values)!r} instead."
                )
        if not len(self.features) or (not len(self.statistics) and self.n_frames is None):
            raise ValueError(f"{type(self).__name__} needs at least one of 'features', and 'statistics' or 'n_frames'.")

    def _output_columns(self):
        """Return (name, unit) of every column."""
        columns = []
        # The kernels define the number of rows.
        silence = low_level_descriptors(np.zeros(1), self.sr or 22050, **self._analysis())
        for feature, descriptor in silence.items():
            rows = [feature] if descriptor.ndim == 1 else [f"{feature}_{row}" for row in range(len(descriptor))]
            unit = DESCRIPTORS[feature].unit
            for row in rows:
                columns += [(f"{row}_{name}", f"{unit}/s" if name == "slope" else unit) for name in self.statistics]
                columns += [(f"{row}__t{frame}", unit) for frame in range(self.n_frames or 0)]
        return columns

    def _analysis(self):
        parameters = self._measurement()
        del parameters["statistics"], parameters["n_frames"]
        return parameters


def _spectral(source, *, sr, input_sr, recipe=None, **measurement):
    y, sr = load_sound(source, sr=sr, input_sr=input_sr, recipe=recipe, keep_offset=False)
    return measure_spectrum(y, sr, **measurement)


def measure_spectrum(y, sr, *, statistics, n_frames, hop_length, **analysis):
    """Return the columns of one clip as float64.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Samples.
    sr : int
        Sample rate (Hz).
    statistics : tuple of str
        Functionals over time.
    n_frames : int or None
        Number of frames to interpolate to; None for functionals only.
    hop_length : int
        Distance between two frames (samples).
    **analysis : dict
        ``features`` and the other parameters of ``low_level_descriptors``.

    Returns
    -------
    columns : ndarray of shape (n_features,)
    """
    parts = []
    for descriptor in low_level_descriptors(y, sr, hop_length=hop_length, **analysis).values():
        rows = np.atleast_2d(descriptor)
        columns = [summarize(rows, statistics, time_step=hop_length / sr)] if statistics else []
        if n_frames is not None:
            columns.append(resample_frames(rows, n_frames))
        parts.append(np.concatenate(columns, axis=1).ravel())
    return np.concatenate(parts)
