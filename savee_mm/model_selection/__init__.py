"""Splitters that know clips, speakers and texts, and a grid search over the clip table.

Plain scikit-learn cross-validators that read their column of the clip table where no ``groups`` are passed,
so that ``cross_val_score(clf, savee.data, savee.target, cv=LeaveOneSpeakerOut())`` cannot forget them. What a search
chooses is chosen by inner folds of the training table.
"""

from savee_mm.model_selection.clip_search import ClipGridSearchCV
from savee_mm.model_selection.speaker_or_clip import SpeakerOrClipKFold
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
    "ClipGridSearchCV",
    "ClipGroupKFold",
    "LeaveOneSpeakerOut",
    "SentenceGroupKFold",
    "SpeakerOrClipKFold",
    "SpeakerSentenceKFold",
    "make_splitter",
]
