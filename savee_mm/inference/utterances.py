"""Utterances of the people in a recording: speech by voicing, speakers by the motion of their mouths."""

from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from savee_mm.inference._events import read_events, recording_start
from savee_mm.inference.windows import cut, drop_before
from savee_mm.signal import pitch
from savee_mm.vision.mouth import mouth_motion

OFF_SCREEN = "off screen"
"""Name of a speaker whose face is not found."""

_STEP = 0.05  # s, grid of the decisions
_BLOCK = 20.0  # s of sound whose pitch is computed at once
_PITCH_STEP = 0.01  # s
_VOICED_SHARE = 0.15  # of the frames around a moment, above which there is speech
_REACH = 0.2  # s around a moment
_MOUTH_WINDOW = 1.4  # s, a few syllables
_VISIBLE = 0.15  # s to the nearest detection of a visible face
# Motion above which a second person speaks as well: between the motion in silence (0) and in speech (1), logarithmic.
_SPEAKS = 0.6
_PAUSE, _SHORTEST, _LONGEST = 0.3, 0.3, 15.0  # s; utterances are joined over shorter pauses, dropped, split


@dataclass(frozen=True)
class Utterance:
    """Speech of one person without a pause: the name, start and end (s since the start of the recording)."""

    person: str
    start: float
    end: float


def find_utterances(path, people):
    """Find who speaks when.

    Parameters
    ----------
    path : path-like
        The recording.
    people : sequence of Person
        From :func:`~savee_mm.find_people`, at ten frames per second or more.

    Returns
    -------
    utterances : list of Utterance
        In the order of their starts; those of several people may overlap. Speech of a person who is not visible has the
        person ``"off screen"``.

    Raises
    ------
    ClipError
        If the recording has no audio.

    Notes
    -----
    There is speech where the sound is voiced. Of the visible people, the one whose mouth moves most, relative to its
    own motion without speech and in speech, is a speaker; others are as well if their mouths move nearly as much as in
    their speech.
    """
    voiced = _voiced(path)
    grid = np.arange(len(voiced)) * _STEP
    motion = np.array([_relative_motion(person, grid, voiced) for person in people]).reshape(len(people), len(grid))
    speaks = motion > _SPEAKS
    visible = np.isfinite(motion)
    if len(people):
        speaks[motion.argmax(axis=0), np.arange(len(grid))] = True
    speaks &= voiced & visible
    names = [person.name for person in people]
    utterances = [each for name, row in zip(names, speaks, strict=True) for each in _runs(name, row)]
    utterances += _runs(OFF_SCREEN, voiced & ~visible.any(axis=0))
    return sorted(utterances, key=lambda utterance: (utterance.start, utterance.end))


def _voiced(path):
    """Return whether there is speech at each moment of the grid."""
    origin = recording_start(path)
    shares = []
    for start, samples, sr in _blocks(path):
        f0, times = pitch(samples, sr, time_step=_PITCH_STEP)
        shares.append(np.column_stack([times + start - origin, f0 > 0]))
    times, is_voiced = np.concatenate(shares or [np.empty((0, 2))]).T
    if not len(times):
        return np.zeros(0, bool)
    # Number of voiced frames up to each moment.
    count = np.concatenate([[0], np.cumsum(is_voiced)])
    grid = np.arange(int(times[-1] / _STEP) + 2) * _STEP
    low, high = np.searchsorted(times, grid - _REACH), np.searchsorted(times, grid + _REACH)
    return (count[high] - count[low]) > _VOICED_SHARE * 2 * _REACH / _PITCH_STEP


def _blocks(path):
    """Yield time (s), samples and sample rate of blocks of the sound."""
    held = []
    for piece in read_events(path, ["audio"], None):
        if held and (piece.sr != held[0].sr or piece.end - held[0].time > _BLOCK):
            yield held[0].time, np.concatenate([each.samples for each in held]), held[0].sr
            held = []
        held.append(piece)
    if held:
        yield held[0].time, np.concatenate([each.samples for each in held]), held[0].sr


def _relative_motion(person, grid, voiced):
    """Return the motion of a mouth: 0 as without speech, 1 as in speech; -inf where the face is not visible."""
    known = ~np.isnan(person.changes[:, 0, 0])
    motion = np.full(len(grid), -np.inf)
    if not known.any():
        return motion
    moved = mouth_motion(person.changes[known])
    times = person.times[known]
    count = np.concatenate([[0], np.cumsum(moved)])
    low = np.searchsorted(times, grid - _MOUTH_WINDOW / 2)
    high = np.searchsorted(times, grid + _MOUTH_WINDOW / 2, side="right")
    near = np.searchsorted(person.times, grid + _VISIBLE) > np.searchsorted(person.times, grid - _VISIBLE)
    visible = near & (high > low)
    mean = (count[high] - count[low])[visible] / (high - low)[visible]
    silent = ~voiced[np.clip((times / _STEP).round().astype(int), 0, len(voiced) - 1)]
    rest = max(np.median(moved[silent] if silent.sum() > 5 else moved), 1 / 255)
    spoken = mean[voiced[visible]]
    most = max(np.quantile(spoken, 0.9) / rest if spoken.size else 1.0, 1.5)
    motion[visible] = np.log(np.maximum(mean / rest, 1e-3)) / np.log(most)
    return motion


def _runs(name, mask):
    """Return the utterances of a mask over the grid."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]]))).reshape(-1, 2) * _STEP
    joined: list[list[float]] = []
    for start, end in edges:
        if joined and start - joined[-1][1] < _PAUSE:
            joined[-1][1] = float(end)
        else:
            joined.append([float(start), float(end)])
    parts = []
    for start, end in joined:
        limits = np.linspace(start, end, 1 + int(np.ceil((end - start) / _LONGEST)))
        parts += [Utterance(name, float(a), float(b)) for a, b in pairwise(limits)]
    return [part for part in parts if part.end - part.start > _SHORTEST]


def utterance_windows(events, utterances, people, origin):
    """Cut events into the windows of utterances.

    Parameters
    ----------
    events : iterable of Sound or Frame
        In the order of their times.
    utterances : list of Utterance
        In the order of their starts.
    people : sequence of Person
        For the places of faces: frames are cropped to the surroundings of the speaker's face.
    origin : float
        Time of the events from which utterances and people count (s).

    Yields
    ------
    utterance : Utterance
    window : Window
        Its sound and frames.
    """
    places = {person.name: person for person in people}
    waiting, open_, held = deque(utterances), [], deque()
    for event in events:
        now = event.time - origin
        while waiting and waiting[0].start <= now:
            open_.append(waiting.popleft())
        for utterance in [each for each in open_ if each.end <= now]:
            yield utterance, _around(cut(held, origin, utterance.start, utterance.end, now), utterance, places)
            open_.remove(utterance)
        held.append(event)
        drop_before(held, origin + min([each.start for each in open_], default=now))
    for utterance in open_:
        yield utterance, _around(cut(held, origin, utterance.start, utterance.end, utterance.end), utterance, places)


def _around(window, utterance, places):
    """Return a window whose frames show the surroundings of the speaker's face only; none if it is not visible."""
    person = places.get(utterance.person)
    if person is None:
        return replace(window, frames=[])
    during = (person.times >= utterance.start - _REACH) & (person.times <= utterance.end + _REACH)
    if not during.any() or not window.frames:
        return replace(window, frames=[])
    boxes = person.boxes[during]
    low, high = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    margin = 0.4 * np.median(boxes[:, 2:], axis=0)
    height, width = window.frames[0][1].shape[:2]
    left, top = np.maximum(np.floor((low - margin) * (width, height)), 0).astype(int)
    right, bottom = np.ceil((high + margin) * (width, height)).astype(int)
    return replace(window, frames=[(time, image[top:bottom, left:right]) for time, image in window.frames])
