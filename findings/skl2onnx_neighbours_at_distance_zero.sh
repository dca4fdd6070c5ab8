#!/bin/sh
# skl2onnx 1.20.0, onnxruntime 1.31.0, scikit-learn 1.9.1: KNeighborsClassifier(weights="distance"), converted to ONNX,
# predicts other classes than scikit-learn for samples that are in the training set. scikit-learn gives a neighbour at
# distance 0 all the weight; the graph does not. Seen on the iris data: 5 of 150 training samples get another label, and
# a probability is .8 off. With weights="uniform" labels are equal and probabilities differ by 2e-8.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip install --quiet skl2onnx==1.20.0 onnxruntime==1.31.0 scikit-learn==1.9.1 numpy==2.4.0
env/bin/python - <<'PY'
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_iris
from sklearn.neighbors import KNeighborsClassifier

X, y = load_iris(return_X_y=True)
X = X.astype(np.float32)
differences = {}
for weights in "uniform", "distance":
    clf = KNeighborsClassifier(5, weights=weights).fit(X, y)
    graph = to_onnx(clf, initial_types=[("x", FloatTensorType([None, 4]))], options={"zipmap": False})
    labels, proba = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"x": X})
    differences[weights] = np.sum(labels != clf.predict(X)), np.abs(proba - clf.predict_proba(X)).max()
    print(f"{weights}: other labels {differences[weights][0]}, largest difference {differences[weights][1]:.2g}")
assert differences["uniform"][0] == 0 and differences["uniform"][1] < 1e-6, "the behaviour has changed"
assert differences["distance"][0] == 5 and differences["distance"][1] > 0.5, "the behaviour has changed"
PY
