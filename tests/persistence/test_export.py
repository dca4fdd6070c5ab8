"""Export of networks: onnxruntime alone returns the probabilities of the estimator."""

import numpy as np
import onnxruntime
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import DenseClassifier, export_onnx, load_model, save_model

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


def test_estimator_without_a_network_is_refused(tmp_path):
    with pytest.raises(TypeError, match="export_onnx writes networks, and LogisticRegression is none"):
        export_onnx(LogisticRegression().fit(X, Y), tmp_path / "n.onnx")
    with pytest.raises(NotFittedError):
        export_onnx(DenseClassifier(), tmp_path / "n.onnx")
    assert not list(tmp_path.iterdir())
