"""Hugging Face datasets with columns of audio: in files, and stored in the dataset."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from savee_mm import ProsodyFeatures, load_huggingface

datasets = pytest.importorskip("datasets", reason="the test needs datasets")


@pytest.fixture
def dataset(tmp_path, tone):
    paths = [str(tmp_path / folder / "001.wav") for folder in ("joy", "anger")]
    for path, f0 in zip(paths, (200, 300), strict=True):
        Path(path).parent.mkdir()
        soundfile.write(path, tone(f0), 22050)
    columns = {"sound": paths, "label": [1, 0], "who": ["ann", "bob"]}
    # Not from_dict(features=...), which needs torchcodec for a column of audio.
    made = datasets.Dataset.from_dict(columns).cast_column("sound", datasets.Audio())
    return made.cast_column("label", datasets.ClassLabel(names=["anger", "joy"]))


def paths_of(dataset):
    return [cell["path"] for cell in dataset.cast_column("sound", datasets.Audio(decode=False))["sound"]]


def test_recordings_in_files_are_used_in_place(dataset):
    bunch = load_huggingface(dataset, columns={"speaker": "who"})
    assert bunch.data["audio"].tolist() == paths_of(dataset)
    assert bunch.target.tolist() == ["joy", "anger"]
    assert bunch.groups.tolist() == ["ann", "bob"]
    assert bunch.data["clip_id"].tolist() == ["joy_001", "anger_001"]


def test_recordings_in_the_dataset_are_written_to_the_folder(dataset, tmp_path):
    from datasets.table import embed_table_storage

    embedded = dataset.cast_column("sound", datasets.Audio(decode=False)).with_format("arrow")
    embedded = embedded.map(embed_table_storage, batched=True).with_format(None).cast_column("sound", datasets.Audio())
    for path in paths_of(dataset):
        Path(path).unlink()
    with pytest.raises(ValueError, match="is stored in the dataset"):
        load_huggingface(embedded)
    bunch = load_huggingface(embedded, folder=tmp_path / "media")
    pitch = ProsodyFeatures().set_output(transform="pandas").fit_transform(bunch.data)["pitch_median"]
    np.testing.assert_allclose(pitch, [200, 300], atol=1)
    assert load_huggingface(embedded, folder=tmp_path / "media").data.equals(bunch.data)
    with pytest.raises(ValueError, match="does not exist"):
        load_huggingface(dataset)


def test_rows_without_a_class_are_left_out(dataset):
    label = dataset.features["label"]
    for missing in (None, -1):
        part = dataset.remove_columns("label").add_column("label", [missing, 0]).cast_column("label", label)
        bunch = load_huggingface(part)
        assert bunch.target.tolist() == ["anger"]
        assert bunch.data["audio"].tolist() == paths_of(dataset)[1:]
        with pytest.raises(ValueError, match="No row of the dataset has a class"):
            load_huggingface(part.select([0]))


def test_datasets_that_cannot_be_loaded(dataset):
    with pytest.raises(TypeError, match="got DatasetDict; choose one of its splits: train"):
        load_huggingface(datasets.DatasetDict(train=dataset))
    with pytest.raises(ValueError, match="no column 'emotion' with the classes; its columns are sound, label, who"):
        load_huggingface(dataset, target="emotion")
    with pytest.raises(ValueError, match="no column of audio or video"):
        load_huggingface(dataset.remove_columns("sound"))
