"""WindowPrediction: what a model says of one stretch of a recording."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class WindowPrediction:
    """What a model says of one stretch of a recording.

    Attributes
    ----------
    start, end : float
        Where it lies (s since the first sound or picture).
    probabilities : Series of float
        By emotion; NaN where nothing can be said.
    emotion : str or None
        The likeliest; None where nothing can be said, or the model is less sure than ``min_confidence``.
    note : str
        Why there is no emotion, or what the model had to do without; empty otherwise.
    delay : float
        From the window's end to the answer (s): until the first sound or picture behind it came, and the computing.
    """

    start: float
    end: float
    probabilities: pd.Series
    emotion: str | None
    note: str
    delay: float

    @property
    def confidence(self):
        """The probability of the likeliest emotion, NaN where nothing can be said."""
        return float(self.probabilities.max())


def decide(probabilities, min_confidence, note=""):
    """Return the likeliest emotion, or None with a note that says that the model is not sure enough.

    Parameters
    ----------
    probabilities : Series of float
        By emotion.
    min_confidence : float
        Least probability at which an emotion is named.
    note : str, default=""
        What is to be noted anyway.

    Returns
    -------
    emotion : str or None
    note : str
    """
    likeliest = str(probabilities.idxmax())
    if probabilities.max() >= min_confidence:
        return likeliest, note
    unsure = f"unsure: {likeliest} {probabilities.max():.3f} is below {min_confidence:g}"
    return None, "; ".join(filter(None, [unsure, note]))
