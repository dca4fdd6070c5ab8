"""The card: what it says of model, corpus and figures, and how it prints."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import FaceFrameSampler, ModelCard, ProsodyFeatures, evaluate, load_table, make_card


@pytest.fixture(scope="module")
def pipeline(corpus):
    model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(max_iter=1000, random_state=3))
    return model.fit(corpus.data, corpus.target)


@pytest.fixture(scope="module")
def report(pipeline, corpus):
    return evaluate({"voice": pipeline}, corpus, ("speaker",))


@pytest.fixture(scope="module")
def card(pipeline, corpus, report):
    return make_card(pipeline, corpus=corpus, report=report, name="Voices", notes="Drawn faces.")


def test_card_is_json(card):
    assert json.loads(json.dumps(card, allow_nan=False)) == card


def test_it_says_what_it_is_for_and_not_for(card):
    assert "research" in card["use"]
    assert any("Workplaces and schools" in line for line in card["not_for"])
    other = make_card(LogisticRegression(), use="Tests.", not_for=["Anything else."])
    assert (other["use"], other["not_for"]) == ("Tests.", ["Anything else."])


def test_it_knows_the_corpus(card, corpus):
    assert card["corpus"]["n_clips"] == 21
    assert card["corpus"]["speakers"] == ["S1", "S2", "S3"]
    assert card["corpus"]["clips"] == dict.fromkeys(corpus.target_names, 3)
    lines = corpus.DESCR.strip().splitlines()
    # A rule under the title would make a heading of it.
    assert card["corpus"]["description"].splitlines() == [line for line in lines if not line or line.strip("-")]


def test_places_in_the_description_of_a_corpus_are_left_out(pipeline, corpus, tmp_path):
    corpus.data.assign(emotion=corpus.target).to_csv(tmp_path / "clips.csv", index=False)
    description = make_card(pipeline, corpus=load_table(tmp_path / "clips.csv"))["corpus"]["description"]
    assert "clips.csv" in description
    assert tmp_path.name not in description


def test_its_figures_are_those_of_the_report(card, report):
    (figures,) = card["evaluation"]
    summary = report.summary().iloc[0]
    assert figures["protocol"] == "speaker"
    assert figures["n_clips"] == 21
    assert figures["accuracy"] == summary["accuracy"]
    speakers = report.subgroups("speaker")
    assert [row["speaker"] for row in card["speakers"]] == speakers["group"].tolist()
    assert [row["accuracy"] for row in card["speakers"]] == speakers["accuracy"].tolist()


def test_system_of_a_report_has_to_be_there(pipeline, report):
    with pytest.raises(
        ValueError, match=r"The report has the systems voice; pass the name of this model as system, got 'face'"
    ):
        make_card(pipeline, report=report, system="face")


def test_it_knows_preprocessing_seed_and_versions(card):
    assert [step["type"] for step in card["preprocessing"]] == ["ProsodyFeatures", "StandardScaler"]
    assert "cache" not in card["preprocessing"][0]["parameters"]
    assert card["seed"] == 3
    assert card["libraries"]["numpy"] == np.__version__
    assert card["saved"].endswith("+00:00")


def test_weights_come_with_their_licence(corpus, shared, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    sampler = FaceFrameSampler(n_frames=1, detector="yunet").fit(corpus.data)
    (weights,) = make_card(sampler)["weights"]
    assert (weights["name"], weights["licence"]) == ("yunet", "MIT")
    assert weights["sha256"] == list(sampler.weights_sha256_)
    assert make_card(sampler)["preprocessing"][0]["parameters"]["detector"] == "yunet"
    own = shared / "models/face_detection_yunet_2026may.onnx"
    sampler = FaceFrameSampler(n_frames=1, detector="yunet", weights=own).fit(corpus.data)
    assert "unknown; see its source" in make_card(sampler)["weights"][0]["licence"]


def test_it_prints_as_markdown(card):
    text = str(card)
    assert text.startswith("# Voices\n\n- Estimator: Pipeline\n- Emotions: anger, ")
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "Intended use",
        "Not intended for",
        "Corpus",
        "Evaluation",
        "Evaluation by speaker",
        "Preprocessing",
        "Notes",
    ]
    second = card["speakers"][1]
    assert f"| speaker | {second['speaker']} | 7 | {second['accuracy']:.3f} |" in text
    assert "- ProsodyFeatures(" in text


def test_what_is_not_known_is_left_out():
    assert ModelCard(estimator="X").to_markdown() == "# X\n\n- Estimator: X"
