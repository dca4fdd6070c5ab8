"""Functions on sounds: pitch, voice quality, timing, low-level descriptors, augmentation.

They take a 1-D array of samples (and its sample rate, Hz) and return arrays, and need neither scikit-learn nor
Keras. They never change their input and never warn: a sound too short for a function gives the documented empty, NaN
or zero-padded result. librosa and Praat are the references in the tests; neither is imported, except by
``savee_mm.signal.praat``, which calls Praat.
"""

from savee_mm.signal.augment import add_noise, apply_gain, equalize, invert_polarity
from savee_mm.signal.encoder_inputs import ge2e_mel, standardized_samples, whisper_log_mel
from savee_mm.signal.f0 import pitch
from savee_mm.signal.fingerprint import fingerprint_similarity, similar_fingerprints, sound_fingerprint
from savee_mm.signal.formants import formants
from savee_mm.signal.functionals import STATISTICS, resample_frames, summarize
from savee_mm.signal.level import normalize_rms
from savee_mm.signal.low_level_descriptors import DESCRIPTORS, low_level_descriptors
from savee_mm.signal.mel import mel_filterbank, mel_spectrogram, mfcc, mfcc_delta
from savee_mm.signal.pulses import VoiceReport, jitter, pitch_marks, shimmer, voice_report
from savee_mm.signal.recipe import apply_recipe, format_recipe, parse_recipe
from savee_mm.signal.spectral import (
    alpha_ratio,
    band_energy_ratio,
    hammarberg_index,
    loudness,
    spectral_bandwidth,
    spectral_centroid,
    spectral_contrast,
    spectral_flatness,
    spectral_flux,
    spectral_slope,
)
from savee_mm.signal.spectrogram import (
    amplitude_spectrogram,
    db_spectrogram,
    power_spectrogram,
    power_to_db,
    stft_power,
    stft_power_blocks,
)
from savee_mm.signal.stretch import pitch_shift, time_stretch
from savee_mm.signal.temporal import (
    amplitude_envelope,
    mean_teager_energy,
    rms,
    short_time_energy,
    teager_energy,
    zero_crossing_rate,
)
from savee_mm.signal.voice import hnr, loudness_peaks, pauses, voiced_segments

__all__ = [
    "DESCRIPTORS",
    "STATISTICS",
    "VoiceReport",
    "add_noise",
    "alpha_ratio",
    "amplitude_envelope",
    "amplitude_spectrogram",
    "apply_gain",
    "apply_recipe",
    "band_energy_ratio",
    "db_spectrogram",
    "equalize",
    "fingerprint_similarity",
    "formants",
    "format_recipe",
    "ge2e_mel",
    "hammarberg_index",
    "hnr",
    "invert_polarity",
    "jitter",
    "loudness",
    "loudness_peaks",
    "low_level_descriptors",
    "mean_teager_energy",
    "mel_filterbank",
    "mel_spectrogram",
    "mfcc",
    "mfcc_delta",
    "normalize_rms",
    "parse_recipe",
    "pauses",
    "pitch",
    "pitch_marks",
    "pitch_shift",
    "power_spectrogram",
    "power_to_db",
    "resample_frames",
    "rms",
    "shimmer",
    "short_time_energy",
    "similar_fingerprints",
    "sound_fingerprint",
    "spectral_bandwidth",
    "spectral_centroid",
    "spectral_contrast",
    "spectral_flatness",
    "spectral_flux",
    "spectral_slope",
    "standardized_samples",
    "stft_power",
    "stft_power_blocks",
    "summarize",
    "teager_energy",
    "time_stretch",
    "voice_report",
    "voiced_segments",
    "whisper_log_mel",
    "zero_crossing_rate",
]
