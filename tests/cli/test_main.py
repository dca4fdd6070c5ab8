"""Every command, by running it."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from savee_mm import load_model
from savee_mm.cli import main

FAST = ["--epochs", "1"]

pytestmark = pytest.mark.usefixtures("eager")


def run(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def root(corpus):
    """Folder of the synthetic corpus."""
    return corpus.data["video"].iloc[0].rsplit("AudioVisualClip")[0]


@pytest.fixture(scope="module")
def model(root, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "fusion.savee"
    result = run("train", root, "--out", path, "--without", "S3", *FAST)
    assert result.exit_code == 0, result.output
    assert "trained on 14 clips of S1, S2" in result.output
    return path


def test_help_lists_the_commands_in_the_order_of_use():
    lines = run("--help").output.splitlines()
    commands = [line.split()[0] for line in lines[lines.index("Commands:") + 1 :] if line]
    assert commands == ["demo", "evaluate", "report", "train", "predict", "info", "features", "fetch-weights"]
    assert run("--version").output.startswith("savee-mm, version ")


def test_predict_prints_the_emotions_of_each_file(model, corpus):
    clips = corpus.data["video"].iloc[-2:].tolist()
    result = run("predict", *clips, "--model", model)
    assert result.exit_code == 0, result.output
    header, *rows = result.output.splitlines()
    assert header.split() == ["file", "emotion", *corpus.target_names]
    assert [row.split()[0] for row in rows] == clips
    assert sum(float(p) for p in rows[0].split()[2:]) == pytest.approx(1, abs=0.005)


@pytest.fixture
def bad(tmp_path):
    """A file that is neither sound nor video."""
    path = tmp_path / "bad.wav"
    path.write_bytes(b"RIFF")
    return path


def test_predict_prints_json_for_scripts(model, corpus, bad):
    good = corpus.data["video"].iloc[0]
    result = run("predict", bad, good, "--model", model, "--json")
    assert result.exit_code == 1
    (row,) = json.loads(result.stdout)
    assert row["file"] == good
    assert set(row["probabilities"]) == set(corpus.target_names)
    assert row["emotion"] == max(row["probabilities"], key=row["probabilities"].get)
    assert "Error: clip 'bad'" in result.stderr


def test_predict_continues_after_an_unusable_file(model, corpus, bad):
    good = corpus.data["video"].iloc[0]
    result = run("predict", bad, good, "--model", model)
    assert result.exit_code == 1
    assert f"Error: clip 'bad' ({bad})" in result.output
    assert result.output.splitlines()[-1].startswith(good)


def test_train_takes_any_system(root, tmp_path, corpus):
    result = run("train", root, "--system", "knn", "--out", tmp_path / "knn.savee")
    assert result.exit_code == 0, result.output
    assert load_model(tmp_path / "knn.savee").predict(corpus.data).shape == (21,)


def test_demo_runs_from_nothing_to_a_report(tmp_path):
    result = run("demo", "--out", tmp_path / "demo", "--speakers", 2, "--sentences", 1, "--protocols", "speaker", *FAST)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == ["corpus", "fusion.savee", "report.html"]
    for step in "12345":
        assert f"{step}. " in result.output


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["evaluate", "nowhere"], "nowhere"),
        (["evaluate", "ROOT", "--protocols", "room"], "no protocol 'room'"),
        (["evaluate", "ROOT", "--systems", "fusion,oracle"], "fusion"),
        (["evaluate", "ROOT", "--systems", " ,"], "names no system"),
        (["evaluate", "ROOT", "--systems", "fusion,svm", "--epochs", "1"], "'svm' is not"),
        (["train", "ROOT", "--out", "m.savee", "--system", "oracle"], "oracle"),
        (["train", "ROOT", "--out", "m.savee", "--without", "KL"], "the speakers are S1, S2, S3"),
        (["evaluate", "ROOT", "--speaker-normalized", "--epochs", "1", "--systems", "knn"], "'knn' is not"),
        (["report", "ROOT", "--out", "page.html"], "holds no finished folds"),
        (["report", "nowhere"], "nowhere holds no finished folds"),
        (["predict", "nowhere.mp4", "--model", "MODEL"], "nowhere.mp4"),
        (["predict", "a.mp4", "--model", "nowhere.savee"], "nowhere.savee"),
        (["fetch-weights", "haar"], "haar"),
    ],
)
def test_errors_are_one_sentence_and_status_1(args, message, root, model):
    result = run(*({"ROOT": root, "MODEL": model}.get(arg, arg) for arg in args))
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output


def test_wrong_usage_is_status_2():
    assert run("predict", "a.mp4").exit_code == 2
    assert run("evaluate", "x", "--corpus", "iemocap").exit_code == 2
    result = run("evaluate", "x", "--seeds", "0,one")
    assert result.exit_code == 2
    assert "integers separated by commas, got '0,one'" in result.output


def test_installed_as_a_module():
    done = subprocess.run([sys.executable, "-m", "savee_mm", "--help"], capture_output=True, text=True, check=True)
    assert "savee-mm evaluate SAVEE/" in done.stdout
