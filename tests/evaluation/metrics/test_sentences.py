"""The accuracy of the sentence alone: by hand, on SAVEE, and only in protocols by speaker."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from savee_mm import evaluate, load_savee
from savee_mm.evaluation.metrics import sentence_accuracy


def rows_of(clips, fold="speaker"):
    """Predictions of clips (speaker, sentence, target), with one fold for each value of a column."""
    rows = pd.DataFrame(clips, columns=["speaker", "sentence", "target"])
    return rows.assign(clip_id=range(len(rows)), seed=0, fold=pd.factorize(rows[fold])[0], predicted="anger")


CLIPS = [
    ("A", "dog", "anger"),
    ("A", "tea", "fear"),
    ("A", "sea", "joy"),
    ("B", "dog", "anger"),
    ("B", "tea", "anger"),
    ("C", "dog", "joy"),
    ("C", "tea", "fear"),
]


def test_by_hand():
    accuracy = sentence_accuracy(rows_of(CLIPS))
    # For A, of the equal counts of anger and joy (dog) and of anger and fear (tea), anger has more clips; so has it for
    # sea, which the others do not read. For B, joy has more clips than anger (dog), and tea is fear. For C, dog is
    # anger, and so is tea, because anger has more clips than fear.
    assert accuracy.to_dict() == pytest.approx({(0, 0): 1 / 3, (0, 1): 0, (0, 2): 0})


def test_own_clips_do_not_count():
    clips = [("A", "dog", "anger"), ("A", "dog", "anger"), ("B", "dog", "fear"), ("B", "tea", "fear")]
    assert sentence_accuracy(rows_of(clips)).tolist() == [0, 0]


def test_seeds_do_not_count_twice():
    rows = rows_of(CLIPS)
    both = sentence_accuracy(pd.concat([rows, rows.assign(seed=1)], ignore_index=True))
    assert both.loc[0].tolist() == both.loc[1].tolist() == sentence_accuracy(rows).tolist()


def test_missing_sentences_are_predicted_by_the_most_frequent_class():
    rows = rows_of(CLIPS)
    rows.loc[rows["speaker"] == "C", "sentence"] = None
    assert sentence_accuracy(rows)[0, 2] == 0
    rows.loc[rows["speaker"] == "C", "target"] = "anger"
    assert sentence_accuracy(rows)[0, 2] == 1


@pytest.mark.parametrize(
    "rows",
    [
        rows_of(CLIPS, fold="sentence"),
        rows_of(CLIPS).assign(fold=0),
        rows_of(CLIPS).assign(sentence="dog"),
        rows_of(CLIPS).drop(columns="sentence"),
    ],
    ids=["by sentence", "one fold", "one sentence", "no sentences"],
)
def test_only_by_speaker_with_sentences(rows):
    assert sentence_accuracy(rows).empty


def test_savee(shared):
    """Each sentence is read in one emotion by most speakers: .750 on unseen speakers, without any sound."""
    savee = load_savee(shared / "data" / "savee_chimera")
    report = evaluate({"dummy": DummyClassifier()}, savee, ("clip", "speaker", "speaker+sentence"), leakage="ignore")
    table = report.summary().set_index("protocol")["sentence_accuracy"]
    assert table["speaker"] == 0.75
    assert table[["clip", "speaker+sentence"]].isna().all()


@pytest.fixture(scope="module")
def report():
    """A system that is better than the sentence alone, and one that is not."""
    rng = np.random.default_rng(0)
    target = np.resize(["anger", "fear"], 80)
    sentence = np.where(rng.random(80) < 0.7, target, "tea")
    table = pd.DataFrame({"speaker": np.repeat(list("ABCD"), 20), "sentence": sentence, "clip_id": range(80)})
    table["signal"] = rng.normal(size=80) + 6 * (target == "fear")
    read = FunctionTransformer(lambda X: X[["signal"]])
    systems = {"good": make_pipeline(read, LogisticRegression()), "poor": DummyClassifier()}
    return evaluate(systems, (table, target), ("speaker", "clip"), leakage="ignore")


def test_report_has_it_next_to_each_score_by_speaker(report):
    table = report.summary().set_index(["system", "protocol"])["sentence_accuracy"]
    assert table["good", "speaker"] == table["poor", "speaker"] > 0.7
    assert table[:, "clip"].isna().all()
    header = report.to_markdown().splitlines()[0].split("|")
    assert [name.strip() for name in header[3:5]] == ["accuracy", "sentence alone"]


def test_report_warns_of_systems_that_are_not_better(report, tmp_path):
    text = report.to_markdown()
    assert "Warning: the accuracy of poor, protocol speaker, is not above that of the sentence alone" in text
    assert "accuracy of good" not in text
    page = report.to_html(tmp_path / "r.html").read_text("utf-8")
    lead = page[: page.index("<h2")]
    assert "the accuracy of poor, protocol speaker, is not above" in lead
    # It is named where the speakers are unseen.
    named = re.findall(r"protocol (\w+): [^<]*?majority class \.500(.*?)\.<", lead)
    (value,) = {rest for protocol, rest in named if protocol == "speaker"}
    assert float(value.removeprefix(", sentence alone ")) > 0.7
    assert {rest for protocol, rest in named if protocol == "clip"} == {""}
