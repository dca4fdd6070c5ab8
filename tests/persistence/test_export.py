"""Export: onnxruntime alone returns the probabilities of the estimator."""

import numpy as np
import onnxruntime
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import KernelPCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from savee_mm import (
    DenseClassifier,
    KernelRidgeClassifier,
    SpectralFeatures,
    export_onnx,
    load_model,
    save_model,
)

X = np.random.default_rng(0).standard_normal((20, 3))
Y = np.tile(["high", "low"], 10)


@pytest.fixture(scope="module")
def pipeline():
    return make_pipeline(StandardScaler(), DenseClassifier(n_units=4, epochs=1, random_state=0)).fit(X, Y)


def test_graph_predicts_what_the_estimator_predicts(pipeline, tmp_path):
    session = onnxruntime.InferenceSession(export_onnx(pipeline, tmp_path / "dense.onnx"))
    columns = pipeline[:-1].transform(X).astype(np.float32)
    (probabilities,) = session.run(None, {"columns": columns})
    np.testing.assert_allclose(probabilities, pipeline.predict_proba(X), rtol=0, atol=1e-5)


def test_loaded_model_exports_the_same_graph(pipeline, tmp_path):
    loaded = load_model(save_model(pipeline, tmp_path / "m.savee"))
    first, again = (export_onnx(model, tmp_path / "n.onnx").read_bytes() for model in (pipeline, loaded))
    assert first == again


@pytest.mark.parametrize(
    "classifier",
    [
        LogisticRegression(),
        CalibratedClassifierCV(SVC(), cv=3, ensemble=False),
        RandomForestClassifier(5, random_state=0),
        make_pipeline(KernelPCA(kernel="rbf", gamma=0.1), LogisticRegression()),
    ],
    ids=lambda classifier: type(classifier).__name__,
)
def test_graph_of_scikit_learn_predicts_what_the_estimator_predicts(classifier, tmp_path):
    search = GridSearchCV(make_pipeline(StandardScaler(), classifier), {}, cv=2).fit(X, Y)
    session = onnxruntime.InferenceSession(export_onnx(search, tmp_path / "s.onnx"))
    rows = np.random.default_rng(1).standard_normal((50, 3)).astype(np.float32)
    labels, probabilities = session.run(["label", "probabilities"], {"features": rows})
    np.testing.assert_allclose(probabilities, search.predict_proba(rows), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(labels, search.predict(rows))


def test_extractor_is_not_in_the_graph(tmp_path):
    sounds = [0.5 * np.sin(2 * np.pi * f * np.arange(8000) / 16000) for f in (100, 120, 200, 240)]
    features = SpectralFeatures(features=("rms", "zcr"), sr=16000, input_sr=16000)
    system = make_pipeline(features, StandardScaler(), LogisticRegression()).fit(sounds, Y[:4])
    session = onnxruntime.InferenceSession(export_onnx(system, tmp_path / "s.onnx"))
    rows = system[0].transform(sounds).astype(np.float32)
    (probabilities,) = session.run(["probabilities"], {"features": rows})
    np.testing.assert_allclose(probabilities, system.predict_proba(sounds), rtol=0, atol=1e-5)


def test_estimator_without_a_conversion_is_refused(tmp_path):
    with pytest.raises(TypeError, match="cannot write KernelRidgeClassifier: it has a step without a conversion"):
        export_onnx(KernelRidgeClassifier().fit(X, Y), tmp_path / "n.onnx")
    with pytest.raises(TypeError, match="cannot write Ridge: it predicts no probabilities"):
        export_onnx(Ridge().fit(X, Y == "high"), tmp_path / "n.onnx")
    with pytest.raises(NotFittedError):
        export_onnx(DenseClassifier(), tmp_path / "n.onnx")
    assert not list(tmp_path.iterdir())


def test_neighbours_weighted_by_distance_are_refused(tmp_path):
    pipeline = make_pipeline(StandardScaler(), KNeighborsClassifier(3, weights="distance")).fit(X, Y)
    with pytest.raises(TypeError, match="weights='distance', which have no exact graph"):
        export_onnx(pipeline, tmp_path / "k.onnx")
    assert not list(tmp_path.iterdir())
