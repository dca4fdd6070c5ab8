"""evaluate and its report: every clip is tested once, figures are scikit-learn's, pages stand alone."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, recall_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from savee_mm import ClipError, EvaluationReport, LeaveOneSpeakerOut, ProsodyFeatures, evaluate

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


def test_summary_is_mean_and_deviation_over_folds(report):
    folds = report.folds().query("system == 'svm'")
    row = report.summary().set_index("system").loc["svm"]
    assert row["accuracy"] == pytest.approx(folds["accuracy"].mean())
    assert row["accuracy_sd"] == pytest.approx(folds["accuracy"].std(ddof=0))
    assert row["worst_fold"] == folds["accuracy"].min()


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


def test_uar_ignores_classes_that_are_only_predicted():
    frame = pd.DataFrame(
        {
            "system": "s",
            "protocol": "speaker",
            "seed": 0,
            "fold": 0,
            "clip_id": list("abcd"),
            "speaker": "A",
            "target": ["anger", "anger", "fear", "fear"],
            "predicted": ["anger", "sadness", "fear", "fear"],
            "train_accuracy": 1.0,
            "fit_seconds": 0.1,
        }
    )
    fold = EvaluationReport(frame).folds().iloc[0]
    assert fold["accuracy"] == accuracy_score(frame["target"], frame["predicted"])
    assert fold["uar"] == recall_score(frame["target"], frame["predicted"], labels=["anger", "fear"], average="macro")


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
    assert text.count("<svg") == 2
    assert "<script" not in text
    assert "src=" not in text
    assert f"{report.summary()['accuracy'].iloc[0]:.3f}" in text


def test_bar_over_folds_on_request(corpus, capsys):
    evaluate({"svm": SVM}, corpus, ("speaker",), verbose=True)
    assert "svm, speaker, fold 3" in capsys.readouterr().err
