"""MFCCImage: the cepstrum of a clip as a picture of fixed size."""

import os
from functools import partial
from numbers import Integral
from typing import Literal

from sklearn.utils._param_validation import Interval

from savee_mm.features._image import SoundImageTransformer, cut_sound, on_canvas
from savee_mm.features._sound import load_sound
from savee_mm.signal import mfcc


class MFCCImage(SoundImageTransformer):
    """Mel-frequency cepstral coefficients over time, one image of fixed size per clip.

    A clip longer than ``n_frames`` is cut at its end; a shorter one is followed by zeros, which after
    normalisation stand for the mean.

    Parameters
    ----------
    n_mfcc : int, default=40
        Number of coefficients (rows).
    n_frames : int, default=290
        Number of frames (columns); 290 frames of 512 samples at 22050 Hz are 6.7 s.
    sr : int or None, default=22050
        Working rate (Hz); files are resampled to it. None = as recorded.
    input_sr : int, default=None
        Rate (Hz) of clips that are passed as arrays; ``sr`` when None.
    hop_length, n_fft : int, default=512, 2048
        Step and length of the analysis window (samples).
    normalize : {"clip", "training"} or None, default="clip"
        Zero mean and unit variance of every coefficient over the clip's own frames (which takes out the level
        and the colour of the channel), or with the mean and deviation over all frames of the training clips, or
        not at all.
    n_jobs : int, default=None
        Worker processes; None means 1 unless in a :obj:`joblib.parallel_backend` context.
    cache : "memory", path-like or None, default="memory"
        Where the image of a clip is kept: in this process, in a folder, or not at all.
    on_error : {"raise", "fill"}, default="raise"
        What a clip that cannot be used does: a :class:`~savee_mm.ClipError`, or a
        :class:`~savee_mm.ClipWarning` and zeros in its place.
    verbose : bool or int, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_mfcc,)
        Statistics of the training frames, with ``normalize="training"``.
    report_ : DataFrame
        ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used.

    References
    ----------
    S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition",
    IEEE Trans. ASSP 28(4), 1980; the definition in numbers is that of :func:`librosa.feature.mfcc`.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import MFCCImage
    >>> noise = np.random.default_rng(0).normal(scale=0.1, size=22050)
    >>> MFCCImage().fit_transform([noise]).shape
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
    """Return (n_mfcc, n_frames) float32, NaN behind the clip's end."""
    y, sr = load_sound(source, sr=sr, input_sr=input_sr, recipe=recipe)
    y = cut_sound(y, n_frames=n_frames, n_fft=n_fft, hop_length=hop_length)
    return on_canvas(mfcc(y, sr, n_mfcc=n_mfcc, n_fft=n_fft, hop_length=hop_length), n_frames)
