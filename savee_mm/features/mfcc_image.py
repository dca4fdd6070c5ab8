"""MFCCImage: the mel-frequency cepstral coefficients of each clip as an image of fixed size."""

import os
from functools import partial
from numbers import Integral
from typing import Literal

from sklearn.utils._param_validation import Interval

from savee_mm._docstrings import shared_docs
from savee_mm.features._image import SoundImageTransformer, pad_frames, trim_sound
from savee_mm.features._sound import load_sound
from savee_mm.signal import mfcc


@shared_docs
class MFCCImage(SoundImageTransformer):
    """Extract mel-frequency cepstral coefficients (MFCCs) from the audio of each clip as an image.

    Clips longer than ``n_frames`` are truncated. Shorter clips are padded with zeros, which equal the mean after
    normalization.

    Parameters
    ----------
    n_mfcc : int, default=40
        Number of coefficients (rows).
    n_frames : int, default=290
        Number of frames (columns); 290 frames of 512 samples at 22050 Hz are 6.7 s.
    %(sr)s
    %(input_sr)s
    hop_length, n_fft : int, default=512, 2048
        Step and length of the analysis window (samples).
    normalize : {"clip", "training"} or None, default="clip"
        Scale each coefficient to zero mean and unit variance over the frames of the clip, which removes the level
        and the frequency response of the recording, or by the mean and standard deviation of all training frames.
    %(n_jobs)s
    %(cache)s
    %(on_error_zeros)s
    %(verbose)s

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_mfcc,)
        Mean and standard deviation of the training frames, with ``normalize="training"``.
    %(failed_clips_)s

    References
    ----------
    S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition",
    IEEE Trans. ASSP 28(4), 1980. The values equal those of :func:`librosa.feature.mfcc`,
    in which a constant offset of the recording raises the lowest bands.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import MFCCImage
    >>> noise = np.random.default_rng(0).normal(scale=0.1, size=22050)
    >>> MFCCImage(input_sr=22050).fit_transform([noise]).shape
    (1, 40, 290, 1)
    """

    _parameter_constraints = {
        **SoundImageTransformer._parameter_constraints,
        "n_mfcc": [Interval(Integral, 1, 128, closed="both")],
    }

    def __init__(
        self,
        *,
        n_mfcc: int = 40,
        n_frames: int = 290,
        sr: int | None = 22050,
        input_sr: int | None = None,
        hop_length: int = 512,
        n_fft: int = 2048,
        normalize: Literal["clip", "training"] | None = "clip",
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        on_error: Literal["raise", "fill"] = "raise",
        verbose: bool | int = False,
    ) -> None:
        self.n_mfcc = n_mfcc
        self.n_frames = n_frames
        self.sr = sr
        self.input_sr = input_sr
        self.hop_length = hop_length
        self.n_fft = n_fft
        self.normalize = normalize
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _kernel(self):
        return partial(
            _mfcc_image,
            sr=self.sr,
            input_sr=self.input_sr,
            n_mfcc=self.n_mfcc,
            n_frames=self.n_frames,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
        )

    def _n_rows(self):
        return self.n_mfcc


def _mfcc_image(source, *, sr, input_sr, n_mfcc, n_frames, n_fft, hop_length, recipe=None):
    """Return the image of shape (n_mfcc, n_frames), float32; NaN after the end of the clip."""
    y, sr = load_sound(source, sr=sr, input_sr=input_sr, recipe=recipe)
    y = trim_sound(y, n_frames=n_frames, n_fft=n_fft, hop_length=hop_length)
    return pad_frames(mfcc(y, sr, n_mfcc=n_mfcc, n_fft=n_fft, hop_length=hop_length), n_frames)
