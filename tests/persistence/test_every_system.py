"""Every system comes back from its file and predicts what it did, and so do estimators that users put together."""

import pickle

import numpy as np
import pytest
import sklearn
from imblearn.pipeline import make_pipeline as make_resampled
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, RobustScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.fixes import parse_version

from savee_mm import (
    AudioAugmenter,
    ClipGroupKFold,
    DenseClassifier,
    KernelRidgeClassifier,
    LateFusionClassifier,
    ProsodyFeatures,
    SpectralFeatures,
    load_model,
    save_model,
    systems,
)

# VGG19's published weights are not among the shared ones; its graph with random weights is tested.
NAMES = [name for name in systems.available().index if name != "vgg19"]
PRETRAINED = ("yamnet", "mobilenet", "mobilenet_face", "encoder_audio")
SMALL = {"epochs": 1, "n_filters": 2, "n_units": 2, "batch_size": 21, "n_estimators": 20, "n_inner_folds": 2}
LOUD = ("anger", "fear", "happiness", "surprise")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eager")]


@pytest.fixture(scope="module")
def clips(corpus):
    """The corpus in two classes, so that there are nine clips at least of each to be split."""
    return corpus.data, np.where(np.isin(corpus.target, LOUD), "high", "low")


def small(name):
    system = systems.make(name, random_state=0)
    ends = {path: path.rpartition("__")[2] for path in system.get_params()}
    return system.set_params(**{path: SMALL[end] for path, end in ends.items() if end in SMALL})


def assert_comes_back(estimator, clips, path):
    table, y = clips
    estimator.fit(table, y)
    expected = estimator.predict_proba(table)
    loaded = load_model(save_model(estimator, path))
    np.testing.assert_allclose(loaded.predict_proba(table), expected, rtol=0, atol=1e-6)
    assert type(loaded) is type(estimator)
    assert loaded.classes_.tolist() == ["high", "low"]
    return loaded


@pytest.mark.parametrize("name", NAMES)
def test_system_comes_back(name, clips, tmp_path, request):
    if name in PRETRAINED or name.startswith("vgg16"):
        request.getfixturevalue("shared_weights")
    assert_comes_back(small(name), clips, tmp_path / "m.savee")


@pytest.fixture
def shared_weights(shared, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))


def on_prosody(*steps):
    return make_pipeline(ProsodyFeatures(), StandardScaler(), *steps)


def logistic():
    return LogisticRegression(max_iter=1000)


OF_USERS = {
    "grid search": GridSearchCV(
        on_prosody(logistic()), {"logisticregression__C": [0.1, 1]}, cv=ClipGroupKFold(2), scoring="balanced_accuracy"
    ),
    "calibrated": CalibratedClassifierCV(on_prosody(SVC()), cv=3),
    "calibrated by isotonic regression": CalibratedClassifierCV(on_prosody(SVC()), method="isotonic", cv=3),
    "calibrated by temperature": CalibratedClassifierCV(on_prosody(logistic()), method="temperature", cv=3),
    "late fusion": LateFusionClassifier(
        [("one", on_prosody(logistic())), ("other", make_pipeline(SpectralFeatures(), KernelRidgeClassifier()))]
    ),
    "voting": VotingClassifier(
        [("one", on_prosody(logistic())), ("other", on_prosody(KernelRidgeClassifier()))], voting="soft"
    ),
    "stacking": on_prosody(StackingClassifier([("svc", SVC()), ("ridge", KernelRidgeClassifier())], cv=3)),
    "union": make_pipeline(make_union(ProsodyFeatures(), SpectralFeatures()), RobustScaler(), logistic()),
    "columns": make_pipeline(
        ProsodyFeatures().set_output(transform="pandas"),
        make_column_transformer((StandardScaler(), ["jitter", "shimmer"]), remainder="passthrough"),
        logistic(),
    ),
    "selection": on_prosody(SelectKBest(mutual_info_classif, k=5), logistic()),
    "a numpy function": on_prosody(FunctionTransformer(np.tanh), logistic()),
    "boosting": on_prosody(GradientBoostingClassifier(n_estimators=3)),
    "histogram boosting": on_prosody(HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2)),
    "adaptive boosting": on_prosody(AdaBoostClassifier(n_estimators=3)),
    "neighbours": on_prosody(KNeighborsClassifier(algorithm="brute")),
    "perceptron": on_prosody(MLPClassifier((4,), max_iter=500, tol=1e-2)),
    "gaussian process": on_prosody(GaussianProcessClassifier()),
}


@pytest.mark.parametrize("what", OF_USERS)
def test_estimator_of_a_user_comes_back(what, clips, tmp_path):
    if what == "calibrated by temperature" and parse_version(sklearn.__version__) < parse_version("1.8"):
        pytest.skip("temperature scaling came with scikit-learn 1.8")
    assert_comes_back(OF_USERS[what], clips, tmp_path / "m.savee")


def test_augmented_pipeline_comes_back(clips, tmp_path):
    augmenter = AudioAugmenter(n_copies=1, semitones=None, stretch_rate=None, random_state=0)
    assert_comes_back(make_resampled(augmenter, on_prosody(logistic())), clips, tmp_path / "m.savee")


def test_what_was_saved_keeps_working_and_pickle_too(clips, tmp_path):
    table, y = clips
    clf = on_prosody(DenseClassifier(n_units=2, epochs=1, random_state=0)).fit(table, y)
    expected = clf.predict_proba(table)
    save_model(clf, tmp_path / "m.savee")
    for same in (clf, pickle.loads(pickle.dumps(clf))):
        np.testing.assert_allclose(same.predict_proba(table), expected, rtol=0, atol=1e-6)
