"""Which columns a branch reads, and which clips have something in them."""

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import SVC

from savee_mm import (
    AudioAugmenter,
    ConvLSTMClassifier,
    FaceFrameSampler,
    FusionClassifier,
    ProsodyFeatures,
    SpeakerNormalizer,
)
from savee_mm.classifiers._reads import clips_there, columns_read

VOICE, FACE = ["pitch", "level"], ["smile", "brow"]


def reads(columns):
    return make_pipeline(make_column_transformer(("passthrough", columns)), LogisticRegression())


@pytest.mark.parametrize(
    ("estimator", "columns"),
    [
        (make_pipeline(ProsodyFeatures(), LogisticRegression()), ["audio"]),
        (make_pipeline(SpeakerNormalizer(FaceFrameSampler()), ConvLSTMClassifier()), ["video"]),
        (FusionClassifier(), ["audio", "video"]),
        (reads(FACE), FACE),
        (make_pipeline(SpeakerNormalizer(make_column_transformer(("passthrough", FACE))), SVC()), FACE),
        (
            make_pipeline(make_union(ProsodyFeatures(), make_column_transformer(("passthrough", FACE))), SVC()),
            ["audio", *FACE],
        ),
        (GridSearchCV(reads(VOICE), {}), VOICE),
        (CalibratedClassifierCV(reads("pitch")), ["pitch"]),
        (make_pipeline(make_column_transformer(("drop", ["brow"]), ("passthrough", ["smile"])), SVC()), ["smile"]),
        (make_resampling_pipeline(AudioAugmenter(), ProsodyFeatures(), SVC()), ["audio"]),
        # Behind an extractor columns are those of its output.
        (make_pipeline(ProsodyFeatures(), make_column_transformer(("passthrough", ["pitch_mean"])), SVC()), ["audio"]),
        (make_pipeline(make_column_transformer(("passthrough", [0, 1])), SVC()), []),
        (make_pipeline(make_column_transformer(("passthrough", lambda X: list(X))), SVC()), []),
        (LogisticRegression(), []),
    ],
    ids=lambda value: "" if isinstance(value, list) else type(value).__name__,
)
def test_columns_are_found_from_what_reads_them(estimator, columns):
    assert columns_read(estimator) == columns


def test_a_clip_is_there_with_something_in_every_column():
    table = pd.DataFrame({"video": ["a.avi", None, "", np.nan, pd.NA, "f.avi"], "smile": [0, 1, 2, 3, 4, np.nan]})
    assert clips_there(table, ["video"]).tolist() == [True, False, False, False, False, True]
    assert clips_there(table, ["video", "smile"]).tolist() == [True, False, False, False, False, False]
    assert clips_there(table, []).all()
    assert not clips_there(table, ["smile", "brow"]).any()
