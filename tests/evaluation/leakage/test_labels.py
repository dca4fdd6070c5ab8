"""Columns that determine the class are findings if the estimator reads them, whatever the way."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from savee_mm import MFCCImage, SpeakerNormalizer, VoiceFunctionals, check_leakage, evaluate, load_savee, systems
from savee_mm.evaluation.leakage._labels import determines

N = 120
EMOTION = np.resize(["anger", "fear", "joy"], N)
CODES = np.unique(EMOTION, return_inverse=True)[1]
HEAD = LogisticRegression()


@pytest.fixture
def table():
    """A clip table without files, with the class in several forms."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "audio": [f"{i}.wav" for i in range(N)],
            "clip_id": [f"c{i}" for i in range(N)],
            "speaker": np.repeat(list("ABCD"), N // 4),
            "sentence": rng.integers(10, size=N).astype(str),
            "energy": rng.normal(size=N) + 1.5 * CODES,
            "emotion": EMOTION,
            "code": 2.5 * CODES,
            "parts": 2 * CODES + rng.integers(2, size=N),
            "noisy": CODES + rng.normal(scale=0.01, size=N),
        }
    )


def class_findings(estimator, table, **options):
    report = check_leakage(estimator, table, EMOTION, "speaker", **options)
    return [finding.message.split("'")[1] for finding in report if finding.kind == "class"]


class Lookup(TransformerMixin, BaseEstimator):
    """Transformer of one column that does not declare it."""

    def __init__(self, column):
        self.column = column

    def fit(self, X, y=None):
        self.names_ = sorted(set(X[self.column]))
        return self

    def transform(self, X):
        return np.array([[cell == name for name in self.names_] for cell in X[self.column]], dtype=float)


def last_of(table):
    return ["emotion"]


LEAKS = {
    "by name": (make_column_transformer((OneHotEncoder(), ["emotion"])), ["emotion"]),
    "by data type": (
        make_column_transformer((OneHotEncoder(), make_column_selector(dtype_exclude="number"))),
        ["emotion"],
    ),
    "by pattern": (make_column_transformer((StandardScaler(), make_column_selector("code|energy"))), ["code"]),
    "by callable": (make_column_transformer((OneHotEncoder(), last_of)), ["emotion"]),
    "by position": (make_column_transformer((StandardScaler(), [4, 6])), ["code"]),
    "by slice": (make_column_transformer(("passthrough", slice("parts", None))), ["parts", "noisy"]),
    "as the remainder": (
        make_column_transformer(
            (StandardScaler(), ["energy"]), ("drop", ["emotion", "code"]), remainder=OneHotEncoder()
        ),
        ["parts", "noisy"],
    ),
    "in a union": (
        FeatureUnion([("voice", VoiceFunctionals()), ("label", FunctionTransformer(lambda X: X[["noisy"]]))]),
        ["noisy"],
    ),
    "by a function": (FunctionTransformer(pd.DataFrame.filter, kw_args={"items": ["code", "energy"]}), ["code"]),
    "by a transformer without declared columns": (Lookup("parts"), ["parts"]),
}


@pytest.mark.parametrize("how", list(LEAKS))
def test_column_that_determines_the_class_is_read(table, how):
    extractor, columns = LEAKS[how]
    assert class_findings(make_pipeline(extractor, HEAD), table) == columns


@pytest.mark.parametrize(
    "wrap",
    [
        lambda system: make_pipeline(make_pipeline(system[0]), system[1]),
        lambda system: GridSearchCV(system, {"logisticregression__C": [1, 2]}),
        lambda system: CalibratedClassifierCV(system),
    ],
    ids=["pipeline", "search", "wrapper"],
)
def test_estimators_around_are_followed(table, wrap):
    assert class_findings(wrap(make_pipeline(LEAKS["by name"][0], HEAD)), table) == ["emotion"]


def test_classifiers_of_scikit_learn_read_the_whole_table(table):
    numbers = table[["energy", "code", "speaker"]]
    assert class_findings(DecisionTreeClassifier(), numbers) == ["code"]


CLEAN = {
    "extractor": make_pipeline(VoiceFunctionals(), HEAD),
    "normalised by speaker": make_pipeline(SpeakerNormalizer(MFCCImage(normalize=None)), HEAD),
    "other columns": make_pipeline(make_column_transformer((StandardScaler(), ["energy"]), remainder="drop"), HEAD),
    "function of other columns": make_pipeline(FunctionTransformer(lambda X: X[["energy"]]), HEAD),
    "dummy": DummyClassifier(),
    "recommended": systems.make("best_fusion"),
}


@pytest.mark.parametrize("what", list(CLEAN))
def test_label_columns_that_are_not_read_are_notes(table, what):
    report = check_leakage(CLEAN[what], table, EMOTION, "speaker")
    assert len(report) == 0
    assert "the class can be read from 'emotion': the estimator does not read it" in report.notes


def test_columns_of_an_unknown_classifier_are_notes(table):
    class Table(DummyClassifier):
        """A classifier of another library over the table."""

    report = check_leakage(Table(), table, EMOTION, "speaker")
    assert len(report) == 0
    assert "the class can be read from 'code': it must not be a feature" in report.notes


def test_second_ratings_are_known_by_name(table):
    rating = np.where(np.arange(N) % 4 == 0, "joy", EMOTION)
    system = make_pipeline(make_column_transformer((OneHotEncoder(), ["rating"])), HEAD)
    rated = table.assign(rating=rating)
    assert class_findings(system, rated) == []
    assert class_findings(system, rated, label_columns=["emotion", "rating"]) == ["rating"]


def test_column_that_identifies_the_speaker_is_a_note(table):
    table = table.assign(age=table["speaker"].map({"A": 20, "B": 31, "C": 45, "D": 60}))
    system = make_pipeline(make_column_transformer((StandardScaler(), ["age", "energy"])), HEAD)
    notes = check_leakage(system, table, EMOTION, "clip").notes
    assert [note for note in notes if "identifies the speaker" in note] == [
        "the estimator reads the column 'age', which identifies the speaker"
    ]


def test_evaluate_names_the_system_that_reads_the_class(table):
    systems = {name: make_pipeline(LEAKS[how][0], HEAD) for name, how in (("a", "by name"), ("b", "by position"))}
    with pytest.warns(UserWarning, match="leak"):
        report = evaluate(systems, (table, EMOTION), "speaker")
    assert [(finding.kind, finding.where) for finding in report.leakage] == [
        ("class", "system 'a'"),
        ("class", "system 'b'"),
    ]
    assert report.summary()["accuracy"].tolist() == [1, 1]


# ---- determines

RNG = np.random.default_rng(1)
DETERMINING = {
    "names": EMOTION,
    "codes": 7 - CODES,
    "two codes for each class": 2 * CODES + RNG.integers(2, size=N),
    "2 % errors": np.where(np.arange(N) % 60 == 0, "fear", EMOTION),
    "codes with noise": CODES + RNG.normal(scale=0.01, size=N),
    "missing for one class": np.where(CODES == 0, None, EMOTION),
}
OTHER = {
    "constant": np.zeros(N),
    "random names": RNG.choice(list("abcdef"), N),
    "unique names": np.arange(N).astype(str),
    "a strong feature": CODES + RNG.normal(scale=0.3, size=N),
    "sorted numbers": np.sort(RNG.normal(size=N)),
    "one class against two": CODES == 0,
    "20 % errors": np.where(np.arange(N) % 5 == 0, "fear", EMOTION),
}


@pytest.mark.parametrize("what", list(DETERMINING))
def test_determines_the_class(what):
    assert determines(pd.Series(DETERMINING[what]), CODES)


@pytest.mark.parametrize("what", list(OTHER))
def test_does_not_determine_the_class(what):
    assert not determines(pd.Series(OTHER[what]), CODES)


def test_one_class_is_determined_by_no_column():
    assert not determines(pd.Series(EMOTION), np.zeros(N, dtype=int))


def test_sentences_of_savee_do_not_determine_the_class(shared):
    savee = load_savee(shared / "data" / "savee_chimera")
    codes = np.unique(savee.target, return_inverse=True)[1]
    assert [name for name in savee.data if determines(savee.data[name], codes)] == []
