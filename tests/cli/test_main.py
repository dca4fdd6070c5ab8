"""Every command, by running it."""

import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

from savee_mm import LeakageWarning, load_model
from savee_mm.cli import main
from savee_mm.cli._systems import make_systems
from savee_mm.cli.evaluate import modalities_read, published_figures
from savee_mm.systems import available

FAST = ["--epochs", "1"]
FILES = {"out": "folds.csv", "table": "table.csv", "markdown": "table.md", "report": "report.html"}


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
    (line,) = json.loads(result.stdout)
    assert line["file"] == good
    assert set(line["probabilities"]) == set(corpus.target_names)
    assert line["emotion"] == max(line["probabilities"], key=line["probabilities"].get)
    assert "Error: clip 'bad'" in result.stderr


def test_predict_goes_on_after_a_file_that_cannot_be_used(model, corpus, bad):
    good = corpus.data["video"].iloc[0]
    result = run("predict", bad, good, "--model", model)
    assert result.exit_code == 1
    assert f"Error: clip 'bad' ({bad})" in result.output
    assert result.output.splitlines()[-1].startswith(good)


def test_evaluate_prints_and_writes_its_tables(root, tmp_path):
    files = {name: tmp_path / "new" / file for name, file in FILES.items()}
    options = [word for name, file in files.items() for word in (f"--{name}", file)]
    result = run("evaluate", root, "--systems", "knn", "--protocols", " speaker", *options)
    assert result.exit_code == 0, result.output
    folds = pd.read_csv(files["out"])
    assert folds["speakers"].tolist() == ["S1", "S2", "S3"]
    assert {"accuracy", "precision", "recall", "f1", "uar", "train_accuracy", "train_uar"} <= set(folds.columns)
    table = pd.read_csv(files["table"])
    assert table["system"].tolist() == ["knn"]
    assert table["accuracy"].iloc[0] == pytest.approx(folds["accuracy"].mean())
    assert table["published"].isna().all()  # what was published is by clip
    text = files["markdown"].read_text(encoding="utf-8")
    assert text in result.output
    for heading in ("accuracy", "training accuracy", "precision", "recall (UAR)", "training UAR", "F1"):
        assert f"| {heading} " in text
    assert "<svg" in files["report"].read_text(encoding="utf-8")
    assert result.stdout.splitlines()[-1] == f"report: {files['report']}"


def test_evaluate_prints_json_for_scripts(root, tmp_path):
    page = tmp_path / "page.html"
    args = ["evaluate", root, "--systems", "logreg,knn", "--protocols", "speaker", "--folder", tmp_path / "folds"]
    result = run(*args, "--html", page, "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert [line["system"] for line in said["systems"]] == ["logreg", "knn"]
    assert len(said["folds"]) == 2 * 3
    assert said["leakage"] == []
    assert said["report"] == str(page)
    assert page.stat().st_size > 1000
    again = run("report", tmp_path / "folds", "--out", page, "--json")
    assert json.loads(again.stdout)["folds"] == sorted(said["folds"], key=lambda fold: fold["system"])


def test_evaluate_compares_systems_and_leaves_out_what_lacks_its_weights(root, tmp_path, monkeypatch):
    monkeypatch.delenv("SAVEE_MM_WEIGHTS", raising=False)
    args = ["evaluate", root, "--systems", "yamnet, knn,logreg", "--protocols", "speaker", "--seeds", "0,1"]
    result = run(*args, "--out", tmp_path / "folds.csv")
    assert result.exit_code == 1
    assert "Error: yamnet was left out." in result.stderr
    assert "fetch-weights yamnet" in result.stderr
    assert "Traceback" not in result.output
    rows = [line.split("|")[1].strip() for line in result.stdout.splitlines() if line.startswith("|")]
    assert rows[2:] == ["knn", "logreg"]
    assert len(pd.read_csv(tmp_path / "folds.csv")) == 2 * 2 * 3


def test_evaluate_continues_from_its_folder(root, tmp_path):
    args = ["evaluate", root, "--systems", "knn", "--protocols", "speaker", "--folder", tmp_path / "folds"]
    first = run(*args)
    assert first.exit_code == 0, first.output
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "folds").iterdir()}
    assert len(before) == 3
    # Another place for the extracted arrays changes no figure.
    assert run(*args, "--cache", tmp_path / "cache").stdout == first.stdout
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "folds").iterdir()} == before


def test_report_is_written_from_finished_folds(root, tmp_path):
    folds, page = tmp_path / "folds", tmp_path / "new" / "page.html"
    result = run("evaluate", root, "--systems", "knn,logreg", "--protocols", "speaker", "--folder", folds)
    assert result.exit_code == 0, result.output
    result = run("report", folds, "--out", page, "--title", "Two systems")
    assert result.exit_code == 0, result.output
    *table, last = result.output.splitlines()
    assert [line.split("|")[1].strip() for line in table if line.startswith("|")][2:] == ["knn", "logreg"]
    assert last == f"report: {page}"
    text = page.read_text(encoding="utf-8")
    assert "<h1>Two systems</h1>" in text
    assert "knn, protocol speaker" in text


def test_what_each_modality_adds_is_known_from_the_systems():
    systems = make_systems("svm,fusion") | make_systems("knn", speaker_normalized=True)
    assert modalities_read(systems) == {
        "svm": "audio",
        "fusion": "audio+video",
        "knn (speaker-normalised)": "audio",
    }


def test_evaluate_names_systems_that_are_normalised_by_speaker(root, tmp_path):
    out = tmp_path / "folds.csv"
    result = run("evaluate", root, "--systems", "knn", "--speaker-normalized", "--protocols", "speaker", "--out", out)
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv(out)["system"]) == {"knn (speaker-normalised)"}


def test_published_figures_are_by_clip_and_of_the_plain_systems():
    systems = make_systems("svm,fusion") | make_systems("knn", speaker_normalized=True)
    assert published_figures(systems) == {
        "published": {("svm", "clip"): 0.447, ("fusion", "clip"): 0.966},
        "single_split": ["svm"],
    }


def test_groups_of_systems_are_those_that_are_known():
    known = available()
    assert list(make_systems("all")) == known.index.tolist()
    audio, video = (known.index[known["reads"] == kind].tolist() for kind in ("audio", "video"))
    assert list(make_systems("fusion,audio,fusion")) == ["fusion", *audio]
    assert list(make_systems("video,best_audio")) == [*video, "best_audio"]
    assert "best_face" in video


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
    assert "whole numbers with commas between, got '0,one'" in result.output


def test_installed_as_a_module():
    done = subprocess.run([sys.executable, "-m", "savee_mm", "--help"], capture_output=True, text=True, check=True)
    assert "savee-mm evaluate SAVEE/" in done.stdout


def test_evaluate_tells_of_leaks_and_stops_on_request(corpus, tmp_path):
    table = corpus.data.assign(emotion=corpus.target).iloc[:14].copy()
    table.loc[13, "audio"] = shutil.copy(table["audio"][0], tmp_path / "again.wav")
    table.to_csv(tmp_path / "clips.csv", index=False)
    args = ["evaluate", tmp_path / "clips.csv", "--corpus", "table", "--systems", "knn", "--protocols", "speaker"]
    stopped = run(*args, "--leakage", "raise")
    assert stopped.exit_code == 1
    assert "Error: 1 leak between training and test:" in stopped.stderr
    assert "audio (protocol 'speaker', seed 0): 1 recording on both sides" in stopped.stderr
    with pytest.warns(LeakageWarning, match="1 recording on both sides"):
        assert run(*args).exit_code == 0
    assert run(*args, "--leakage", "ignore").exit_code == 0
