"""Cross-validators by clip, speaker, sentence and corpus, and a grid search over the clip table.

The cross-validators read their column of the clip table if no ``groups`` are passed, as in
``cross_val_score(clf, savee.data, savee.target, cv=LeaveOneSpeakerOut())``. The search chooses parameters on inner
folds of the training table.
"""

from savee_mm.model_selection.clip_search import ClipGridSearchCV
from savee_mm.model_selection.corpora import balanced_weights, corpus_pairs, fixed_split
from savee_mm.model_selection.speaker_or_clip import SpeakerOrClipKFold
from savee_mm.model_selection.splitters import (
    PROTOCOLS,
    ClipGroupKFold,
    LeaveOneCorpusOut,
    LeaveOneSpeakerOut,
    SentenceGroupKFold,
    SpeakerSentenceKFold,
    make_splitter,
)

__all__ = [
    "PROTOCOLS",
    "ClipGridSearchCV",
    "ClipGroupKFold",
    "LeaveOneCorpusOut",
    "LeaveOneSpeakerOut",
    "SentenceGroupKFold",
    "SpeakerOrClipKFold",
    "SpeakerSentenceKFold",
    "balanced_weights",
    "corpus_pairs",
    "fixed_split",
    "make_splitter",
]
