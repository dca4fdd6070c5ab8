"""Low-level descriptors of the short-time spectrum, one by one; ``low_level_descriptors`` computes all of them at once.

``X[k]`` is the transform of a frame under a Hann window, ``f[k]`` its frequencies (Hz), ``P = |X|**2``. A constant
offset of the sound is part of its lowest frequencies, as in librosa; the extractors of ``savee_mm.features`` subtract
the mean first.
"""

import numpy as np

from savee_mm.signal.low_level_descriptors import one_descriptor


def band_energy_ratio(
    y: np.ndarray, sr: float, *, n_fft: int = 2048, hop_length: int = 512, split_frequency: float = 2000.0
) -> np.ndarray:
    """Band energy ratio of a sound: ``sum(P[f < split]) / sum(P[f >= split])`` of each frame.

    High in vowels, low in fricatives. Subtract a constant offset first: it counts as low frequency.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    sr : float
        Sampling rate (Hz).
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).
    split_frequency : float, default=2000
        Boundary of the two bands (Hz).

    Returns
    -------
    ratio : ndarray of shape (n_frames,), float32
        Ratio of power, limited to 1e6 (60 dB), the value of a frame without high frequencies; 0 in silence.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1, or ``sr`` is not above 0.

    References
    ----------
    A. Lerch, "An Introduction to Audio Content Analysis", Wiley 2012; bands as in V. Velardo, "Audio Signal
    Processing for Machine Learning", 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import band_energy_ratio
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050)
    >>> bool(band_energy_ratio(tone, 22050)[20] > 1000)
    True
    >>> bool(band_energy_ratio(tone, 22050, split_frequency=500)[20] < 0.001)
    True
    """
    return one_descriptor("ber", y, sr, n_fft=n_fft, hop_length=hop_length, split_frequency=split_frequency)


def spectral_centroid(y: np.ndarray, sr: float, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Spectral centroid of a sound: ``sum(f |X|) / sum(|X|)`` of each frame.

    The centre of gravity of the spectrum, perceived as brightness.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    sr : float
        Sampling rate (Hz).
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    centroid : ndarray of shape (n_frames,), float32
        Frequency (Hz), 0 in silence; the values of ``librosa.feature.spectral_centroid``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1, or ``sr`` is not above 0.

    References
    ----------
    A. Klapuri, M. Davy (eds.), "Signal Processing Methods for Music Transcription", Springer 2006, chapter 5.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import spectral_centroid
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050)
    >>> round(float(spectral_centroid(tone, 22050)[20]))
    1000
    """
    return one_descriptor("spec_centroid", y, sr, n_fft=n_fft, hop_length=hop_length)


def spectral_bandwidth(y: np.ndarray, sr: float, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Spectral bandwidth of a sound: ``sqrt(sum(|X| (f - centroid)**2) / sum(|X|))`` of each frame.

    The standard deviation of frequency, weighted by amplitude.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    sr : float
        Sampling rate (Hz).
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    bandwidth : ndarray of shape (n_frames,), float32
        Width (Hz), 0 in silence; the values of ``librosa.feature.spectral_bandwidth``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1, or ``sr`` is not above 0.

    References
    ----------
    A. Klapuri, M. Davy (eds.), "Signal Processing Methods for Music Transcription", Springer 2006, chapter 5.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import spectral_bandwidth
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050)
    >>> bool(spectral_bandwidth(tone, 22050)[20] < 30)
    True
    """
    return one_descriptor("spec_bandwidth", y, sr, n_fft=n_fft, hop_length=hop_length)


def spectral_flatness(y: np.ndarray, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Spectral flatness of a sound: geometric over arithmetic mean of ``max(P, 1e-10)`` of each frame.

    Near 0 for a tone, near 0.56 for a frame of white noise.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    flatness : ndarray of shape (n_frames,), float32
        In (0, 1], 1 in silence; the values of ``librosa.feature.spectral_flatness``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1.

    References
    ----------
    J. D. Johnston, "Transform coding of audio signals using perceptual noise criteria", IEEE Journal on Selected
    Areas in Communications 6 (1988), pp. 314-323.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import spectral_flatness
    >>> bool(spectral_flatness(np.sin(np.arange(22050)))[20] < 1e-4)
    True
    """
    return one_descriptor("spec_flatness", y, 1.0, n_fft=n_fft, hop_length=hop_length)


def spectral_flux(y: np.ndarray, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Spectral flux of a sound: ``sqrt(mean((|X[t]| - |X[t-1]|)**2))``, the root mean square over the bins.

    The change of the spectrum from one frame to the next, in both directions and including changes of level, as in
    openSMILE. librosa has no such function; its ``onset_strength`` measures increases of the mel spectrum in dB.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    flux : ndarray of shape (n_frames,), float32
        In the units of ``|X|``; 0 in the first frame and where consecutive frames are equal, as in silence.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1.

    References
    ----------
    A. Lerch, "An Introduction to Audio Content Analysis", Wiley 2012, section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import spectral_flux
    >>> flux = spectral_flux(np.ones(22050))
    >>> bool(flux[:3].max() > 0.1), bool(flux[3:-3].max() < 1e-6)
    (True, True)
    """
    return one_descriptor("spec_flux", y, 1.0, n_fft=n_fft, hop_length=hop_length)


def spectral_contrast(y: np.ndarray, sr: float, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Spectral contrast of a sound: peak minus valley (dB) of each octave band of each frame.

    Valley and peak are the means of the lowest and the highest 2% of ``|X|`` in the band (at least one bin), in dB,
    each limited to 80 dB below its maximum over the clip. The bands end at 200, 400 .. 6400 Hz and half the rate.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    sr : float
        Sampling rate (Hz).
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    contrast : ndarray of shape (7, n_frames), float32
        Difference of levels (dB), one row per band from low to high; the values of
        ``librosa.feature.spectral_contrast``, which raises an error for rates up to 12.8 kHz: here a band without a
        bin has contrast 0.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1, or ``sr`` is not above 0.

    References
    ----------
    D.-N. Jiang, L. Lu, H.-J. Zhang, J.-H. Tao, L.-H. Cai, "Music type classification by spectral contrast
    feature", ICME 2002, pp. 113-116.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import spectral_contrast
    >>> spectral_contrast(np.sin(np.arange(22050)), 22050).shape
    (7, 44)
    """
    return one_descriptor("spec_contrast", y, sr, n_fft=n_fft, hop_length=hop_length)


def alpha_ratio(y: np.ndarray, sr: float, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Alpha ratio of a sound: level of 50-1000 Hz minus that of 1-5 kHz, in each frame.

    ``10 log10(sum(P[50 <= f < 1000]) / sum(P[1000 <= f < 5000]))``, with at least 1e-10 in a band. High in a soft
    voice. This is the published definition of the Geneva set; openSMILE uses the opposite sign.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    sr : float
        Sampling rate (Hz).
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    ratio : ndarray of shape (n_frames,), float32
        Difference of levels (dB), 0 in silence.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1, or ``sr`` is not above 0.

    References
    ----------
    F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research and affective
    computing", IEEE Transactions on Affective Computing 7 (2016), pp. 190-202.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import alpha_ratio
    >>> bool(alpha_ratio(np.sin(2 * np.pi * 300 * np.arange(22050) / 22050), 22050)[20] > 40)
    True
    """
    return one_descriptor("alpha_ratio", y, sr, n_fft=n_fft, hop_length=hop_length)


def hammarberg_index(y: np.ndarray, sr: float, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Hammarberg index of a sound: level of the highest peak below 2 kHz minus that in 2-5 kHz, in each frame.

    ``10 log10(max(P[f < 2000]) / max(P[2000 <= f < 5000]))``, with peaks of at least 1e-10. High in a
    soft voice.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    sr : float
        Sampling rate (Hz).
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    index : ndarray of shape (n_frames,), float32
        Difference of levels (dB), 0 in silence.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1, or ``sr`` is not above 0.

    References
    ----------
    F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research and affective
    computing", IEEE Transactions on Affective Computing 7 (2016), pp. 190-202.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import hammarberg_index
    >>> bool(hammarberg_index(np.sin(2 * np.pi * 3000 * np.arange(22050) / 22050), 22050)[20] < -40)
    True
    """
    return one_descriptor("hammarberg_index", y, sr, n_fft=n_fft, hop_length=hop_length)


def spectral_slope(y: np.ndarray, sr: float, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Spectral slope of a sound: slope of the least-squares line through the level in 0-500 and 500-1500 Hz.

    The level of a bin is ``10 log10(max(P, 1e-10))``; a band of fewer than two bins has slope 0.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    sr : float
        Sampling rate (Hz).
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    slope : ndarray of shape (2, n_frames), float32
        Slope (dB/Hz), one row for each of the two bands; 0 in silence.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1, or ``sr`` is not above 0.

    References
    ----------
    F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research and affective
    computing", IEEE Transactions on Affective Computing 7 (2016), pp. 190-202.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import spectral_slope
    >>> spectral_slope(np.sin(np.arange(22050)), 22050).shape
    (2, 44)
    """
    return one_descriptor("spectral_slope", y, sr, n_fft=n_fft, hop_length=hop_length)


def loudness(y: np.ndarray, sr: float, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Approximate loudness of a sound: sum of the compressed power of auditory bands, in each frame.

    ``sum(E**0.3)`` over 26 mel bands of 20 Hz to 8 kHz, where ``E`` is the mean square in the band, weighted by
    Hermansky's equal-loudness curve (1 at 1 kHz). The exponent is that of Stevens's power law. The unit is not sone,
    because recordings are not calibrated.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite; may be shorter than a frame.
    sr : float
        Sampling rate (Hz).
    n_fft : int, default=2048
        Length of a frame and of its transform (samples).
    hop_length : int, default=512
        Distance between two frames (samples).

    Returns
    -------
    loudness : ndarray of shape (n_frames,), float32
        Without unit; doubling the amplitude multiplies it by 1.5. 0 in silence.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or a length is below 1, or ``sr`` is not above 0.

    References
    ----------
    F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research and affective
    computing", IEEE Transactions on Affective Computing 7 (2016), pp. 190-202.
    H. Hermansky, "Perceptual linear predictive (PLP) analysis of speech", JASA 87 (1990), pp. 1738-1752.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import loudness
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050)
    >>> round(float(loudness(2 * tone, 22050)[20] / loudness(tone, 22050)[20]), 3)
    1.516
    """
    return one_descriptor("loudness", y, sr, n_fft=n_fft, hop_length=hop_length)
