"""evaluate: every clip is tested once, and the scores agree with scikit-learn."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score
from sklearn.model_selection import FixedThresholdClassifier, GroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import Bunch

from savee_mm import (
    ClipError,
    ClipGroupKFold,
    DenseClassifier,
    EvaluationReport,
    LeaveOneSpeakerOut,
    ProsodyFeatures,
    evaluate,
)
from savee_mm.evaluation.report.tables import short
from savee_mm.model_selection import LeaveOneCorpusOut, corpus_pairs

SVM = make_pipeline(ProsodyFeatures(), StandardScaler(), SVC())


@pytest.fixture(scope="module")
def report(corpus):
    systems = {"svm": SVM, "dummy": make_pipeline(ProsodyFeatures(), DummyClassifier(strategy="prior"))}
    return evaluate(systems, corpus, ("speaker",), seeds=(0, 1))


def test_every_clip_is_tested_once_per_system_and_seed(report, corpus):
    counts = report.predictions.groupby(["system", "seed"])["clip_id"].agg(["size", "nunique"])
    assert (counts == len(corpus.data)).all(axis=None)


def test_folds_agree_with_cross_val_score(report, corpus):
    folds = report.folds().query("system == 'svm' and seed == 0")
    expected = cross_val_score(SVM, corpus.data, corpus.target, cv=LeaveOneSpeakerOut(), error_score="raise")
    np.testing.assert_allclose(folds["accuracy"], expected)
    assert folds["speakers"].tolist() == ["S1", "S2", "S3"]


def test_training_metrics_are_those_of_the_training_clips(report, corpus):
    train, _ = next(LeaveOneSpeakerOut().split(corpus.data))
    clips, target = corpus.data.iloc[train], corpus.target[train]
    predicted = clone(SVM).fit(clips, target).predict(clips)
    fold = report.folds().query("system == 'svm'").iloc[0]
    assert fold["train_accuracy"] == pytest.approx(accuracy_score(target, predicted))
    assert fold["train_uar"] == pytest.approx(recall_score(target, predicted, average="macro"))


def test_training_log_loss_is_that_of_the_training_clips(report, corpus):
    train, _ = next(LeaveOneSpeakerOut().split(corpus.data))
    fold = report.folds().query("system == 'dummy'").iloc[0]
    shares = np.unique(corpus.target[train], return_counts=True)[1] / len(train)
    assert fold["train_log_loss"] == pytest.approx(-(shares * np.log(shares)).sum())
    assert report.folds().query("system == 'svm'")["train_log_loss"].isna().all()


def test_columns_that_describe_the_clips_are_kept(corpus):
    sex = np.resize(["f", "m"], len(corpus.data))
    table = corpus.data.assign(sex=sex, age=np.repeat([20, 30, 40], 7))
    report = evaluate({"svm": SVM}, type(corpus)(data=table, target=corpus.target), ("speaker",))
    kept = report.predictions.set_index("clip_id").loc[table["clip_id"]]
    assert kept["sex"].tolist() == table["sex"].tolist()
    assert kept["age"].tolist() == table["age"].tolist()
    assert set(report.subgroups("sex")["group"]) == {"f", "m"}


def test_curves_over_epochs_are_kept_for_each_fold(corpus):
    network = DenseClassifier(n_units=(2,), epochs=3, random_state=0)
    report = evaluate({"dense": make_pipeline(ProsodyFeatures(), StandardScaler(), network)}, corpus, ("speaker",))
    curves = report.curves("dense", "speaker")
    assert curves.groupby("name")["epoch"].max().to_dict() == {"accuracy": 3, "loss": 3}
    assert (curves["n_folds"] == 3).all()


def test_confusion_counts_every_clip(report, corpus):
    matrix = report.confusion("svm", "speaker")
    rows = report.predictions.query("system == 'svm'")
    assert matrix.to_numpy().sum() == 2 * len(corpus.data)
    assert np.trace(matrix) == (rows["target"] == rows["predicted"]).sum()
    with pytest.raises(ValueError, match="No folds of system 'tree'"):
        report.confusion("tree", "speaker")


def test_probabilities_are_kept(report):
    probabilities = report.predictions.query("system == 'dummy'").filter(regex="^p_")
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert report.predictions.query("system == 'svm'").filter(regex="^p_").isna().all(axis=None)


def test_seed_reaches_nested_random_states(corpus):
    systems = {"dummy": make_pipeline(ProsodyFeatures(), DummyClassifier(strategy="uniform"))}
    first, second, third = (evaluate(systems, corpus, ("speaker",), seeds=(seed,)) for seed in (0, 0, 1))
    assert first.predictions["predicted"].equals(second.predictions["predicted"])
    assert not first.predictions["predicted"].equals(third.predictions["predicted"])


def test_broken_clip_raises(corpus):
    table = corpus.data.copy()
    table.loc[table.index[4], "audio"] = None
    with pytest.raises(ClipError, match=table["clip_id"].iloc[4]):
        evaluate({"svm": SVM}, type(corpus)(data=table, target=corpus.target), ("speaker",))


def test_table_without_speakers_is_evaluated_by_clip(corpus):
    table = corpus.data[["audio", "clip_id"]]
    svm = {"svm": SVM}
    report = evaluate(svm, type(corpus)(data=table, target=np.resize(["a", "b"], 21)), "clip")
    assert len(report.predictions) == 21


@pytest.mark.parametrize("nothing", [{"systems": {}}, {"protocols": ()}, {"seeds": ()}])
def test_empty_request_is_refused(corpus, nothing):
    with pytest.raises(ValueError, match="at least one system, protocol and seed"):
        evaluate(**{"systems": {"svm": SVM}, "corpus": corpus, **nothing})


def test_classes_may_be_numbers(corpus):
    numbers = type(corpus)(data=corpus.data, target=np.unique(corpus.target, return_inverse=True)[1])
    matrix = evaluate({"svm": SVM}, numbers, ("speaker",)).confusion("svm", "speaker")
    assert matrix.to_numpy().sum() == 21


def test_unknown_protocol_is_named(corpus):
    with pytest.raises(ValueError, match="no protocol 'room'"):
        evaluate({"svm": SVM}, corpus, ("room",))


def test_page_is_self_contained(report, tmp_path):
    page = report.to_html(tmp_path / "new" / "report.html", title="<Figures>", notes="One & two.\n\nThree.")
    text = page.read_text(encoding="utf-8")
    assert "&lt;Figures&gt;" in text
    assert "<p>One &amp; two.</p><p>Three.</p>" in text
    assert text.count("<svg ") == 5  # two confusion matrices, ROC and calibration of one system, the speakers
    assert "<script" not in text
    assert "src=" not in text
    assert f"<td>{short(report.summary()['accuracy'].iloc[0])} ± " in text


def test_bar_over_folds_on_request(corpus, capsys):
    evaluate({"svm": SVM}, corpus, ("speaker",), verbose=True)
    said = capsys.readouterr().err
    assert "svm, speaker, fold 3" in said
    # Time spent < time left, once the first fold is done.
    assert re.search(r"[12]/3 \[\d\d:\d\d<\d\d:\d\d", said)


def informative_corpus(n_clips=400, n_classes=4, seed=0):
    """Informative numbers in a table of four speakers and ten sentences."""
    rng = np.random.default_rng(seed)
    target = rng.integers(n_classes, size=n_clips)
    table = pd.DataFrame(rng.normal(size=(n_clips, n_classes)) + 3 * np.eye(n_classes)[target]).add_prefix("f")
    table = table.assign(
        speaker=np.arange(n_clips) % 4, sentence=rng.integers(10, size=n_clips), clip_id=np.arange(n_clips)
    )
    return Bunch(data=table, target=target)


@pytest.mark.parametrize("protocol", ["clip", "speaker", "sentence", "speaker+sentence"])
def test_shuffled_labels_score_at_chance(protocol):
    corpus = informative_corpus()
    numbers = make_column_transformer(("passthrough", [f"f{i}" for i in range(4)]))
    system = {"logreg": make_pipeline(numbers, LogisticRegression())}
    assert evaluate(system, corpus, protocol).summary()["accuracy"].iloc[0] > 0.9
    corpus.target = np.random.default_rng(1).permutation(corpus.target)
    predictions = evaluate(system, corpus, protocol).predictions
    right = (predictions["target"] == predictions["predicted"]).sum()
    low, high = binom.ppf([0.001, 0.999], len(predictions), 1 / 4)
    assert low <= right <= high


# ---- corpora and splitters

NUMBERS = make_column_transformer(("passthrough", [f"f{i}" for i in range(4)]))
LOGREG = make_pipeline(NUMBERS, LogisticRegression())


@pytest.fixture(scope="module")
def numbers():
    return informative_corpus(n_clips=80)


def test_bunch_and_pair_give_the_same(numbers):
    pair = evaluate({"logreg": LOGREG}, (numbers.data, numbers.target), "clip")
    bunch = evaluate({"logreg": LOGREG}, numbers, "clip")
    columns = bunch.predictions.columns.drop("fit_seconds")
    pd.testing.assert_frame_equal(pair.predictions[columns], bunch.predictions[columns])


def test_clips_may_be_rows_of_an_array(numbers, tmp_path):
    X = numbers.data[[f"f{i}" for i in range(4)]].to_numpy()
    report = evaluate({"logreg": LogisticRegression()}, (X, numbers.target), StratifiedKFold(4), folder=tmp_path)
    assert sorted(report.predictions["clip_id"]) == list(range(80))
    accuracy = cross_val_score(LogisticRegression(), X, numbers.target, cv=StratifiedKFold(4))
    np.testing.assert_allclose(report.folds()["accuracy"], accuracy)
    assert len(list(tmp_path.iterdir())) == 4


def test_splitters_have_the_name_of_their_class_or_of_the_dict(numbers):
    shuffled = StratifiedKFold(2, shuffle=True, random_state=1)
    by_class = evaluate({"logreg": LOGREG}, numbers, ["clip", shuffled])
    assert by_class.summary()["protocol"].tolist() == ["clip", "StratifiedKFold"]
    named = evaluate({"logreg": LOGREG}, numbers, {"shuffled": shuffled})
    assert named.summary()["protocol"].tolist() == ["shuffled"]
    accuracy = cross_val_score(LOGREG, numbers.data, numbers.target, cv=shuffled)
    np.testing.assert_allclose(named.folds()["accuracy"], accuracy)
    with pytest.raises(ValueError, match="Two protocols are named 'StratifiedKFold': pass a dict"):
        evaluate({"logreg": LOGREG}, numbers, [shuffled, StratifiedKFold(3)])


def test_groups_of_the_corpus_reach_a_splitter(numbers):
    corpus = Bunch(data=numbers.data.drop(columns="speaker"), target=numbers.target, groups=np.arange(80) % 5)
    report = evaluate({"logreg": LOGREG}, corpus, GroupKFold(5))
    assert report.predictions.groupby("fold")["clip_id"].agg(lambda ids: set(ids % 5)).map(len).tolist() == [1] * 5
    # The splitters of this library read the table, unless groups are passed.
    by_clip = evaluate({"logreg": LOGREG}, corpus, ClipGroupKFold(4, random_state=0))
    assert by_clip.folds()["n_test"].tolist() == evaluate({"l": LOGREG}, corpus, "clip").folds()["n_test"].tolist()
    passed = evaluate({"logreg": LOGREG}, numbers, GroupKFold(2), groups=np.arange(80) % 2)
    assert passed.predictions.query("fold == 0")["clip_id"].mod(2).nunique() == 1


def test_other_types_of_corpus_are_refused(numbers):
    with pytest.raises(ValueError, match=r"tuple \(X, y\), got DataFrame"):
        evaluate({"logreg": LOGREG}, numbers.data)


def test_folds_in_worker_processes_are_the_same(numbers):
    alone, parallel = (evaluate({"logreg": LOGREG}, numbers, n_jobs=n_jobs).predictions for n_jobs in (None, 2))
    columns = alone.columns.drop("fit_seconds")
    pd.testing.assert_frame_equal(alone[columns], parallel[columns])


class Counting(ClassifierMixin, BaseEstimator):
    """Classifier that counts how often each clip passes through it."""

    passes = Counter()

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        Counting.passes.update(X["clip_id"].tolist())
        return np.tile(np.arange(1.0, len(self.classes_) + 1), (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_clips_pass_through_a_network_once(numbers):
    Counting.passes.clear()
    report = evaluate({"counting": Counting()}, numbers, "clip")
    # Once in the test fold, and once in each of three training folds.
    assert Counting.passes == Counter(dict.fromkeys(range(80), 1 + 3))
    assert report.predictions["predicted"].unique().tolist() == [3]


def test_classifiers_of_scikit_learn_predict_their_own_labels(numbers):
    system = make_pipeline(NUMBERS, FixedThresholdClassifier(LogisticRegression(), threshold=0.9, pos_label=1))
    two = Bunch(data=numbers.data, target=(numbers.target > 1).astype(int))
    rows = evaluate({"system": system}, two, "clip").predictions
    assert (rows["predicted"] == (rows["p_1"] >= 0.9)).all()


# ---- systems and folds that fail


class Failing(DummyClassifier):
    """Classifier that fails where the training clips lack a speaker, or always."""

    def __init__(self, speaker=None, strategy="prior", random_state=None):
        super().__init__(strategy=strategy, random_state=random_state)
        self.speaker = speaker

    def fit(self, X, y):
        if self.speaker not in set(X["speaker"]):
            raise FileNotFoundError("no weights here")
        return super().fit(X, y)


def test_system_that_cannot_run_is_left_out_and_reported(numbers):
    systems = {"logreg": LOGREG, "lost": Failing(2)}
    with pytest.raises(FileNotFoundError, match="no weights here"):
        evaluate(systems, numbers, "speaker")
    with pytest.warns(FitFailedWarning, match="lost was left out. no weights here"):
        report = evaluate(systems, numbers, "speaker", on_error="skip")
    assert report.summary()["system"].tolist() == ["logreg"]
    assert report.skipped == {"lost": "no weights here"}


def test_page_names_the_systems_that_were_left_out(numbers, tmp_path):
    rows = evaluate({"logreg": LOGREG}, numbers, "clip").predictions
    text = EvaluationReport(rows, skipped={"lost": "no <weights>"}).to_html(tmp_path / "r.html").read_text("utf-8")
    assert "lost was left out: no &lt;weights&gt;" in text


def test_error_is_raised_if_no_system_can_run(numbers):
    with pytest.raises(FileNotFoundError, match="no weights here"):
        evaluate({"lost": Failing()}, numbers, "clip", on_error="skip")


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_failed_fold_has_the_error_score(numbers, tmp_path, value):
    report = evaluate({"lost": Failing(2)}, numbers, "speaker", error_score=value, folder=tmp_path)
    folds = report.folds()
    failed = folds["speakers"] == "2"
    for name in ("accuracy", "uar", "f1", "train_accuracy"):
        np.testing.assert_array_equal(folds.loc[failed, name], [value])
        assert folds.loc[~failed, name].gt(0).all()
    summary = report.summary().iloc[0]
    np.testing.assert_allclose(summary["accuracy"], folds["accuracy"].to_numpy().mean())
    np.testing.assert_array_equal(np.isnan(summary["worst_fold"]), np.isnan(value))
    # Its clips count as wrong, and the fold is not kept.
    rows = report.predictions
    assert rows.loc[rows["speaker"] == 2, "error"].unique().tolist() == ["FileNotFoundError: no weights here"]
    assert report.confusion("lost", "speaker")["(failed)"].sum() == 20
    accuracy = report.intervals().set_index("metric").at["accuracy", "value"]
    assert accuracy == pytest.approx((rows["predicted"] == rows["target"]).mean())
    assert len(list(tmp_path.iterdir())) == 3
    assert report.to_html(tmp_path / "r.html").exists()


@pytest.mark.parametrize(("option", "value"), [("on_error", "ignore"), ("error_score", "nan")])
def test_unknown_option_is_named(numbers, option, value):
    with pytest.raises(ValueError, match=f"{option} must be .* got '{value}'"):
        evaluate({"logreg": LOGREG}, numbers, **{option: value})


def test_given_split(corpus):
    """The protocol "fixed" has one fold, in which the given clips are tested."""
    tested = corpus.data.loc[corpus.groups == "S2", "clip_id"].tolist()
    report = evaluate({"svm": SVM}, corpus, test=tested)
    assert report.predictions["clip_id"].tolist() == tested
    assert report.predictions["protocol"].unique().tolist() == ["fixed"]
    by_speaker = evaluate({"svm": SVM}, corpus, "speaker", leakage="ignore").folds().query("speakers == 'S2'")
    assert report.folds()["accuracy"].tolist() == by_speaker["accuracy"].tolist()
    both = evaluate({"svm": SVM}, corpus, "speaker", train=corpus.groups == "S1", test=tested, leakage="ignore")
    assert both.predictions["protocol"].unique().tolist() == ["speaker", "fixed"]
    with pytest.raises(ValueError, match="clips are in train and in test"):
        evaluate({"svm": SVM}, corpus, train=tested, test=tested)


def test_given_split_of_arrays():
    X, y = np.arange(40.0).reshape(20, 2), np.tile(["anger", "fear"], 10)
    report = evaluate({"dummy": DummyClassifier()}, (X, y), train=range(10), test=range(10, 20))
    assert report.predictions["clip_id"].tolist() == list(range(10, 20))


def test_pairs_of_corpora(corpus):
    """The table has test corpora as columns; the protocol "corpus" is its row of others."""
    table = corpus.data.assign(corpus=np.where(corpus.groups == "S1", "one", "two"))
    table = pd.concat([table, table.assign(speaker="x/" + table["speaker"], clip_id="x/" + table["clip_id"])])
    bunch = Bunch(data=table.reset_index(drop=True), target=np.tile(corpus.target, 2))
    pairs = corpus_pairs(bunch.data)
    report = evaluate({"svm": SVM}, bunch, {**pairs, "corpus": LeaveOneCorpusOut()}, leakage="ignore")
    transfer = report.transfer("svm")
    assert transfer.index.tolist() == ["one", "two", "all"]
    assert transfer.columns.tolist() == ["one", "two"]
    folds = report.folds().set_index(["protocol", "fold"])["accuracy"]
    assert transfer.loc["two", "one"] == folds["two -> one", 0] == folds["corpus", 0]
    assert transfer.loc["one", "one"] == pytest.approx(folds["one -> one"].mean())  # speakers of equal size
    assert report.transfer("svm", "uar").notna().all(axis=None)
    texts = {text.get_text() for text in report.plot_transfer("svm").axes[0].texts}
    assert f"{transfer.loc['two', 'one']:.2f}" in texts
    with pytest.raises(ValueError, match="Pass protocols=corpus_pairs"):
        report.transfer("knn")


def test_protocol_corpus(corpus):
    table = corpus.data.assign(corpus=np.where(corpus.groups == "S1", "one", "two"))
    report = evaluate({"svm": SVM}, Bunch(data=table, target=corpus.target), "corpus")
    assert not report.leakage
    assert report.folds()["speakers"].tolist() == ["S1", "S2 S3"]
