"""The judge of windows: pauses stay blank, the model is asked about the rest, and doubt leaves the emotion open."""

import math
import tempfile
import time
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd

from savee_mm._validation import ClipError
from savee_mm.inference._asking import MODALITIES, ask, check_model, does_without, modalities_read, without_memory
from savee_mm.inference._window_files import write_window
from savee_mm.inference.window_prediction import WindowPrediction, decide
from savee_mm.signal import pitch

_PITCH_STEP = 0.01  # s
# A window this much quieter (dB) than the loudest so far is a pause, whatever hums in it.
_PAUSE_LEVEL = -35.0
_SILENCE = 1e-10


class WindowJudge:
    """Asks a model about windows, one by one; a context, within which the windows' files lie.

    Parameters
    ----------
    model : estimator
        Fitted classifier over the clip table.
    min_voice : float
        Voiced time (s) below which a window is a pause, where the model reads sound.
    min_confidence : float
        Probability below which no emotion is named.
    """

    def __init__(self, model, *, min_voice, min_confidence):
        self.modalities = modalities_read(model)
        self._model = without_memory(model)
        self._names = [str(label) for label in model.classes_]
        self._min_voice = min_voice
        self._min_confidence = min_confidence
        self._does_without = does_without(model)
        self._loudest = _SILENCE
        self._folder = tempfile.TemporaryDirectory(prefix="savee_mm_")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def __call__(self, window):
        """Return the WindowPrediction of a Window."""
        began = time.perf_counter()
        probabilities, note = self._ask(window)
        emotion = None
        if probabilities.notna().all():
            emotion, note = decide(probabilities, self._min_confidence, note)
        waited = max(0.0, window.seen - window.end)
        delay = waited + time.perf_counter() - began
        return WindowPrediction(window.start, window.end, probabilities, emotion, note, delay)

    def _ask(self, window):
        if self._is_pause(window):
            return self._blank(), "pause"
        paths = write_window(Path(self._folder.name), window, self.modalities)
        missing = [MODALITIES[name] for name in self.modalities if name not in paths]
        if missing and not (paths and self._does_without):
            return self._blank(), f"no {' and no '.join(missing)}"
        try:
            p, lacking = ask(self._model, {"clip_id": f"{window.start:.2f}-{window.end:.2f} s", **paths})
        except ClipError as error:
            return self._blank(), error.reason
        return p, lacking or (f"without its {missing[0]}" if missing else "")

    def _is_pause(self, window):
        """Whether the model listens, there is sound in the recording, and hardly a voice in this window."""
        if "audio" not in self.modalities or window.sr is None:
            return False
        # Frames of 20 ms: what is loud for a moment is no pause.
        n = max(1, round(0.02 * window.sr))
        frames = window.samples[: len(window.samples) // n * n].reshape(-1, n).astype(np.float64)
        level = frames.var(axis=1).max(initial=0.0)
        self._loudest = max(self._loudest, level)
        if self._min_voice == 0:
            return False
        if level <= self._loudest * 10 ** (_PAUSE_LEVEL / 10):
            return True
        f0, _ = pitch(window.samples, window.sr, time_step=_PITCH_STEP)
        return np.count_nonzero(f0 > 0) * _PITCH_STEP < self._min_voice

    def _blank(self):
        return pd.Series(np.nan, index=self._names)


def check_settings(model, owner, *, window, hop, fps, min_voice, min_confidence):
    """Refuse settings of windows that mean nothing.

    Parameters
    ----------
    model : estimator
        The classifier.
    owner : str
        Who takes the settings, for the error.
    window, hop, fps, min_voice, min_confidence : float
        As of :class:`EmotionTimeline`.

    Raises
    ------
    TypeError
        Where the model gives no probabilities.
    ValueError
        Where a setting is no number in its range.
    """
    check_model(model, owner)
    positive = {"window": window, "hop": hop, **({} if fps is None else {"fps": fps})}
    for name, value in {**positive, "min_voice": min_voice, "min_confidence": min_confidence}.items():
        is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or value < 0 or (name in positive and value == 0):
            unit = {"fps": "pictures a second", "min_confidence": "a probability"}.get(name, "seconds")
            raise ValueError(f"{owner} expects {name} ({unit}) to be a number {_range(name, positive)}, got {value!r}.")
    if min_confidence > 1:
        raise ValueError(f"{owner} expects min_confidence (a probability) to be 1 at most, got {min_confidence!r}.")
    if hop > window:
        raise ValueError(
            f"{owner} got hop={hop!r} and window={window!r}: with a longer hop than window parts of the recording "
            "would be passed over. Lower hop."
        )


def _range(name, positive):
    return "above 0" if name in positive else "of 0 or more"
