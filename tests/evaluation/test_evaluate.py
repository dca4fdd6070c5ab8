"""evaluate and its report: every clip is tested once, figures are scikit-learn's, pages stand alone."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import Bunch

from savee_mm import ClipError, DenseClassifier, LeaveOneSpeakerOut, ProsodyFeatures, evaluate
from savee_mm.evaluation.report.tables import short

SVM = make_pipeline(ProsodyFeatures(), StandardScaler(), SVC())


@pytest.fixture(scope="module")
def report(corpus):
    systems = {"svm": SVM, "dummy": make_pipeline(ProsodyFeatures(), DummyClassifier(strategy="prior"))}
    return evaluate(systems, corpus, ("speaker",), seeds=(0, 1))


def test_every_clip_is_tested_once_per_system_and_seed(report, corpus):
    counts = report.predictions.groupby(["system", "seed"])["clip_id"].agg(["size", "nunique"])
    assert (counts == len(corpus.data)).all(axis=None)


def test_folds_are_what_cross_val_score_says(report, corpus):
    folds = report.folds().query("system == 'svm' and seed == 0")
    expected = cross_val_score(SVM, corpus.data, corpus.target, cv=LeaveOneSpeakerOut(), error_score="raise")
    np.testing.assert_allclose(folds["accuracy"], expected)
    assert folds["speakers"].tolist() == ["S1", "S2", "S3"]


def test_training_figures_are_those_of_the_training_clips(report, corpus):
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
    table = corpus.data.assign(sex=np.where(corpus.groups == "S1", "f", "m"), age=np.repeat([20, 30, 40], 7))
    report = evaluate({"svm": SVM}, type(corpus)(data=table, target=corpus.target), ("speaker",))
    kept = report.predictions.set_index("clip_id").loc[table["clip_id"]]
    assert kept["sex"].tolist() == table["sex"].tolist()
    assert kept["age"].tolist() == table["age"].tolist()
    assert set(report.subgroups("sex")["group"]) == {"f", "m"}


def test_curves_over_epochs_are_kept_per_fold(corpus):
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


def test_probabilities_are_kept_where_there_are_any(report):
    probabilities = report.predictions.query("system == 'dummy'").filter(regex="^p_")
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert report.predictions.query("system == 'svm'").filter(regex="^p_").isna().all(axis=None)


def test_seed_reaches_nested_random_states(corpus):
    systems = {"dummy": make_pipeline(ProsodyFeatures(), DummyClassifier(strategy="uniform"))}
    first, second, third = (evaluate(systems, corpus, ("speaker",), seeds=(seed,)) for seed in (0, 0, 1))
    assert first.predictions["predicted"].equals(second.predictions["predicted"])
    assert not first.predictions["predicted"].equals(third.predictions["predicted"])


def test_broken_clip_raises_instead_of_scoring_nan(corpus):
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
def test_nothing_to_do_is_said(corpus, nothing):
    with pytest.raises(ValueError, match="at least one system, protocol and seed"):
        evaluate(**{"systems": {"svm": SVM}, "corpus": corpus, **nothing})


def test_classes_may_be_numbers(corpus):
    numbers = type(corpus)(data=corpus.data, target=np.unique(corpus.target, return_inverse=True)[1])
    matrix = evaluate({"svm": SVM}, numbers, ("speaker",)).confusion("svm", "speaker")
    assert matrix.to_numpy().sum() == 21


def test_unknown_protocol_is_named(corpus):
    with pytest.raises(ValueError, match="no protocol 'room'"):
        evaluate({"svm": SVM}, corpus, ("room",))


def test_page_stands_alone(report, tmp_path):
    page = report.to_html(tmp_path / "new" / "report.html", title="<Figures>", notes="One & two.\n\nThree.")
    text = page.read_text(encoding="utf-8")
    assert "&lt;Figures&gt;" in text
    assert "<p>One &amp; two.</p><p>Three.</p>" in text
    assert text.count("<svg ") == 5  # two confusions, what has probabilities twice more, the speakers
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
    """Numbers that tell the class, in a table of four speakers who read ten sentences."""
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
