"""Every command, by running it."""

import json
import os
import re
import subprocess
import sys

import onnx
import pytest
from click.testing import CliRunner

from savee_mm import load_card, load_model
from savee_mm.cli import main
from savee_mm.cli.train import recommended_system

FAST = ["--epochs", "1"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eager")]


def run(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def root(corpus):
    """Folder of the synthetic corpus."""
    return corpus.data["video"].iloc[0].rsplit("AudioVisualClip")[0]


@pytest.fixture(scope="module")
def model(root, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "fusion.savee"
    result = run("train", root, "--out", path, "--without", "S3", "--no-score", *FAST)
    assert result.exit_code == 0, result.output
    assert "system: fusion, recommended for this corpus" in result.output
    assert "trained on 14 clips of S1, S2" in result.output
    return path


def test_help_lists_the_commands_in_the_order_of_use():
    lines = run("--help").output.splitlines()
    commands = [line.split()[0] for line in lines[lines.index("Commands:") + 1 :] if line]
    assert commands == [
        "demo",
        "evaluate",
        "report",
        "train",
        "predict",
        "serve",
        "live",
        "info",
        "features",
        "fetch-weights",
        "export",
        "warmup",
        "export-encoder",
    ]
    assert run("--version").output.startswith("savee-mm, version ")


def test_export_writes_the_network(model, tmp_path):
    result = run("export", model, "--out", tmp_path / "fusion.onnx")
    assert result.output.split() == [str(tmp_path / "fusion.onnx")]
    graph = onnx.load(tmp_path / "fusion.onnx").graph
    assert [port.name for port in graph.input] == ["frames", "mfcc", "features"]


def test_warmup_compiles_the_kernels():
    assert re.fullmatch(r"compiled in \d+\.\d s\n", run("warmup").output)


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
    score, trained = result.stdout.splitlines()
    assert re.match(
        r"accuracy on unseen speakers: [01]\.\d+ \(95% interval .* 3 folds\); the most frequent .*: 0\.143", score
    )
    assert trained.startswith("trained on 21 clips of S1, S2, S3: ")
    (row,) = load_card(tmp_path / "knn.savee")["evaluation"]
    assert f"{row['accuracy']:.3f}" in score
    assert load_model(tmp_path / "knn.savee").predict(corpus.data).shape == (21,)


@pytest.fixture
def table(corpus, tmp_path):
    """A table with other names of columns, and without video."""
    columns = {"audio": "path", "speaker": "who"}
    table = corpus.data[["audio", "speaker", "clip_id"]].rename(columns=columns).assign(Mood=corpus.target)
    table.to_csv(tmp_path / "clips.csv", index=False)
    return [tmp_path / "clips.csv", "--column", "audio=path", "--column", "speaker=who", "--target", "mood"]


def test_train_reads_a_table_with_other_names_of_columns(table, tmp_path):
    result = run("train", *table, "--system", "knn", "--no-score", "--out", tmp_path / "knn.savee")
    assert result.exit_code == 0, result.output
    assert "trained on 21 clips of S1, S2, S3" in result.output


def test_train_without_speakers_has_no_score(corpus, tmp_path):
    corpus.data[["audio", "clip_id"]].assign(emotion=corpus.target).to_csv(tmp_path / "clips.csv", index=False)
    result = run("train", tmp_path / "clips.csv", "--system", "knn", "--out", tmp_path / "knn.savee")
    assert result.exit_code == 0, result.output
    assert "accuracy on unseen speakers: unknown, the corpus needs two speakers" in result.output


def test_train_on_few_clips_has_no_score(corpus, tmp_path):
    # Each training fold has one clip of every class, too few for the inner folds of best_audio.
    table = corpus.data[corpus.groups != "S3"].assign(emotion=corpus.target[corpus.groups != "S3"])
    table.to_csv(tmp_path / "clips.csv", index=False)
    result = run("train", tmp_path / "clips.csv", "--system", "best_audio", "--out", tmp_path / "m.savee")
    assert result.exit_code == 0, result.output
    assert "accuracy on unseen speakers: unknown, cross-validation is not possible." in result.output


@pytest.mark.parametrize(
    ("columns", "best", "network"),
    [
        (["audio"], "best_audio", "cnn"),
        (["video"], "best_face", "convlstm"),
        (["audio", "video"], "best_fusion", "fusion"),
    ],
)
def test_system_is_recommended_for_the_modalities(corpus, columns, best, network):
    data = corpus.data.copy()
    data.loc[:, [name for name in ("audio", "video") if name not in columns]] = None
    assert recommended_system(data) == best
    assert recommended_system(data, epochs=3) == network
    assert recommended_system(data[columns]) == best


def test_predictions_of_the_demonstration_name_its_corpus(demo):
    result = run("predict", demo / "corpus/AudioVisualClip/S1/a1.avi", "--model", demo / "fusion.savee", "--json")
    assert result.exit_code == 0, result.output
    assert "trained on drawn faces" in json.loads(result.stdout)[0]["note"]
    assert "drawn faces" in run("info", demo / "fusion.savee").output


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "demo"
    result = run("demo", "--out", folder, "--speakers", 2, "--sentences", 1, "--protocols", "speaker", *FAST)
    assert result.exit_code == 0, result.output
    for step in "12345":
        assert f"{step}. " in result.output
    return folder


def test_stderr_of_a_process_has_neither_log_lines_nor_progress_bars(model, corpus, tmp_path):
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-m", "savee_mm"]
    predict = [*command, "predict", corpus.data["video"].iloc[0], "--model", str(model)]
    done = subprocess.run(predict, capture_output=True, text=True, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    broken = [*command, "predict", str(tmp_path / "nowhere.mp4"), "--model", str(model), "--json"]
    done = subprocess.run(broken, capture_output=True, text=True, env=env)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: clip 'nowhere'")
    assert len(done.stderr.splitlines()) == 1


def test_demo_writes_corpus_model_and_report(demo):
    assert sorted(path.name for path in demo.iterdir()) == ["corpus", "fusion.savee", "report.html"]


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


def test_predict_without_a_model_says_how_to_get_one():
    result = run("predict", "a.mp4")
    assert result.exit_code == 2
    assert "savee-mm train ROOT --out model.savee" in result.output
    assert "savee-mm demo" in result.output


def test_wrong_usage_is_status_2(root):
    assert run("train", root, "--out", "m.savee", "--target", "label").exit_code == 2
    assert "expected NAME=COLUMN" in run("features", root, "--column", "audio").output
    assert run("evaluate", "x", "--corpus", "aibo").exit_code == 2
    result = run("evaluate", "x", "--seeds", "0,one")
    assert result.exit_code == 2
    assert "integers separated by commas, got '0,one'" in result.output


def test_installed_as_a_module():
    done = subprocess.run([sys.executable, "-m", "savee_mm", "--help"], capture_output=True, text=True, check=True)
    assert "savee-mm evaluate SAVEE/" in done.stdout


@pytest.mark.parametrize(
    "args",
    [["predict", "--x\x1b[2J"], ["x\x1b[2J"], ["export-encoder", "x\x1b[2J", "--out", "y"], ["info", "x\x1b[2J"]],
)
def test_errors_have_no_control_characters(args):
    result = CliRunner().invoke(main, args)
    assert result.exit_code in (1, 2)
    assert r"x\x1b[2J" in result.output
    assert "\x1b" not in result.output
