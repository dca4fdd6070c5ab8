"""YAMNetEmbedding: statistics of embeddings, cache, weights and the classes of YAMNet."""

import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone

from savee_mm import ClipError, ClipWarning
from savee_mm._weights import identify_weights
from savee_mm.datasets.synthetic import synthesize_voice
from savee_mm.features.yamnet import YAMNetEmbedding
from savee_mm.networks.yamnet import load_yamnet
from savee_mm.signal.yamnet_frontend import yamnet_patches


@pytest.fixture(scope="module")
def stores(tmp_path_factory, write_yamnet):
    """Two folders of weights of different content."""
    folder = tmp_path_factory.mktemp("weights")
    return [write_yamnet(folder / str(seed), seed) for seed in range(2)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A clip table of three voices, and no video."""
    folder = tmp_path_factory.mktemp("clips")
    paths = [folder / f"clip{i}.wav" for i in range(3)]
    for path, vowels, f0 in zip(paths, (["a", "i"], ["o"], ["u", "a"]), (110, 180, 220), strict=True):
        y, _ = synthesize_voice(vowels, f0=f0)
        soundfile.write(path, y, 22050)
    return pd.DataFrame({"clip_id": ["one", "two", "three"], "audio": [str(path) for path in paths]})


@pytest.fixture(autouse=True)
def store(stores, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(stores[0]))
    return stores[0]


def test_columns_are_the_mean_over_the_patches(clips, store):
    paths = clips["audio"].tolist()[:2]
    X = YAMNetEmbedding().fit_transform(paths)
    assert X.shape == (2, 1024)
    y, sr = soundfile.read(paths[0], dtype="float32")
    network = load_yamnet(identify_weights(store / "yamnet_int8_perchannel_weights.npz"))
    again = YAMNetEmbedding(input_sr=sr).fit_transform([y])
    np.testing.assert_array_equal(again[0], X[0])
    y = y[: 15600 + 7680]
    embeddings = network(yamnet_patches(y))[1].numpy()
    X = YAMNetEmbedding(statistics=("max", "mean", "std"), input_sr=16000).fit_transform([y])
    expected = np.concatenate([embeddings.max(axis=0), embeddings.mean(axis=0), embeddings.std(axis=0)])
    np.testing.assert_allclose(X[0], expected, rtol=1e-6)


def test_columns_have_names_and_units(clips):
    extractor = YAMNetEmbedding(statistics=("mean", "std")).set_output(transform="pandas")
    X = extractor.fit_transform(clips.iloc[:2])
    assert X.shape == (2, 2048)
    assert X.columns[[0, 7, 1023, 1024]].tolist() == [
        "yamnet_0000_mean",
        "yamnet_0007_mean",
        "yamnet_1023_mean",
        "yamnet_0000_std",
    ]
    assert set(extractor.get_feature_units_out()) == {"1"}


def test_each_row_depends_on_its_clip_only(clips):
    extractor = YAMNetEmbedding(cache=None).fit(clips.iloc[:3])
    np.testing.assert_array_equal(extractor.transform(clips.iloc[[2]]), extractor.transform(clips.iloc[:3])[[2]])


def test_the_cache_knows_the_weights_by_content(clips, stores, store, tmp_path):
    table, folder = clips.iloc[:2], tmp_path / "cache"
    extractor = YAMNetEmbedding(cache=folder)
    X = extractor.fit_transform(table)
    assert len(list(folder.iterdir())) == 2
    # Every statistic is kept, and a copy of the weights is the same weights.
    copy = shutil.copy(store / "yamnet_int8_perchannel_weights.npz", tmp_path / "copy.npz")
    same = YAMNetEmbedding(weights=copy, statistics=("std", "mean"), cache=folder).fit_transform(table)
    np.testing.assert_array_equal(same[:, 1024:], X)
    assert len(list(folder.iterdir())) == 2
    other = YAMNetEmbedding(weights=stores[1] / "yamnet_int8_perchannel_weights.npz", cache=folder)
    assert not np.allclose(other.fit_transform(table), X)
    assert len(list(folder.iterdir())) == 4


def test_other_weights_than_those_of_the_fit_are_an_error(clips, stores, monkeypatch):
    extractor = YAMNetEmbedding().fit(clips.iloc[:2])
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(stores[1]))
    with pytest.raises(ValueError, match="are not those of the fit"):
        extractor.transform(clips.iloc[:2])


def test_pickle_does_not_contain_the_network(clips):
    table = clips.iloc[:2]
    extractor = YAMNetEmbedding()
    X = extractor.fit_transform(table)
    archive = pickle.dumps(extractor)
    assert len(archive) < 20_000
    np.testing.assert_array_equal(pickle.loads(archive).transform(table), X)
    assert clone(extractor).get_params() == extractor.get_params()


def test_broken_clip_is_an_error_or_filled(clips, tmp_path):
    table = clips.iloc[:3].copy()
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    table.loc[table.index[1], ["audio", "clip_id"]] = [str(tmp_path / "broken.wav"), "the_broken_one"]
    with pytest.raises(ClipError, match="the_broken_one"):
        YAMNetEmbedding().fit(table)
    extractor = YAMNetEmbedding(on_error="fill")
    with pytest.warns(ClipWarning, match="1 of 3 clips"):
        X = extractor.fit_transform(table)
    np.testing.assert_allclose(X[1], np.median(X[[0, 2]], axis=0), rtol=1e-6)
    assert extractor.top_classes_["class"].notna().tolist() == [True, False, True]


def test_top_classes_are_those_of_the_last_call(clips, store):
    extractor = YAMNetEmbedding(input_sr=16000).fit(clips.iloc[:3])
    assert extractor.top_classes_.columns.tolist() == ["clip_id", "class", "score"]
    assert extractor.top_classes_["clip_id"].tolist() == clips["clip_id"].tolist()[:3]
    y = np.random.default_rng(0).normal(scale=0.1, size=16000)
    extractor.transform([y])
    scores = load_yamnet(identify_weights(store / "yamnet_int8_perchannel_weights.npz"))(yamnet_patches(y))[0]
    scores = scores.numpy().mean(axis=0)
    row = extractor.top_classes_.iloc[0]
    assert row["class"] == f"n{scores.argmax()}"
    assert row["score"] == pytest.approx(scores.max())


def test_error_without_weights_has_a_remedy(clips, store, tmp_path, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"yamnet\.h5 \(or .*npz\).*savee-mm fetch-weights yamnet"):
        YAMNetEmbedding().fit(clips)
    with pytest.raises(FileNotFoundError, match="No file of weights at"):
        YAMNetEmbedding(weights=tmp_path / "none.h5").fit(clips)
    alone = shutil.copy(store / "yamnet_int8_perchannel_weights.npz", tmp_path / "alone.npz")
    extractor = YAMNetEmbedding(weights=alone).fit(clips.iloc[:1])
    with pytest.raises(FileNotFoundError, match="class names of YAMNet are missing"):
        _ = extractor.top_classes_


@pytest.mark.parametrize("bad", [{"statistics": ("mean", "median")}, {"statistics": ()}, {"input_sr": 10}])
def test_bad_parameter_is_an_error_that_names_it(bad, clips):
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter"):
        YAMNetEmbedding(**bad).fit(clips)


def test_real_speech_and_silence(shared, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    extractor = YAMNetEmbedding(input_sr=16000).fit([str(shared / "data/clips/speech.wav")])
    speech = extractor.top_classes_.iloc[0]
    assert (speech["clip_id"], speech["class"]) == ("speech", "Speech")
    assert speech["score"] == pytest.approx(0.95, abs=0.02)
    # Less than 80 dB below full scale, but not digital silence.
    extractor.transform([np.random.default_rng(0).normal(scale=3e-5, size=16000)])
    assert extractor.top_classes_["class"].tolist() == ["Silence"]
