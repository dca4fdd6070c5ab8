"""EmotionTimeline: a long recording, window by window."""

import os
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from savee_mm._validation import ClipError
from savee_mm.inference._asking import does_without, modalities_read
from savee_mm.inference._events import in_order, read_events
from savee_mm.inference._judge import WindowJudge, check_settings
from savee_mm.inference._windows import slide
from savee_mm.inference.window_prediction import WindowPrediction

_COLUMNS = {"start": float, "end": float, "emotion": object, "confidence": float, "note": object}


class EmotionTimeline:
    """A model's answers over the time of a long recording, by windows that slide over it.

    The file is decoded once, from its start to its end, and no more of it is held than a window is long.

    Parameters
    ----------
    model : estimator
        A fitted classifier over the clip table, with ``predict_proba``.
    window : float, default=3.0
        Length of a window (s); about that of the clips that the model was trained on.
    hop : float, default=1.0
        From the start of a window to that of the next (s).
    fps : float or None, default=10.0
        Most pictures a second that are kept of a window, None for all; they are what takes memory. An extractor that
        watches the mouth (``track="voice"``) needs 25.
    min_voice : float, default=0.2
        Voiced time (s) below which a window is a pause, and stays blank, where the model reads sound; 0 asks the model
        in any case. A window is one as well where it is 35 dB quieter than the loudest so far.
    min_confidence : float, default=0.0
        Probability below which no emotion is named.

    See Also
    --------
    plot_timeline : Draws what comes out.
    predict_stream : The same over a camera or a pipe.

    Notes
    -----
    Each window is handed to the model as a clip of its own, which nobody cut at a sentence: figures of an evaluation
    on whole clips do not hold for it. Neighbouring windows share what they overlap in.

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
            As soon as it is known.

        Raises
        ------
        ClipError
            Where the file cannot be read to its end, or has not what the model needs. A window that the model cannot
            use (no face, a pause) is no error: its probabilities are NaN and its ``note`` says why.
        TypeError, ValueError
            Where the model gives no probabilities, or a parameter is out of its range.
        """
        settings = {"min_voice": self.min_voice, "min_confidence": self.min_confidence}
        check_settings(self.model, "EmotionTimeline", window=self.window, hop=self.hop, fps=self.fps, **settings)
        with closing(self._open(path)) as events, WindowJudge(self.model, **settings) as judge:
            yield from map(judge, slide(events, self.window, self.hop))

    def predict(self, path: str | os.PathLike[str]) -> pd.DataFrame:
        """Predict a whole recording.

        Parameters
        ----------
        path : path-like
            As of :meth:`windows`.

        Returns
        -------
        table : DataFrame
            One row per window: ``start``, ``end`` (s since the recording's first sound or picture), ``emotion`` (None
            where nothing is said), ``confidence``, ``note``, and the probability of every emotion, NaN in pauses.

        Raises
        ------
        ClipError, TypeError, ValueError
            As :meth:`windows`.
        """
        predictions = list(self.windows(path))
        return as_table(predictions, self.model.classes_)

    def _open(self, path):
        """Return the events of a file: of sound and pictures both, or of what it has where that is enough."""
        there, errors = [], []
        for modality in modalities_read(self.model):
            try:
                there.append(_started(read_events(path, [modality], self.fps)))
            except ClipError as error:
                errors.append(error)
        if errors and not (there and does_without(self.model)):
            raise errors[0]
        return in_order(there)


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
        As of :meth:`EmotionTimeline.predict`.
    """
    rows = [(p.start, p.end, p.emotion, p.confidence, p.note, *p.probabilities) for p in predictions]
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=False)) if rows else {}
    # None stays None, whatever pandas takes for strings.
    table = {name: pd.Series(list(columns.get(name, ())), dtype=kind) for name, kind in _COLUMNS.items()}
    shares = np.array([row[len(_COLUMNS) :] for row in rows], dtype=float).reshape(-1, len(classes))
    return pd.DataFrame(table).join(pd.DataFrame(shares, columns=list(map(str, classes))))


def _started(events):
    """Return a run of events of which the first has been read: an error of the file comes here."""
    first = next(events, None)
    return iter(()) if first is None else _behind(first, events)


def _behind(first, events):
    with closing(events):
        yield first
        yield from events
