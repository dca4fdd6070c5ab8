"""``savee-mm features``: features of a corpus in one file."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import savee_mm.features
from savee_mm import FaceFrameSampler, ProsodyFeatures
from savee_mm.cli import main
from savee_mm.cli.features import EXTRACTORS
from savee_mm.cli.main import EXTRACTORS as NAMES


@pytest.fixture(scope="module")
def root(corpus):
    """Folder of the synthetic corpus."""
    return corpus.data["video"].iloc[0].rsplit("AudioVisualClip")[0]


def run(*arguments):
    return CliRunner().invoke(main, ["features", *map(str, arguments)])


def test_every_extractor_has_a_name():
    assert list(EXTRACTORS) == list(NAMES)
    # Encoders need a model file, SpeakerNormalizer needs features, and the others are functions.
    others = {"CORAL", "SpeakerNormalizer", "SpeechEmbedding", "FaceEmbedding", "extract_features", "open_features"}
    assert {cls.__name__ for cls in EXTRACTORS.values()} == set(savee_mm.features.__all__) - others


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_table_has_the_columns_of_the_corpus_and_named_features(root, corpus, tmp_path, ending):
    out = tmp_path / "new" / f"features.{ending}"
    result = run(root, "--extractor", "prosody", "--out", out)
    assert result.exit_code == 0, result.output
    assert f"prosody of 21 clips, shape (34,): {out}" in result.output
    table = pd.read_parquet(out) if ending == "parquet" else pd.read_csv(out)
    extractor = ProsodyFeatures()
    expected = extractor.fit_transform(corpus.data)
    names = extractor.get_feature_names_out().tolist()
    assert table.columns.tolist() == ["clip_id", "speaker", "sentence", "emotion", *names]
    np.testing.assert_allclose(table[names], expected)
    assert table["emotion"].tolist() == corpus.target.tolist()
    assert table["clip_id"].tolist() == corpus.data["clip_id"].tolist()


def test_images_are_written_as_arrays(root, corpus, tmp_path):
    out = tmp_path / "frames.npz"
    result = run(root, "--extractor", "face-frames", "--out", out, "--cache", tmp_path / "done")
    assert result.exit_code == 0, result.output
    with np.load(out) as file:
        np.testing.assert_array_equal(file["X"], FaceFrameSampler().fit_transform(corpus.data))
        assert file["clip_id"].tolist() == corpus.data["clip_id"].tolist()
        assert file["y"].tolist() == corpus.target.tolist()


def test_wrong_suffix_is_refused_before_the_extraction(root, tmp_path):
    result = run(root, "--extractor", "mfcc-image", "--out", tmp_path / "x.csv")
    assert result.exit_code == 1
    assert "mfcc-image is written to .npz" in result.stderr
    result = run(root, "--out", tmp_path / "x.xlsx")
    assert "voice is written to .parquet or .csv" in result.stderr


@pytest.fixture
def broken(corpus, tmp_path):
    """A table of the synthetic clips; the file of the third one is not a sound."""
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    table = corpus.data[["audio", "speaker", "clip_id"]].assign(emotion=corpus.target)
    table.iloc[2, 0] = str(bad)
    table.to_csv(tmp_path / "clips.csv", index=False)
    return tmp_path / "clips.csv"


def test_unusable_clip_ends_the_run_and_the_others_are_kept(broken, tmp_path):
    arguments = (broken, "--corpus", "table", "--extractor", "prosody", "--out", tmp_path / "x.csv")
    result = run(*arguments, "--cache", tmp_path / "done")
    assert result.exit_code == 1
    assert result.stderr.rstrip().splitlines()[-1].startswith("Error: clip 'S1_f01'")
    assert len(list((tmp_path / "done").iterdir())) == 20
    result = run(*arguments, "--cache", tmp_path / "done", "--on-error", "fill")
    assert result.exit_code == 1
    assert "was filled" in result.stderr
    assert pd.read_csv(tmp_path / "x.csv").notna().all(axis=None)


@pytest.mark.parametrize("kind", ["corpus", "table"])
def test_engine_writes_a_folder_of_parquet_files(root, corpus, tmp_path, kind):
    if kind == "table":
        root = tmp_path / "clips.parquet"
        corpus.data.assign(emotion=corpus.target).to_parquet(root)
    arguments = (root, "--extractor", "prosody", "--out", tmp_path / "out", "--engine", "joblib", "--chunk-size", 8)
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert f"prosody of 21 clips in 3 files, 0 failed: {tmp_path / 'out'}" in result.output
    table = pd.read_parquet(tmp_path / "out")
    assert table["clip_id"].tolist() == corpus.data["clip_id"].tolist()
    assert table["emotion"].tolist() == corpus.target.tolist()
    voiced = table["pitch_mean"].notna()
    expected = ProsodyFeatures().fit_transform(corpus.data)[voiced, 0]
    np.testing.assert_array_equal(table["pitch_mean"][voiced], expected)


def test_engine_replaces_features_of_another_table_on_request(corpus, tmp_path):
    arguments = ("--extractor", "prosody", "--out", tmp_path / "out", "--engine", "joblib")
    for name, rows in (("a", corpus.data.iloc[:2]), ("b", corpus.data.iloc[2:3])):
        rows.to_parquet(tmp_path / f"{name}.parquet")
    assert run(tmp_path / "a.parquet", *arguments).exit_code == 0
    refused = run(tmp_path / "b.parquet", *arguments)
    assert refused.exit_code == 1
    assert "of another table (part-00000000.parquet differs). Choose another folder, or replace" in refused.stderr
    assert refused.stderr.rstrip().endswith("with --overwrite.")
    assert run(tmp_path / "b.parquet", *arguments, "--overwrite").exit_code == 0
    assert len(pd.read_parquet(tmp_path / "out")) == 1


@pytest.mark.slow
def test_dask_engine_gives_the_same_files(root, tmp_path):
    pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    outs = [tmp_path / "joblib", tmp_path / "dask"]
    for out in outs:
        engine = ("--engine", out.name, "--jobs", 2, "--chunk-size", 8)
        result = run(root, "--extractor", "prosody", "--out", out, *engine)
        assert result.exit_code == 0, result.output
        assert f"prosody of 21 clips in 3 files, 0 failed: {out}" in result.output
    pd.testing.assert_frame_equal(*map(pd.read_parquet, outs), check_exact=True)


def test_engine_lists_unusable_clips(broken, tmp_path):
    result = run(broken, "--extractor", "prosody", "--out", tmp_path / "out", "--engine", "joblib")
    assert result.exit_code == 1
    assert "prosody of 20 clips in 1 files, 1 failed" in result.output
    assert pd.read_parquet(tmp_path / "out" / "_failures")["clip_id"].tolist() == ["S1_f01"]


def test_options_of_the_engine_are_checked(broken, tmp_path):
    assert "--scheduler is for --engine dask" in run(broken, "--scheduler", "tcp://127.0.0.1:8786").stderr
    assert "no --target" in run(broken, "--engine", "joblib", "--target", "speaker").stderr
