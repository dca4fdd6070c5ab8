"""FaceFrameSampler: a few frames of a video, cropped to the speaker's face."""

from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from savee_mm._validation import ClipError
from savee_mm.features._base import ClipTransformer
from savee_mm.media import read_frames
from savee_mm.vision import choose_face, crop_face, make_detector, resolve_detector


class FaceFrameSampler(ClipTransformer):
    """Frames evenly spaced in time, each cropped around the centre of the speaker's face.

    Parameters
    ----------
    n_frames : int, default=6
        Number of frames per clip, from the first to the last; a video with fewer repeats some.
    size : tuple of int, default=(64, 64)
        Height and width of a crop (pixels).
    detector : {"auto", "yunet", "ssd", "lbp"}, default="auto"
        ``"yunet"`` and ``"ssd"`` (OpenCV's ResNet-10 SSD) need weights, see
        :func:`~savee_mm.fetch_weights`; ``"lbp"`` (scikit-image's cascade) needs none. ``"auto"`` is resolved at
        fit: the first of these whose weights are there.
    margin : float, default=0.1
        How much larger than the detected box the crop is, as a share of the box's longer side.
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
    report_ : DataFrame
        ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used.

    Notes
    -----
    A frame in which no face is found borrows the box of the nearest frame that has one.

    Examples
    --------
    >>> from savee_mm import FaceFrameSampler, load_savee
    >>> savee = load_savee("SAVEE/")  # doctest: +SKIP
    >>> FaceFrameSampler().fit_transform(savee.data).shape  # doctest: +SKIP
    (480, 6, 64, 64, 3)
    """

    _column = "video"
    _array_ndim = 4

    _parameter_constraints = {
        **ClipTransformer._parameter_constraints,
        "n_frames": [Interval(Integral, 1, None, closed="left")],
        "size": [tuple, list],
        "detector": [StrOptions({"auto", "yunet", "ssd", "lbp"})],
        "margin": [Interval(Real, -1, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        n_frames=6,
        size=(64, 64),
        detector="auto",
        margin=0.1,
        n_jobs=None,
        cache="memory",
        on_error="raise",
        verbose=False,
    ):
        self.n_frames = n_frames
        self.size = size
        self.detector = detector
        self.margin = margin
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _resolve(self):
        if len(self.size) != 2 or not all(isinstance(n, Integral) and n > 0 for n in self.size):
            raise ValueError(
                f"The 'size' parameter of FaceFrameSampler must be a tuple (height, width) of two ints above 0. "
                f"Got {self.size!r} instead."
            )
        self.detector_ = resolve_detector(self.detector)

    def _kernel(self):
        make_detector(self.detector_)  # says once, before any clip, that its weights are missing
        return partial(
            _face_frames,
            n_frames=self.n_frames,
            size=tuple(self.size),
            detector=self.detector_,
            margin=self.margin,
        )

    def _shape(self):
        return self.n_frames, *self.size, 3

    def _finish(self, values):
        return np.nan_to_num(values.astype(np.float32, copy=False), copy=values.dtype == np.float32, nan=0.0)


def _face_frames(source, *, n_frames, size, detector, margin):
    """Return (n_frames, height, width, 3) float32 RGB in [0, 1]."""
    frames = read_frames(source, n_frames)[0] if isinstance(source, str) else _check_frames(source, n_frames)
    boxes = _nearest_known([_face_box(frame, detector) for frame in frames])
    if boxes is None:
        raise ClipError(
            f'no face found by {detector!r} in any of {len(frames)} frames; try another detector, or on_error="fill"'
        )
    return np.stack([crop_face(frame, box, size=size, margin=margin) for frame, box in zip(frames, boxes, strict=True)])


def _check_frames(frames, n_frames):
    """Return ``n_frames`` evenly spaced frames of a video that was passed as an array."""
    if frames.dtype != np.uint8 or frames.shape[-1] != 3 or not frames.size:
        raise ClipError(
            "expected frames of shape (n_frames, height, width, 3) and type uint8 (RGB), got "
            f"{frames.shape} and {frames.dtype}"
        )
    return frames[np.linspace(0, len(frames) - 1, n_frames).round().astype(int)]


def _face_box(frame, detector):
    faces = make_detector(detector).detect(frame)
    chosen = choose_face(faces, frame.shape)
    return None if chosen is None else faces.boxes[chosen]


def _nearest_known(boxes):
    """Return the boxes with each None replaced by the nearest one in time; None where all are."""
    known = np.array([i for i, box in enumerate(boxes) if box is not None])
    if not known.size:
        return None
    return [boxes[known[np.abs(known - i).argmin()]] for i in range(len(boxes))]
