"""Splitters that know clips, speakers and texts.

Plain scikit-learn cross-validators that read their column of the clip table where no ``groups`` are passed,
so that ``cross_val_score(clf, savee.data, savee.target, cv=LeaveOneSpeakerOut())`` cannot forget them.
"""

from savee_mm.model_selection.splitters import (
    PROTOCOLS,
    ClipGroupKFold,
    LeaveOneSpeakerOut,
    SentenceGroupKFold,
    SpeakerSentenceKFold,
    make_splitter,
)

__all__ = [
    "PROTOCOLS",
    "ClipGroupKFold",
    "LeaveOneSpeakerOut",
    "SentenceGroupKFold",
    "SpeakerSentenceKFold",
    "make_splitter",
]
