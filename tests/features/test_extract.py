"""extract_features: one row for each clip, whatever ends the run, and however many processes share the folder."""

import json
import os
import threading
from functools import partial
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
import soundfile
from joblib import Parallel, delayed

from savee_mm import ClipWarning, FaceDescriptor, MFCCImage, ProsodyFeatures, extract_features, open_features
from savee_mm._files import claim
from savee_mm.features._tabular import TabularTransformer

N_CLIPS, CHUNK = 11, 4


class Numbers(TabularTransformer):
    """Two numbers that a text file contains. Each reading is logged in the file ``diary`` of its folder."""

    def __init__(self, *, scale=1.0, n_jobs=None, cache=None, on_error="raise", verbose=False):
        self.scale = scale
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _kernel(self):
        return partial(read_numbers, scale=self.scale)

    def _output_columns(self):
        return [("first", "1"), ("second", "1")]


def read_numbers(path, scale):
    """Return the numbers; the words ``stop`` and ``kill`` end the run or the process, ``once`` the first process."""
    first, second, word = Path(path).read_text().split()
    with open(Path(path).with_name("diary"), "a") as diary:
        diary.write(f"{Path(path).stem}\n")
    if word == "stop":
        raise KeyboardInterrupt
    if word == "kill" or (word == "once" and diary_of(path).count(Path(path).stem) == 1):
        os._exit(9)
    return scale * np.array([first, second], float)


def diary_of(path):
    return Path(path).with_name("diary").read_text().split()


# Pickled by value: worker processes cannot import the tests.
for item in (Numbers, read_numbers, diary_of):
    item.__module__ = "__main__"


@pytest.fixture
def clips(tmp_path):
    """Table of eleven text files."""
    folder = tmp_path / "clips"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for n in range(N_CLIPS):
        write(folder / f"{n:02d}.txt", rng.normal(size=2))
    paths = sorted(map(str, folder.iterdir()))
    return pd.DataFrame({"audio": paths, "speaker": list("aaabbbccccc")}).assign(clip_id=lambda t: t.index.map(str))


def write(path, numbers, word="end"):
    path.write_text(f"{float(numbers[0])!r} {float(numbers[1])!r} {word}")


def spoil(table, row, word):
    path = Path(table["audio"].iloc[row])
    path.write_text(path.read_text().replace("end", word))


def fix(table):
    for path in map(Path, table["audio"]):
        path.write_text(" ".join([*path.read_text().split()[:2], "end"]))


def assert_complete(out, table, n_failed=0):
    """One row for each clip in order, with its values; the manifest has the counts."""
    found = pd.read_parquet(out)
    assert len(found) == len(table) - n_failed
    fix(table)
    usable = table[table["clip_id"].isin(found["clip_id"])]
    assert found["clip_id"].tolist() == usable["clip_id"].tolist()
    np.testing.assert_array_equal(found[["first", "second"]], Numbers().fit_transform(usable))
    manifest = json.loads((out / "_manifest.json").read_text())
    assert manifest["complete"] is True
    assert (manifest["n_clips"], manifest["n_failed"]) == (len(usable), n_failed)
    assert sorted(path.name for path in out.iterdir() if path.name.startswith("_claim")) == []


def as_csv(table, folder):
    table.to_csv(folder / "clips.csv", index=False)
    return folder / "clips.csv"


def as_relative_csv(table, folder):
    return as_csv(table.assign(audio=["clips/" + Path(path).name for path in table["audio"]]), folder)


def as_csv_of_a_spreadsheet(table, folder):
    table = table.rename(columns={"audio": " Audio", "speaker": "Speaker ", "clip_id": "Clip ID"})
    table.to_csv(folder / "clips.csv", index=False, encoding="utf-8-sig")
    return folder / "clips.csv"


def as_parquet(table, folder):
    table.to_parquet(folder / "clips.parquet")
    return str(folder / "clips.parquet")


def as_url(table, folder):
    return "file://" + as_parquet(table, folder)


def as_folder(table, folder):
    table.to_parquet(folder / "table", partition_cols=["speaker"])
    return folder / "table"


def as_tables(table, folder):
    return (table.iloc[start : start + 3] for start in range(0, len(table), 3))


KINDS = [
    lambda table, folder: table,
    as_csv,
    as_csv_of_a_spreadsheet,
    as_relative_csv,
    as_parquet,
    as_url,
    as_folder,
    as_tables,
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_table_has_one_row_per_clip(clips, tmp_path, kind):
    result = extract_features(kind(clips, tmp_path), Numbers(), tmp_path / "out", chunk_size=CHUNK)
    assert (result.n_clips, result.n_failed, result.n_parts) == (N_CLIPS, 0, 3)
    assert_complete(tmp_path / "out", clips)
    assert pd.read_parquet(tmp_path / "out")["speaker"].tolist() == clips["speaker"].tolist()


@pytest.mark.parametrize("chunk_size", [1, 3, N_CLIPS, 100])
def test_chunk_size_has_no_effect_on_rows(clips, tmp_path, chunk_size):
    extract_features(clips, Numbers(), tmp_path / "out", chunk_size=chunk_size)
    assert_complete(tmp_path / "out", clips)


@pytest.mark.parametrize("normalize", ["clip", "training"])
def test_arrays_have_the_shape_of_the_manifest(corpus, tmp_path, normalize):
    extractor = MFCCImage(n_mfcc=5, n_frames=20, normalize=normalize).fit(corpus.data)
    extract_features(corpus.data, extractor, tmp_path, chunk_size=8)
    shape = json.loads((tmp_path / "_manifest.json").read_text())["settings"]["shape"]
    values = np.stack(pd.read_parquet(tmp_path)["values"]).reshape(-1, *shape)
    np.testing.assert_array_equal(values, extractor.transform(corpus.data))


@pytest.mark.parametrize("fitted", [True, False])
def test_values_that_a_clip_does_not_have_are_medians_of_the_fit_or_missing(corpus, tmp_path, fitted):
    extractor = ProsodyFeatures().fit(corpus.data)
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "noise.wav", 0.1 * rng.normal(size=8000), 16000)  # has no pitch
    table = pd.DataFrame({"audio": [str(tmp_path / "noise.wav")]})
    extract_features(table, extractor if fitted else ProsodyFeatures(), tmp_path / "out")
    found = pd.read_parquet(tmp_path / "out").iloc[0]
    assert found["clip_id"] == "noise"
    assert np.isfinite(found["energy_mean"])
    assert found["pitch_mean"] == extractor.transform(table)[0, 0] if fitted else np.isnan(found["pitch_mean"])


def test_face_descriptor_equals_its_transform(corpus, tmp_path):
    table = corpus.data.iloc[:3]
    extractor = FaceDescriptor(statistics=("mean",)).fit(table)
    extract_features(table, extractor, tmp_path, chunk_size=2)
    found = pd.read_parquet(tmp_path)[extractor.get_feature_names_out()]
    np.testing.assert_array_equal(found, extractor.transform(table))


def test_unusable_clips_are_in_a_table_of_their_own(clips, tmp_path):
    spoil(clips, 2, "too many words")
    clips.loc[7, "audio"] = None
    with pytest.warns(ClipWarning, match="2 clips could not be used"):
        result = extract_features(clips, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    assert (result.n_clips, result.n_failed) == (N_CLIPS - 2, 2)
    failures = pd.read_parquet(tmp_path / "out" / "_failures")
    assert failures["clip_id"].tolist() == ["2", "7"]
    assert failures["path"].fillna("none").tolist() == [clips["audio"][2], "none"]
    assert failures["reason"].str.contains("the extraction failed with ValueError|no path in the column 'audio'").all()
    assert pd.read_parquet(tmp_path / "out")["clip_id"].tolist() == [*"01345689", "10"]


def test_part_without_usable_clips_is_written(clips, tmp_path):
    for row in range(CHUNK):
        spoil(clips, row, "too many words")
    for _ in range(2):
        with pytest.warns(ClipWarning, match="4 clips could not be used"):
            extract_features(clips, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    assert len(diary_of(clips["audio"][0])) == N_CLIPS - CHUNK


def test_files_of_urls_are_read_and_named(clips, tmp_path):
    spoil(clips, 5, "too many words")
    memory = fsspec.filesystem("memory")
    for path in map(Path, clips["audio"]):
        memory.pipe(f"/extract/{path.name}", path.read_bytes())
    table = clips.assign(audio=["memory://extract/" + Path(path).name for path in clips["audio"]])
    table.loc[8, "audio"] = "memory://extract/absent.txt"
    with pytest.warns(ClipWarning, match="2 clips could not be used"):
        extract_features(table, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    assert pd.read_parquet(tmp_path / "out")["first"].tolist() == pytest.approx(
        Numbers().fit_transform(clips.drop(index=[5, 8]))[:, 0]
    )
    failures = pd.read_parquet(tmp_path / "out" / "_failures")
    assert failures["path"].tolist() == ["memory://extract/05.txt", "memory://extract/absent.txt"]
    assert failures["reason"].str.contains("ValueError|FileNotFoundError").all()


# ---- runs that end early


@pytest.mark.parametrize("row", range(N_CLIPS))
def test_interrupted_run_continues_where_it_ended(clips, tmp_path, row):
    spoil(clips, row, "stop")
    with pytest.raises(KeyboardInterrupt):
        extract_features(clips, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    fix(clips)
    extract_features(clips, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    read = diary_of(clips["audio"][0])
    lost = row % CHUNK + 1  # the clips of the interrupted chunk
    assert len(read) == N_CLIPS + lost
    assert_complete(tmp_path / "out", clips)


@pytest.mark.parametrize("damage", ["absent", "empty", "half"])
def test_damaged_part_is_computed_again(clips, tmp_path, damage):
    extract_features(clips, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    part = sorted((tmp_path / "out").glob("part-*"))[1]
    content = part.read_bytes()
    part.unlink() if damage == "absent" else part.write_bytes(
        content[: {"empty": 0, "half": len(content) // 2}[damage]]
    )
    extract_features(clips, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    assert len(diary_of(clips["audio"][0])) == N_CLIPS + CHUNK
    assert_complete(tmp_path / "out", clips)


@pytest.mark.parametrize(("word", "n_failed"), [("once", 0), ("kill", 1)])
def test_killed_worker_costs_at_most_the_clip_that_kills(clips, tmp_path, word, n_failed):
    spoil(clips, 5, word)
    expected = pytest.warns(ClipWarning, match="1 clips") if n_failed else pytest.MonkeyPatch.context()
    with expected:
        result = extract_features(clips, Numbers(n_jobs=2), tmp_path / "out", chunk_size=CHUNK)
    assert result.n_failed == n_failed
    if n_failed:
        failures = pd.read_parquet(tmp_path / "out" / "_failures")
        assert failures["clip_id"].tolist() == ["5"]
        assert "its worker process ended without a result" in failures["reason"].iloc[0]
    assert_complete(tmp_path / "out", clips, n_failed)


# ---- several writers


def test_two_writers_compute_each_clip_once(clips, tmp_path):
    results = Parallel(n_jobs=2)(
        delayed(extract_features)(clips, Numbers(), tmp_path / "out", chunk_size=1) for _ in range(2)
    )
    assert [result.n_clips for result in results] == [N_CLIPS, N_CLIPS]
    assert sorted(diary_of(clips["audio"][0])) == [f"{n:02d}" for n in range(N_CLIPS)]
    assert_complete(tmp_path / "out", clips)


def test_chunk_that_another_process_has_claimed_is_waited_for(clips, tmp_path):
    out = tmp_path / "out"
    writer = threading.Thread(target=extract_features, args=(clips, Numbers(), out), kwargs={"chunk_size": CHUNK})
    with claim(out / "_claims" / "part-00000001.parquet") as is_mine:
        assert is_mine
        writer.start()
        while len(list(out.glob("part-*"))) < 2 and writer.is_alive():
            pass
        assert not (out / "part-00000001.parquet").exists()
        assert json.loads((out / "_manifest.json").read_text())["complete"] is False
    writer.join()
    assert_complete(out, clips)


# ---- another table or extractor in the same folder


def test_only_parts_with_changed_rows_are_computed_again(clips, tmp_path):
    extract_features(clips, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    clips.loc[5, "speaker"] = "z"
    shorter = clips.iloc[: 2 * CHUNK]
    extract_features(shorter, Numbers(), tmp_path / "out", chunk_size=CHUNK, overwrite=True)
    assert len(diary_of(clips["audio"][0])) == N_CLIPS + CHUNK
    assert_complete(tmp_path / "out", shorter)


def reversed_rows(clips):
    return clips.iloc[::-1]


def shorter(clips):
    return clips.iloc[:CHUNK]


def longer(clips):
    return pd.concat([clips, clips.iloc[:1]])


def other_speaker(clips):
    return clips.assign(speaker=["b", *clips["speaker"].iloc[1:]])


@pytest.mark.parametrize("change", [reversed_rows, shorter, longer, other_speaker], ids=lambda change: change.__name__)
def test_features_of_another_table_are_kept(clips, tmp_path, change):
    extract_features(clips, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    before = {path: path.read_bytes() for path in (tmp_path / "out").glob("part-*")}
    with pytest.raises(ValueError, match=r"of another table \(part-.* differs\).* overwrite=True"):
        extract_features(change(clips), Numbers(), tmp_path / "out", chunk_size=CHUNK)
    assert {path: path.read_bytes() for path in (tmp_path / "out").glob("part-*")} == before
    # The first table is complete, with nothing read again.
    extract_features(clips, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    assert len(diary_of(clips["audio"][0])) == N_CLIPS
    assert_complete(tmp_path / "out", clips)


def test_paths_are_read_as_text(clips, tmp_path):
    paths = clips.assign(audio=[Path(path) for path in clips["audio"]], text=[Path("notes.txt")] + [None] * 10)
    paths.loc[3, "audio"] = None
    with pytest.warns(ClipWarning, match="1 clips could not be used"):
        extract_features(paths, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    found = pd.read_parquet(tmp_path / "out")
    assert found["audio"].tolist() == clips["audio"].drop(3).tolist()
    assert found["text"].iloc[0] == "notes.txt"
    # Text and paths are the same table.
    with pytest.warns(ClipWarning, match="1 clips could not be used"):
        extract_features(
            paths.assign(audio=clips["audio"].mask(clips.index == 3)), Numbers(), tmp_path / "out", chunk_size=CHUNK
        )


@pytest.mark.parametrize(
    ("params", "chunk_size", "differing"), [({"scale": 2.0}, CHUNK, "parameters"), ({}, 5, "chunk_size")]
)
def test_features_that_were_made_in_another_way_are_kept(clips, tmp_path, params, chunk_size, differing):
    extract_features(clips, Numbers(), tmp_path / "out", chunk_size=CHUNK)
    with pytest.raises(ValueError, match=rf"made in another way \({differing} differ\)"):
        extract_features(clips, Numbers(**params), tmp_path / "out", chunk_size=chunk_size)
    assert_complete(tmp_path / "out", clips)


def test_files_of_another_origin_are_kept(clips, tmp_path):
    clips.to_parquet(tmp_path / "own.parquet")
    with pytest.raises(ValueError, match="another origin"):
        extract_features(clips, Numbers(), tmp_path)


# ---- memory


def test_table_is_read_as_parts_are_written(clips, tmp_path):
    out = tmp_path / "out"
    n_written = []

    def tables():
        for start in range(0, N_CLIPS, 2):
            n_written.append(len(list(out.glob("part-*"))))
            yield clips.iloc[start : start + 2]

    extract_features(tables(), Numbers(), out, chunk_size=2)
    assert n_written == [0, 1, 2, 3, 4, 5]


def test_values_are_not_kept_in_the_memory_cache(corpus, tmp_path, monkeypatch):
    from savee_mm import _cache

    store = _cache.MemoryStore()
    monkeypatch.setattr(_cache, "_PROCESS_STORE", store)
    extract_features(corpus.data.iloc[:2], MFCCImage(n_frames=5), tmp_path / "a")
    assert store._size == 0
    extract_features(corpus.data.iloc[:2], MFCCImage(n_frames=5, cache=tmp_path / "cache"), tmp_path / "b")
    assert len(list((tmp_path / "cache").iterdir())) == 2


# ---- bad input


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"table": pd.DataFrame({"audio": []})}, ValueError, "no rows"),
        ({"table": 3}, ValueError, "Expected a clip table"),
        ({"table": [3]}, ValueError, "iterable of DataFrames"),
        ({"table": "absent.parquet"}, FileNotFoundError, "no table 'absent.parquet'"),
        ({"table": pd.DataFrame({"video": ["a"]})}, ValueError, "no column 'audio'"),
        ({"table": pd.DataFrame({"audio": ["a"], "first": [0]})}, ValueError, r"names of features: \['first'\]"),
        ({"extractor": "prosody"}, TypeError, "Expected an extractor"),
        ({"extractor": MFCCImage(normalize="training")}, ValueError, "fit it to a sample"),
        ({"extractor": MFCCImage(n_frames=0)}, ValueError, "n_frames"),
        ({"engine": "spark"}, ValueError, "engine must be one of"),
        ({"chunk_size": 0}, ValueError, "chunk_size must be"),
    ],
    ids=str,
)
def test_bad_input_is_refused_before_anything_is_written(clips, tmp_path, change, error, message):
    settings = {"table": clips, "extractor": Numbers(), "out": tmp_path / "out", **change}
    with pytest.raises(error, match=message):
        extract_features(**settings)
    assert not (tmp_path / "out").exists()


def test_column_whose_type_changes_is_named(clips, tmp_path):
    later = clips.iloc[CHUNK:].assign(speaker=3)
    with pytest.raises(ValueError, match=r"Rows 4 to 7 of the clip table differ .* Give each column one type"):
        extract_features([clips.iloc[:CHUNK], later], Numbers(), tmp_path / "out", chunk_size=CHUNK)


def test_dask_without_a_client_is_an_error(clips, tmp_path):
    pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    with pytest.raises(ValueError, match="first create a Dask Client"):
        extract_features(clips, Numbers(), tmp_path / "out", engine="dask")


@pytest.fixture
def images(corpus, tmp_path):
    """Folder with an image of each synthetic clip, in three parts."""
    table = corpus.data.assign(emotion=corpus.target)
    return extract_features(table, MFCCImage(n_mfcc=5, n_frames=20), tmp_path / "images", chunk_size=8).folder


def test_opened_features_are_those_of_the_extractor(images, corpus):
    features = open_features(images)
    np.testing.assert_array_equal(features.X, MFCCImage(n_mfcc=5, n_frames=20).fit_transform(corpus.data))
    assert features.X.shape == (21, 5, 20, 1)
    assert features.data["emotion"].tolist() == corpus.target.tolist()
    assert "values" not in features.data
    assert len(pd.read_parquet(images)) == 21


def test_features_that_were_extracted_again_are_opened_again(images, corpus):
    open_features(images)
    table = corpus.data.iloc[::-1].assign(emotion="")
    extract_features(table, MFCCImage(n_mfcc=5, n_frames=20), images, chunk_size=8, overwrite=True)
    features = open_features(images)
    assert features.data["clip_id"].tolist() == corpus.data["clip_id"].tolist()[::-1]
    np.testing.assert_array_equal(features.X[0], MFCCImage(n_mfcc=5, n_frames=20).fit_transform(corpus.data)[-1])


def test_other_folders_are_not_opened(clips, tmp_path, images):
    with pytest.raises(FileNotFoundError, match="not a folder that extract_features has written"):
        open_features(tmp_path)
    extract_features(clips, Numbers(), tmp_path / "out")
    with pytest.raises(ValueError, match=r"read them with pandas\.read_parquet"):
        open_features(tmp_path / "out")
    manifest = Path(images, "_manifest.json")
    manifest.write_text(manifest.read_text().replace('"complete": true', '"complete": false'))
    with pytest.raises(ValueError, match="is not complete"):
        open_features(images)
