"""VoiceFunctionals: how pitch, formants and spectrum are distributed over the loud and the voiced frames of a clip."""

import os
from functools import partial
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from savee_mm.features._sound import load_sound
from savee_mm.features._tabular import TabularTransformer
from savee_mm.features.prosody import TIMING, measure_timing
from savee_mm.signal import DESCRIPTORS, formants, low_level_descriptors, normalize_rms, summarize, voice_report

_FRAME, _STEP = 0.032, 0.01  # length and step of the frames (s)
_RMS = 0.05  # the common level (full scale at 1)
_N_MFCC, _N_MELS, _N_FORMANTS = 20, 40, 4
_LOUD = 30  # dB below the 95th percentile of the frames' level
_N_PARTS = 5  # of a clip, whose mean pitch and level tell the shape of the sentence
_STATISTICS = ("mean", "std", "p5", "p20", "median", "p80", "p95", "midrange", "slope", "delta_mean", "delta_std")
_DESCRIPTORS = (
    "rms",
    "zcr",
    "ber",
    "spec_centroid",
    "spec_bandwidth",
    "spec_flatness",
    "spec_flux",
    "alpha_ratio",
    "hammarberg_index",
    "loudness",
    "spectral_slope",
    "spec_contrast",
    "mfcc",
    "mel_spectrogram",
)
# Descriptors that are positive and spread over orders of magnitude.
_LOGARITHMIC = ("ber", "spec_centroid", "spec_bandwidth", "spec_flatness", "spec_flux", "loudness")
_SMALLEST = 1e-6
_BAND_FLOOR = 1e-7  # power of a mel band, 33 dB below the mean of a frame at the common level


class VoiceFunctionals(TabularTransformer):
    """About a thousand functionals of pitch, voice quality, formants, timing and spectrum.

    Every sound is freed of its offset and brought to one level first (:func:`savee_mm.signal.normalize_rms`), so that
    what counts as loud does not depend on the recording.

    ======================================  ========================================================================
    ``<descriptor>_loud_<statistic>``       over the frames less than 30 dB below the clip's level: level, zero
                                            crossings, band energy ratio, centroid, bandwidth, flatness, flux, alpha
                                            ratio, Hammarberg index, loudness, slopes, contrast, 20 MFCC, 40 mel bands
    ``mel_<band>_voiced_mean``, ``_std``    over the voiced frames
    ``f0_``, ``hnr_``, ``log_f<k>_``        statistics over the voiced frames of F0 (semitones above 100 Hz),
                                            harmonics-to-noise ratio (dB), logarithms of four formants
    ``f0_part<k>``, ``rms_part<k>``         pitch (semitones) and level (dB) of each fifth, relative to the clip's
    others                                  jitter, shimmer, voiced share, duration, timing of :class:`ProsodyFeatures`
    ======================================  ========================================================================

    Statistics: mean, deviation, 5th, 20th, 50th, 80th and 95th percentile, distance of the 20th to the 80th, slope,
    mean and deviation of the step from frame to frame.

    Parameters
    ----------
    level : {"relative", "absolute"}, default="relative"
        Whether mel bands and levels are told relative to the clip's own level, which no gain of the recording changes,
        or re full scale, which says how loud a speaker is where all clips of a speaker were recorded alike: the better
        one under a :class:`SpeakerNormalizer`.
    sr : int, default=16000
        Working rate (Hz); files are resampled to it.
    input_sr : int, default=None
        Rate (Hz) of clips that are passed as arrays; ``sr`` when None.
    fmin, fmax : float, default=75, 600
        Range in which F0 is searched (Hz).
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
        Medians over the training clips. They stand in for what a clip does not have, as pitch and formants without a
        voiced frame, and for a clip that failed.
    report_ : DataFrame
        ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used.

    See Also
    --------
    AudioFeatures : Fewer columns, over all frames.

    References
    ----------
    F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research and affective
    computing", IEEE Transactions on Affective Computing 7, 2016, for functionals over voiced frames; B. Schuller et
    al., "The INTERSPEECH 2013 computational paralinguistics challenge", Proc. Interspeech 2013, for many of them.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import VoiceFunctionals
    >>> tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)
    >>> X = VoiceFunctionals().set_output(transform="pandas").fit_transform([tone])
    >>> float(X["f0_median"].iloc[0].round(2))  # an octave above 100 Hz
    12.0
    """

    _parameter_constraints = {
        **TabularTransformer._parameter_constraints,
        "level": [StrOptions({"relative", "absolute"})],
        "sr": [Interval(Integral, 4000, None, closed="left")],
        "input_sr": [Interval(Integral, 1000, None, closed="left"), None],
        "fmin": [Interval(Real, 20, None, closed="left")],
        "fmax": [Interval(Real, 20, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        level: Literal["relative", "absolute"] = "relative",
        sr: int = 16000,
        input_sr: int | None = None,
        fmin: float = 75,
        fmax: float = 600,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        on_error: Literal["raise", "fill"] = "raise",
        verbose: bool | int = False,
    ) -> None:
        self.level = level
        self.sr = sr
        self.input_sr = input_sr
        self.fmin = fmin
        self.fmax = fmax
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _kernel(self):
        return partial(
            _voice_functionals, sr=self.sr, input_sr=self.input_sr, level=self.level, fmin=self.fmin, fmax=self.fmax
        )

    def _output_columns(self):
        spectral = [
            (f"{row}_loud_{name}", f"{unit}/s" if name == "slope" else unit)
            for row, unit in _spectral_rows(self.sr)
            for name in _STATISTICS
        ]
        voiced = [(f"mel_{band}_voiced_{name}", "dB") for band in range(_N_MELS) for name in ("mean", "std")]
        contours = [
            (f"{row}_{name}", f"{unit}/s" if name == "slope" else unit)
            for row, unit in _VOICE_ROWS
            for name in _STATISTICS
        ]
        shape = [(f"{row}_part{part}", unit) for row, unit in _SHAPE_ROWS for part in range(_N_PARTS)]
        return [*spectral, *voiced, *contours, *shape, *_SINGLE, *TIMING]


_VOICE_ROWS = (("f0", "semitone"), ("hnr", "dB"), *((f"log_f{k}", "1") for k in range(1, _N_FORMANTS + 1)))
_SHAPE_ROWS = (("f0", "semitone"), ("rms", "dB"))
_SINGLE = (("jitter", "1"), ("shimmer", "1"), ("voiced_share", "1"), ("duration", "s"))


def _voice_functionals(source, *, sr, input_sr, recipe=None, **measurement):
    y, sr = load_sound(source, sr=sr, input_sr=input_sr, recipe=recipe)
    return measure_functionals(y, sr, **measurement)


def measure_functionals(y, sr, *, level, fmin, fmax):
    """Return the columns of one sound as float64, NaN where it has nothing to measure.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Sound.
    sr : int
        Its rate (Hz).
    level : {"relative", "absolute"}
        What levels are told relative to.
    fmin, fmax : float
        Range of the pitch (Hz).

    Returns
    -------
    columns : ndarray of shape (n_features,)
    """
    y, recorded_level = normalize_rms(y, sr, rms=_RMS)
    rows = np.vstack(list(_spectral_contours(y, sr).values()))
    loudness = rows[0].copy()
    loud = loudness > np.percentile(loudness, 95) - _LOUD
    levels = np.r_[0, len(rows) - _N_MELS : len(rows)]
    rows[levels] += recorded_level - 20 * np.log10(_RMS) if level == "absolute" else -loudness[loud].mean()
    spectral = _summary(rows[:, loud])
    if level == "relative":
        # The mean level is zero but for rounding, of which a scaler would make a feature.
        spectral[0, _STATISTICS.index("mean")] = 0
    voice = voice_report(y, sr, fmin=fmin, fmax=fmax)
    is_voiced = ~np.isnan(voice.f0)
    bands = rows[-_N_MELS:, _at_frames(is_voiced, voice.times, rows.shape[1])]
    contours = _voice_contours(y, sr, voice)
    return np.concatenate(
        [
            spectral.ravel(),
            _summary(bands, ("mean", "std")).ravel(),
            *(_summary(contour[np.newaxis, ~np.isnan(contour)]).ravel() for contour in contours),
            _shape(contours[0], is_voiced),
            _shape(loudness, loud),
            [voice.jitter, voice.shimmer, is_voiced.mean() if len(is_voiced) else 0.0, len(y) / sr],
            measure_timing(y, sr, voice),
        ]
    )


def _spectral_contours(y, sr):
    """Return the descriptors by name, each (n_rows, n_frames), on scales that their statistics suit."""
    contours = low_level_descriptors(
        y,
        sr,
        features=_DESCRIPTORS,
        n_fft=round(_FRAME * sr),
        hop_length=round(_STEP * sr),
        n_mels=_N_MELS,
        n_mfcc=_N_MFCC,
    )
    contours = {name: np.atleast_2d(contour).astype(np.float64) for name, contour in contours.items()}
    contours["rms"] = 20 * np.log10(contours["rms"] + _SMALLEST)
    contours["mel_spectrogram"] = 10 * np.log10(contours["mel_spectrogram"] + _BAND_FLOOR)
    for name in _LOGARITHMIC:
        contours[name] = np.log(contours[name] + _SMALLEST)
    return contours


def _spectral_rows(sr):
    """Return (name, unit) of every row of the spectral contours."""
    rows = []
    for name, contour in _spectral_contours(np.zeros(1), sr).items():
        unit = "dB" if name in ("rms", "mel_spectrogram") else "1" if name in _LOGARITHMIC else DESCRIPTORS[name].unit
        short = "mel" if name == "mel_spectrogram" else name
        rows += [(short if len(contour) == 1 else f"{short}_{row}", unit) for row in range(len(contour))]
    return rows


def _voice_contours(y, sr, voice):
    """Return F0 (semitones), harmonics-to-noise ratio and the logarithms of the formants, NaN where unknown."""
    voiced = ~np.isnan(voice.f0)
    frequencies, _ = formants(y, sr, times=voice.times[voiced], n_formants=_N_FORMANTS)
    return [12 * np.log2(voice.f0 / 100), voice.hnr, *np.log(frequencies)]


def _at_frames(is_voiced, times, n_frames):
    """Return which of the spectral frames are voiced: those whose nearest frame of the pitch is."""
    if not len(times):
        return np.zeros(n_frames, bool)
    return np.interp(np.arange(n_frames) * _STEP, times, is_voiced.astype(float)) > 0.5


def _summary(rows, statistics=_STATISTICS):
    """Return the statistics of each row, NaN where there is not a frame."""
    if not rows.shape[1]:
        return np.full((len(rows), len(statistics)), np.nan)
    return summarize(rows, statistics, time_step=_STEP)


def _shape(contour, mask):
    """Return the mean of each part of a contour relative to the whole, over the frames of the mask."""
    if not mask.any():
        return np.full(_N_PARTS, np.nan)
    middle = np.median(contour[mask])
    parts = zip(np.array_split(contour, _N_PARTS), np.array_split(mask, _N_PARTS), strict=True)
    return np.array([part[known].mean() - middle if known.any() else np.nan for part, known in parts])
