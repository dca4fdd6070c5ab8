"""``savee-mm info``: the card of a model, or versions and weights."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.dummy import DummyClassifier

from savee_mm import load_card, save_model
from savee_mm.cli import main


def run(*args):
    return CliRunner().invoke(main, ["info", *map(str, args)])


@pytest.fixture
def model(tmp_path):
    return save_model(
        DummyClassifier().fit([[0.0], [1.0]], ["a", "b"]), tmp_path / "m.savee", card={"notes": "Guesses."}
    )


def test_card_is_printed(model):
    result = run(model)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("# DummyClassifier\n")
    assert "## Notes\n\nGuesses." in result.output


def test_card_as_json(model):
    assert json.loads(run(model, "--json").output) == load_card(model)


def test_versions_and_weights_without_a_model(monkeypatch, tmp_path):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    (tmp_path / "face_detection_yunet_2026may.onnx").touch()
    text = run().output
    assert f"numpy             {np.__version__}" in text
    assert "weights yunet     face_detection_yunet_2026may.onnx (MIT)" in text
    assert "weights vgg16     missing; savee-mm fetch-weights vgg16" in text
    assert json.loads(run("--json").output)["weights"]["vgg16"] == []


def test_other_files_are_refused_in_one_sentence(tmp_path):
    (tmp_path / "x").write_text("no model")
    result = run(tmp_path / "x")
    assert result.exit_code == 1
    assert "not a model file of savee_mm" in result.output
    assert run(tmp_path / "nowhere").exit_code == 1
