"""describe: equal for estimators with equal results, different otherwise."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from savee_mm import ClipGroupKFold, FaceFrameSampler, FusionClassifier, MFCCImage, ProsodyFeatures, YAMNetEmbedding
from savee_mm.evaluation._describe import describe


def text(estimator):
    return json.dumps(describe(estimator), sort_keys=True)


def halve(X):
    return X / 2


def double(X):
    return X * 2


def times(factor):
    return FunctionTransformer(lambda X: X * factor)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SVC(C=1.0), SVC(C=1.0, verbose=True)),
        (RandomForestClassifier(), RandomForestClassifier(n_jobs=2)),
        (make_pipeline(ProsodyFeatures(), SVC()), make_pipeline(ProsodyFeatures(cache=None, n_jobs=2), SVC())),
        (make_pipeline(PCA()), make_pipeline(PCA(), memory="folder", verbose=True)),
        (FusionClassifier(), FusionClassifier(cache="folder", verbose=True)),
        # A default part equals the same part passed explicitly.
        (FusionClassifier(), FusionClassifier(audio=MFCCImage(), video=FaceFrameSampler(verbose=True))),
        (SVC(class_weight={0: 1, 1: 2}), SVC(class_weight={1: 2, 0: 1})),
        (GaussianNB(priors=np.array([0.5, 0.5])), GaussianNB(priors=np.array([0.5, 0.5]))),
        (FunctionTransformer(halve), FunctionTransformer(halve)),
        (times(2), times(2)),
        (SimpleImputer(missing_values=np.nan), SimpleImputer(missing_values=float("nan"))),
    ],
)
def test_estimators_with_equal_results_have_equal_descriptions(one, other):
    assert text(one) == text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SVC(C=1.0), SVC(C=2.0)),
        (SVC(), make_pipeline(SVC())),
        (SVC(class_weight={0: 1}), SVC(class_weight={"0": 1})),
        (make_pipeline(ProsodyFeatures(), SVC()), make_pipeline(ProsodyFeatures(on_error="fill"), SVC())),
        (FusionClassifier(), FusionClassifier().set_params(audio__n_mfcc=20)),
        (GaussianNB(priors=np.array([0.5, 0.5])), GaussianNB(priors=np.array([0.4, 0.6]))),
        (FunctionTransformer(halve), FunctionTransformer(double)),
        (FunctionTransformer(lambda X: X + 1), FunctionTransformer(lambda X: X + 2)),
        (FunctionTransformer(functools.partial(np.add, 1)), FunctionTransformer(functools.partial(np.add, 2))),
        (times(2), times(3)),
        (FunctionTransformer(np.log), FunctionTransformer(np.exp)),
        (GridSearchCV(SVC(), {"C": [1]}), GridSearchCV(SVC(), {"C": [2]})),
        (GridSearchCV(SVC(), {}, cv=ClipGroupKFold(2)), GridSearchCV(SVC(), {}, cv=ClipGroupKFold(3))),
    ],
)
def test_estimators_with_other_results_have_other_descriptions(one, other):
    assert text(one) != text(other)


def test_auto_detector_is_described_as_the_resolved_one(tmp_path, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    assert text(FaceFrameSampler()) == text(FaceFrameSampler(detector="lbp"))


def test_pretrained_files_are_described_by_their_content(tmp_path):
    """Folds of another file under the same name are computed, not read."""
    embedding = YAMNetEmbedding(weights=tmp_path / "yamnet.npz")
    without = text(embedding)
    (tmp_path / "yamnet.npz").write_bytes(b"one")
    one = text(make_pipeline(embedding))
    (tmp_path / "yamnet.npz").write_bytes(b"other")
    assert len({without, text(embedding), one, text(make_pipeline(embedding))}) == 4


def test_description_is_the_same_in_another_process():
    code = (
        "import json, numpy; from sklearn.naive_bayes import GaussianNB; from sklearn.model_selection import KFold;"
        "from sklearn.model_selection import GridSearchCV; from savee_mm.evaluation._describe import describe;"
        "search = GridSearchCV(GaussianNB(priors=numpy.array([.5, .5])), {'var_smoothing': {1e-9, 1e-8}}, cv=KFold(2));"
        "print(json.dumps(describe(search), sort_keys=True))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in "12"
    }
    assert len(said) == 1


def test_parameter_without_a_description_is_refused():
    with pytest.raises(ValueError, match="a generator, cannot be described"):
        describe(make_pipeline(Keeper(thing=(i for i in range(3)))))


class Keeper(PCA):
    """Estimator with any parameter, which its clone shares."""

    def __init__(self, thing=None):
        self.thing = thing

    def __sklearn_clone__(self):
        return self
