"""Every command, by running it."""

import subprocess
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

from savee_mm.cli import main

FAST = ["--epochs", "1"]


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


def test_help_lists_the_commands_in_the_order_of_their_use():
    lines = run("--help").output.splitlines()
    commands = [line.split()[0] for line in lines[lines.index("Commands:") + 1 :] if line]
    assert commands == ["demo", "evaluate", "train", "predict", "fetch-weights"]
    assert run("--version").output.startswith("savee-mm, version ")


def test_predict_prints_the_emotions_of_each_file(model, corpus):
    clips = corpus.data["video"].iloc[-2:].tolist()
    result = run("predict", *clips, "--model", model)
    assert result.exit_code == 0, result.output
    header, *rows = result.output.splitlines()
    assert header.split() == ["file", "emotion", *corpus.target_names]
    assert [row.split()[0] for row in rows] == clips
    assert sum(float(p) for p in rows[0].split()[2:]) == pytest.approx(1, abs=0.005)


def test_predict_goes_on_after_a_file_that_cannot_be_used(model, corpus):
    good, bad = corpus.data["video"].iloc[0], corpus.data["audio"].iloc[0]
    result = run("predict", bad, good, "--model", model)
    assert result.exit_code == 1
    assert f"Error: clip 'a01' ({bad})" in result.output
    assert result.output.splitlines()[-1].startswith(good)


def test_evaluate_prints_and_writes_its_tables(root, tmp_path):
    result = run(
        "evaluate",
        root,
        "--protocols",
        " speaker",
        "--out",
        tmp_path / "new/f.csv",
        "--report",
        tmp_path / "r.html",
        *FAST,
    )
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "new/f.csv")["speakers"].tolist() == ["S1", "S2", "S3"]
    assert "<svg" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_demo_runs_from_nothing_to_a_report(tmp_path):
    result = run("demo", "--out", tmp_path / "demo", "--speakers", 2, "--sentences", 2, *FAST)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == ["corpus", "fusion.savee", "report.html"]
    for step in "12345":
        assert f"{step}. " in result.output


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["evaluate", "nowhere"], "nowhere"),
        (["evaluate", "ROOT", "--protocols", "room"], "no protocol 'room'"),
        (["train", "ROOT", "--out", "m.savee", "--without", "KL"], "the speakers are S1, S2, S3"),
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


def test_installed_as_a_module():
    done = subprocess.run([sys.executable, "-m", "savee_mm", "--help"], capture_output=True, text=True, check=True)
    assert "savee-mm evaluate SAVEE/" in done.stdout
