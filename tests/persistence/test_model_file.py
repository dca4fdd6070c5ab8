"""A model file gives back what was saved, and runs nothing that it should not."""

import copy
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from savee_mm import (
    ConvLSTMClassifier,
    FaceFrameSampler,
    FusionClassifier,
    MFCCImage,
    PCACorrSelector,
    ProsodyFeatures,
    load_model,
    save_model,
)


@pytest.fixture(scope="module")
def fusion(corpus):
    clf = FusionClassifier(
        audio=MFCCImage(n_frames=60, normalize="training"),
        video=FaceFrameSampler(n_frames=3, size=(32, 32), detector="lbp"),
        filters=4,
        n_units=8,
        epochs=1,
        random_state=0,
    )
    return clf.fit(corpus.data, corpus.target)


def test_fusion_comes_back_as_it_was(fusion, corpus, tmp_path):
    loaded = load_model(save_model(fusion, tmp_path / "m.savee"))
    np.testing.assert_array_equal(loaded.predict_proba(corpus.data), fusion.predict_proba(corpus.data))
    assert loaded.history_ == fusion.history_
    assert loaded.video_.detector_ == "lbp"
    assert {k: v for k, v in loaded.get_params().items() if k not in ("audio", "video")} == {
        k: v for k, v in fusion.get_params().items() if k not in ("audio", "video")
    }


def test_another_process_predicts_the_same(fusion, corpus, tmp_path):
    save_model(fusion, tmp_path / "m.savee")
    corpus.data.to_csv(tmp_path / "table.csv", index=False)
    code = (
        "import sys, numpy as np, pandas as pd; from savee_mm import load_model;"
        "np.save(sys.argv[3], load_model(sys.argv[1]).predict_proba(pd.read_csv(sys.argv[2])))"
    )
    paths = [str(tmp_path / name) for name in ("m.savee", "table.csv", "p.npy")]
    subprocess.run([sys.executable, "-c", code, *paths], check=True, capture_output=True)
    # Another process may run with another number of threads, which adds in another order.
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), fusion.predict_proba(corpus.data), atol=1e-6)


def test_pipeline_of_prosody_comes_back(corpus, tmp_path):
    pipeline = make_pipeline(ProsodyFeatures(), PCACorrSelector(), StandardScaler(), SVC())
    pipeline[:2].set_output(transform="pandas")
    pipeline.fit(corpus.data, corpus.target)
    loaded = load_model(save_model(pipeline, tmp_path / "m.savee"))
    np.testing.assert_array_equal(loaded.decision_function(corpus.data), pipeline.decision_function(corpus.data))


def test_pipeline_of_faces_comes_back(corpus, tmp_path):
    faces = FaceFrameSampler(n_frames=2, size=(16, 16), detector="lbp", cache=tmp_path / "cache")
    pipeline = make_pipeline(faces, ConvLSTMClassifier(filters=4, n_units=4, epochs=1))
    pipeline.fit(corpus.data, corpus.target)
    loaded = load_model(save_model(pipeline, tmp_path / "m.savee"))
    np.testing.assert_array_equal(loaded.predict_proba(corpus.data), pipeline.predict_proba(corpus.data))


def test_card_says_what_it_is(fusion, tmp_path):
    save_model(fusion, tmp_path / "m.savee")
    with zipfile.ZipFile(tmp_path / "m.savee") as archive:
        card = json.loads(archive.read("card.json"))
    assert card["estimator"] == "FusionClassifier"
    assert card["classes"] == fusion.classes_.tolist()
    assert card["libraries"]["keras"]


def test_unfitted_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(NotFittedError):
        save_model(FusionClassifier(), tmp_path / "m.savee")
    assert not list(tmp_path.iterdir())


def test_failed_save_leaves_the_old_file(fusion, tmp_path):
    path = save_model(fusion, tmp_path / "m.savee")
    before = path.read_bytes()
    unsaveable = copy.copy(fusion)
    unsaveable.notes_ = (note for note in ())
    with pytest.raises(TypeError, match="pickle"):
        save_model(unsaveable, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.savee"]


def test_what_could_not_be_opened_is_not_saved(tmp_path):
    forest = RandomForestClassifier(2, random_state=0).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match=r"does not open: sklearn\.tree\._tree\.Tree\. Keep it by"):
        save_model(forest, tmp_path / "m.savee")
    assert not list(tmp_path.iterdir())


def write(path, *, card=None, payload=b""):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("card.json", json.dumps(card))
        archive.writestr("estimator.skops", payload)
    return path


def test_unknown_types_are_named_and_not_loaded(tmp_path):
    payload = skops.io.dumps(subprocess.Popen)
    path = write(tmp_path / "m.savee", card={"format": 1, "savee_mm": "0.1.0"}, payload=payload)
    with pytest.raises(ValueError, match=r"names types that savee_mm does not know: subprocess\.Popen"):
        load_model(path)


def test_newer_format_is_refused_with_the_remedy(tmp_path):
    path = write(tmp_path / "m.savee", card={"format": 99, "savee_mm": "9.0.0"})
    with pytest.raises(ValueError, match=r"format 99 by savee_mm 9\.0\.0.*Install that version"):
        load_model(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing", b"not a zip"])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "m.savee"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a model file of savee_mm"):
        load_model(path)


def test_a_flipped_bit_is_a_damaged_file(fusion, tmp_path):
    path = save_model(fusion, tmp_path / "new" / "m.savee")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a model file of savee_mm, or damaged"):
        load_model(path)


def test_zip_without_a_card_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.savee", "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(ValueError, match="not a model file of savee_mm"):
        load_model(tmp_path / "m.savee")
    with pytest.raises(ValueError, match="not a model file of savee_mm"):
        load_model(write(tmp_path / "n.savee", card=["format"]))


def test_missing_file_is_a_file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "m.savee")
