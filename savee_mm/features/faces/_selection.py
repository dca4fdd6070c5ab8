"""The frames of a clip to crop, and the face to follow through them."""

import numpy as np

from savee_mm._validation import ClipError
from savee_mm.vision import face_thumbnail, follow_face, link_faces, voice_agreement
from savee_mm.vision.track import n_tracks

# Frames among which the apex is looked for.
_N_COARSE = 16
# Pairs of frames that are compared, and the time between the two (s): part of a syllable.
_N_PAIRS = 48
_GAP = 0.08


def choose_moments(video, strategy, n_frames, detect):
    """Return the moments (s) to look at, None for even distances from the first frame to the last.

    Raises
    ------
    ClipError
        Where the clip does not have what the strategy goes by: a voice, a face.
    """
    if strategy == "energy":
        loudness, times = video.envelope("strategy='energy'", "use strategy='even'")
        if not loudness.any():
            raise ClipError("strategy='energy' goes by the voice, and the sound is silent; use strategy='even'")
        return energy_moments(loudness, times, n_frames)
    if strategy == "apex":
        return _apex_moments(video, n_frames, detect)
    return None


def energy_moments(loudness, times, n):
    """Return the moments in the middle of ``n`` equal shares of the sound's energy.

    Parameters
    ----------
    loudness : ndarray of shape (n_times,)
        RMS in equally long pieces, not all 0.
    times : ndarray of shape (n_times,)
        Middle of each piece (s), ascending.
    n : int
        How many moments.

    Returns
    -------
    moments : ndarray of shape (n,)
        Ascending (s): close together where the voice is loud, none in a silence.
    """
    energy = np.cumsum(np.square(loudness, dtype=np.float64))
    shares = (np.arange(n) + 0.5) / n * energy[-1]
    return times[np.searchsorted(energy, shares)]


def _apex_moments(video, n_frames, detect):
    """Return moments evenly spaced from the first frame to the one whose face differs most from the first face."""

    def look(picture):
        faces = detect(picture)
        landmarks = [None] * len(faces) if faces.landmarks is None else faces.landmarks
        thumbnails = [face_thumbnail(picture, *face) for face in zip(faces.boxes, landmarks, strict=True)]
        return faces, thumbnails, picture.shape

    seen, times = video.map(look, _N_COARSE)
    detections, thumbnails, shapes = zip(*seen, strict=True)
    chosen = follow_face(detections, shapes[0])
    found = [i for i, face in enumerate(chosen) if face is not None]
    if not found:
        return None  # the frames that are looked at next may show one
    faces = np.stack([_contrast(thumbnails[i][chosen[i]]) for i in found])
    change = np.square(faces - faces[0]).mean(axis=(1, 2))
    return np.linspace(times[0], times[found[int(change.argmax())]], n_frames)


def _contrast(thumbnail):
    """Return a thumbnail of mean 0 and deviation 1: a light that changes is no change of the face."""
    centred = thumbnail - thumbnail.mean()
    return centred / max(float(centred.std()), 1e-6)


def speaking_face(video, detections, times, image_shape, detect):
    """Choose in each frame the face whose mouth changes with the voice.

    Parameters
    ----------
    video : VideoFile or FrameArray
        The clip.
    detections : list of Faces
        What is seen in the frames that are wanted.
    times : ndarray of shape (n_frames,)
        Their times (s).
    image_shape : tuple of int
        (height, width, ...) of the frames (pixels).
    detect : callable
        Picture -> Faces.

    Returns
    -------
    chosen : list of int or None
        As :func:`savee_mm.vision.follow_face`. Where no frame shows two faces there is nothing to hear; where the
        sound decides nothing the largest is followed.

    Raises
    ------
    ClipError
        Where there are several faces and no sound.
    """
    if max(map(len, detections)) < 2:
        return follow_face(detections, image_shape)
    envelope, clock = video.envelope("track='voice'", "use track='largest'")
    seen, pair_times = video.map(lambda picture: _look(picture, detect), moments=_pairs(clock))
    # One order of time for both, so that a face has one number in all frames.
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
    """Return the moments (s) of pairs of frames, evenly spaced over the sound: first and second, in turn."""
    gap = min(_GAP, (times[-1] - times[0]) / (_N_PAIRS + 1))  # one pair is over when the next begins
    first = np.linspace(times[0], times[-1] - gap, _N_PAIRS)
    return np.column_stack([first, first + gap]).ravel()


def _look(picture, detect):
    faces = detect(picture)
    return faces, [face_thumbnail(picture, box) for box in faces.boxes]


def _changes(seen, labels, loudness):
    """Return for each track the pairs of frames that show it: the changes of its face and of the loudness."""
    changes = {}
    for i in range(0, len(seen), 2):
        before, after = (dict(zip(labels[j].tolist(), seen[j][1], strict=True)) for j in (i, i + 1))
        for track in before.keys() & after.keys():
            changes.setdefault(track, []).append((after[track] - before[track], loudness[i + 1] - loudness[i]))
    return changes
