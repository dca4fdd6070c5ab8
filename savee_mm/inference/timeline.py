"""EmotionTimeline: predictions over the time of a long recording."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from savee_mm._validation import ClipError
from savee_mm.inference._events import check_sound, in_order, read_events, recording_start
from savee_mm.inference.files import allows_missing, modalities_read
from savee_mm.inference.people import Person, find_people
from savee_mm.inference.utterances import find_utterances, utterance_windows
from savee_mm.inference.windows import WindowClassifier, WindowPrediction, check_settings, slide

_PEOPLE_FPS = 12.5  # a few frames a syllable
_COLUMNS = {"start": float, "end": float, "emotion": object, "confidence": float, "note": object}


class EmotionTimeline:
    """Predict a long recording by sliding windows.

    The file is decoded once, from start to end, and only the current window is kept in memory.

    Parameters
    ----------
    model : estimator
        A fitted classifier over the clip table, with ``predict_proba``.
    window : float, default=3.0
        Length of a window (s); choose about the length of the training clips.
    hop : float, default=1.0
        From the start of a window to the start of the next (s).
    fps : float or None, default=10.0
        Maximum number of frames per second, None for all; frames take most of the memory. An extractor that follows
        the mouth (``track="voice"``) needs 25.
    min_voice : float, default=0.2
        Voiced time (s) below which a window is a pause and is not predicted, if the model reads sound; 0 predicts every
        window. A window that is 35 dB quieter than the loudest one so far is a pause, too.
    min_confidence : float, default=0.0
        Probability below which no emotion is named.

    See Also
    --------
    plot_timeline : Plot the table.
    predict_stream : The same for a camera or a pipe.

    Notes
    -----
    Each window is predicted as a clip of its own. Its limits are not those of a sentence, so the accuracy measured on
    whole clips does not hold for windows. Neighbouring windows overlap and are not independent.

    Examples
    --------
    >>> from savee_mm import EmotionTimeline, load_model
    >>> timeline = EmotionTimeline(load_model("fusion.savee"), window=3, hop=1)  # doctest: +SKIP
    >>> timeline.predict("interview.mp4")[["start", "end", "emotion"]]  # doctest: +SKIP
    """

    def __init__(
        self,
        model: BaseEstimator,
        *,
        window: float = 3.0,
        hop: float = 1.0,
        fps: float | None = 10.0,
        min_voice: float = 0.2,
        min_confidence: float = 0.0,
    ) -> None:
        self.model = model
        self.window = window
        self.hop = hop
        self.fps = fps
        self.min_voice = min_voice
        self.min_confidence = min_confidence

    def windows(self, path: str | os.PathLike[str]) -> Iterator[WindowPrediction]:
        """Predict a recording, window by window.

        Parameters
        ----------
        path : path-like
            A sound file, a video, or a video with sound, of any length.

        Yields
        ------
        prediction : WindowPrediction
            As soon as the window is over.

        Raises
        ------
        ClipError
            If the file cannot be read to its end, or lacks what the model needs; audio that is silent from start to end
            is missing. A window that the model cannot use (no face, a pause) is no error: its probabilities are NaN and
            its ``note`` gives the reason.
        TypeError, ValueError
            If the model has no ``predict_proba``, or a parameter is out of its range.
        """
        settings = {"min_voice": self.min_voice, "min_confidence": self.min_confidence}
        check_settings(self.model, "EmotionTimeline", window=self.window, hop=self.hop, fps=self.fps, **settings)
        streams, missing = self._open(path)
        settings |= {"has_sound": "audio" in streams, "missing": missing}
        with closing(in_order(list(streams.values()))) as events, WindowClassifier(self.model, **settings) as classify:
            yield from map(classify, slide(events, self.window, self.hop, recording_start(path)))

    def predict(self, path: str | os.PathLike[str]) -> pd.DataFrame:
        """Predict a whole recording.

        Parameters
        ----------
        path : path-like
            As in :meth:`windows`.

        Returns
        -------
        table : DataFrame
            One row per window: ``start``, ``end`` (s since the start of the recording, as media players show it and
            :class:`~savee_mm.Segment` counts), ``emotion`` (None if there is no prediction), ``confidence``, ``note``,
            and the probability of every emotion, NaN in pauses.

        Raises
        ------
        ClipError, TypeError, ValueError
            As :meth:`windows`.
        """
        predictions = list(self.windows(path))
        return as_table(predictions, self.model.classes_)

    def utterances(
        self,
        path: str | os.PathLike[str],
        people: Sequence[Person] | None = None,
        *,
        detector: Literal["auto", "yunet", "ssd", "lbp"] = "auto",
    ) -> Iterator[WindowPrediction]:
        """Predict the utterances of each person in a video.

        Parameters
        ----------
        path : path-like
            A video with sound, of any length. It is decoded three times.
        people : sequence of Person, default=None
            Result of :func:`find_people` at ten frames per second or more; None to find them.
        detector : {"auto", "yunet", "ssd", "lbp"}, default="auto"
            Face detector, if ``people`` is None.

        Yields
        ------
        prediction : WindowPrediction
            In the order of their ends. ``person`` is ``"person 1"`` ..., or ``"off screen"`` if the face of the speaker
            is not visible. ``window`` and ``hop`` are not used.

        Raises
        ------
        ClipError, TypeError, ValueError
            As :meth:`windows`; also if there is no audio.

        Notes
        -----
        There is speech where the sound is voiced, and the speaker is the person whose mouth moves most, relative to the
        motion of that mouth in silence. Several people can speak at once; the sound of their utterances is not
        separated. A model that reads video gets the surroundings of the speaker's face.
        """
        settings = {"min_voice": self.min_voice, "min_confidence": self.min_confidence}
        check_settings(self.model, "EmotionTimeline", window=self.window, hop=self.hop, fps=self.fps, **settings)
        check_sound(path)
        people = find_people(path, fps=_PEOPLE_FPS, detector=detector) if people is None else people
        spoken = find_utterances(path, people)
        streams, missing = self._open(path)
        settings |= {"has_sound": True, "missing": missing}
        with closing(in_order(list(streams.values()))) as events, WindowClassifier(self.model, **settings) as classify:
            for utterance, window in utterance_windows(events, spoken, people, recording_start(path)):
                yield replace(classify(window), person=utterance.person)

    def predict_people(
        self,
        path: str | os.PathLike[str],
        people: Sequence[Person] | None = None,
        *,
        detector: Literal["auto", "yunet", "ssd", "lbp"] = "auto",
    ) -> pd.DataFrame:
        """Predict the utterances of each person in a video, as a table.

        Parameters
        ----------
        path : path-like
            As in :meth:`utterances`.
        people : sequence of Person, default=None
            As in :meth:`utterances`.
        detector : {"auto", "yunet", "ssd", "lbp"}, default="auto"
            As in :meth:`utterances`.

        Returns
        -------
        table : DataFrame
            One row per utterance, as :meth:`predict`, with the name in the first column, ``person``.

        Raises
        ------
        ClipError, TypeError, ValueError
            As :meth:`utterances`.
        """
        predictions = sorted(self.utterances(path, people, detector=detector), key=lambda each: each.start)
        return people_table(predictions, self.model.classes_)

    def _open(self, path):
        """Return the events of the modalities of a file, and the reasons why others are missing.

        Raise ClipError if the model does not predict without them.
        """
        streams, errors = {}, {}
        for modality in modalities_read(self.model):
            try:
                if modality == "audio":
                    check_sound(path)
                streams[modality] = _started(read_events(path, [modality], self.fps))
            except ClipError as error:
                errors[modality] = error
        if errors and not (streams and allows_missing(self.model)):
            raise next(iter(errors.values()))
        return streams, {modality: error.reason for modality, error in errors.items()}


def as_table(predictions, classes):
    """Return predictions of windows as a table.

    Parameters
    ----------
    predictions : iterable of WindowPrediction
        In the order of time.
    classes : array-like of shape (n_classes,)
        The model's classes.

    Returns
    -------
    table : DataFrame
        As in :meth:`EmotionTimeline.predict`.
    """
    rows = [(p.start, p.end, p.emotion, p.confidence, p.note, *p.probabilities) for p in predictions]
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=False)) if rows else {}
    # Object dtype: None stays None, whatever dtype pandas uses for strings.
    table = {name: pd.Series(list(columns.get(name, ())), dtype=kind) for name, kind in _COLUMNS.items()}
    shares = np.array([row[len(_COLUMNS) :] for row in rows], dtype=float).reshape(-1, len(classes))
    return pd.DataFrame(table).join(pd.DataFrame(shares, columns=list(map(str, classes))))


def people_table(predictions, classes):
    """Return :func:`as_table` with the column ``person`` in front."""
    table = as_table(predictions, classes)
    table.insert(0, "person", pd.Series([each.person for each in predictions], dtype=object))
    return table


def _started(events):
    """Return events of which the first has been read, so that an unreadable file raises here."""
    first = next(events, None)
    return iter(()) if first is None else _chain(first, events)


def _chain(first, events):
    with closing(events):
        yield first
        yield from events
