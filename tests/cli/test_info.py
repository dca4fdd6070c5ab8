"""``savee-mm info``: the card of a model, the size of a cache, or versions and weights."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.dummy import DummyClassifier

from savee_mm import load_card, save_model
from savee_mm._cache import FolderStore
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


def test_control_characters_of_a_card_are_escaped(tmp_path):
    card = {"name": "m\x1b]0;owned\x07", "notes": "two\nlines\x9b2J"}
    path = save_model(DummyClassifier().fit([[0.0], [1.0]], ["a", "b"]), tmp_path / "m.savee", card=card)
    assert r"# m\x1b]0;owned\x07" in run(path).output
    assert "two\nlines\\x9b2J" in run(path).output
    text = run(path, "--json").output
    assert text.replace("\n", "").isprintable()
    assert json.loads(text)["name"] == card["name"]


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


def test_size_of_a_cache_folder(tmp_path):
    store = FolderStore(tmp_path)
    for number in range(3):
        store.put(f"{number:040x}", np.zeros(100))
    (tmp_path / "other.txt").write_text("not an entry")
    summary = json.loads(run(tmp_path, "--json").output)
    assert (summary["entries"], summary["limit"]) == (3, 20 * 10**9)
    assert summary["bytes"] == sum(path.stat().st_size for path in tmp_path.glob("*.npy"))
    assert summary["first_use"] <= summary["last_use"]
    text = run(tmp_path).output
    assert "entries   3\n" in text
    assert "of 20 GB (SAVEE_MM_CACHE_GB)" in text


def test_empty_folder_has_no_entries(tmp_path):
    assert run(tmp_path).output.startswith("entries   0\n")
