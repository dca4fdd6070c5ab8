"""Small settings of every public estimator, clips for each of them, and the checks that are known to fail."""

import inspect
import re
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import savee_mm
from savee_mm import model_selection

PAGE = Path(__file__).parents[2] / "docs" / "estimators.md"
_ROW = re.compile(r"^\| `(\w+)` \| `(check_\w+)` \| (.+) \|$", re.MULTILINE)


@cache
def discover():
    """Return every public class that is fitted, by name."""
    public = {name: getattr(savee_mm, name) for name in savee_mm.__all__}
    public |= {name: getattr(model_selection, name) for name in model_selection.__all__}
    return {
        name: thing
        for name, thing in sorted(public.items())
        if isinstance(thing, type) and (hasattr(thing, "fit") or hasattr(thing, "fit_resample"))
    }


def make(name):
    """Return an unfitted estimator with settings that make a fit fast."""
    voice = make_pipeline(savee_mm.ProsodyFeatures(), StandardScaler(), LogisticRegression())
    image = savee_mm.MFCCImage(n_mfcc=13, n_frames=40)
    sampler = savee_mm.FaceFrameSampler(n_frames=3, size=(16, 16), detector="lbp")
    gray = savee_mm.FaceFrameSampler(n_frames=3, color="gray", detector="lbp")
    network = {"epochs": 1, "n_units": 8, "learning_rate": 0.01, "random_state": 0}
    grid = {"logisticregression__C": [0.1, 1]}
    settings = {
        "AudioCNNClassifier": {"image": image, "n_filters": 2, **network},
        "ClipGridSearchCV": {"estimator": voice, "param_grid": grid, "cv": StratifiedKFold(2)},
        "ConvLSTMClassifier": {"augment_frames": False, "n_filters": 2, **network},
        "DenseClassifier": {**network, "batch_size": 1000, "learning_rate": 0.1},
        "FaceDescriptor": {"sampler": gray},
        "FaceEmbedding": {"model": "face.onnx", "sampler": sampler},
        "FaceFrameSampler": {"n_frames": 3, "size": (16, 16), "detector": "lbp"},
        "FusionClassifier": {"audio": image, "video": sampler, "augment_frames": False, "n_filters": 2, **network},
        "LateFusionClassifier": {"estimators": [("voice", voice)], "n_inner_folds": 2},
        "SpeakerNormalizer": {"extractor": savee_mm.ProsodyFeatures(), "min_clips": 5},
        "SpeechEmbedding": {"model": "speech.onnx"},
        "UnseenCorpusClassifier": {"estimators": [("voice", voice), ("other", clone(voice))]},
        "TransferClassifier": {"backbone": "vgg16", "weights": None, "size": 32, **network},
    }
    return discover()[name](**settings.get(name, {}))


def make_all(name):
    """Return an estimator that reads columns, in each of the settings that are checked."""
    others = {
        "KernelRidgeClassifier": [{"class_weight": None}, {"kernels": ["linear"], "alpha": 1}],
        "PCACorrSelector": [{"n_features": 2, "contours": [[0]], "threshold": 0.5}],
    }
    return [make(name), *(make(name).set_params(**params) for params in others.get(name, ()))]


class Subject:
    """An estimator with its training clips and the clips that it predicts; fitted once for all checks."""

    def __init__(self, estimator, X, y, X_new):
        self.estimator = estimator
        self.X, self.y, self.X_new = X, y, X_new

    @cached_property
    def returned(self):
        """The result of ``fit``; no check may change it."""
        self.fitted = clone(self.estimator)
        return self.fitted.fit(self.X, self.y)

    @cached_property
    def fitted(self):
        """The fitted estimator; no check may change it."""
        return self.returned

    @property
    def methods(self):
        """Names of the prediction methods."""
        return [name for name in ("predict", "predict_proba", "transform") if hasattr(self.estimator, name)]

    @staticmethod
    def output(fitted, X):
        """Return the output of a fitted estimator for some clips."""
        return fitted.predict_proba(X) if is_classifier(fitted) else np.asarray(fitted.transform(X))


@pytest.fixture(scope="session")
def subjects(corpus, tmp_path_factory, write_yamnet, write_encoder, write_face_encoder):
    """Every estimator that does not read columns of numbers, by name; the new clips are those of the third speaker."""
    table = corpus.data.reset_index(drop=True)
    new = (table["speaker"] == "S3").to_numpy()
    rng = np.random.default_rng(0)
    arrays = {
        "ConvLSTMClassifier": rng.random((len(table), 2, 16, 16, 3), dtype=np.float32),
        "TransferClassifier": rng.random((len(table), 16, 16, 1), dtype=np.float32),
    }
    made = {}
    for name in kinds()["subject"]:
        X = arrays.get(name, table)
        made[name] = Subject(make(name), X[~new], corpus.target[~new], X[new])
    weights = write_yamnet(tmp_path_factory.mktemp("weights") / "yamnet")
    made["YAMNetEmbedding"].estimator.set_params(weights=next(weights.glob("*.npz")))
    encoders = tmp_path_factory.mktemp("encoders")
    made["SpeechEmbedding"].estimator.set_params(model=str(write_encoder(encoders / "speech.onnx")))
    made["FaceEmbedding"].estimator.set_params(model=str(write_face_encoder(encoders / "face.onnx")))
    return made


# ---- which checks run on what


@cache
def kinds():
    """Return the names of estimators by kind; ``KIND`` in a test module selects one."""
    tags = {name: make(name).__sklearn_tags__() for name in discover()}
    columns = [name for name in tags if tags[name].input_tags.two_d_array]
    subjects = [name for name in tags if name not in columns and hasattr(discover()[name], "fit")]
    return {
        "any": list(tags),
        "columns": columns,
        "subject": subjects,
        "classifier": [name for name in subjects if tags[name].estimator_type == "classifier"],
        "transformer": [name for name in subjects if tags[name].estimator_type != "classifier"],
        "table": [name for name in subjects if tags[name].input_tags.string],
        "array": [name for name in subjects if not tags[name].input_tags.string],
    }


@cache
def expected_failures():
    """Return the reasons in the table of the documentation, by estimator and check."""
    return {(name, check): why for name, check, why in _ROW.findall(PAGE.read_text(encoding="utf-8"))}


def pytest_generate_tests(metafunc):
    """Run a check on the estimators of its module's kind; run scikit-learn's checks on those that read columns."""
    names = kinds()[getattr(metafunc.module, "KIND", "subject")]
    if "check" in metafunc.fixturenames:
        checks = [pair for name in names for made in make_all(name) for pair in estimator_checks_generator(made)]
        params = [_param(type(pair[0]).__name__, pair[1].func.__name__, *pair) for pair in checks]
        metafunc.parametrize(("estimator", "check"), params)
        return
    title = metafunc.function.__name__.removeprefix("test_")
    for fixture in {"subject", "unfitted"} & set(metafunc.fixturenames):
        metafunc.parametrize(fixture, [_param(name, title, name) for name in names], indirect=True)


def _param(name, check, *values):
    """Return a parameter of a test: slow for a network, and with a mark if the check must fail."""
    why = expected_failures().get((name, check))
    marks = [] if why is None else [pytest.mark.xfail(reason=why, strict=True)]
    marks += [pytest.mark.slow] if "epochs" in inspect.signature(discover()[name]).parameters else []
    return pytest.param(*values, marks=marks, id="-".join([name, check][: len(values)]))


@pytest.fixture(autouse=True)
def eager_networks(request):
    """Run networks eagerly in the checks of estimators."""
    if {"subject", "check"} & set(request.fixturenames):
        request.getfixturevalue("eager")


@pytest.fixture
def unfitted(request):
    """An estimator, not fitted."""
    return make(request.param)


@pytest.fixture
def subject(request, subjects):
    """An estimator and its clips."""
    return subjects[request.param]
