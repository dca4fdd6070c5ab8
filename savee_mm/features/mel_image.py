"""MelImage: the mel spectrogram of each clip as an image of fixed size."""

import os
from functools import partial
from numbers import Integral, Real
from typing import Literal

from sklearn.utils._param_validation import Interval

from savee_mm._docstrings import shared_docs
from savee_mm.features._image import SoundImageTransformer, pad_frames, trim_sound
from savee_mm.features._sound import load_sound
from savee_mm.signal import mel_spectrogram, power_to_db


@shared_docs
class MelImage(SoundImageTransformer):
    """Extract a mel spectrogram (dB) of fixed size from the audio of each clip.

    Clips longer than ``n_frames`` are truncated. Shorter clips are padded with zeros, which equal the mean after
    normalization. Levels are limited to 80 dB below the maximum of the clip.

    Parameters
    ----------
    n_mels : int, default=64
        Number of mel bands (rows, the lowest first).
    n_frames : int, default=290
        Number of frames (columns); 290 frames of 512 samples at 22050 Hz are 6.7 s.
    %(sr)s
    %(input_sr)s
    fmin : float, default=0
        Lower edge of the lowest band (Hz).
    fmax : float, default=None
        Upper edge of the highest band (Hz); half the working rate when None.
    hop_length, n_fft : int, default=512, 2048
        Step and length of the analysis window (samples).
    normalize : {"clip", "training"} or None, default="clip"
        Scale each band to zero mean and unit variance over the frames of the clip, which removes the level and the
        frequency response of the recording, or by the mean and standard deviation of all training frames.
    %(n_jobs)s
    %(cache)s
    %(on_error_zeros)s
    %(verbose)s

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_mels,)
        Mean and standard deviation of the training frames (dB), with ``normalize="training"``.
    %(failed_clips_)s

    See Also
    --------
    MFCCImage : Cosine transform of the bands.
    savee_mm.signal.mel_spectrogram : The spectrogram in units of power.

    References
    ----------
    S. Stevens, J. Volkmann, E. Newman, "A scale for the measurement of the psychological magnitude pitch", JASA
    8(3), 1937. The values equal those of :func:`librosa.feature.melspectrogram`.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import MelImage
    >>> noise = np.random.default_rng(0).normal(scale=0.1, size=22050)
    >>> MelImage(input_sr=22050).fit_transform([noise]).shape
    (1, 64, 290, 1)
    """

    _parameter_constraints = {
        **SoundImageTransformer._parameter_constraints,
        "n_mels": [Interval(Integral, 1, 512, closed="both")],
        "fmin": [Interval(Real, 0, None, closed="left")],
        "fmax": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        *,
        n_mels: int = 64,
        n_frames: int = 290,
        sr: int | None = 22050,
        input_sr: int | None = None,
        fmin: float = 0,
        fmax: float | None = None,
        hop_length: int = 512,
        n_fft: int = 2048,
        normalize: Literal["clip", "training"] | None = "clip",
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        on_error: Literal["raise", "fill"] = "raise",
        verbose: bool | int = False,
    ) -> None:
        self.n_mels = n_mels
        self.n_frames = n_frames
        self.sr = sr
        self.input_sr = input_sr
        self.fmin = fmin
        self.fmax = fmax
        self.hop_length = hop_length
        self.n_fft = n_fft
        self.normalize = normalize
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _kernel(self):
        return partial(
            _mel_image,
            sr=self.sr,
            input_sr=self.input_sr,
            n_mels=self.n_mels,
            n_frames=self.n_frames,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            fmin=self.fmin,
            fmax=self.fmax,
        )

    def _n_rows(self):
        return self.n_mels


def _mel_image(source, *, sr, input_sr, n_mels, n_frames, n_fft, hop_length, fmin, fmax, recipe=None):
    """Return the image of shape (n_mels, n_frames), float32 (dB); NaN after the end of the clip."""
    y, sr = load_sound(source, sr=sr, input_sr=input_sr, recipe=recipe)
    y = trim_sound(y, n_frames=n_frames, n_fft=n_fft, hop_length=hop_length)
    mel = mel_spectrogram(y, sr, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, fmin=fmin, fmax=fmax)
    # The floor depends on the frames in the image only.
    return pad_frames(power_to_db(mel[:, :n_frames]), n_frames)
