"""FaceFrameSampler: a few frames of a video, cropped to the speaker's face."""

import os
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from savee_mm._validation import Clips, check_clips
from savee_mm._weights import identify_weights
from savee_mm.features._base import ClipTransformer
from savee_mm.features.faces._kernel import face_track
from savee_mm.features.faces._track import FaceTrack, packed_length
from savee_mm.vision import WITH_LANDMARKS, detector_files, make_detector, resolve_detector

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FaceFrameSampler(ClipTransformer):
    """A few frames of a video, each cropped around the face of one and the same person.

    Parameters
    ----------
    n_frames : int, default=6
        Number of frames per clip; a video with fewer repeats some.
    size : tuple of int, default=(64, 64)
        Height and width of a crop (pixels).
    strategy : {"even", "energy", "apex"}, default="even"
        Which frames. ``"even"``: evenly spaced in time from the first to the last. ``"energy"``: where the voice is
        loud, in the middle of ``n_frames`` equal shares of the energy of the video's own sound. ``"apex"``: evenly
        from the first to the one, of 16, whose face differs most from the first face.
    detector : {"auto", "yunet", "ssd", "lbp"}, default="auto"
        ``"yunet"`` and ``"ssd"`` (OpenCV's ResNet-10 SSD) need weights, see
        :func:`~savee_mm.fetch_weights`; ``"lbp"`` (scikit-image's cascade) needs none. ``"auto"`` is resolved at
        fit: the first of these whose weights are there.
    weights : path-like, pair of path-like or None, default=None
        Files of your own for the named detector: an ``.onnx`` for ``"yunet"``; for ``"ssd"`` a network and its
        description (``.pb`` and ``.pbtxt``, with OpenCV 4 also ``.caffemodel`` and ``.prototxt``). None takes those
        in the folder that ``SAVEE_MM_WEIGHTS`` names.
    align : {"center", "eyes"}, default="center"
        ``"center"``: the square around the middle of the detected box. ``"eyes"``: moved so that the middle between the
        eyes lies at a fixed place, with one turn and one size for the clip, by which the eyes are level and at a fixed
        distance in the median over its frames; needs the landmarks of ``"yunet"``, which wander from frame to frame.
    margin : float, default=0.1
        How much larger than the detected box the crop is, as a share of the box's longer side. With
        ``align="eyes"`` the side of the box is taken to be that distance of the eyes over 0.35.
    color : {"rgb", "gray"}, default="rgb"
        Three channels, or one (luma).
    track : {"largest", "voice"}, default="largest"
        Whom to follow where a clip shows several faces: the one that is largest and nearest to the middle over all
        frames, or the one whose mouth moves with the video's own sound.
    on_no_face : {"carry", "mask", "raise"}, default="carry"
        What a frame does in which the face is not found: borrow the box of the nearest frame that has it; be black;
        or make the clip a :class:`~savee_mm.ClipError`, as a clip without a face in any frame always is.
    n_jobs : int, default=None
        Worker processes; None means 1 unless in a :obj:`joblib.parallel_backend` context.
    cache : "memory", path-like or None, default="memory"
        Where the crops of a clip are kept: in this process, in a folder, or not at all.
    on_error : {"raise", "fill"}, default="raise"
        What a clip that cannot be used (no video, no face in any frame) does: a :class:`~savee_mm.ClipError`,
        or a :class:`~savee_mm.ClipWarning` and black frames in its place.
    verbose : bool or int, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    detector_ : str
        The detector that found the training faces. It is kept with the model, and a machine without its weights
        refuses to predict rather than crop by another.
    weights_sha256_ : tuple of str
        Digests of its files of weights. Prediction with others is refused.
    report_ : DataFrame
        ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used.

    Notes
    -----
    Boxes are linked over the frames, and one face is followed: where it is missing, no bystander stands in for it.
    A clip that never shows two faces at once is cropped to whatever face is there.

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
        """Say what was found in each frame.

        Parameters
        ----------
        X : DataFrame, list of paths or list of arrays
            The clips.

        Returns
        -------
        table : DataFrame
            One row per clip and frame: ``clip_id``, ``frame`` (from 0), ``detector``, ``time`` (s; of an array of
            frames the frame's number), ``found``, ``x``, ``y``, ``width`` and ``height`` of the box that was cropped
            (pixels; a borrowed one where no face was found), ``confidence`` (the detector's score) and
            ``face_share``, the share of the clip's frames with a face.

        Raises
        ------
        ClipError
            As :meth:`transform`; with ``on_error="fill"`` the rows of such a clip are empty.
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
        """Draw the crops of one clip in a row, with their times and scores.

        Parameters
        ----------
        X : path, DataFrame, list of paths or list of arrays
            The clip, or clips of which one is drawn.
        index : int, default=0
            Which, by its place in X.

        Returns
        -------
        figure : matplotlib.figure.Figure
            Save it with ``figure.savefig(path)``.

        Raises
        ------
        IndexError
            Where X has no such clip.
        ClipError
            As :meth:`transform`.
        """
        from savee_mm.features.faces._track import contact_sheet

        X = [X] if isinstance(X, (str, os.PathLike)) else X
        clip = check_clips(X, self._column, array_ndim=self._array_ndim)[index]
        title = f"{clip.clip_id} ({self.detector_})"
        if not clip.path:  # an array, whose clock counts frames
            return contact_sheet(self._tracks([clip.source])[0], title, "frame {:.0f}")
        one = pd.DataFrame({"clip_id": [clip.clip_id], self._column: [clip.source]})
        return contact_sheet(self._tracks(one)[0], title)

    def _tracks(self, X):
        """Return the FaceTrack of all clips of X, stacked; a clip that failed has black crops, the rest NaN."""
        check_is_fitted(self)
        values, self._failures = self._extract(X)
        tracks = self._unpack(values)
        return replace(tracks, crops=np.nan_to_num(tracks.crops, nan=0.0))

    def _resolve(self):
        if len(self.size) != 2 or not all(isinstance(n, Integral) and n > 0 for n in self.size):
            raise ValueError(
                f"The 'size' parameter of FaceFrameSampler must be a tuple (height, width) of two ints above 0. "
                f"Got {self.size!r} instead."
            )
        if self.weights is not None and self.detector == "auto":
            raise ValueError(f"detector='auto' looks for its own weights, got {self.weights!r}; name their detector.")
        self.detector_ = resolve_detector(self.detector)
        if self.align == "eyes" and self.detector_ not in WITH_LANDMARKS:
            raise ValueError(
                f"align='eyes' needs landmarks, which the detector {self.detector_!r} does not find. Use "
                'detector="yunet", whose weights fetch_weights("yunet") downloads, or align="center".'
            )
        self.weights_sha256_ = tuple(weights.sha256 for weights in self._local_weights())

    def _local_weights(self):
        return tuple(identify_weights(path) for path in detector_files(self.detector_, self.weights))

    def _kernel(self):
        weights = self._local_weights()
        if tuple(file.sha256 for file in weights) != self.weights_sha256_:
            raise ValueError(
                f"The weights of {self.detector_!r} in {', '.join(file.path for file in weights)} are not those of the "
                "fit: they would crop by another detector. Bring those back, or fit again."
            )
        # Says once, before any clip, that they cannot be read.
        make_detector(self.detector_, [file.path for file in weights] or None)
        names = ("n_frames", "strategy", "align", "margin", "color", "track", "on_no_face")
        parameters = {name: getattr(self, name) for name in names}
        return partial(face_track, size=tuple(self.size), detector=self.detector_, weights=weights, **parameters)

    def _crop_shape(self):
        return *self.size, 1 if self.color == "gray" else 3

    def _shape(self):
        return (packed_length(self.n_frames, self._crop_shape()),)

    def _unpack(self, values):
        return FaceTrack.unpack(values, self.n_frames, self._crop_shape())

    def _finish(self, values):
        return np.nan_to_num(self._unpack(values).crops, nan=0.0)
