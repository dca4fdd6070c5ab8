"""``savee-mm evaluate`` and ``report``: tables, files, JSON, systems that are left out, and leaks."""

import json
import shutil

import pandas as pd
import pytest
from click.testing import CliRunner

from savee_mm import LeakageWarning
from savee_mm.cli import main
from savee_mm.cli._systems import make_systems, system_names
from savee_mm.cli.evaluate import modalities_read, published_results
from savee_mm.systems import available

FILES = {"out": "folds.csv", "table": "table.csv", "markdown": "table.md", "report": "report.html"}


pytestmark = pytest.mark.slow


def run(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def root(corpus):
    """Folder of the synthetic corpus."""
    return corpus.data["video"].iloc[0].rsplit("AudioVisualClip")[0]


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
    assert table["published"].isna().all()  # published results are by clip
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
    printed = json.loads(result.stdout)
    assert [line["system"] for line in printed["systems"]] == ["logreg", "knn"]
    assert len(printed["folds"]) == 2 * 3
    assert printed["leakage"] == []
    assert printed["report"] == str(page)
    assert page.stat().st_size > 1000
    again = run("report", tmp_path / "folds", "--out", page, "--json")
    assert json.loads(again.stdout)["folds"] == sorted(printed["folds"], key=lambda fold: fold["system"])


def test_evaluate_leaves_out_a_system_without_its_weights(root, tmp_path, monkeypatch):
    monkeypatch.delenv("SAVEE_MM_WEIGHTS", raising=False)
    args = ["evaluate", root, "--systems", "yamnet, knn,logreg", "--protocols", "speaker", "--seeds", "0,1"]
    result = run(*args, "--out", tmp_path / "folds.csv")
    assert result.exit_code == 1
    assert "Error: yamnet was left out." in result.stderr
    assert "fetch-weights yamnet" in result.stderr
    assert "Traceback" not in result.output
    rows = [line.split("|")[1].strip() for line in result.stdout.splitlines() if line.startswith("|")]
    assert rows[2:] == ["knn", "logreg", "chance", "majority class"]
    assert len(pd.read_csv(tmp_path / "folds.csv")) == 2 * 2 * 3


def test_evaluate_continues_from_its_folder(root, tmp_path):
    args = ["evaluate", root, "--systems", "knn", "--protocols", "speaker", "--folder", tmp_path / "folds"]
    first = run(*args)
    assert first.exit_code == 0, first.output
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "folds").iterdir()}
    assert len(before) == 3
    # Another cache does not change the results.
    assert run(*args, "--cache", tmp_path / "cache").stdout == first.stdout
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "folds").iterdir()} == before


def test_report_is_written_from_finished_folds(root, tmp_path):
    folds, page = tmp_path / "folds", tmp_path / "new" / "page.html"
    result = run("evaluate", root, "--systems", "knn,logreg", "--protocols", "speaker", "--folder", folds)
    assert result.exit_code == 0, result.output
    result = run("report", folds, "--out", page, "--title", "Two systems")
    assert result.exit_code == 0, result.output
    *table, last = result.output.splitlines()
    assert [line.split("|")[1].strip() for line in table if line.startswith("|")][2:4] == ["knn", "logreg"]
    assert last == f"report: {page}"
    text = page.read_text(encoding="utf-8")
    assert "<h1>Two systems</h1>" in text
    assert "knn, protocol speaker" in text


def test_modalities_are_those_of_the_systems():
    systems = make_systems("svm,fusion")[0] | make_systems("knn", speaker_normalized=True)[0]
    assert modalities_read(systems) == {
        "svm": "audio",
        "fusion": "audio+video",
        "knn (speaker-normalised)": "audio",
    }


def test_evaluate_marks_speaker_normalised_systems(root, tmp_path):
    out = tmp_path / "folds.csv"
    result = run("evaluate", root, "--systems", "knn", "--speaker-normalized", "--protocols", "speaker", "--out", out)
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv(out)["system"]) == {"knn (speaker-normalised)"}


def test_published_results_are_by_clip_and_of_the_plain_systems():
    systems = make_systems("svm,fusion")[0] | make_systems("knn", speaker_normalized=True)[0]
    assert published_results(systems) == {
        "published": {("svm", "clip"): 0.447, ("fusion", "clip"): 0.966},
        "single_split": ["svm"],
    }


def test_systems_that_cannot_be_made_are_left_out(monkeypatch):
    monkeypatch.delenv("SAVEE_MM_WEIGHTS", raising=False)
    systems, skipped = make_systems("encoder_audio,knn")
    assert list(systems) == ["knn"]
    assert "SAVEE_MM_WEIGHTS" in skipped["encoder_audio"]
    with pytest.raises(FileNotFoundError, match="encoder_audio"):
        make_systems("encoder_audio")


def test_groups_of_systems():
    known = available()
    assert system_names("all") == known.index.tolist()
    audio, video = (known.index[known["reads"] == kind].tolist() for kind in ("audio", "video"))
    assert system_names("fusion,audio,fusion") == ["fusion", *audio]
    assert system_names("video,best_audio") == [*video, "best_audio"]
    assert "best_face" in video


def test_evaluate_warns_of_leaks_or_stops(corpus, tmp_path):
    table = corpus.data.assign(emotion=corpus.target).iloc[:14].copy()
    table.loc[13, "audio"] = shutil.copy(table["audio"][0], tmp_path / "again.wav")
    table.to_csv(tmp_path / "clips.csv", index=False)
    args = ["evaluate", tmp_path / "clips.csv", "--corpus", "table", "--systems", "knn", "--protocols", "speaker"]
    stopped = run(*args, "--leakage", "raise")
    assert stopped.exit_code == 1
    assert "Error: 1 leak between training and test:" in stopped.stderr
    assert "audio (protocol 'speaker', seed 0): copies of 1 recording in several files" in stopped.stderr
    with pytest.warns(LeakageWarning, match="copies of 1 recording in several files"):
        assert run(*args).exit_code == 0
    assert run(*args, "--leakage", "ignore").exit_code == 0
