"""FaceFrameSampler: frames of each video, cropped to the face of the speaker."""

import os
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from savee_mm._docstrings import shared_docs
from savee_mm._validation import Clips, check_clips
from savee_mm._weights import identify_weights
from savee_mm.features._base import ClipTransformer
from savee_mm.features.faces._kernel import face_track
from savee_mm.features.faces._track import FaceTrack, packed_length
from savee_mm.vision import WITH_LANDMARKS, detector_files, make_detector, resolve_detector

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@shared_docs
class FaceFrameSampler(ClipTransformer):
    """Sample frames of each video and crop them to the face of one person.

    Parameters
    ----------
    n_frames : int, default=6
        Number of frames per clip. A video with fewer frames repeats some.
    size : tuple of int, default=(64, 64)
        Height and width of a crop (pixels).
    strategy : {"even", "energy", "apex"}, default="even"
        How to choose frames. ``"even"``: evenly spaced in time from the first to the last. ``"energy"``: in the middle
        of ``n_frames`` parts of equal energy of the audio of the video, that is, where the voice is loud. ``"apex"``:
        evenly spaced from the first to the one of 16 frames whose face differs most from the first face.
    detector : {"auto", "yunet", "ssd", "lbp"}, default="auto"
        ``"yunet"`` and ``"ssd"`` (OpenCV's ResNet-10 SSD) need weights, see :func:`~savee_mm.fetch_weights`; ``"lbp"``
        (scikit-image's cascade) does not. ``"auto"`` is the first of these with weights on this machine, resolved at
        fit.
    weights : path-like, pair of path-like or None, default=None
        Files for the named detector: an ``.onnx`` file for ``"yunet"``; for ``"ssd"`` a network and its configuration
        (``.pb`` and ``.pbtxt``, with OpenCV 4 also ``.caffemodel`` and ``.prototxt``). None uses the files in the
        folder ``SAVEE_MM_WEIGHTS``.
    align : {"center", "eyes"}, default="center"
        ``"center"``: a square around the centre of the detected box. ``"eyes"``: the midpoint of the eyes is at a fixed
        position, and one rotation and one scale for the clip make the eyes level and their distance constant, in the
        median over the frames; needs the landmarks of ``"yunet"``, which vary from frame to frame.
    margin : float, default=0.1
        Size of the crop beyond the detected box, as a share of the longer side of the box. With ``align="eyes"`` this
        side is the distance of the eyes divided by 0.35.
    color : {"rgb", "gray"}, default="rgb"
        Number of channels: three, or one (luma).
    track : {"largest", "voice"}, default="largest"
        Face to follow if a clip shows several: the largest and most central over all frames, or the one whose mouth
        moves with the audio of the video.
    on_no_face : {"carry", "mask", "raise"}, default="carry"
        What to do with a frame without the face: use the box of the nearest frame that has it, return a black frame,
        or raise a :class:`~savee_mm.ClipError`. A clip without a face in any frame always raises this error.
    %(n_jobs)s
    %(cache)s
    %(on_error_zeros)s
    %(verbose)s

    Attributes
    ----------
    detector_ : str
        The detector in use. It is part of a saved model; ``transform`` raises an error on a machine without its
        weights.
    weights_sha256_ : tuple of str
        Digests of the weights of the detector. ``transform`` raises an error with other weights.
    %(failed_clips_)s

    Notes
    -----
    Boxes are linked over the frames, and one face is followed. In a frame without this face no other face is used,
    unless the clip never shows two faces at once.

    Examples
    --------
    >>> from savee_mm import FaceFrameSampler, load_savee
    >>> savee = load_savee("SAVEE/")  # doctest: +SKIP
    >>> sampler = FaceFrameSampler()
    >>> sampler.fit_transform(savee.data).shape  # doctest: +SKIP
    (480, 6, 64, 64, 3)
    >>> sampler.diagnose(savee.data)["face_share"].min()  # doctest: +SKIP
    1.0
    """

    _column = "video"
    _array_ndim = 4

    _parameter_constraints = {
        **ClipTransformer._parameter_constraints,
        "n_frames": [Interval(Integral, 1, None, closed="left")],
        "size": [tuple, list],
        "strategy": [StrOptions({"even", "energy", "apex"})],
        "detector": [StrOptions({"auto", "yunet", "ssd", "lbp"})],
        "weights": [str, os.PathLike, tuple, list, None],
        "align": [StrOptions({"center", "eyes"})],
        "margin": [Interval(Real, -1, None, closed="neither")],
        "color": [StrOptions({"rgb", "gray"})],
        "track": [StrOptions({"largest", "voice"})],
        "on_no_face": [StrOptions({"raise", "carry", "mask"})],
    }

    def __init__(
        self,
        *,
        n_frames: int = 6,
        size: tuple[int, int] = (64, 64),
        strategy: Literal["even", "energy", "apex"] = "even",
        detector: Literal["auto", "yunet", "ssd", "lbp"] = "auto",
        weights: str | os.PathLike[str] | tuple[str | os.PathLike[str], str | os.PathLike[str]] | None = None,
        align: Literal["center", "eyes"] = "center",
        margin: float = 0.1,
        color: Literal["rgb", "gray"] = "rgb",
        track: Literal["largest", "voice"] = "largest",
        on_no_face: Literal["carry", "mask", "raise"] = "carry",
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = "memory",
        on_error: Literal["raise", "fill"] = "raise",
        verbose: bool | int = False,
    ) -> None:
        self.n_frames = n_frames
        self.size = size
        self.strategy = strategy
        self.detector = detector
        self.weights = weights
        self.align = align
        self.margin = margin
        self.color = color
        self.track = track
        self.on_no_face = on_no_face
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def diagnose(self, X: Clips) -> pd.DataFrame:
        """Return the detections in each frame.

        Parameters
        ----------
        X : DataFrame, list of paths or list of arrays
            The clips.

        Returns
        -------
        table : DataFrame
            One row per clip and frame: ``clip_id``, ``frame`` (from 0), ``detector``, ``time`` (s; for an array, the
            frame number), ``found``, ``x``, ``y``, ``width`` and ``height`` of the cropped box (pixels; without a face,
            of the box used instead), ``confidence`` (score of the detector) and ``face_share``, the share of the
            frames of the clip with a face.

        Raises
        ------
        ClipError
            As :meth:`transform`. With ``on_error="fill"`` the rows of such a clip are empty.
        """
        tracks = self._tracks(X)
        clips = check_clips(X, self._column, array_ndim=self._array_ndim)
        table = {
            "clip_id": np.repeat([clip.clip_id for clip in clips], self.n_frames),
            "frame": np.tile(np.arange(self.n_frames), len(clips)),
            "detector": self.detector_,
            "time": tracks.times.ravel(),
            "found": tracks.found.ravel(),
            **dict(zip(("x", "y", "width", "height"), tracks.boxes.reshape(-1, 4).T, strict=True)),
            "confidence": tracks.confidence.ravel(),
            "face_share": np.repeat(tracks.found.mean(axis=1), self.n_frames),
        }
        return pd.DataFrame(table)

    def plot_clip(self, X: str | os.PathLike[str] | Clips, index: int = 0) -> "Figure":
        """Plot the crops of one clip in a row, with their times and scores.

        Parameters
        ----------
        X : path, DataFrame, list of paths or list of arrays
            The clip, or clips of which one is plotted.
        index : int, default=0
            Position of the clip in X.

        Returns
        -------
        figure : matplotlib.figure.Figure
            Save it with ``figure.savefig(path)``.

        Raises
        ------
        IndexError
            If X has no such clip.
        ClipError
            As :meth:`transform`.
        """
        from savee_mm.features.faces._track import contact_sheet

        X = [X] if isinstance(X, (str, os.PathLike)) else X
        clip = check_clips(X, self._column, array_ndim=self._array_ndim)[index]
        title = f"{clip.clip_id} ({self.detector_})"
        if not clip.path:  # an array, whose times are frame numbers
            return contact_sheet(self._tracks([clip.source])[0], title, "frame {:.0f}")
        one = pd.DataFrame({"clip_id": [clip.clip_id], self._column: [clip.source]})
        return contact_sheet(self._tracks(one)[0], title)

    def _tracks(self, X):
        """Return the stacked FaceTrack of all clips. A clip that failed has black crops, and NaN elsewhere."""
        check_is_fitted(self)
        values, self._failures = self._extract(X)
        return self._unpack(values)

    def _resolve(self):
        if len(self.size) != 2 or not all(isinstance(n, Integral) and n > 0 for n in self.size):
            raise ValueError(
                f"The 'size' parameter of FaceFrameSampler must be a tuple (height, width) of two ints above 0. "
                f"Got {self.size!r} instead."
            )
        if self.weights is not None and self.detector == "auto":
            raise ValueError(f"detector='auto' finds its own weights, got {self.weights!r}; name their detector.")
        self.detector_ = resolve_detector(self.detector)
        if self.align == "eyes" and self.detector_ not in WITH_LANDMARKS:
            raise ValueError(
                f"align='eyes' needs landmarks, which the detector {self.detector_!r} does not find. Use "
                'detector="yunet", whose weights fetch_weights("yunet") downloads, or align="center".'
            )
        self.weights_sha256_ = tuple(weights.sha256 for weights in self._pretrained_files())

    def _pretrained_files(self):
        detector = self.detector_ if hasattr(self, "detector_") else resolve_detector(self.detector)
        return tuple(identify_weights(path) for path in detector_files(detector, self.weights))

    def _kernel(self):
        weights = self._pretrained_files()
        if tuple(file.sha256 for file in weights) != self.weights_sha256_:
            raise ValueError(
                f"The weights of {self.detector_!r} in {', '.join(file.path for file in weights)} are not those of the "
                "fit. Restore those, or fit again."
            )
        # Fails before the first clip if the weights cannot be read.
        make_detector(self.detector_, [file.path for file in weights] or None)
        names = ("n_frames", "strategy", "align", "margin", "track", "on_no_face")
        parameters = {name: getattr(self, name) for name in names}
        return partial(face_track, size=tuple(self.size), detector=self.detector_, weights=weights, **parameters)

    def _shape(self):
        return (packed_length(self.n_frames, self.size),)

    def _blank(self):
        return FaceTrack.missing(self.n_frames, self.size).pack()

    def _unpack(self, values):
        return FaceTrack.unpack(values, self.n_frames, self.size, gray=self.color == "gray")

    def _finish(self, values):
        return self._unpack(values).crops
