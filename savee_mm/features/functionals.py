"""VoiceFunctionals: functionals of pitch, formants and spectrum over the loud and the voiced frames."""

import os
from functools import partial
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from savee_mm._docstrings import shared_docs
from savee_mm.features._sound import load_both_rates
from savee_mm.features._tabular import TabularTransformer
from savee_mm.features.prosody import TIMING, measure_timing
from savee_mm.signal import DESCRIPTORS, formants, low_level_descriptors, normalize_rms, summarize, voice_report

_FRAME, _STEP = 0.032, 0.01  # length and step of the frames (s)
_RMS = 0.05  # level to which each clip is normalized (full scale at 1)
_N_MFCC, _N_MELS, _N_FORMANTS = 20, 40, 4
_LOUD = 30  # dB below the 95th percentile of the frames' level
_N_PARTS = 5  # equal parts of a clip whose mean pitch and level describe the intonation
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
# Those of them that change with the gain of a recording where a descriptor is a level.
_LOCATIONS = ("mean", "p5", "p20", "median", "p80", "p95")
# Positive descriptors that span orders of magnitude.
_LOGARITHMIC = ("ber", "spec_centroid", "spec_bandwidth", "spec_flatness", "spec_flux", "loudness")
_SMALLEST = 1e-6
_BAND_FLOOR = 1e-7  # power of a mel band, 33 dB below the mean of a frame at the normalized level


@shared_docs
class VoiceFunctionals(TabularTransformer):
    """Extract about a thousand functionals of pitch, voice quality, formants, timing and spectrum.

    For the spectrum, the mean of the samples is removed and their level is normalized first
    (:func:`savee_mm.signal.normalize_rms`), so that the choice of loud frames does not depend on the recording. Pitch,
    voice quality and formants are measured on the recording itself, at the sample rate of the file, as Praat does.

    ======================================  ========================================================================
    ``<descriptor>_loud_<statistic>``       over frames less than 30 dB below the level of the clip: level, zero
                                            crossings, band energy ratio, centroid, bandwidth, flatness, flux, alpha
                                            ratio, Hammarberg index, loudness, slopes, contrast, 20 MFCCs, 40 mel bands
    ``mel_<band>_voiced_mean``, ``_std``    mel bands over the voiced frames
    ``f0_``, ``hnr_``, ``log_f<k>_``        statistics over the voiced frames of F0 (semitones above 100 Hz),
                                            harmonics-to-noise ratio (dB) and logarithms of four formants
    ``f0_part<k>``, ``rms_part<k>``         pitch (semitones) and level (dB) of each fifth relative to the whole clip
    others                                  jitter, shimmer, voiced share, duration, timing of :class:`ProsodyFeatures`
    ======================================  ========================================================================

    Statistics: mean, standard deviation, 5th, 20th, 50th, 80th and 95th percentile, difference of the 80th and the
    20th, slope, mean and standard deviation of the change from frame to frame.

    Parameters
    ----------
    level : {"relative", "absolute"}, default="relative"
        Reference of mel bands and levels: the level of the clip, which makes them independent of the recording gain,
        or full scale, which keeps loudness. Use ``"absolute"`` in a :class:`SpeakerNormalizer` if all clips of a
        speaker have the same recording gain.
    sr : int, default=16000
        Working sample rate (Hz), to which files are resampled.
    %(input_sr)s
    %(f0_range)s
    %(n_jobs)s
    %(cache)s
    %(on_error_medians)s
    %(verbose)s

    Attributes
    ----------
    fill_values_ : ndarray of shape (n_features,)
        Medians over the training clips. They replace missing values, such as pitch and formants of a clip without
        voiced frames, and all values of a clip that failed.
    %(failed_clips_)s

    See Also
    --------
    AudioFeatures : Fewer columns, computed over all frames.

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
    >>> X = VoiceFunctionals(input_sr=16000).set_output(transform="pandas").fit_transform([tone])
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
        # Of both levels, so that a search over them extracts each clip once.
        return partial(_voice_functionals, sr=self.sr, input_sr=self.input_sr, fmin=self.fmin, fmax=self.fmax)

    def _shape(self):
        return (len(self._output_columns()) + 1,)

    def _learn(self, values):
        super()._learn(self._at_level(values))

    def _finish(self, values):
        return super()._finish(self._at_level(values))

    def _at_level(self, values):
        """Return the columns at the chosen level; the last value of a clip is its level (dB re full scale)."""
        columns, level = values[:, :-1], values[:, -1:]
        return columns if self.level == "relative" else columns + np.where(self._are_levels(), level, 0)

    def _are_levels(self):
        """Return which columns change with the gain of the recording."""
        levels = {f"{row}_loud" for row, _ in _spectral_rows(self.sr) if row == "rms" or row.startswith("mel_")}
        levels |= {f"mel_{band}_voiced" for band in range(_N_MELS)}
        names = [name.rpartition("_") for name, _ in self._output_columns()]
        return np.array([row in levels and statistic in _LOCATIONS for row, _, statistic in names])

    def _output_columns(self):
        spectral = [
            (f"{row}_loud_{name}", f"{unit}/s" if name == "slope" else unit)
            for row, unit in _spectral_rows(self.sr)
            for name in _STATISTICS
        ]
        voiced = [(f"mel_{band}_voiced_{name}", "dB") for band in range(_N_MELS) for name in ("mean", "std")]
        descriptors = [
            (f"{row}_{name}", f"{unit}/s" if name == "slope" else unit)
            for row, unit in _VOICE_ROWS
            for name in _STATISTICS
        ]
        shape = [(f"{row}_part{part}", unit) for row, unit in _SHAPE_ROWS for part in range(_N_PARTS)]
        return [*spectral, *voiced, *descriptors, *shape, *_SINGLE, *TIMING]


_VOICE_ROWS = (("f0", "semitone"), ("hnr", "dB"), *((f"log_f{k}", "1") for k in range(1, _N_FORMANTS + 1)))
_SHAPE_ROWS = (("f0", "semitone"), ("rms", "dB"))
_SINGLE = (("jitter", "1"), ("shimmer", "1"), ("voiced_share", "1"), ("duration", "s"))


def _voice_functionals(source, *, sr, input_sr, recipe=None, **measurement):
    return measure_functionals(*load_both_rates(source, sr=sr, input_sr=input_sr, recipe=recipe), **measurement)


def measure_functionals(recorded, working, *, fmin, fmax):
    """Return the columns of one clip with levels relative to that of the clip, and that level.

    Parameters
    ----------
    recorded, working : tuple of (ndarray of shape (n_samples,), int)
        Samples and sample rate (Hz): as recorded, for pitch, voice quality and formants; at the working rate, for the
        other columns.
    fmin, fmax : float
        Range in which F0 is searched (Hz).

    Returns
    -------
    columns : ndarray of shape (n_features + 1,), float64
        NaN for a missing value; the last one is the mean level of the loud frames of the recording (dB re full scale).
    """
    sr = working[1]
    y, recorded_level = normalize_rms(*working, rms=_RMS)
    rows = np.vstack(list(_spectral_descriptors(y, sr).values()))
    loudness = rows[0].copy()
    loud = loudness > np.percentile(loudness, 95) - _LOUD
    levels = np.r_[0, len(rows) - _N_MELS : len(rows)]
    level = loudness[loud].mean()
    rows[levels] -= level
    spectral = _summary(rows[:, loud])
    # Exactly 0, so that a scaler does not amplify rounding errors.
    spectral[0, _STATISTICS.index("mean")] = 0
    voice = voice_report(*recorded, fmin=fmin, fmax=fmax)
    is_voiced = ~np.isnan(voice.f0)
    bands = rows[-_N_MELS:, _at_frames(is_voiced, voice.times, rows.shape[1])]
    descriptors = _voice_descriptors(*recorded, voice)
    return np.concatenate(
        [
            spectral.ravel(),
            _summary(bands, ("mean", "std")).ravel(),
            *(_summary(descriptor[np.newaxis, ~np.isnan(descriptor)]).ravel() for descriptor in descriptors),
            _shape(descriptors[0], is_voiced),
            _shape(loudness, loud),
            [voice.jitter, voice.shimmer, is_voiced.mean() if len(is_voiced) else 0.0, len(y) / sr],
            measure_timing(y, sr, voice),
            [level + recorded_level - 20 * np.log10(_RMS)],
        ]
    )


def _spectral_descriptors(y, sr):
    """Return the descriptors by name, each of shape (n_rows, n_frames), some on a logarithmic scale."""
    descriptors = low_level_descriptors(
        y,
        sr,
        features=_DESCRIPTORS,
        n_fft=round(_FRAME * sr),
        hop_length=round(_STEP * sr),
        n_mels=_N_MELS,
        n_mfcc=_N_MFCC,
    )
    descriptors = {name: np.atleast_2d(descriptor).astype(np.float64) for name, descriptor in descriptors.items()}
    descriptors["rms"] = 20 * np.log10(descriptors["rms"] + _SMALLEST)
    descriptors["mel_spectrogram"] = 10 * np.log10(descriptors["mel_spectrogram"] + _BAND_FLOOR)
    for name in _LOGARITHMIC:
        descriptors[name] = np.log(descriptors[name] + _SMALLEST)
    return descriptors


def _spectral_rows(sr):
    """Return (name, unit) of each row of the spectral descriptors."""
    rows = []
    for name, descriptor in _spectral_descriptors(np.zeros(1), sr).items():
        unit = "dB" if name in ("rms", "mel_spectrogram") else "1" if name in _LOGARITHMIC else DESCRIPTORS[name].unit
        short = "mel" if name == "mel_spectrogram" else name
        rows += [(short if len(descriptor) == 1 else f"{short}_{row}", unit) for row in range(len(descriptor))]
    return rows


def _voice_descriptors(y, sr, voice):
    """Return F0 (semitones), harmonics-to-noise ratio and the logarithms of the formants, with NaN."""
    voiced = ~np.isnan(voice.f0)
    frequencies, _ = formants(y, sr, times=voice.times[voiced], n_formants=_N_FORMANTS)
    return [12 * np.log2(voice.f0 / 100), voice.hnr, *np.log(frequencies)]


def _at_frames(is_voiced, times, n_frames):
    """Return a mask of the spectral frames whose nearest pitch frame is voiced."""
    if not len(times):
        return np.zeros(n_frames, bool)
    return np.interp(np.arange(n_frames) * _STEP, times, is_voiced.astype(float)) > 0.5


def _summary(rows, statistics=_STATISTICS):
    """Return the statistics of each row, NaN if there are no frames."""
    if not rows.shape[1]:
        return np.full((len(rows), len(statistics)), np.nan)
    return summarize(rows, statistics, time_step=_STEP)


def _shape(descriptor, mask):
    """Return the mean of each part of a descriptor relative to its median, over the frames in the mask."""
    if not mask.any():
        return np.full(_N_PARTS, np.nan)
    middle = np.median(descriptor[mask])
    parts = zip(np.array_split(descriptor, _N_PARTS), np.array_split(mask, _N_PARTS), strict=True)
    return np.array([part[known].mean() - middle if known.any() else np.nan for part, known in parts])
