"""Measures of one block of frames, from which ``low_level_descriptors`` computes the descriptors of a whole clip.

A measure has a number of columns and a function that fills them for one block. All measures of a block share one
Fourier transform.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import gcd
from typing import NamedTuple

import numpy as np
from scipy import fft

from savee_mm.signal import _spectral_kernels as kernels
from savee_mm.signal.mel import loudness_filters, mel_filters
from savee_mm.signal.spectrogram import MIN_POWER, hann

# Octave bands of the spectral contrast: edges at 0, 200, 400 .. 12800 Hz. The lowest and the highest 2% of the values
# in a band are its valley and its peak.
_CONTRAST_EDGES = np.r_[0.0, 200.0 * 2.0 ** np.arange(7)]
_CONTRAST_QUANTILE = 0.02
N_CONTRAST = len(_CONTRAST_EDGES) - 1
# Sums of shorter segments (samples) are not worth sharing between overlapping frames.
_MIN_SEGMENT = 32
N_LOUDNESS_BANDS = 26
_LOUDNESS_POWER = 0.3


@dataclass(frozen=True)
class Grid:
    """Division of a sound into frames, frequency bins and bands."""

    sr: float
    n_fft: int
    hop_length: int
    n_mels: int
    split_frequency: float

    @property
    def n_bins(self):
        """Number of frequencies of the transform."""
        return 1 + self.n_fft // 2

    @property
    def bin_width(self):
        """Distance between two frequencies of the transform (Hz)."""
        return self.sr / self.n_fft

    @lru_cache(maxsize=64)  # noqa: B019 - a grid is small
    def bins(self, low, high):
        """Return begin and end of the bins of ``low <= f < high`` (Hz)."""
        begin, end = np.searchsorted(np.arange(self.n_bins) * self.bin_width, (low, high))
        return int(begin), int(end)


class Block:
    """One block of frames: samples, magnitude and power spectra.

    The transform is in double precision, as in librosa: in single precision, rounding errors would fill the valleys
    between harmonics and the empty band of recordings that have been upsampled.
    """

    def __init__(self, grid, size):
        self._hop_length = grid.hop_length
        self._window = hann(grid.n_fft, np.float64)
        self._windowed = np.empty((size, grid.n_fft))
        self._magnitudes = np.zeros((size + 1, grid.n_bins), dtype=np.float32)
        self._powers = np.empty((size, grid.n_bins), dtype=np.float32)
        self._n = 0

    def fill(self, n_frames, samples, first, last):
        """Set the samples of the frames."""
        self.n_frames, self.samples, self.first, self.last = n_frames, samples, first, last

    def transform(self):
        """Compute the spectrum of the frames."""
        windowed = self._windowed[: self.n_frames]
        kernels.window_frames(self.samples, self._hop_length, self._window, windowed)
        spectrum = fft.rfft(windowed, overwrite_x=True)
        # Spectral flux needs the last magnitude spectrum of the previous block.
        self._magnitudes[0] = self._magnitudes[self._n]
        is_first = self._n == 0
        self._n = len(spectrum)
        self.with_previous = self._magnitudes[: self._n + 1]
        self.magnitude = self._magnitudes[1 : self._n + 1]
        self.power = self._powers[: self._n]
        kernels.magnitude_and_power(spectrum.view(np.float64), self.magnitude, self.power)
        if is_first:
            self._magnitudes[0] = self._magnitudes[1]


class Measure(NamedTuple):
    """``n_columns(grid)`` columns, filled by ``fill(grid, block, out)``."""

    n_columns: Callable
    fill: Callable
    needs_spectrum: bool = True


def _temporal(grid, block, out):
    segment = gcd(grid.n_fft, grid.hop_length)
    if segment >= _MIN_SEGMENT:
        length = stride = segment
        n_segments, step = grid.n_fft // segment, grid.hop_length // segment
    else:
        length, stride = grid.n_fft, grid.hop_length
        n_segments = step = 1
    kernels.temporal(block.samples, block.first, block.last, length, stride, n_segments, step, out)


def _shape(grid, block, out):
    split = grid.bins(0, grid.split_frequency)[1]
    kernels.shape(block.with_previous, block.power, np.float32(grid.bin_width), split, np.float32(MIN_POWER), out)


def _alpha_bands(grid, block, out):
    kernels.band_power(block.power, *grid.bins(50, 1000), out[:, 0])
    kernels.band_power(block.power, *grid.bins(1000, 5000), out[:, 1])


def _hammarberg_peaks(grid, block, out):
    kernels.band_peak(block.power, *grid.bins(0, 2000), out[:, 0])
    kernels.band_peak(block.power, *grid.bins(2000, 5000), out[:, 1])


def _slopes(grid, block, out):
    for column, (begin, end, weights) in enumerate(_slope_weights(grid)):
        level = np.log10(np.maximum(block.power[:, begin:end], np.float32(MIN_POWER)))
        np.matmul(level, weights, out=out[:, column])


@lru_cache(maxsize=16)
def _slope_weights(grid):
    """Weights of the least-squares slope over 0-500 and 500-1500 Hz, from log10 of power to dB per Hz."""
    bands = []
    for low, high in ((0, 500), (500, 1500)):
        begin, end = grid.bins(low, high)
        distance = (np.arange(begin, end) - (begin + end - 1) / 2) * grid.bin_width
        # A single bin has no slope.
        weights = 10 * distance / max(float(np.sum(distance**2)), np.finfo(float).tiny)
        bands.append((begin, end, weights.astype(np.float32)))
    return tuple(bands)


def _valleys_and_peaks(grid, block, out):
    kernels.valleys_and_peaks(block.magnitude, *_contrast_bands(grid), out)


@lru_cache(maxsize=16)
def _contrast_bands(grid):
    """Return first bin, end and quantile size (bins) of each band, as librosa chooses them.

    A band includes the bin below its lower edge and, except for the highest band, excludes its last bin. The highest
    band ends at half the rate.
    """
    frequencies = np.arange(grid.n_bins) * grid.bin_width
    begins, ends, counts = np.zeros((3, N_CONTRAST), dtype=np.int32)
    counts[:] = 1
    for band, (low, high) in enumerate(pairwise(_CONTRAST_EDGES)):
        begin, end = np.searchsorted(frequencies, low, "left"), np.searchsorted(frequencies, high, "right")
        if low >= grid.sr / 2 or begin == end:
            continue
        begin -= band > 0
        end = grid.n_bins if band == N_CONTRAST - 1 else end
        counts[band] = max(1, np.rint(_CONTRAST_QUANTILE * (end - begin)))
        begins[band], ends[band] = begin, end - (band < N_CONTRAST - 1)
    return begins, ends, counts


def _mel(grid, block, out):
    kernels.weighted_bands(block.power, *mel_filters(grid.sr, grid.n_fft, grid.n_mels, 0.0, None), out)


def _loudness(grid, block, out):
    bands = np.empty((block.n_frames, N_LOUDNESS_BANDS), dtype=np.float32)
    kernels.weighted_bands(block.power, *loudness_filters(grid.sr, grid.n_fft, N_LOUDNESS_BANDS), bands)
    np.sum(np.power(bands, np.float32(_LOUDNESS_POWER), out=bands), axis=1, out=out[:, 0])


def _copy_magnitude(grid, block, out):
    out[:] = block.magnitude


def _copy_power(grid, block, out):
    out[:] = block.power


def _fixed(n_columns):
    return lambda grid: n_columns


MEASURES = {
    "temporal": Measure(_fixed(4), _temporal, needs_spectrum=False),
    "shape": Measure(_fixed(6), _shape),
    "alpha": Measure(_fixed(2), _alpha_bands),
    "hammarberg": Measure(_fixed(2), _hammarberg_peaks),
    "slopes": Measure(_fixed(2), _slopes),
    "contrast": Measure(_fixed(2 * N_CONTRAST), _valleys_and_peaks),
    "mel": Measure(lambda grid: grid.n_mels, _mel),
    "loudness": Measure(_fixed(1), _loudness),
    "magnitude": Measure(lambda grid: grid.n_bins, _copy_magnitude),
    "power": Measure(lambda grid: grid.n_bins, _copy_power),
}
