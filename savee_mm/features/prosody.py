"""ProsodyFeatures: functionals of pitch, energy, voice quality, formants and timing."""

import os
from functools import partial
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from savee_mm._docstrings import shared_docs
from savee_mm.features._sound import load_both_rates
from savee_mm.features._tabular import TabularTransformer
from savee_mm.signal import (
    formants,
    loudness,
    loudness_peaks,
    mean_teager_energy,
    pauses,
    short_time_energy,
    voice_report,
    voiced_segments,
)

_STATISTICS = ("mean", "median", "std", "range", "max")
_N_FORMANTS = 3
# Distance (s) between frames of loudness, which are twice as long, as in eGeMAPS.
_LOUDNESS_STEP = 0.01
#: Name and unit of the columns on voiced segments, pauses and loudness peaks.
TIMING = (
    ("voiced_segment_mean", "s"),
    ("voiced_segment_std", "s"),
    ("unvoiced_segment_mean", "s"),
    ("unvoiced_segment_std", "s"),
    ("voiced_segments_per_second", "1/s"),
    ("pause_share", "1"),
    ("pause_mean", "s"),
    ("loudness_peaks_per_second", "1/s"),
)
#: Name and unit of all columns.
COLUMNS = (
    *((f"pitch_{name}", "Hz") for name in _STATISTICS),
    *((f"energy_{name}", "1") for name in _STATISTICS),
    ("jitter", "1"),
    ("shimmer", "1"),
    *((f"teo_{name}", "1") for name in _STATISTICS),
    ("voiced_share", "1"),
    ("hnr_mean", "dB"),
    ("hnr_std", "dB"),
    *((f"f{k}_{name}", "Hz") for k in range(1, _N_FORMANTS + 1) for name in ("mean", "std")),
    *TIMING,
)


@shared_docs
class ProsodyFeatures(TabularTransformer):
    """Extract prosodic features from the audio of each clip.

    ====================================  ==========================================================================
    ``pitch_<statistic>``                 F0 of the voiced frames (Hz)
    ``energy_<statistic>``                mean square of each frame (full scale squared)
    ``jitter``, ``shimmer``               Praat's *local* measures, as fractions
    ``teo_<statistic>``                   mean Teager energy of each frame (full scale squared)
    ``voiced_share``                      share of voiced frames
    ``hnr_mean``, ``hnr_std``             harmonics-to-noise ratio of the voiced frames (dB)
    ``f<k>_mean``, ``f<k>_std``           first three formants of the voiced frames (Hz)
    ``voiced_segment_mean``, ``_std``     length of voiced segments (s)
    ``unvoiced_segment_mean``, ``_std``   length of unvoiced segments (s)
    ``voiced_segments_per_second``        number of voiced segments per second
    ``pause_share``, ``pause_mean``       pauses after the first and before the last sound: share of time, length (s)
    ``loudness_peaks_per_second``         number of loudness peaks per second, close to the syllable rate
    ====================================  ==========================================================================

    Statistics: ``mean``, ``median``, ``std``, ``range`` and ``max``. Pitch, voice quality and formants are measured at
    the sample rate of the file, as Praat does; the other columns at the working rate, after subtraction of the mean.

    Parameters
    ----------
    %(sr)s
        The Teager energy depends on it.
    %(input_sr)s
    %(f0_range)s
    frame_length, hop_length : int, default=2048, 512
        Length of the frames of energy and Teager energy, and distance between two frames (samples).
    %(n_jobs)s
    %(cache)s
    %(on_error_medians)s
    %(verbose)s

    Attributes
    ----------
    fill_values_ : ndarray of shape (n_features,)
        Medians over the training clips, 0 for a column without values. They replace missing values: pitch, jitter,
        shimmer, harmonics-to-noise ratio and formants of a clip without voiced frames (``voiced_share`` is 0), the
        length of pauses of a clip without pauses (``pause_share`` is 0), and all values of a clip that failed.
    %(failed_clips_)s

    References
    ----------
    F0 and perturbation: P. Boersma, "Accurate short-term analysis of the fundamental frequency and the
    harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 1993, and the Praat manual. Teager
    energy: J. F. Kaiser, "On a simple algorithm to calculate the energy of a signal", ICASSP 1990. Segments and
    loudness peaks: F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research and
    affective computing", IEEE Transactions on Affective Computing 7, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import ProsodyFeatures
    >>> tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(22050) / 22050)
    >>> features = ProsodyFeatures(input_sr=22050).set_output(transform="pandas").fit_transform([tone])
    >>> float(features["pitch_mean"].iloc[0].round(1)), float(features["energy_max"].iloc[0].round(3))
    (200.0, 0.125)
    """

    _parameter_constraints = {
        **TabularTransformer._parameter_constraints,
        "sr": [Interval(Integral, 1000, None, closed="left"), None],
        "input_sr": [Interval(Integral, 1000, None, closed="left"), None],
        "fmin": [Interval(Real, 20, None, closed="left")],
        "fmax": [Interval(Real, 20, None, closed="neither")],
        "frame_length": [Interval(Integral, 2, None, closed="left")],
        "hop_length": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        sr: int | None = 22050,
        input_sr: int | None = None,
        fmin: float = 75,
        fmax: float = 600,
        frame_length: int = 2048,
        hop_length: int = 512,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        on_error: Literal["raise", "fill"] = "raise",
        verbose: bool | int = False,
    ) -> None:
        self.sr = sr
        self.input_sr = input_sr
        self.fmin = fmin
        self.fmax = fmax
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _kernel(self):
        return partial(
            _prosody,
            sr=self.sr,
            input_sr=self.input_sr,
            fmin=self.fmin,
            fmax=self.fmax,
            frame_length=self.frame_length,
            hop_length=self.hop_length,
        )

    def _output_columns(self):
        return COLUMNS


def _prosody(source, *, sr, input_sr, recipe=None, **measurement):
    return measure_prosody(*load_both_rates(source, sr=sr, input_sr=input_sr, recipe=recipe), **measurement)


def measure_prosody(recorded, working, *, fmin, fmax, frame_length, hop_length):
    """Return the columns of one clip as float64, NaN for a missing value.

    Parameters
    ----------
    recorded, working : tuple of (ndarray of shape (n_samples,), int)
        Samples and sample rate (Hz): as recorded, for pitch, voice quality and formants; at the working rate, for the
        other columns.
    fmin, fmax : float
        Range in which F0 is searched (Hz).
    frame_length, hop_length : int
        Length of the frames of energy and Teager energy, and distance between two frames (samples).

    Returns
    -------
    columns : ndarray of shape (n_features,)
    """
    y, sr = working
    voice = voice_report(*recorded, fmin=fmin, fmax=fmax)
    is_voiced = ~np.isnan(voice.f0)
    voiced = voice.f0[is_voiced]
    energy = short_time_energy(y, frame_length=frame_length, hop_length=hop_length)
    return np.array(
        [
            *_statistics(voiced),
            *_statistics(energy),
            voice.jitter,
            voice.shimmer,
            *_statistics(mean_teager_energy(y, frame_length=frame_length, hop_length=hop_length)),
            voiced.size / max(voice.f0.size, 1),
            *_mean_and_std(voice.hnr),
            *_formant_statistics(*recorded, voice.times[is_voiced]),
            *measure_timing(y, sr, voice),
        ]
    )


def _formant_statistics(y, sr, times):
    """Return mean and standard deviation of each formant over the frames at ``times``."""
    frequencies, _ = formants(y, sr, times=times, n_formants=_N_FORMANTS)
    return [value for row in frequencies for value in _mean_and_std(row)]


def measure_timing(y, sr, voice):
    """Return the columns ``TIMING`` of one clip, NaN for a missing value.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Samples.
    sr : int
        Sample rate (Hz).
    voice : VoiceReport
        Result of ``voice_report`` for these samples.

    Returns
    -------
    columns : tuple of float
    """
    # Resampling a single sample can return an empty array.
    duration = max(len(y), 1) / sr
    voiced, unvoiced = voiced_segments(voice.f0, voice.times)
    pause_lengths, pause_share = pauses(y, sr)
    hop = max(1, round(_LOUDNESS_STEP * sr))
    peaks = loudness_peaks(loudness(y, sr, n_fft=2 * hop, hop_length=hop))
    return (
        *_mean_and_std(voiced),
        *_mean_and_std(unvoiced),
        len(voiced) / duration,
        pause_share,
        _mean_and_std(pause_lengths)[0],
        len(peaks) / duration,
    )


def _mean_and_std(values):
    """Return mean and standard deviation without NaN values; NaN if there are no others."""
    known = values[~np.isnan(values)]
    return (known.mean(), known.std()) if known.size else (np.nan, np.nan)


def _statistics(values):
    """Return mean, median, standard deviation, range and maximum; NaN for an empty array."""
    if not values.size:
        return (np.nan,) * len(_STATISTICS)
    values = values.astype(np.float64)
    return values.mean(), np.median(values), values.std(), np.ptp(values), values.max()
