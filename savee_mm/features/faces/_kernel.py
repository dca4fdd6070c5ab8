"""The kernel of FaceFrameSampler: one clip -> the crops of one face, and where they were taken."""

import numpy as np

from savee_mm._validation import ClipError
from savee_mm.features.faces._selection import choose_moments, speaking_face
from savee_mm.features.faces._track import FaceTrack
from savee_mm.media import map_frames, read_envelope
from savee_mm.vision import align_face, crop_face, crop_transform, follow_face, make_detector, map_points, steady_eyes

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def face_track(source, *, n_frames, size, strategy, detector, weights, align, margin, color, track, on_no_face):
    """Return the packed FaceTrack of one clip.

    Parameters
    ----------
    source : str or ndarray of shape (n, height, width, 3), uint8
        Path of a video, or its frames.
    weights : tuple of LocalWeights
        The detector's files; none where it needs none.
    n_frames, size, strategy, detector, align, margin, color, track, on_no_face
        As in FaceFrameSampler.

    Returns
    -------
    packed : ndarray of shape (packed_length,), float32

    Raises
    ------
    ClipError
        Where the clip cannot be used.
    """
    detect = make_detector(detector, [file.path for file in weights] or None).detect
    video = open_source(source)
    moments = choose_moments(video, strategy, n_frames, detect)
    # A crop around the box needs no exact landmarks; the voice may be that of a smaller face than is found without.
    exact = align == "eyes" or track == "voice"
    seen, times = video.map(lambda picture: (picture, detect(picture, landmarks=exact)), n_frames, moments)
    pictures, detections = zip(*seen, strict=True)
    if track == "voice":
        chosen = speaking_face(video, detections, times, pictures[0].shape, detect)
    else:
        chosen = follow_face(detections, pictures[0].shape)
    missing = [video.name(time) for time, face in zip(times, chosen, strict=True) if face is None]
    _check_found(missing, n_frames, detector, on_no_face)
    views = [None if i is None else _View(detections[i], chosen[i]) for i in _donors(chosen, on_no_face)]
    if align == "eyes":
        _steady(views)
    cut = [
        _blank(size) if view is None else view.cut(picture, align=align, size=size, margin=margin)
        for picture, view in zip(pictures, views, strict=True)
    ]
    crops, boxes, landmarks = (np.stack(parts) for parts in zip(*cut, strict=True))
    found = np.array([face is not None for face in chosen])
    confidence = [
        np.nan if face is None else faces.scores[face] for faces, face in zip(detections, chosen, strict=True)
    ]
    return FaceTrack(_colored(crops, color), times, boxes, np.array(confidence), landmarks, found).pack()


class _View:
    """One face as a detector found it, to be cut out of a frame: its own, or one that borrows it."""

    def __init__(self, faces, index):
        self.box = faces.boxes[index]
        self.landmarks = np.full((5, 2), np.nan) if faces.landmarks is None else faces.landmarks[index]
        self.eyes = None  # of all views of a clip at once, where crops are aligned by them

    def cut(self, picture, *, align, size, margin):
        """Return the crop, the box, and the landmarks in pixels of the crop."""
        if align == "eyes":
            crop, transform = align_face(picture, self.eyes, size=size, margin=margin)
        else:
            crop = crop_face(picture, self.box, size=size, margin=margin)
            transform = crop_transform(self.box, size=size, margin=margin)
        return crop, self.box, map_points(transform, self.landmarks)


def _steady(views):
    """Give the eyes of all views one distance and one direction."""
    views = [view for view in views if view is not None]
    for view, eyes in zip(views, steady_eyes([view.landmarks for view in views]), strict=True):
        view.eyes = eyes


def _blank(size):
    """Return what stands for a frame without a face: black, and nowhere."""
    return np.zeros((*size, 3), np.float32), np.full(4, np.nan), np.full((5, 2), np.nan)


def _check_found(missing, n_frames, detector, on_no_face):
    """Raise ClipError where no frame has a face, or with ``on_no_face="raise"`` where one has none."""
    if len(missing) == n_frames:
        raise ClipError(
            f'no face found by {detector!r} in any of {n_frames} frames; try another detector, or on_error="fill"'
        )
    if missing and on_no_face == "raise":
        raise ClipError(
            f'no face found by {detector!r} {", ".join(missing)}; try another detector, or on_no_face="carry" to '
            "borrow the box of the nearest frame"
        )


def _donors(chosen, on_no_face):
    """Return for each frame the one whose face is cut out: itself, else the nearest with a face, or None."""
    known = np.array([i for i, face in enumerate(chosen) if face is not None])
    if on_no_face == "mask":
        return [None if face is None else i for i, face in enumerate(chosen)]
    return [known[np.abs(known - i).argmin()] for i in range(len(chosen))]


def _colored(crops, color):
    return (crops @ _LUMA)[..., np.newaxis] if color == "gray" else crops


def open_source(source):
    """Return the VideoFile or FrameArray that a clip is."""
    return VideoFile(source) if isinstance(source, str) else FrameArray(source)


class VideoFile:
    """A video by its path."""

    def __init__(self, path):
        self.path = path

    def map(self, function, n_frames=None, moments=None):
        """Apply a function to frames at even distances, or at ``moments`` (s); return the results and the times (s)."""
        return map_frames(function, self.path, n_frames, times=moments)

    def envelope(self, parameter, instead):
        """Return the loudness of the clip's sound, and its times (s).

        Raises
        ------
        ClipError
            Where there is none; says which parameter asks for it and what to do ``instead``.
        """
        try:
            return read_envelope(self.path)
        except ClipError as error:
            raise ClipError(
                f"{parameter} listens to the sound of the video, and: {error.reason}; or {instead}"
            ) from error

    @staticmethod
    def name(time):
        """Say at what time a frame is."""
        return f"at {time:.3f} s"


class FrameArray:
    """A video that was passed as an array of frames: the clock counts frames, and there is no sound."""

    def __init__(self, frames):
        if frames.dtype != np.uint8 or frames.shape[-1] != 3 or not frames.size:
            raise ClipError(
                "expected frames of shape (n_frames, height, width, 3) and type uint8 (RGB), got "
                f"{frames.shape} and {frames.dtype}"
            )
        self.frames = frames

    def map(self, function, n_frames=None, moments=None):
        """Apply a function to evenly spaced frames, or to those with the numbers ``moments``."""
        last = len(self.frames) - 1
        places = np.linspace(0, last, n_frames) if moments is None else np.clip(moments, 0, last)
        places = places.round().astype(int)
        results = {place: function(self.frames[place]) for place in dict.fromkeys(places.tolist())}
        return [results[place] for place in places.tolist()], places.astype(np.float64)

    def envelope(self, parameter, instead):
        """Raise ClipError: an array of frames has no sound."""
        raise ClipError(
            f"{parameter} listens to the sound of the video, and an array of frames has none; pass a path, or {instead}"
        )

    @staticmethod
    def name(time):
        """Say which frame it is."""
        return f"in frame {time:.0f}"
