"""Descriptors with one row per frequency, band or coefficient."""

from _clip import draw

draw(
    ["amplitude_spectrogram", "power_spectrogram", "db_spectrogram", "mel_spectrogram", "mfcc", "mfcc_delta"],
    log=("amplitude_spectrogram", "power_spectrogram", "mel_spectrogram"),
)
