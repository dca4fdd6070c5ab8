"""AudioFeatures: prosodic and spectral features of each clip from a single read."""

import os
from collections.abc import Sequence
from functools import partial
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from savee_mm._docstrings import shared_docs
from savee_mm.features._sound import load_both_rates
from savee_mm.features.prosody import COLUMNS, measure_prosody
from savee_mm.features.spectral import (
    DEFAULT_FEATURES,
    DEFAULT_STATISTICS,
    SpectralFeatures,
    measure_spectrum,
)


@shared_docs
class AudioFeatures(SpectralFeatures):
    """Extract prosodic and spectral features from the audio of each clip.

    The columns are those of :class:`ProsodyFeatures`, then those of :class:`SpectralFeatures` that differ from them
    (``teo_mean`` is in both). Each clip is read, resampled and transformed once. Pitch, voice quality and formants are
    measured at the sample rate of the file, as Praat does.

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
    %(f0_range)s
    n_fft, hop_length : int, default=2048, 512
        Length and step of the analysis window of spectrum and energy (samples).
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
        Medians over the training clips. They replace pitch, jitter and shimmer of a clip without voiced frames, and
        all values of a clip that failed.
    %(failed_clips_)s

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import AudioFeatures
    >>> tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(22050) / 22050)
    >>> X = AudioFeatures(input_sr=22050).set_output(transform="pandas").fit_transform([tone])
    >>> X[["pitch_median", "spec_centroid_p5"]].round(0).to_numpy().tolist()
    [[200.0, 200.0]]
    """

    _parameter_constraints = {
        **SpectralFeatures._parameter_constraints,
        "fmin": [Interval(Real, 20, None, closed="left")],
        "fmax": [Interval(Real, 20, None, closed="neither")],
        "n_fft": [Interval(Integral, 16, None, closed="left")],
    }

    def __init__(
        self,
        *,
        features: Sequence[str] = DEFAULT_FEATURES,
        statistics: Sequence[str] = DEFAULT_STATISTICS,
        n_frames: int | None = None,
        sr: int | None = 22050,
        input_sr: int | None = None,
        fmin: float = 75,
        fmax: float = 600,
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
        super().__init__(
            features=features,
            statistics=statistics,
            n_frames=n_frames,
            sr=sr,
            input_sr=input_sr,
            n_fft=n_fft,
            hop_length=hop_length,
            n_mfcc=n_mfcc,
            n_mels=n_mels,
            split_frequency=split_frequency,
            n_jobs=n_jobs,
            cache=cache,
            on_error=on_error,
            verbose=verbose,
        )
        self.fmin = fmin
        self.fmax = fmax

    def _kernel(self):
        prosody = dict(COLUMNS)
        fresh = tuple(i for i, (name, _) in enumerate(super()._output_columns()) if name not in prosody)
        return partial(
            _audio,
            sr=self.sr,
            input_sr=self.input_sr,
            fmin=self.fmin,
            fmax=self.fmax,
            fresh=fresh,
            **self._measurement(),
        )

    def _output_columns(self):
        prosody = dict(COLUMNS)
        return [*COLUMNS, *(column for column in super()._output_columns() if column[0] not in prosody)]


def _audio(source, *, sr, input_sr, fmin, fmax, fresh, recipe=None, **measurement):
    """Return the prosodic columns, and the spectral columns at the positions ``fresh``."""
    recorded, working = load_both_rates(source, sr=sr, input_sr=input_sr, recipe=recipe)
    prosody = measure_prosody(
        recorded,
        working,
        fmin=fmin,
        fmax=fmax,
        frame_length=measurement["n_fft"],
        hop_length=measurement["hop_length"],
    )
    return np.concatenate([prosody, measure_spectrum(*working, **measurement)[list(fresh)]])
