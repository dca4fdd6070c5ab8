"""Low-level descriptors of a sound (values per frame), all from one short-time Fourier transform.

The sound is framed, windowed and transformed in blocks of frames, and all descriptors are computed while a block is in
the processor's cache. Beyond the result, memory holds one block, a few numbers per frame and the mel bands that
cepstra need, but no whole spectrogram.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from savee_mm.signal._frames import BLOCK_FRAMES, check_sound, n_centred_frames, sample_blocks
from savee_mm.signal.mel import check_n_mfcc, mel_to_cepstrum, mfcc_delta
from savee_mm.signal.spectrogram import MIN_POWER, amplitude_to_level

# Upper limit of the band energy ratio (60 dB), which is infinite in a frame without high frequencies.
_MAX_RATIO = 1e6
_RANGE_DB = 80.0


class Descriptor(NamedTuple):
    """A descriptor over time: its unit, the measure of the blocks that it is computed from, and how."""

    unit: str
    source: str
    finish: Callable
    is_image: bool = False


def _column(index, function=None):
    """Return a function that extracts one column and applies ``function`` to it."""

    def finish(columns):
        column = columns[:, index]
        return np.ascontiguousarray(column) if function is None else function(column)

    return finish


def _ratio(columns):
    low, high = columns[:, 4:].T
    # In double precision, because the quotient may exceed the range of float32; 0 / 0 is 0.
    return np.minimum(low / np.maximum(high.astype(float), np.finfo(float).tiny), _MAX_RATIO).astype(np.float32)


def _ratio_db(columns):
    level = 10 * np.log10(np.maximum(columns, np.float32(MIN_POWER)))
    return level[:, 0] - level[:, 1]


def _contrast(columns):
    valley, peak = np.split(columns, 2, axis=1)
    contrast = _to_db(peak) - _to_db(valley)
    # A band without a bin, or a silent clip.
    contrast[:, peak.max(axis=0) == 0] = 0
    return contrast.T


def _to_db(values):
    """Return levels, limited to 80 dB below the largest of the clip."""
    return 10 * np.log10(np.maximum(values, max(MIN_POWER, float(values.max()) * 10 ** (-_RANGE_DB / 10))))


def _image(columns):
    return columns.T


#: Descriptors by name; those with ``is_image`` have one row per frequency bin and are computed on request only.
DESCRIPTORS = {
    "amplitude_envelope": Descriptor("1", "temporal", _column(1)),
    "rms": Descriptor("1", "temporal", _column(0, np.sqrt)),
    "energy": Descriptor("1", "temporal", _column(0)),
    "zcr": Descriptor("1/sample", "temporal", _column(2)),
    "teo": Descriptor("1", "temporal", _column(3)),
    "ber": Descriptor("1", "shape", _ratio),
    "spec_centroid": Descriptor("Hz", "shape", _column(0)),
    "spec_bandwidth": Descriptor("Hz", "shape", _column(1)),
    "spec_flatness": Descriptor("1", "shape", _column(2)),
    "spec_flux": Descriptor("1", "shape", _column(3)),
    "spec_contrast": Descriptor("dB", "contrast", _contrast),
    "mel_spectrogram": Descriptor("1", "mel", _image),
    "mfcc": Descriptor("dB", "cepstrum", np.asarray),
    "mfcc_delta": Descriptor("dB/frame", "cepstrum", mfcc_delta),
    "alpha_ratio": Descriptor("dB", "alpha", _ratio_db),
    "hammarberg_index": Descriptor("dB", "hammarberg", _ratio_db),
    "spectral_slope": Descriptor("dB/Hz", "slopes", _image),
    "loudness": Descriptor("1", "loudness", _column(0)),
    "amplitude_spectrogram": Descriptor("1", "magnitude", _image, is_image=True),
    "power_spectrogram": Descriptor("1", "power", _image, is_image=True),
    "db_spectrogram": Descriptor("dB", "level", _image, is_image=True),
}


def low_level_descriptors(
    y: np.ndarray,
    sr: float,
    *,
    features: Sequence[str] | None = None,
    n_fft: int = 2048,
    hop_length: int = 512,
    n_mels: int = 128,
    n_mfcc: int = 40,
    split_frequency: float = 2000.0,
) -> dict[str, np.ndarray]:
    """Compute low-level descriptors of a sound from one short-time Fourier transform.

    The functions that compute one descriptor each give the same values; they have the formulas and the sources.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    sr : float
        Sampling rate (Hz).
    features : sequence of str, default=None
        Names of the descriptors, in the order of the result: ``amplitude_envelope``, ``rms``, ``energy``
        (``short_time_energy``), ``zcr`` (``zero_crossing_rate``), ``teo`` (``mean_teager_energy``), ``ber``
        (``band_energy_ratio``), ``spec_centroid``, ``spec_bandwidth``, ``spec_flatness``, ``spec_flux``,
        ``spec_contrast`` (``spectral_centroid``, ...), ``mel_spectrogram``, ``mfcc``, ``mfcc_delta``,
        ``alpha_ratio``, ``hammarberg_index``, ``spectral_slope``, ``loudness``, and the images
        ``amplitude_spectrogram``, ``power_spectrogram``, ``db_spectrogram``. None: all but the images.
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).
    n_mels : int, default=128
        Number of mel bands.
    n_mfcc : int, default=40
        Number of cepstral coefficients, ``n_mels`` or fewer.
    split_frequency : float, default=2000
        Boundary of the two bands of ``ber`` (Hz).

    Returns
    -------
    descriptors : dict of str to ndarray, float32
        Shape ``(n_frames,)``; of ``spec_contrast`` (7 rows), ``spectral_slope`` (2), ``mel_spectrogram``, ``mfcc``,
        ``mfcc_delta`` and the pictures ``(n_rows, n_frames)``. Frame ``t`` is centred on sample ``t * hop_length``;
        ``n_frames = 1 + n_samples // hop_length`` for an even ``n_fft``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, a name is unknown, a length is below 1, ``sr`` not above 0,
        or ``n_mfcc`` not in ``1 .. n_mels``.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import low_level_descriptors
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050)
    >>> descriptors = low_level_descriptors(tone, 22050, features=["spec_centroid", "mfcc"])
    >>> descriptors["spec_centroid"].shape, descriptors["mfcc"].shape
    ((44,), (40, 44))
    >>> round(float(descriptors["spec_centroid"][20]))
    1000
    """
    y = check_sound(y)
    if features is None:
        features = [name for name, descriptor in DESCRIPTORS.items() if not descriptor.is_image]
    if isinstance(features, str) or not set(features) <= DESCRIPTORS.keys():
        raise ValueError(f"expected a sequence of names among {', '.join(DESCRIPTORS)}; got {features!r}")
    # Extremes propagate NaN and, unlike a mask, allocate no memory.
    if y.size and not (np.isfinite(y.min()) and np.isfinite(y.max())):
        raise ValueError("expected a finite sound, got NaN or infinite samples")
    if not sr > 0:
        raise ValueError(f"expected sr (Hz) above 0, got {sr}")
    check_n_mfcc(n_mfcc, n_mels)
    # Imported here: numba takes half a second to import.
    from savee_mm.signal._block_measures import Grid

    sources = {DESCRIPTORS[name].source for name in features}
    grid = Grid(sr=sr, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, split_frequency=split_frequency)
    columns = _describe(y, grid, {_DERIVED_FROM.get(source, source) for source in sources})
    if "cepstrum" in sources:
        columns["cepstrum"] = mel_to_cepstrum(columns["mel"], n_mfcc)
    if "level" in sources:
        amplitude = columns["magnitude"]
        columns["level"] = amplitude_to_level(amplitude.copy() if "magnitude" in sources else amplitude)
    return {name: DESCRIPTORS[name].finish(columns[DESCRIPTORS[name].source]) for name in features}


def one_descriptor(name, y, sr, **settings):
    """Return a single descriptor of a sound.

    Parameters
    ----------
    name : str
        Key of ``DESCRIPTORS``.
    y : array of shape (n_samples,)
        The sound.
    sr : float
        Sampling rate (Hz).
    **settings
        Of ``low_level_descriptors``.

    Returns
    -------
    descriptor : ndarray of shape (n_frames,) or (n_rows, n_frames), float32
    """
    return low_level_descriptors(y, sr, features=[name], **settings)[name]


# Columns that are computed from those of a measure once the largest value of the clip is known.
_DERIVED_FROM = {"cepstrum": "mel", "level": "magnitude"}


def _describe(y, grid, names):
    """Measure the blocks of a sound; return ``{name: array of shape (n_frames, n_columns)}``."""
    from savee_mm.signal._block_measures import MEASURES, Block

    n_frames = n_centred_frames(len(y), frame_length=grid.n_fft, hop_length=grid.hop_length)
    measures = [(name, MEASURES[name]) for name in sorted(names)]
    columns = {name: np.empty((n_frames, measure.n_columns(grid)), dtype=np.float32) for name, measure in measures}
    with_spectrum = any(measure.needs_spectrum for _, measure in measures)
    block = Block(grid, min(BLOCK_FRAMES, n_frames))
    for start, *samples in sample_blocks(y, frame_length=grid.n_fft, hop_length=grid.hop_length):
        block.fill(*samples)
        if with_spectrum:
            block.transform()
        for name, measure in measures:
            measure.fill(grid, block, columns[name][start : start + block.n_frames])
    return columns
