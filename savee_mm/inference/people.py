"""The people in a recording: their faces over time, across cuts and absences."""

import os
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from savee_mm.inference._events import first_times, read_events, recording_start
from savee_mm.vision import crop_face, make_detector, resolve_detector
from savee_mm.vision.mouth import face_change
from savee_mm.vision.track import match_boxes

_CROP, _MARGIN = (96, 96), 0.3
_CROP_STEP = 1.0  # s between the crops that are kept for display
_CUT = 20.0  # mean difference of two frames of 16 x 16 pixels, of 255, above which the shot changes
_ABSENCE = 0.5  # s without a face, after which a track ends
# RMS difference of two appearances, of 1, above which they are of two people: of a face and its track, which varies
# with the expression, and of two tracks.
_OTHER_FACE, _OTHER_TRACK = 0.075, 0.055
_MIN_FACES = 3
_UNKNOWN = np.full((32, 32), np.nan, np.float16)


@dataclass(frozen=True)
class Person:
    """The face of one person over a recording.

    Parameters
    ----------
    name : str
        ``"person 1"``, ``"person 2"`` ..., in the order of appearance.
    times : ndarray of shape (n_faces,)
        When the face was found (s since the start of the recording).
    boxes : ndarray of shape (n_faces, 4)
        x and y of the upper left corner, width, height, as fractions of the width and height of the image.
    changes : ndarray of shape (n_faces, 32, 32), float16
        Change of the grey levels (from 0 to 1) since the frame before; NaN at the beginning of an appearance.
    crops : list of (float, ndarray)
        Times (s) and colour images of shape (96, 96, 3), uint8, at least a second apart.
    """

    name: str
    times: np.ndarray
    boxes: np.ndarray
    changes: np.ndarray
    crops: list


def find_people(
    path: str | os.PathLike[str],
    *,
    fps: float = 10.0,
    detector: Literal["auto", "yunet", "ssd", "lbp"] = "auto",
) -> list[Person]:
    """Find the people in a recording, each with all appearances of the face.

    Parameters
    ----------
    path : path-like
        A video of any length; it is decoded once.
    fps : float, default=10.0
        Maximum number of frames per second in which faces are detected.
    detector : {"auto", "yunet", "ssd", "lbp"}, default="auto"
        Face detector, see :class:`FaceFrameSampler`.

    Returns
    -------
    people : list of Person
        In the order of appearance; empty for a file without frames or faces.

    Raises
    ------
    ClipError
        If the file cannot be read to its end.

    Notes
    -----
    Boxes are linked from frame to frame until a cut, or until the face is absent for half a second. The pieces are
    joined by the appearance of the crops (colours at low resolution), never two that are in one frame. So a person is
    recognised after a cut or an absence if hair, skin and light stay similar; this is no face recognition, and a
    person who returns in other light becomes a new one.
    """
    if "video" not in first_times(path):
        return []
    tracker = _Tracker(make_detector(resolve_detector(detector)).detect, recording_start(path))
    for frame in read_events(path, ["video"], fps):
        tracker.add(frame)
    return [track.as_person(f"person {i + 1}") for i, track in enumerate(_join(tracker.tracks))]


class _Track:
    """The face of a person without interruption."""

    def __init__(self):
        self.times, self.boxes, self.changes, self.crops = [], [], [], []
        self._sum = 0.0  # of the appearances
        self.box = None  # the last one, in pixels
        self.shot = None

    def add(self, time, image, box, signature, change, shot):
        height, width = image.shape[:2]
        self.box, self.shot = box, shot
        self.times.append(time)
        self.boxes.append(box / (width, height, width, height))
        self.changes.append(change)
        self._sum = self._sum + signature.astype(np.float64)
        if not self.crops or time - self.crops[-1][0] >= _CROP_STEP:
            self.crops.append((time, np.uint8(255 * crop_face(image, box, size=_CROP, margin=_MARGIN))))

    @property
    def signature(self):
        """Mean appearance."""
        return self._sum / len(self.times)

    def extend(self, other):
        """Append a later track of the same person."""
        for name in ("times", "boxes", "changes", "crops"):
            getattr(self, name).extend(getattr(other, name))
        self._sum = self._sum + other._sum

    def as_person(self, name):
        return Person(name, *(np.array(part) for part in (self.times, self.boxes, self.changes)), self.crops)


class _Tracker:
    """Link the faces of the frames of a recording to tracks."""

    def __init__(self, detect, origin):
        self.tracks = []
        self._active = []
        self._detect = detect
        self._origin = origin
        self._last = self._last_image = self._last_time = None
        self._shot = 0

    def add(self, frame):
        """Add the faces of the next Frame."""
        small = cv2.resize(frame.pixels, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32)
        if self._last is not None and (self._last.shape != small.shape or np.abs(small - self._last).mean() > _CUT):
            self._shot += 1
        self._last = small
        time, boxes = frame.time - self._origin, self._detect(frame.pixels).boxes
        active = [track for track in self._active if track.shot == self._shot and time - track.times[-1] < _ABSENCE]
        self._active = active.copy()
        last = np.array([track.box for track in active]).reshape(-1, 4)
        for box, index in zip(boxes, match_boxes(last, boxes), strict=True):
            signature = appearance(frame.pixels, box)
            track, change = active[index] if index >= 0 else None, _UNKNOWN
            if track is None or _distance(track.signature, signature) > _OTHER_FACE:
                track = _Track()
                self.tracks.append(track)
                self._active.append(track)
            elif track.times[-1] == self._last_time:
                change = face_change(self._last_image, frame.pixels, track.box)
            track.add(time, frame.pixels, box, signature, change, self._shot)
        self._last_image, self._last_time = frame.pixels, time


def appearance(image, box):
    """Return the colours of a face and its hair at low resolution, of shape (8, 8, 3), float32, in [0, 1]."""
    return crop_face(image, box, size=(8, 8), margin=2 * _MARGIN)


def _distance(a, b):
    """Return the RMS difference of two appearances."""
    return float(np.sqrt(np.mean(np.square(a - b))))


def _join(tracks):
    """Join the tracks of each person; tracks of fewer than three frames are false detections."""
    people, moments = [], []
    for track in tracks:
        if len(track.times) < _MIN_FACES:
            continue
        distances = [
            np.inf if not seen.isdisjoint(track.times) else _distance(person.signature, track.signature)
            for person, seen in zip(people, moments, strict=True)
        ]
        if distances and min(distances) < _OTHER_TRACK:
            nearest = int(np.argmin(distances))
            people[nearest].extend(track)
            moments[nearest].update(track.times)
        else:
            people.append(track)
            moments.append(set(track.times))
    return people
