"""Choose the frames of a clip, and the face to follow through them."""

import numpy as np

from savee_mm._validation import ClipError
from savee_mm.vision import face_thumbnail, follow_face, link_faces, voice_agreement
from savee_mm.vision.track import n_tracks

# Number of frames in the search for the apex.
_N_COARSE = 16
# Pairs of frames whose mouths are compared, and the time within a pair (s), which is shorter than a syllable.
_N_PAIRS = 48
_GAP = 0.08


def choose_moments(video, strategy, n_frames, detect):
    """Return the times of the frames (s), None for even spacing from the first frame to the last.

    Raises
    ------
    ClipError
        If ``strategy="energy"`` and the clip has no audio, or silence.
    """
    if strategy == "energy":
        loudness, times = video.envelope("strategy='energy'", "use strategy='even'")
        if not loudness.any():
            raise ClipError("strategy='energy' needs a voice, and the audio is silent; use strategy='even'")
        return energy_moments(loudness, times, n_frames)
    if strategy == "apex":
        return _apex_moments(video, n_frames, detect)
    return None


def energy_moments(loudness, times, n):
    """Return the times in the middle of ``n`` parts of equal energy.

    Parameters
    ----------
    loudness : ndarray of shape (n_times,)
        RMS of segments of equal length, not all 0.
    times : ndarray of shape (n_times,)
        Middle of each segment (s), ascending.
    n : int
        Number of parts.

    Returns
    -------
    moments : ndarray of shape (n,)
        Times (s), ascending: dense where the voice is loud, none in silence.
    """
    energy = np.cumsum(np.square(loudness, dtype=np.float64))
    shares = (np.arange(n) + 0.5) / n * energy[-1]
    return times[np.searchsorted(energy, shares)]


def _apex_moments(video, n_frames, detect):
    """Return times evenly spaced from the first frame to the one whose face differs most from the first face."""

    def look(frame):
        faces = detect(frame)
        landmarks = [None] * len(faces) if faces.landmarks is None else faces.landmarks
        thumbnails = [face_thumbnail(frame, *face) for face in zip(faces.boxes, landmarks, strict=True)]
        return faces, thumbnails, frame.shape

    seen, times = video.map(look, _N_COARSE)
    detections, thumbnails, shapes = zip(*seen, strict=True)
    chosen = follow_face(detections, shapes[0])
    found = [i for i, face in enumerate(chosen) if face is not None]
    if not found:
        return None  # the frames that are cropped may show one
    faces = np.stack([_contrast(thumbnails[i][chosen[i]]) for i in found])
    change = np.square(faces - faces[0]).mean(axis=(1, 2))
    return np.linspace(times[0], times[found[int(change.argmax())]], n_frames)


def _contrast(thumbnail):
    """Scale a thumbnail to mean 0 and standard deviation 1, so that changes of light do not count."""
    centred = thumbnail - thumbnail.mean()
    return centred / max(float(centred.std()), 1e-6)


def speaking_face(video, detections, times, image_shape, detect):
    """Choose in each frame the face whose mouth changes with the voice.

    Parameters
    ----------
    video : VideoFile or FrameArray
        The clip.
    detections : list of Faces
        Faces in the frames to crop.
    times : ndarray of shape (n_frames,)
        Times of these frames (s).
    image_shape : tuple of int
        (height, width, ...) of the frames (pixels).
    detect : callable
        Returns the Faces of an image.

    Returns
    -------
    chosen : list of int or None
        As :func:`savee_mm.vision.follow_face`. The audio is only read if a frame shows two faces. If it does not
        decide, the largest face is followed.

    Raises
    ------
    ClipError
        If there are several faces and no audio.
    """
    if max(map(len, detections)) < 2:
        return follow_face(detections, image_shape)
    envelope, clock = video.envelope("track='voice'", "use track='largest'")
    seen, pair_times = video.map(lambda frame: _look(frame, detect), moments=_pairs(clock))
    # Sort both kinds of frames by time, so that a face has one track in all of them.
    order = np.argsort(np.concatenate([times, pair_times]), kind="stable")
    every = [*detections, *(faces for faces, _ in seen)]
    in_order = [every[i] for i in order]
    places = np.argsort(order)
    labels = link_faces(in_order)
    loudness = np.interp(pair_times, clock, envelope)
    changes = _changes(seen, [labels[place] for place in places[len(detections) :]], loudness)
    weights = [_agreement(changes.get(track, [])) for track in range(n_tracks(labels))]
    if max(weights) == -1:
        return follow_face(detections, image_shape)
    chosen = follow_face(in_order, image_shape, weights)
    return [chosen[place] for place in places[: len(detections)]]


def _agreement(pairs):
    return voice_agreement(np.array([change for change, _ in pairs]), np.array([louder for _, louder in pairs]))


def _pairs(times):
    """Return the times (s) of pairs of frames, evenly spaced over the audio: first, second, first, second..."""
    gap = min(_GAP, (times[-1] - times[0]) / (_N_PAIRS + 1))  # pairs do not overlap
    first = np.linspace(times[0], times[-1] - gap, _N_PAIRS)
    return np.column_stack([first, first + gap]).ravel()


def _look(frame, detect):
    faces = detect(frame)
    return faces, [face_thumbnail(frame, box) for box in faces.boxes]


def _changes(seen, labels, loudness):
    """Return for each track (change of the face, change of the loudness) in the pairs that show it."""
    changes = {}
    for i in range(0, len(seen), 2):
        before, after = (dict(zip(labels[j].tolist(), seen[j][1], strict=True)) for j in (i, i + 1))
        for track in before.keys() & after.keys():
            changes.setdefault(track, []).append((after[track] - before[track], loudness[i + 1] - loudness[i]))
    return changes
