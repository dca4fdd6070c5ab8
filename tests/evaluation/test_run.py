"""Predictions of one fold: labels, probabilities, branches of a late fusion, and training curves."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from savee_mm import DenseClassifier, EvaluationReport, LateFusionClassifier, TransferClassifier, evaluate
from savee_mm.evaluation._run import find_history, predict_once


def reads(column):
    return make_pipeline(make_column_transformer(("passthrough", [column])), LogisticRegression())


FUSION = LateFusionClassifier([("voice", reads("pitch")), ("face", reads("smile"))])


@pytest.fixture(scope="module")
def corpus():
    """Voice and face that each predict two emotions with independent errors; some clips have no face."""
    rng, target = np.random.default_rng(0), np.tile(["anger", "joy"], 60)
    table = pd.DataFrame({"pitch": rng.normal(2 * (target == "joy")), "smile": rng.normal(3 * (target == "joy"))})
    table = table.assign(speaker=np.repeat(list("ABCD"), 30), clip_id=[f"c{i}" for i in range(120)])
    table.loc[::10, "smile"] = np.nan
    return Bunch(data=table, target=target)


@pytest.fixture(scope="module")
def report(corpus):
    systems = {"late": FUSION, "chance": DummyClassifier(strategy="prior")}
    return evaluate(systems, corpus, ("clip", "speaker"), seeds=(0, 1))


@pytest.mark.parametrize("wrap", [lambda fusion: fusion, lambda fusion: GridSearchCV(fusion, {"combine": ["best"]})])
def test_branch_labels_are_those_of_the_fitted_branches(corpus, wrap):
    fitted = wrap(FUSION).fit(corpus.data, corpus.target)
    labels, probabilities, branches = predict_once(fitted, corpus.data)
    assert list(branches) == ["branch_voice", "branch_face"]
    assert labels.tolist() == fitted.predict(corpus.data).tolist()
    np.testing.assert_array_equal(probabilities, fitted.predict_proba(corpus.data))
    voice = getattr(fitted, "best_estimator_", fitted).named_estimators_["voice"]
    assert branches["branch_voice"] == voice.predict(corpus.data).tolist()
    assert [label is None for label in branches["branch_face"]] == corpus.data["smile"].isna().tolist()


def test_estimator_without_branches(corpus):
    assert predict_once(reads("pitch").fit(corpus.data, corpus.target), corpus.data)[2] == {}


def test_report_has_the_gain_of_every_seed(report):
    gains = report.branches()
    assert gains[["system", "protocol", "seed"]].to_numpy().tolist() == [
        ["late", protocol, seed] for protocol in ("clip", "speaker") for seed in (0, 1)
    ]
    rows = report.predictions.query("system == 'late' and protocol == 'clip' and seed == 1")
    line = gains.iloc[1]
    assert line["combined"] == pytest.approx((rows["predicted"] == rows["target"]).mean())
    assert line["branch_voice"] == pytest.approx((rows["branch_voice"] == rows["target"]).mean())
    assert line["difference"] == line["combined"] - max(line["branch_voice"], line["branch_face"])


def test_page_names_the_pretrained_files(tmp_path, vgg16_file):
    X = np.random.default_rng(0).random((12, 32, 32, 1))
    vgg = TransferClassifier(backbone="vgg16", weights=vgg16_file, size=32, epochs=1, random_state=0)
    report = evaluate({"vgg": vgg, "chance": DummyClassifier()}, (X, np.tile(["anger", "joy"], 6)), {"two": KFold(2)})
    name = f"{vgg16_file.name} (SHA-256 {hashlib.sha256(vgg16_file.read_bytes()).hexdigest()[:12]})"
    rows = report.predictions.query("system == 'vgg' and fold == 1")
    assert rows["pretrained"].tolist() == [[name], *[None] * 5]
    report.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().count(f"Pretrained files: {name}.") == 1


def test_page_shows_the_gain_and_branches_are_no_groups(report, tmp_path):
    text = report.to_html(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Late fusion against its own branches" in text
    assert "By branch_voice" not in text
    assert "branch_voice" not in text


def test_without_branches_there_is_no_section(report, tmp_path):
    rows = report.predictions.query("system == 'chance'")
    plain = EvaluationReport(rows)
    assert plain.branches().empty
    assert "What each modality adds" not in plain.to_html(tmp_path / "r.html").read_text(encoding="utf-8")


def test_branch_labels_are_kept_in_a_folder(corpus, tmp_path):
    once, again = (evaluate({"late": FUSION}, corpus, "speaker", folder=tmp_path) for _ in range(2))
    pd.testing.assert_frame_equal(once.branches(), again.branches())
    pd.testing.assert_frame_equal(EvaluationReport.from_folds(tmp_path).branches(), once.branches())


X = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
Y = np.resize(["a", "b"], 24)


def network():
    return DenseClassifier(n_units=(2,), epochs=2, random_state=0)


@pytest.mark.parametrize(
    "estimator",
    [
        network(),
        make_pipeline(StandardScaler(), network()),
        GridSearchCV(make_pipeline(StandardScaler(), network()), {"denseclassifier__dropout": [0.0]}, cv=2),
    ],
    ids=["network", "pipeline", "search"],
)
def test_history_is_found(estimator):
    history = find_history(estimator.fit(X, Y))
    assert set(history) == {"accuracy", "loss"}
    assert [len(values) for values in history.values()] == [2, 2]


def test_estimator_without_epochs_has_no_history():
    assert find_history(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)) is None
