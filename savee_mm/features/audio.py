"""AudioFeatures: every feature of the voice from one reading of the clip."""

import os
from collections.abc import Sequence
from functools import partial
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from savee_mm.features._sound import load_sound
from savee_mm.features.prosody import COLUMNS, measure_prosody
from savee_mm.features.spectral import (
    DEFAULT_FEATURES,
    DEFAULT_STATISTICS,
    SpectralFeatures,
    measure_spectrum,
)


class AudioFeatures(SpectralFeatures):
    """Prosody and spectral descriptors with one reading, one resampling and one transform per clip.

    The columns of :class:`ProsodyFeatures`, then those of :class:`SpectralFeatures` that it has not already
    (``teo_mean`` is the same in both).

    Parameters
    ----------
    features : sequence of str, default=DEFAULT_FEATURES
        Names among those of :func:`savee_mm.signal.low_level_descriptors`, which says what each one is.
    statistics : sequence of str, default=("mean", "std", "p5", "p95", "range", "slope")
        What is computed of them over time, see :func:`savee_mm.signal.summarize`; empty for none.
    n_frames : int, default=None
        Length to which every contour is brought by linear interpolation over the clip; None for no contours.
    sr : int or None, default=22050
        Working rate (Hz); files are resampled to it. None = as recorded.
    input_sr : int, default=None
        Rate (Hz) of clips that are passed as arrays; ``sr`` when None.
    fmin, fmax : float, default=75, 600
        Range in which F0 is searched (Hz).
    n_fft, hop_length : int, default=2048, 512
        Length and step of the analysis window (samples), of the spectrum and of the energy.
    n_mfcc, n_mels : int, default=13, 128
        Number of cepstral coefficients and of mel bands.
    split_frequency : float, default=2000
        Where the two bands of ``ber`` meet (Hz).
    n_jobs : int, default=None
        Worker processes; None means 1 unless in a :obj:`joblib.parallel_backend` context.
    cache : "memory", path-like or None, default="memory"
        Where the features of a clip are kept: in this process, in a folder, or not at all.
    on_error : {"raise", "fill"}, default="raise"
        What a clip that cannot be used does: a :class:`~savee_mm.ClipError`, or a
        :class:`~savee_mm.ClipWarning` and the training medians in its place.
    verbose : bool or int, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    fill_values_ : ndarray of shape (n_features,)
        Medians over the training clips. They stand in for the pitch, jitter and shimmer of a clip without a voiced
        frame, and for a clip that failed.
    report_ : DataFrame
        ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import AudioFeatures
    >>> tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(22050) / 22050)
    >>> X = AudioFeatures().set_output(transform="pandas").fit_transform([tone])
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
    """Return prosody and the ``fresh`` positions of the spectral columns."""
    y, sr = load_sound(source, sr=sr, input_sr=input_sr, recipe=recipe)
    prosody = measure_prosody(
        y,
        sr,
        fmin=fmin,
        fmax=fmax,
        frame_length=measurement["n_fft"],
        hop_length=measurement["hop_length"],
    )
    return np.concatenate([prosody, measure_spectrum(y, sr, **measurement)[list(fresh)]])
