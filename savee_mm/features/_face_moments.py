"""The moments at which FaceFrameSampler looks at a clip."""

import numpy as np

from savee_mm._validation import ClipError
from savee_mm.vision import face_thumbnail, follow_face

# Frames among which the apex is looked for.
_N_COARSE = 16


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
