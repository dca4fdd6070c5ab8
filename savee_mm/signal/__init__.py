"""Pure kernels on sounds: pitch, jitter, shimmer, energy, Teager energy, mel spectrum and MFCC.

Functions from a 1-D array of samples (and its rate, Hz) to arrays; useful alone, without scikit-learn
or Keras. They never change their input and never warn: a sound too short for a kernel gives the documented
empty, NaN or zero-padded result. librosa and Praat are what they are measured against; only Praat is imported,
and only when pitch, jitter or shimmer are asked for.
"""

from savee_mm.signal.energy import rms, short_time_energy
from savee_mm.signal.praat import VoiceReport, jitter, pitch, shimmer, voice_report
from savee_mm.signal.spectral import (
    mel_filterbank,
    mel_spectrogram,
    mfcc,
    power_to_db,
    stft_power,
    stft_power_blocks,
)
from savee_mm.signal.teager import teager_energy

__all__ = [
    "VoiceReport",
    "jitter",
    "mel_filterbank",
    "mel_spectrogram",
    "mfcc",
    "pitch",
    "power_to_db",
    "rms",
    "shimmer",
    "short_time_energy",
    "stft_power",
    "stft_power_blocks",
    "teager_energy",
    "voice_report",
]
