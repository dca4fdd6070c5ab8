"""predict_file: one file, its probabilities and warnings."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from savee_mm import (
    ClipError,
    ClipWarning,
    ConvLSTMClassifier,
    FaceFrameSampler,
    FusionClassifier,
    MFCCImage,
    ProsodyFeatures,
    Segment,
    predict_file,
)

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def fusion(corpus):
    audio, video = MFCCImage(n_frames=60), FaceFrameSampler(n_frames=3, size=(32, 32), detector="lbp")
    clf = FusionClassifier(audio=audio, video=video, n_filters=4, n_units=8, epochs=1, random_state=0)
    return clf.fit(corpus.data, corpus.target)


def test_probabilities_are_sorted_by_emotion(fusion, corpus):
    path = corpus.data["video"].iloc[0]
    p = predict_file(fusion, path)
    assert sorted(p.index) == corpus.target_names
    assert p.is_monotonic_decreasing
    assert p.sum() == pytest.approx(1)
    assert p.name == "a1.avi"


def test_segment_equals_its_row_in_a_table(fusion, corpus):
    path = corpus.data["video"].iloc[0]
    segment = Segment(path, 0.25, 1.0)
    p = predict_file(fusion, segment)
    assert p.name == segment.name
    row = pd.DataFrame({"audio": [path], "video": [path], "clip_id": ["a"], "start": [0.25], "end": [1.0]})
    np.testing.assert_allclose(p[fusion.classes_], fusion.predict_proba(row)[0], atol=1e-6)


def test_file_with_both_modalities_equals_its_row_in_a_table(fusion, corpus):
    row = corpus.data.iloc[[0]].assign(audio=corpus.data["video"].iloc[0])
    p = predict_file(fusion, row["video"].iloc[0])
    np.testing.assert_allclose(p[fusion.classes_], fusion.predict_proba(row)[0])


def test_missing_modality_is_warned_of(fusion, corpus):
    path = corpus.data["audio"].iloc[0]
    with pytest.warns(ClipWarning, match="a01.*predicted without its video"):
        p = predict_file(fusion, path)
    with pytest.warns(ClipWarning, match="missing for branch 'video'"):
        expected = fusion.predict_proba(corpus.data.iloc[[0]].drop(columns="video"))[0]
    np.testing.assert_allclose(p[fusion.classes_], expected)


def test_file_without_what_the_model_needs_is_named(corpus):
    model = make_pipeline(FaceFrameSampler(detector="lbp"), ConvLSTMClassifier(n_filters=2, epochs=1))
    with pytest.raises(ClipError, match="a01"):
        predict_file(model.fit(corpus.data, corpus.target), corpus.data["audio"].iloc[0])


def test_any_pipeline_with_probabilities(corpus):
    path = corpus.data["audio"].iloc[0]
    model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression())
    p = predict_file(model.fit(corpus.data, corpus.target), path)
    np.testing.assert_allclose(p[model.classes_], model.predict_proba(corpus.data)[0])


def test_model_without_probabilities_is_refused(corpus):
    model = make_pipeline(ProsodyFeatures(), StandardScaler(), SVC())
    model.fit(corpus.data, corpus.target)
    with pytest.raises(TypeError, match="predict_proba"):
        predict_file(model, corpus.data["audio"].iloc[0])


@pytest.mark.parametrize("name", ["ravdess_01-01-01-01-01-01-01.mp4", "bbaf2n.mpg", "swiz3n.mpg"])
def test_real_talking_heads_are_read(fusion, shared, name):
    p = predict_file(fusion, shared / "data/clips" / name)
    assert p.sum() == pytest.approx(1)


@pytest.mark.parametrize("name", ["no_face.mp4", "speech.wav"])
def test_real_files_without_a_face_are_predicted_from_the_voice(fusion, shared, name):
    with pytest.warns(ClipWarning, match=f"{name}.*without its video"):
        p = predict_file(fusion, shared / "data/clips" / name)
    assert p.sum() == pytest.approx(1)
