"""Occlusion maps: large for the cells that a model uses, and zero elsewhere."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from savee_mm import (
    ClipError,
    ClipWarning,
    FaceFrameSampler,
    FusionClassifier,
    LateFusionClassifier,
    MFCCImage,
    ProsodyFeatures,
    explain,
)

pytestmark = pytest.mark.usefixtures("eager")


class OneCellClassifier(ClassifierMixin, BaseEstimator):
    """Classifier that reads one cell of one image (rows 8-16, columns 16-24 of 64 x 64): bright or dark."""

    def __init__(self, where=(slice(None), 1, slice(8, 16), slice(16, 24))):
        self.where = where

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        light = np.asarray(X)[self.where].mean(axis=(1, 2, 3))
        return np.column_stack([light, 1 - light])


def make_images(table, shape):
    """Return noise around .2, with .9 in the cell that OneCellClassifier reads."""
    x = np.random.default_rng(0).uniform(0.1, 0.3, (len(table), *shape))
    place = x[:, 1] if len(shape) == 4 else x
    place[:, 8:16, 16:24] = 0.9
    return x


def one_cell_model(shape=(3, 64, 64, 3), **params):
    reader = FunctionTransformer(make_images, kw_args={"shape": shape})
    table = pd.DataFrame({"clip_id": ["a", "b"]})
    return make_pipeline(reader, OneCellClassifier(**params)).fit(table, ["bright", "dark"])


def test_map_is_nonzero_only_in_the_cell_that_the_model_reads():
    explanation = explain(one_cell_model(), pd.DataFrame({"clip_id": ["clip7"]}))
    [one] = explanation.maps.values()
    assert (explanation.clip_id, explanation.label) == ("clip7", "bright")
    assert explanation.probability == {"": pytest.approx(0.9)}
    assert one.drop.shape == (3, 8, 8)
    # The hidden cell has the mean of its frame.
    assert one.drop[1, 1, 2] == pytest.approx(0.9 - one.image[1].mean(), abs=1e-6)
    assert np.flatnonzero(np.abs(one.drop) > 1e-6).tolist() == [64 + 8 + 2]


def test_maps_of_two_classes_have_opposite_signs():
    model, table = one_cell_model(), pd.DataFrame({"clip_id": ["a"]})
    bright, dark = (next(iter(explain(model, table, label=label).maps.values())) for label in ("bright", "dark"))
    np.testing.assert_allclose(bright.drop, -dark.drop, atol=1e-12)


def test_image_of_the_voice_has_a_grid_over_rows_and_time():
    model = one_cell_model((64, 64, 1), where=(slice(None), slice(8, 16), slice(16, 24)))
    [one] = explain(model, pd.DataFrame({"clip_id": ["a"]})).maps.values()
    assert one.drop.shape == (8, 16)
    # Four columns of pixels per cell.
    assert np.flatnonzero(np.abs(one.drop) > 1e-6).tolist() == [16 + 4, 16 + 5]


@pytest.fixture(scope="module")
def fusion(corpus):
    audio, video = MFCCImage(n_frames=60), FaceFrameSampler(n_frames=3, size=(32, 32), detector="lbp")
    clf = FusionClassifier(audio=audio, video=video, n_filters=4, n_units=8, epochs=1, random_state=0)
    return clf.fit(corpus.data, corpus.target)


def test_file_has_maps_of_face_and_voice(fusion, corpus, tmp_path):
    path = corpus.data["video"].iloc[0]
    explanation = explain(fusion, path)
    table = pd.DataFrame({"audio": [path], "video": [path]})
    assert {name: one.drop.shape for name, one in explanation.maps.items()} == {"video": (3, 8, 8), "audio": (8, 16)}
    assert explanation.label == fusion.predict(table)[0]
    assert explanation.probability[""] == pytest.approx(fusion.predict_proba(table).max(), abs=1e-6)
    figure = explanation.plot()
    assert isinstance(figure, Figure)
    # Three faces, the image of the voice, the colour bar.
    assert len(figure.axes) == 5
    figure.savefig(tmp_path / "why.png")


def test_late_fusion_has_maps_of_each_branch(fusion, corpus):
    prosody = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression())
    clf = LateFusionClassifier([("joint", fusion), ("voice", prosody)], n_inner_folds=2)
    clf.fit(corpus.data, corpus.target)
    row = corpus.data.iloc[[0]]
    explanation = explain(clf, row)
    assert list(explanation.maps) == ["joint video", "joint audio"]
    assert list(explanation.probability) == ["joint", "voice"]
    with (
        pytest.warns(ClipWarning, match="branch 'joint': missing video"),
        pytest.raises(TypeError, match="LateFusionClassifier reads no images"),
    ):
        explain(clf, row.drop(columns="video"))


def test_model_of_features_is_refused(corpus):
    model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression()).fit(corpus.data, corpus.target)
    with pytest.raises(TypeError, match="group_importance"):
        explain(model, corpus.data.iloc[[0]])


def test_bad_input_is_named(fusion, corpus, tmp_path):
    with pytest.raises(ValueError, match="a clip table of one row; got a table of 2"):
        explain(fusion, corpus.data.iloc[:2])
    with pytest.raises(ValueError, match="knows no class 'boredom'"):
        explain(fusion, corpus.data.iloc[[0]], label="boredom")
    path = tmp_path / "empty.avi"
    path.write_bytes(b"")
    with pytest.raises(ClipError, match="empty"):
        explain(fusion, path)
