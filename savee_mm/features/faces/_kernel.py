"""The kernel of FaceFrameSampler: crops of one face from one clip, and their positions."""

from functools import partial

import numpy as np

from savee_mm._missing import DARK, is_dark
from savee_mm._validation import ClipError
from savee_mm.features.faces._selection import choose_moments, speaking_face
from savee_mm.features.faces._track import FaceTrack
from savee_mm.media import map_frames, read_envelope
from savee_mm.vision import align_face, crop_face, crop_transform, follow_face, make_detector, map_points, steady_eyes
from savee_mm.vision.align import eye_angle, turn_landmarks

# Frames in which landmarks are refined. One is enough if it changes the eye line by less than this angle (rad).
_N_REFINED, _UPRIGHT = 2, np.deg2rad(2.5)


def face_track(source, *, n_frames, size, strategy, detector, weights, align, margin, track, on_no_face):
    """Return the packed FaceTrack of one clip.

    Parameters
    ----------
    source : str, Segment or ndarray of shape (n, height, width, 3), uint8
        Path of a video, part of a video, or its frames.
    weights : tuple of LocalWeights
        Files of the detector; empty if it needs none.
    n_frames, size, strategy, detector, align, margin, track, on_no_face
        As in FaceFrameSampler.

    Returns
    -------
    packed : ndarray of shape (packed_length,), uint8

    Raises
    ------
    ClipError
        If the clip cannot be used.
    """
    network = make_detector(detector, [file.path for file in weights] or None)
    detect = partial(network.detect, refine=False)
    video = open_source(source)
    moments = choose_moments(video, strategy, n_frames, detect)
    # Centred crops need no exact landmarks. The speaker may have a smaller face than the fast search finds.
    exact = align == "eyes" or track == "voice"
    results, times = video.map(lambda frame: (frame, detect(frame, landmarks=exact)), n_frames, moments)
    frames, detections = zip(*results, strict=True)
    if track == "voice":
        chosen = speaking_face(video, detections, times, frames[0].shape, detect)
    else:
        chosen = follow_face(detections, frames[0].shape)
    missing = [video.name(time) for time, face in zip(times, chosen, strict=True) if face is None]
    if len(missing) == n_frames and is_dark(frames):
        raise ClipError(DARK)
    _check_found(missing, n_frames, detector, on_no_face)
    views = [None if i is None else _View(frames[i], detections[i], chosen[i]) for i in _donors(chosen, on_no_face)]
    if align == "eyes":
        _align_eyes([view for view in views if view is not None], network)
    cut = [
        _blank(size) if view is None else view.crop(frame, align=align, size=size, margin=margin)
        for frame, view in zip(frames, views, strict=True)
    ]
    crops, boxes, landmarks = (np.stack(parts) for parts in zip(*cut, strict=True))
    found = np.array([face is not None for face in chosen])
    confidence = [
        np.nan if face is None else faces.scores[face] for faces, face in zip(detections, chosen, strict=True)
    ]
    return FaceTrack(crops, times, boxes, np.array(confidence), landmarks, found).pack()


class _View:
    """A detected face, cropped from its own frame or from a frame that borrows its box."""

    def __init__(self, frame, faces, index):
        self.detection = frame, faces, index
        self.box = faces.boxes[index]
        self.landmarks = np.full((5, 2), np.nan) if faces.landmarks is None else faces.landmarks[index]
        self.eyes = None  # set for all views of a clip together, with align="eyes"

    def crop(self, frame, *, align, size, margin):
        """Return the crop, the box, and the landmarks (pixels of the crop)."""
        if align == "eyes":
            crop, transform = align_face(frame, self.eyes, size=size, margin=margin)
        else:
            crop = crop_face(frame, self.box, size=size, margin=margin)
            transform = crop_transform(self.box, size=size, margin=margin)
        return crop, self.box, map_points(transform, self.landmarks)


def _align_eyes(views, network):
    """Set the eyes of all views to one distance and one direction, that of refined landmarks in typical frames."""
    landmarks = np.stack([view.landmarks for view in views])
    across = landmarks[:, 1] - landmarks[:, 0]
    typical = np.linalg.norm(across - np.median(across, axis=0), axis=1).argsort(kind="stable")[:_N_REFINED]
    refined = []
    for i in typical:
        refined.append(network.refine(*views[i].detection))
        if abs(eye_angle(refined[0]) - eye_angle(landmarks[typical[0]])) < _UPRIGHT:
            break
    landmarks = turn_landmarks(landmarks, landmarks[typical[: len(refined)]], np.stack(refined))
    for view, points, eyes in zip(views, landmarks, steady_eyes(landmarks), strict=True):
        view.landmarks, view.eyes = points, eyes


def _blank(size):
    """Return a black crop with a missing box and missing landmarks."""
    return np.zeros((*size, 3), np.float32), np.full(4, np.nan), np.full((5, 2), np.nan)


def _check_found(missing, n_frames, detector, on_no_face):
    """Raise ClipError if no frame has a face, or with ``on_no_face="raise"`` if any frame has none."""
    if len(missing) == n_frames:
        raise ClipError(
            f'no face found by {detector!r} in any of {n_frames} frames; try another detector, or on_error="fill"'
        )
    if missing and on_no_face == "raise":
        raise ClipError(
            f'no face found by {detector!r} {", ".join(missing)}; try another detector, or on_no_face="carry" to '
            "use the box of the nearest frame"
        )


def _donors(chosen, on_no_face):
    """Return for each frame the index of the frame whose box it uses: its own, the nearest with a face, or None."""
    known = np.array([i for i, face in enumerate(chosen) if face is not None])
    if on_no_face == "mask":
        return [None if face is None else i for i, face in enumerate(chosen)]
    return [known[np.abs(known - i).argmin()] for i in range(len(chosen))]


def open_source(source):
    """Return a VideoFile for a path or a Segment, a FrameArray for an array."""
    return FrameArray(source) if isinstance(source, np.ndarray) else VideoFile(source)


class VideoFile:
    """Frames and audio of a video file, or of a Segment of it."""

    def __init__(self, path):
        self.path = path

    def map(self, function, n_frames=None, moments=None):
        """Apply a function to evenly spaced frames, or to those at ``moments`` (s); return results and times (s)."""
        return map_frames(function, self.path, n_frames, times=moments)

    def envelope(self, parameter, instead):
        """Return the RMS envelope of the audio and its times (s).

        Raises
        ------
        ClipError
            If the video has no audio; names the parameter that needs it and what to use ``instead``.
        """
        try:
            return read_envelope(self.path)
        except ClipError as error:
            raise ClipError(f"{parameter} needs the audio of the video: {error.reason}; or {instead}") from error

    @staticmethod
    def name(time):
        """Return the time of a frame as text."""
        return f"at {time:.3f} s"


class FrameArray:
    """Frames passed as an array, without audio; the times are frame numbers."""

    def __init__(self, frames):
        if frames.dtype != np.uint8 or frames.shape[-1] != 3 or not frames.size:
            raise ClipError(
                "expected frames of shape (n_frames, height, width, 3) and type uint8 (RGB), got "
                f"{frames.shape} and {frames.dtype}"
            )
        self.frames = frames

    def map(self, function, n_frames=None, moments=None):
        """Apply a function to evenly spaced frames, or to those numbered ``moments``; return results and numbers."""
        last = len(self.frames) - 1
        places = np.linspace(0, last, n_frames) if moments is None else np.clip(moments, 0, last)
        places = places.round().astype(int)
        results = {place: function(self.frames[place]) for place in dict.fromkeys(places.tolist())}
        return [results[place] for place in places.tolist()], places.astype(np.float64)

    def envelope(self, parameter, instead):
        """Raise ClipError, since an array of frames has no audio."""
        raise ClipError(
            f"{parameter} needs the audio of the video, and an array of frames has none; pass a path, or {instead}"
        )

    @staticmethod
    def name(time):
        """Return the number of a frame as text."""
        return f"in frame {time:.0f}"
