"""``savee-mm predict``: files and folders, tables and JSON, abstention, timelines, and Ctrl-C."""

import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import (
    EmotionTimeline,
    ProsodyFeatures,
    load_model,
    make_card,
    predict_file,
    read_annotations,
    read_audio,
    save_model,
)
from savee_mm.cli import main


def run(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def voice(corpus):
    model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(max_iter=1000))
    return model.fit(corpus.data, corpus.target)


@pytest.fixture(scope="module")
def model(voice, corpus, tmp_path_factory):
    return save_model(voice, tmp_path_factory.mktemp("model") / "voice.savee", card=make_card(voice, corpus=corpus))


@pytest.fixture
def folder(corpus, tmp_path):
    """A folder with two sound files, one of them in a subfolder, and a text file."""
    for i, name in enumerate(["b.wav", "deep/a.flac"]):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "in" / name, *read_audio(corpus.data["audio"].iloc[i]))
    (tmp_path / "in" / "notes.txt").write_text("no media")
    return tmp_path / "in"


def test_folder_is_replaced_by_its_sounds_and_videos(model, folder):
    result = run("predict", folder, "--model", model)
    assert result.exit_code == 0, result.output
    files = [line.split()[0] for line in result.output.splitlines()]
    assert files == ["file", str(folder / "b.wav"), str(folder / "deep/a.flac")]


def test_linked_folders_are_read_and_resource_forks_left_out(model, folder, corpus, tmp_path):
    (tmp_path / "outside").mkdir()
    shutil.copy(corpus.data["audio"].iloc[2], tmp_path / "outside/c.wav")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "._b.wav").write_bytes(b"resource fork")
    result = run("predict", folder, "--model", model, "--json")
    assert result.exit_code == 0, result.output
    files = [Path(row["file"]).relative_to(folder).as_posix() for row in json.loads(result.stdout)]
    assert files == ["b.wav", "deep/a.flac", "link/c.wav"]
    assert "._b.wav" not in result.output


CODECS = dict.fromkeys(["3gp", "mts", "ts", "m4a", "m2ts", "mka"], "aac") | {"oga": "libopus", "ogv": "libopus"}
CODECS |= {"wma": "wmav2", "wmv": "wmav2", "caf": "pcm_s16le", "aifc": "pcm_s16be", "w64": "pcm_s16le"}


@pytest.mark.parametrize(("suffix", "codec"), CODECS.items())
def test_formats_of_ffmpeg_are_read_in_folders(model, corpus, tmp_path, suffix, codec):
    y, sr = read_audio(corpus.data["audio"].iloc[0], 48000)
    with av.open(str(tmp_path / f"a.{suffix}"), "w") as container:
        stream = container.add_stream(codec, rate=sr, layout="mono", bit_rate=64000)
        frame = av.AudioFrame.from_ndarray(y[np.newaxis], format="flt", layout="mono")
        frame.rate = sr
        container.mux([*stream.encode(frame), *stream.encode(None)])
    result = run("predict", tmp_path, "--model", model, "--json")
    assert result.exit_code == 0, result.output
    assert [row["file"] for row in json.loads(result.stdout)] == [str(tmp_path / f"a.{suffix}")]


def test_name_that_is_not_utf8_is_predicted_and_printed_with_escapes(model, corpus, tmp_path):
    name = os.fsdecode(b"caf\xe9.wav")
    shutil.copy(corpus.data["audio"].iloc[0], tmp_path / name)
    result = run("predict", tmp_path, "--model", model, "--out", tmp_path / "out.json")
    assert result.exit_code == 0, result.output
    assert r"caf\udce9.wav" in result.stdout
    (row,) = json.loads((tmp_path / "out.json").read_text())
    assert row["file"] == str(tmp_path / name)
    result = run("predict", tmp_path / name, "--model", model, "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "out.csv")["file"].tolist() == [f"{tmp_path}/caf\\udce9.wav"]


def test_name_with_a_formula_and_control_characters(model, corpus, tmp_path, monkeypatch):
    name = "=1+1\x1b[2J.wav"
    shutil.copy(corpus.data["audio"].iloc[0], tmp_path / name)
    monkeypatch.chdir(tmp_path)
    result = run("predict", name, "gone\x1b[2J.wav", "--model", model, "--out", "out.csv", "--quote-formulas")
    assert r"=1+1\x1b[2J.wav" in result.stdout
    assert r"gone\x1b[2J.wav" in result.stderr
    assert "\x1b" not in result.output
    assert pd.read_csv("out.csv")["file"].tolist() == [f"'{name}"]


def test_help_states_the_duty_to_inform():
    text = " ".join(run("predict", "--help").output.split())
    assert "must inform the people who are exposed to it" in text
    assert "Art. 50(3) of Regulation (EU) 2024/1689" in text


def test_problems_in_a_folder_are_named_and_the_rest_is_predicted(model, folder):
    (folder / "gone.wav").symlink_to("nowhere.wav")
    (folder / "damaged.wav").write_bytes(b"RIFF")
    (folder / os.fsdecode(b"\xe9mpty.wav")).touch()
    (folder / "slides.pdf").touch()
    os.mkfifo(folder / "pipe.wav")
    result = run("predict", folder, folder / "b.wav", "--model", model)
    assert result.exit_code == 1
    assert "gone.wav: broken link to nowhere.wav" in result.stderr
    assert "damaged.wav" in result.stderr
    assert "pipe.wav): expected a regular file, got a device or a pipe" in result.stderr
    assert r"\udce9mpty.wav): the file is empty" in result.stderr
    assert "left out slides.pdf, neither sound nor video" in result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == [
        *(str(folder / name) for name in ("b.wav", "deep/a.flac", "b.wav"))
    ]


def test_folder_without_media_does_not_end_the_run(model, folder, tmp_path):
    (tmp_path / "nothing").mkdir()
    result = run("predict", tmp_path / "nothing", folder / "b.wav", "--model", model, "--json")
    assert result.exit_code == 1
    assert f"Error: {tmp_path}/nothing: neither sounds nor videos in this folder" in result.stderr
    assert [row["file"] for row in json.loads(result.stdout)] == [str(folder / "b.wav")]


@pytest.fixture
def silent(tmp_path):
    soundfile.write(tmp_path / "silent.wav", [0.0] * 16000, 16000)
    return tmp_path / "silent.wav"


@pytest.mark.parametrize("options", [[], ["--timeline"]])
def test_silent_file_is_refused(model, silent, options):
    result = run("predict", silent, "--model", model, "--json", *options)
    assert result.exit_code == 1
    assert json.loads(result.stdout) == []
    assert "the recording is silent" in result.stderr


def test_min_voice_0_predicts_every_window(model, folder, tmp_path):
    y, sr = read_audio(folder / "b.wav")
    soundfile.write(tmp_path / "quiet.wav", [*y, *(0.001 * y)], sr)
    args = ["predict", tmp_path / "quiet.wav", "--model", model, "--timeline", "--window", 1, "--json"]
    assert "pause" in {row["note"] for row in json.loads(run(*args).stdout)}
    assert {row["note"] for row in json.loads(run(*args, "--min-voice", 0).stdout)} == {""}


def test_folder_without_media_is_refused(model, tmp_path):
    result = run("predict", tmp_path, "--model", model)
    assert result.exit_code == 1
    assert f"Error: {tmp_path}: neither sounds nor videos in this folder" in result.output


def test_json_equals_predict_file(model, voice, folder):
    result = run("predict", folder, "--model", model, "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    for row in rows:
        expected = predict_file(voice, row["file"])
        assert row["probabilities"] == pytest.approx(expected.to_dict())
        assert row["emotion"] == expected.index[0]
        assert row["confidence"] == pytest.approx(expected.iloc[0])
        assert row["note"] == ""


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_rows_are_written_to_a_file(model, folder, tmp_path, suffix):
    out = tmp_path / "new" / f"predictions{suffix}"
    result = run("predict", folder, "--model", model, "--out", out)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(out) if suffix == ".csv" else pd.DataFrame(json.loads(out.read_text()))
    assert table["file"].tolist() == [str(folder / "b.wav"), str(folder / "deep/a.flac")]
    assert table["emotion"].notna().all()
    assert table["confidence"].between(0, 1).all()


def test_low_confidence_names_no_emotion(model, folder):
    result = run("predict", folder / "b.wav", "--model", model, "--min-confidence", 1)
    assert result.exit_code == 0, result.output
    assert "(unsure)" in result.stdout
    assert "is below 1" in result.stderr
    (row,) = json.loads(run("predict", folder / "b.wav", "--model", model, "--min-confidence", 1, "--json").stdout)
    assert row["emotion"] is None
    assert row["note"].startswith("unsure: ")
    assert sum(row["probabilities"].values()) == pytest.approx(1)


def test_unusable_file_is_named_and_the_others_are_predicted(model, folder, tmp_path):
    (tmp_path / "empty.wav").touch()
    result = run("predict", tmp_path / "empty.wav", folder / "b.wav", "--model", model, "--json")
    assert result.exit_code == 1
    assert f"Error: clip 'empty' ({tmp_path / 'empty.wav'}): the file is empty" in result.stderr
    assert [row["file"] for row in json.loads(result.stdout)] == [str(folder / "b.wav")]


def test_timeline_has_a_row_for_each_window(model, folder, tmp_path):
    args = ["--timeline", "--window", 0.5, "--hop", 0.25, "--out", tmp_path / "t.csv", "--plot", tmp_path / "t.png"]
    result = run("predict", folder / "b.wav", "--model", model, *args)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "t.csv")
    assert table["start"].iloc[:3].tolist() == [0, 0.25, 0.5]
    assert table["end"].iloc[:3].tolist() == [0.5, 0.75, 1.0]
    assert len(result.stdout.splitlines()) == 1 + len(table)
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    assert f"plot: {tmp_path / 't.png'}" in result.stderr


def test_people_have_a_row_for_each_utterance(model, folder, tmp_path):
    args = ["--timeline", "--people", "--out", tmp_path / "people.csv", "--html", tmp_path / "people.html"]
    result = run("predict", folder / "b.wav", "--model", model, *args)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "people.csv")
    assert table.columns[:4].tolist() == ["file", "person", "start", "end"]
    assert set(table["person"]) == {"off screen"}
    assert len(result.stdout.splitlines()) == 1 + len(table)
    assert "<h2>off screen</h2>" in (tmp_path / "people.html").read_text(encoding="utf-8")


def test_page_of_a_timeline_has_the_recording_next_to_it_or_in_it(model, folder, tmp_path):
    for args, files in (([], ["a.html", "a.media.wav"]), (["--embed"], ["a.html"])):
        page = tmp_path / f"page{len(args)}" / "a.html"
        result = run("predict", folder / "b.wav", "--model", model, "--timeline", "--html", page, *args)
        assert result.exit_code == 0, result.output
        assert f"page: {page}" in result.stderr
        assert sorted(path.name for path in page.parent.iterdir()) == files


def files_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_outputs_of_files_with_the_same_name_keep_apart(model, folder, tmp_path):
    shutil.copy(folder / "deep" / "a.flac", folder / "b.flac")
    shutil.copy(folder / "b.wav", folder / "deep" / "b.wav")
    out = [tmp_path / name for name in ("plots", "pages", "notes")]
    options = ["--timeline", "--plot", out[0], "--html", out[1], "--embed", "--format", "vtt", "--out", out[2]]
    result = run("predict", folder, "--model", model, *options)
    assert result.exit_code == 0, result.output
    names = ["b.flac", "b.wav", "deep/a", "deep/b"]
    for path, suffix in zip(out, (".png", ".html", ".vtt"), strict=True):
        assert files_in(path) == [f"{name}{suffix}" for name in names]
    for name, recording in zip(names, ("b.flac", "b.wav", "deep/a.flac", "deep/b.wav"), strict=True):
        assert f"<h1>{Path(recording).name}</h1>" in (out[1] / f"{name}.html").read_text(encoding="utf-8")


def test_files_whose_outputs_would_be_the_same_are_refused_before_anything_is_written(model, folder, tmp_path):
    (folder / "deep" / "b.wav").write_bytes((folder / "b.wav").read_bytes())
    files = [folder / "b.wav", folder / "deep" / "b.wav"]
    result = run("predict", *files, "--model", model, "--timeline", "--html", tmp_path / "pages")
    assert result.exit_code == 1
    assert f"{files[0]} and {files[1]} would have the same output, 'b.wav'; predict them in two" in result.stderr
    assert not (tmp_path / "pages").exists()
    # Without outputs of their own, each has its rows.
    assert run("predict", *files, "--model", model, "--timeline").exit_code == 0


def test_timelines_of_several_files_have_a_folder_of_plots(model, folder, tmp_path):
    result = run("predict", folder, "--model", model, "--timeline", "--plot", tmp_path / "plots", "--json")
    assert result.exit_code == 0, result.output
    assert files_in(tmp_path / "plots") == ["b.png", "deep/a.png"]
    assert {row["file"] for row in json.loads(result.stdout)} == {str(folder / "b.wav"), str(folder / "deep/a.flac")}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--out", "predictions.txt"], "with --timeline also .TextGrid, .eaf or .vtt, got 'predictions.txt'"),
        (["--plot", "t.png"], "--plot shows a timeline: add --timeline"),
        (["--people"], "--people finds the utterances of a timeline: add --timeline"),
        (["--html", "t.html"], "--html shows a timeline: add --timeline"),
        (["--timeline", "--embed"], "--embed puts the recording into a page: add --html"),
        (["--min-confidence", "2"], "2.0 is not in the range"),
        (["--window", "0"], "--window"),
    ],
)
def test_wrong_usage_is_status_2(model, folder, args, message):
    result = run("predict", folder / "b.wav", "--model", model, *args)
    assert result.exit_code == 2
    assert message in result.output


def test_hop_longer_than_the_window_is_one_sentence(model, folder):
    result = run("predict", folder / "b.wav", "--model", model, "--timeline", "--window", 1, "--hop", 2)
    assert result.exit_code == 1
    assert "--hop 2 is longer than --window 1" in result.output


def start_timeline(model, folder, out):
    """Start to predict a long recording with many windows, and return the process after the first row."""
    long = out.with_name("long.wav")
    y, sr = read_audio(folder / "b.wav")
    with soundfile.SoundFile(long, "w", sr, 1) as file:
        for _ in range(400):
            file.write(y)
    command = [sys.executable, "-m", "savee_mm", "predict", str(long), "--model", str(model)]
    command += ["--timeline", "--window", "1", "--hop", "0.1", "--out", str(out)]
    # Background jobs of a shell ignore Ctrl-C, and this suite may be one.
    accept_interrupt = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, **pipes, text=True, preexec_fn=accept_interrupt)
    process.stdout.readline()
    return process, process.stdout.readline()


def test_interrupt_keeps_the_rows_so_far(model, folder, tmp_path):
    """Ctrl-C after the first of many windows."""
    out = tmp_path / "predictions.csv"
    process, first = start_timeline(model, folder, out)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert "Interrupted: what was done before is kept." in stderr
    assert "Traceback" not in stderr
    table = pd.read_csv(out)
    assert f"{table['start'].iloc[0]:.2f}" in first
    assert table["end"].is_monotonic_increasing


def test_killed_command_leaves_the_earlier_table(model, folder, tmp_path):
    out = tmp_path / "predictions.csv"
    out.write_text("earlier")
    process, _ = start_timeline(model, folder, out)
    process.kill()
    process.communicate()
    assert out.read_text() == "earlier"
    run("predict", folder / "b.wav", "--model", model, "--out", out)
    assert pd.read_csv(out)["file"].tolist() == [str(folder / "b.wav")]
    assert not list(tmp_path.glob(".*"))  # no draft


@pytest.mark.parametrize("out", ["file/predictions.csv", "file/folder/predictions.json"])
def test_output_that_cannot_be_written_is_refused_before_the_work(out, tmp_path):
    (tmp_path / "file").touch()
    result = run("predict", tmp_path / "clip.wav", "--model", tmp_path / "missing.savee", "--out", tmp_path / out)
    assert result.exit_code == 1
    assert f"{tmp_path / 'file'}" in result.output
    assert "missing.savee" not in result.output


def test_table_of_segments_is_predicted_row_by_row(model, voice, corpus, tmp_path):
    sounds = [read_audio(path) for path in corpus.data["audio"][:2]]
    sr = sounds[0][1]
    soundfile.write(tmp_path / "long.wav", np.concatenate([y for y, _ in sounds]), sr, subtype="FLOAT")
    middle, end = len(sounds[0][0]) / sr, sum(len(y) for y, _ in sounds) / sr
    table = pd.DataFrame({"audio": "long.wav", "start": [0, middle], "end": [middle, end]})
    # As a spreadsheet may write it.
    names = {"audio": " Audio", "start": "Start", "end": "END "}
    table.rename(columns=names).to_csv(tmp_path / "clips.csv", index=False, sep=";", decimal=",")
    result = run("predict", tmp_path / "clips.csv", "--model", model, "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    out = pd.read_csv(tmp_path / "out.csv")
    np.testing.assert_allclose(out[["start", "end"]], table[["start", "end"]])
    expected = voice.predict_proba(corpus.data[:2])
    np.testing.assert_allclose(out[[str(label) for label in voice.classes_]], expected, atol=1e-9)
    table.assign(end=[middle, 0]).to_csv(tmp_path / "bad.csv", index=False)
    result = run("predict", tmp_path / "bad.csv", "--model", model)
    assert result.exit_code == 1
    assert "row 3: " in result.stderr
    assert "0 <= start < end" in result.stderr
    assert len(result.stdout.splitlines()) == 2  # the header and the other row
    assert run("predict", tmp_path / "clips.csv", "--model", model, "--timeline").exit_code == 1


@pytest.mark.parametrize("suffix", ["TextGrid", "eaf", "vtt", "json"])
def test_timelines_as_files_of_annotation_tools(model, corpus, tmp_path, suffix):
    path, out = corpus.data["audio"].iloc[0], tmp_path / f"a.{suffix}"
    options = ["--format", "labelstudio"] if suffix == "json" else []
    result = run(
        "predict", path, "--model", model, "--timeline", "--window", 0.5, "--hop", 0.25, "--out", out, *options
    )
    assert result.exit_code == 0, result.output
    table = read_annotations(out)
    assert {"start", "end", "emotion", "confidence", "note", *corpus.target_names} == set(table.columns)
    pd.testing.assert_frame_equal(table, EmotionTimeline(load_model(model), window=0.5, hop=0.25).predict(path))


def test_annotations_of_several_recordings_are_written_to_a_folder(model, folder, tmp_path):
    result = run("predict", folder, "--model", model, "--timeline", "--format", "vtt", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert files_in(tmp_path / "out") == ["b.vtt", "deep/a.vtt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "a.vtt"], "writes a timeline: add --timeline"),
        (["--timeline", "--format", "eaf"], "writes a timeline: add --out"),
        (["--timeline", "--out", "a.srt"], "also .TextGrid, .eaf or .vtt"),
    ],
)
def test_formats_of_annotations_need_a_timeline_and_a_file(model, folder, options, message):
    result = run("predict", folder, "--model", model, *options)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
