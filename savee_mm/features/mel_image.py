"""MelImage: the mel spectrogram of a clip as a picture of fixed size."""

import os
from functools import partial
from numbers import Integral, Real
from typing import Literal

from sklearn.utils._param_validation import Interval

from savee_mm.features._image import SoundImageTransformer, cut_sound, on_canvas
from savee_mm.features._sound import load_sound
from savee_mm.signal import mel_spectrogram, power_to_db


class MelImage(SoundImageTransformer):
    """Mel spectrogram in dB, one image of fixed size per clip.

    A clip longer than ``n_frames`` is cut at its end; a shorter one is followed by zeros, which after
    normalisation stand for the mean. Levels are cut 80 dB below the loudest one of the clip.

    Parameters
    ----------
    n_mels : int, default=64
        Number of mel bands (rows, the lowest first).
    n_frames : int, default=290
        Number of frames (columns); 290 frames of 512 samples at 22050 Hz are 6.7 s.
    sr : int or None, default=22050
        Working rate (Hz); files are resampled to it. None = as recorded.
    input_sr : int, default=None
        Rate (Hz) of clips that are passed as arrays; ``sr`` when None.
    fmin : float, default=0
        Lower edge of the lowest band (Hz).
    fmax : float, default=None
        Upper edge of the highest band (Hz); half the working rate when None.
    hop_length, n_fft : int, default=512, 2048
        Step and length of the analysis window (samples).
    normalize : {"clip", "training"} or None, default="clip"
        Zero mean and unit variance of every band over the clip's own frames (which takes out the level and the
        colour of the channel), or with the mean and deviation over all frames of the training clips, or not at
        all.
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
    mean_, scale_ : ndarray of shape (n_mels,)
        Statistics of the training frames (dB), with ``normalize="training"``.
    report_ : DataFrame
        ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used.

    See Also
    --------
    MFCCImage : Its cosine transform over the bands.
    savee_mm.signal.mel_spectrogram : The bands.

    References
    ----------
    S. Stevens, J. Volkmann, E. Newman, "A scale for the measurement of the psychological magnitude pitch", JASA
    8(3), 1937; the bands in numbers are those of :func:`librosa.feature.melspectrogram`.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import MelImage
    >>> noise = np.random.default_rng(0).normal(scale=0.1, size=22050)
    >>> MelImage().fit_transform([noise]).shape
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
    """Return (n_mels, n_frames) float32 in dB, NaN behind the clip's end."""
    y, sr = load_sound(source, sr=sr, input_sr=input_sr, recipe=recipe)
    y = cut_sound(y, n_frames=n_frames, n_fft=n_fft, hop_length=hop_length)
    mel = mel_spectrogram(y, sr, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, fmin=fmin, fmax=fmax)
    # Only what is shown has a say in where the floor is.
    return on_canvas(power_to_db(mel[:, :n_frames]), n_frames)
