"""Sliding windows over sound and frames, and the predictions for them."""

import math
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from pathlib import Path

import av
import numpy as np
import pandas as pd
import soundfile

from savee_mm._missing import SILENT, is_silent, missing_reason
from savee_mm._validation import ClipError
from savee_mm.inference._events import Sound
from savee_mm.inference.files import (
    allows_missing,
    check_model,
    missing_note,
    modalities_read,
    predict_clip,
    without_cache,
)
from savee_mm.signal import pitch

_EPS = 1e-6
_NO_SOUND = np.empty(0, np.float32)
_PITCH_STEP = 0.01  # s
# A window that is this much quieter (dB) than the loudest one so far is a pause.
_PAUSE_LEVEL = -35.0
_TICKS = 10_000  # of a window's video clock, per second


@dataclass(frozen=True)
class Window:
    """Sound and frames of one window.

    Attributes
    ----------
    start, end : float
        Since the start of the recording (s).
    samples : ndarray of shape (n_samples,)
        Its sound, empty if there is none.
    sr : float or None
        Sample rate (Hz).
    frames : list of (float, ndarray)
        Times since ``start`` (s) and images.
    seen : float
        Time of the event that showed that the window is over (s).
    """

    start: float
    end: float
    samples: np.ndarray
    sr: float | None
    frames: list
    seen: float


@dataclass(frozen=True)
class WindowPrediction:
    """Prediction for one window of a recording.

    Attributes
    ----------
    start, end : float
        Since the start of the recording (s), as media players show it. Streams without sound start with the first
        frame.
    probabilities : Series of float
        By emotion; NaN if the window is not predicted.
    emotion : str or None
        The most probable emotion; None if the window is not predicted, or its probability is below
        ``min_confidence``.
    note : str
        Why there is no emotion, or which modality the model predicted without; empty otherwise.
    delay : float
        From the end of the window to its prediction (s): the wait for the next sound or frame, and the computation.
    person : str
        Who speaks, from :meth:`EmotionTimeline.utterances`; empty otherwise.
    """

    start: float
    end: float
    probabilities: pd.Series
    emotion: str | None
    note: str
    delay: float
    person: str = ""

    @property
    def confidence(self):
        """Probability of the most probable emotion, NaN if the window is not predicted."""
        return float(self.probabilities.max())


def slide(events, window, hop, origin=None):
    """Cut events into windows.

    Parameters
    ----------
    events : iterable of Sound or Frame
        In the order of their times.
    window, hop : float
        Length of a window, and from the start of one to the start of the next (s).
    origin : float, default=None
        Time of the events at which the first window starts (s); None for that of the first event.

    Yields
    ------
    window : Window
        Each as soon as an event at or after its end arrives. The last one ends with the recording; it is yielded if
        it adds more than half a hop. Only events of the current window are kept.
    """
    held, number, end = deque(), 0, None
    for event in events:
        origin = event.time if origin is None else origin
        now = event.time - origin
        while now >= number * hop + window - _EPS:
            yield cut(held, origin, number * hop, number * hop + window, now)
            number += 1
            drop_before(held, origin + number * hop)
        held.append(event)
        end = max(end or 0.0, event.end - origin)
    if end is None:
        return
    while end >= number * hop + window - _EPS:
        yield cut(held, origin, number * hop, number * hop + window, end)
        number += 1
    covered = (number - 1) * hop + window if number else 0.0
    if number == 0 or end - covered > hop / 2:
        yield cut(held, origin, number * hop, end, end)


def cut(held, origin, start, end, seen):
    """Return the window between two times (s since ``origin``) of the events that are held."""
    first, last = origin + start - _EPS, origin + end - _EPS
    samples, sr, frames = [], None, []
    for event in held:
        if isinstance(event, Sound):
            sr = event.sr
            places = (round((time - event.time) * sr) for time in (first, last))
            samples.append(event.samples[slice(*(max(0, place) for place in places))])
        elif first <= event.time < last or start == end:
            frames.append((event.time - origin - start, event.pixels))
    return Window(start, end, np.concatenate(samples) if samples else _NO_SOUND, sr, frames, seen)


def drop_before(held, time):
    """Drop the events that end before a time."""
    while held and max(held[0].end, held[0].time) < time - _EPS:
        held.popleft()


class WindowClassifier:
    """Classify windows: skip pauses, predict, abstain below ``min_confidence``.

    A context manager: the current window is written to a temporary folder, which is removed at exit.

    Parameters
    ----------
    model : estimator
        Fitted classifier over the clip table.
    min_voice : float
        Voiced time (s) below which a window is a pause, if the model reads sound.
    min_confidence : float
        Probability below which no emotion is named.
    has_sound : bool, default=False
        Whether the recording is known to hold sound. Otherwise silence is not a pause before the first sound, because
        the recording may be muted.
    missing : dict of str to str, default=None
        Modalities that the whole recording lacks, with the reasons.
    """

    def __init__(self, model, *, min_voice, min_confidence, has_sound=False, missing=None):
        self.modalities = modalities_read(model)
        self._model = without_cache(model)
        self._names = [str(label) for label in model.classes_]
        self._min_voice = min_voice
        self._min_confidence = min_confidence
        self._allows_missing = allows_missing(model)
        self._has_sound = has_sound
        self._missing = missing or {}
        self._loudest = 0.0
        self._folder = tempfile.TemporaryDirectory(prefix="savee_mm_")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def __call__(self, window):
        """Return the WindowPrediction of a Window."""
        began = time.perf_counter()
        probabilities, note = self._predict(window)
        emotion = None
        if probabilities.notna().all():
            emotion, note = decide(probabilities, self._min_confidence, note)
        waited = max(0.0, window.seen - window.end)
        delay = waited + time.perf_counter() - began
        return WindowPrediction(window.start, window.end, probabilities, emotion, note, delay)

    def _predict(self, window):
        if self._is_pause(window):
            return self._blank(), "pause"
        paths = write_window(Path(self._folder.name), window, self.modalities)
        missing = self._missing_modalities(window, paths)
        if missing and (len(missing) == len(self.modalities) or not self._allows_missing):
            return self._blank(), "; ".join(missing.values())
        clip = {name: path for name, path in paths.items() if name not in missing}
        notes = [missing_note(name, reason) for name, reason in missing.items()]
        try:
            p, note = predict_clip(self._model, {"clip_id": f"{window.start:.2f}-{window.end:.2f} s", **clip})
        except ClipError as error:
            return self._blank(), "; ".join([*notes, error.reason])
        return p, "; ".join(filter(None, [*notes, note]))

    def _missing_modalities(self, window, paths):
        """Return the modalities that a window lacks, with the reasons."""
        missing = {
            name: self._missing.get(name, missing_reason(name, "none in this window"))
            for name in self.modalities
            if name not in paths
        }
        if "audio" in paths and is_silent(window.samples):
            missing["audio"] = SILENT
        return missing

    def _is_pause(self, window):
        """Return whether the model reads sound, the recording has sound, and the window has hardly any voice."""
        if "audio" not in self.modalities or window.sr is None:
            return False
        # Frames of 20 ms: a window with a short loud sound is not a pause.
        n = max(1, round(0.02 * window.sr))
        frames = window.samples[: len(window.samples) // n * n].reshape(-1, n).astype(np.float64)
        level = frames.var(axis=1).max(initial=0.0)
        self._loudest = max(self._loudest, level)
        silent = is_silent(window.samples)
        self._has_sound |= not silent
        if self._min_voice == 0 or not self._has_sound:
            return False
        if silent or level <= self._loudest * 10 ** (_PAUSE_LEVEL / 10):
            return True
        f0, _ = pitch(window.samples, window.sr, time_step=_PITCH_STEP)
        return np.count_nonzero(f0 > 0) * _PITCH_STEP < self._min_voice

    def _blank(self):
        return pd.Series(np.nan, index=self._names)


def decide(probabilities, min_confidence, note=""):
    """Return the most probable emotion, or None and a note if its probability is too low.

    Parameters
    ----------
    probabilities : Series of float
        By emotion.
    min_confidence : float
        Lowest probability at which an emotion is named.
    note : str, default=""
        Other notes on the prediction.

    Returns
    -------
    emotion : str or None
    note : str
    """
    best = str(probabilities.idxmax())
    if probabilities.max() >= min_confidence:
        return best, note
    unsure = f"unsure: {best} {probabilities.max():.3f} is below {min_confidence:g}"
    return None, "; ".join(filter(None, [unsure, note]))


def check_settings(model, owner, *, window, hop, fps, min_voice, min_confidence):
    """Raise if a setting of windows is not usable.

    Parameters
    ----------
    model : estimator
        The classifier.
    owner : str
        The function or class that has the settings, for the error message.
    window, hop, fps, min_voice, min_confidence : float
        As in :class:`EmotionTimeline`.

    Raises
    ------
    TypeError
        If the model has no ``predict_proba``.
    ValueError
        If a setting is not a number in its range.
    """
    check_model(model, owner)
    positive = {"window": window, "hop": hop, **({} if fps is None else {"fps": fps})}
    for name, value in {**positive, "min_voice": min_voice, "min_confidence": min_confidence}.items():
        is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or value < 0 or (name in positive and value == 0):
            unit = {"fps": "frames per second", "min_confidence": "a probability"}.get(name, "seconds")
            allowed = "above 0" if name in positive else "of 0 or more"
            raise ValueError(f"{owner} expects {name} ({unit}) to be a number {allowed}, got {value!r}.")
    if min_confidence > 1:
        raise ValueError(f"{owner} expects min_confidence (a probability) to be 1 at most, got {min_confidence!r}.")
    if hop > window:
        raise ValueError(
            f"{owner} got hop={hop!r} and window={window!r}: with a longer hop than window parts of the recording "
            "would be left out. Lower hop."
        )


def write_window(folder, window, modalities):
    """Write a window as files that any extractor reads: sound as wav, frames as lossless video.

    Parameters
    ----------
    folder : Path
        Where; files of the previous window are replaced.
    window : Window
        What to write.
    modalities : list of str
        ``"audio"``, ``"video"`` or both.

    Returns
    -------
    paths : dict of str to str
        By modality, for those that the window has. The video also has the sound, for extractors that use it.
    """
    paths = {}
    if "audio" in modalities and window.samples.size:
        paths["audio"] = str(folder / "window.wav")
        soundfile.write(paths["audio"], window.samples, round(window.sr), subtype="FLOAT")
    if "video" in modalities and window.frames:
        paths["video"] = str(folder / "window.nut")
        _write_video(paths["video"], window)
    return paths


def _write_video(path, window):
    height, width = window.frames[0][1].shape[:2]
    with av.open(path, "w") as container:
        stream = container.add_stream("rawvideo", rate=_TICKS)
        stream.width, stream.height, stream.pix_fmt = width, height, "rgb24"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        sound = None
        if window.samples.size:
            sound = container.add_stream("pcm_f32le", rate=round(window.sr), layout="mono")
        for moment, pixels in window.frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = round(moment * _TICKS), Fraction(1, _TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux(sound.encode(_sound_frame(window)))
            container.mux(sound.encode(None))


def _sound_frame(window):
    samples = np.ascontiguousarray(window.samples, np.float32)
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="flt", layout="mono")
    frame.rate, frame.pts = round(window.sr), 0
    frame.time_base = Fraction(1, round(window.sr))
    return frame
