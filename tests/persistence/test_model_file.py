"""A model file gives back what was saved, and runs nothing that it should not."""

import copy
import functools
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from savee_mm import (
    ClipWarning,
    ConvLSTMClassifier,
    DenseClassifier,
    FaceFrameSampler,
    FusionClassifier,
    MFCCImage,
    PCACorrSelector,
    ProsodyFeatures,
    load_card,
    load_model,
    save_model,
)
from savee_mm.persistence._archive import read_payload

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def fusion(corpus):
    clf = FusionClassifier(
        audio=MFCCImage(n_frames=60, normalize="training"),
        video=FaceFrameSampler(n_frames=3, size=(32, 32), detector="lbp"),
        n_filters=4,
        n_units=8,
        epochs=1,
        random_state=0,
    )
    return clf.fit(corpus.data, corpus.target)


def test_fusion_comes_back_as_it_was(fusion, corpus, tmp_path):
    loaded = load_model(save_model(fusion, tmp_path / "m.savee"))
    np.testing.assert_allclose(loaded.predict_proba(corpus.data), fusion.predict_proba(corpus.data), rtol=0, atol=1e-6)
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
        "np.save(sys.argv[3], load_model(sys.argv[1]).predict_proba(pd.read_csv(sys.argv[2])));"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
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
    pipeline = make_pipeline(faces, ConvLSTMClassifier(n_filters=4, n_units=4, epochs=1))
    pipeline.fit(corpus.data, corpus.target)
    loaded = load_model(save_model(pipeline, tmp_path / "m.savee"))
    np.testing.assert_allclose(
        loaded.predict_proba(corpus.data), pipeline.predict_proba(corpus.data), rtol=0, atol=1e-6
    )


def test_file_holds_a_card_the_networks_and_the_rest(fusion, tmp_path):
    path = save_model(fusion, tmp_path / "m.savee")
    with zipfile.ZipFile(path) as archive:
        card, estimator, network = sorted(archive.namelist())
        assert (card, estimator) == ("card.json", "estimator.skops")
        assert re.fullmatch(r"networks/[-0-9a-f]+\.keras", network)
        written = json.loads(archive.read(card))
        (tmp_path / "n.keras").write_bytes(archive.read(network))
    assert (written["format"], written["estimator"]) == (3, "FusionClassifier")
    assert written["classes"] == fusion.classes_.tolist()
    assert load_card(path) == written
    # The network opens with Keras alone.
    assert keras.saving.load_model(tmp_path / "n.keras", compile=False).count_params() == fusion.model_.count_params()


def test_entries_of_a_given_card_are_added_to_those_of_the_estimator(fusion, tmp_path):
    path = save_model(fusion, tmp_path / "m.savee", card={"notes": "For the tests of café.", "seed": 7})
    card = load_card(path)
    assert (card["notes"], card["seed"], card["estimator"]) == ("For the tests of café.", 7, "FusionClassifier")
    assert "## Notes\n\nFor the tests of café." in str(card)


def test_nothing_of_the_training_machine_is_in_the_file(corpus, tmp_path):
    place = tmp_path / "secret_place"
    broken = corpus.data.copy()
    (tmp_path / "secret_clip.wav").touch()
    broken.loc[0, "audio"] = str(tmp_path / "secret_clip.wav")
    pipeline = make_pipeline(ProsodyFeatures(cache=place, on_error="fill"), StandardScaler(), SVC(), memory=str(place))
    grid = {"prosodyfeatures__cache": [place, None], "svc__C": [1.0]}
    with pytest.warns(ClipWarning, match="secret_clip"):
        search = GridSearchCV(pipeline, grid, cv=2).fit(broken, corpus.target)
    path = save_model(search, tmp_path / "m.savee")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(archive.open("estimator.skops")) as inner:
        content = b"".join(archive.read(name) for name in archive.namelist())
        content += b"".join(inner.read(name) for name in inner.namelist())
    assert b"secret" not in content
    assert str(tmp_path).encode() not in content
    # What was saved still has its places, and its report.
    assert search.estimator[0].cache == place
    assert search.best_estimator_.memory == str(place)
    assert search.best_estimator_[0].failed_clips_["path"].tolist() == [str(tmp_path / "secret_clip.wav")]
    loaded = load_model(path)
    assert loaded.best_estimator_[0].failed_clips_.empty
    assert (loaded.estimator[0].cache, loaded.estimator.memory) == ("memory", None)
    assert loaded.param_grid["prosodyfeatures__cache"] == ["memory", None]


def test_weights_of_ones_own_are_known_by_name_and_found_in_the_weights_folder(corpus, shared, tmp_path, monkeypatch):
    own = tmp_path / "mine" / "own.onnx"
    own.parent.mkdir()
    shutil.copy(shared / "models/face_detection_yunet_2026may.onnx", own)
    faces = FaceFrameSampler(n_frames=2, size=(16, 16), detector="yunet", weights=own)
    pipeline = make_pipeline(faces, ConvLSTMClassifier(n_filters=2, n_units=2, epochs=1)).fit(
        corpus.data, corpus.target
    )
    path = save_model(pipeline, tmp_path / "m.savee")
    monkeypatch.delenv("SAVEE_MM_WEIGHTS", raising=False)
    assert load_model(path)[0].weights == "own.onnx"
    with pytest.raises(FileNotFoundError, match=r"own\.onnx"):
        load_model(path).predict(corpus.data)
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(own.parent))
    assert load_model(path)[0].weights == str(own)
    # A loaded network runs in onnxruntime.
    np.testing.assert_allclose(
        load_model(path).predict_proba(corpus.data), pipeline.predict_proba(corpus.data), rtol=0, atol=1e-5
    )


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


def louder(table):
    return table


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (FunctionTransformer(louder), r"does not open: .*louder\. To have it in a file, keep it by pickle"),
        (KNeighborsClassifier(1, algorithm="kd_tree"), r"KDTree\. To have it in a file, set algorithm=\"brute\""),
    ],
    ids=["function", "neighbours"],
)
def test_what_could_not_be_opened_is_not_saved(part, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        save_model(part.fit([[0.0], [1.0]], [0, 1]), tmp_path / "m.savee")
    assert not list(tmp_path.iterdir())


def write(path, *, card=None, payload=b""):
    """Write a model file as format 1 had it, with any card and archive."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("card.json", json.dumps(card))
        archive.writestr("estimator.skops", payload)
    return path


@pytest.mark.filterwarnings("ignore:.*the features of FaceFrameSampler have changed since")
def test_first_format_is_read_and_its_places_are_left(corpus, tmp_path):
    faces = FaceFrameSampler(n_frames=2, size=(16, 16), detector="lbp", cache=tmp_path / "cache")
    pipeline = make_pipeline(faces, ConvLSTMClassifier(n_filters=2, n_units=2, epochs=1)).fit(
        corpus.data, corpus.target
    )
    card = {"format": 1, "savee_mm": "0.1.0", "estimator": "Pipeline", "classes": pipeline.classes_.tolist()}
    payload = skops.io.dumps(pipeline)
    payload = replaced(payload, "schema.json", b"savee_mm.features.faces.sampler", b"savee_mm.features.face_frames")
    path = write(tmp_path / "m.savee", card=card, payload=payload)
    loaded = load_model(path)
    np.testing.assert_allclose(
        loaded.predict_proba(corpus.data), pipeline.predict_proba(corpus.data), rtol=0, atol=1e-6
    )
    assert loaded[0].cache == "memory"
    assert load_card(path).to_markdown().startswith("# Pipeline\n\n- Estimator: Pipeline\n- Emotions: anger")


def test_format_before_the_first_is_refused_with_the_remedy(tmp_path):
    path = write(tmp_path / "m.savee", card={"format": 0, "savee_mm": "0.0.1"})
    with pytest.raises(ValueError, match=r"format 0.*Load it with savee_mm 0\.0\.1, and save it"):
        load_model(path)


def test_names_that_a_module_of_ours_imports_are_not_trusted(tmp_path):
    payload = skops.io.dumps(functools.partial(print))
    payload = replaced(payload, "schema.json", b'"functools"', b'"savee_mm.features.faces.sampler"')
    path = write(tmp_path / "m.savee", card={"format": 1, "savee_mm": "0.1.0"}, payload=payload)
    with pytest.raises(ValueError, match=r"does not know: builtins\.print, savee_mm.*faces\.sampler\.partial"):
        load_model(path)


def replaced(payload, member, old, new):
    """Return a zip archive in which one member has something else in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(payload)) as before, zipfile.ZipFile(buffer, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            assert name != member or old in content
            after.writestr(name, content.replace(old, new) if name == member else content)
    return buffer.getvalue()


def test_network_that_runs_code_is_refused(corpus, tmp_path):
    pipeline = make_pipeline(ProsodyFeatures(), DenseClassifier(n_units=2, epochs=1)).fit(corpus.data, corpus.target)
    pipeline[-1].model_ = keras.Sequential([keras.Input((34,)), keras.layers.Lambda(lambda x: x)])
    path = save_model(pipeline, tmp_path / "m.savee")
    with pytest.raises(ValueError, match=r"does not know: .*keras\.layers\.Lambda"):
        load_model(path)


def test_tree_that_leads_out_of_itself_is_refused(tmp_path):
    forest = RandomForestClassifier(2, max_depth=1, random_state=0).fit([[0.0], [1.0], [2.0]], [0, 1, 1])
    path = save_model(forest, tmp_path / "m.savee")
    payload = read_payload(path)
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        name = next(n for n in archive.namelist() if b"left_child" in archive.read(n))
        content = archive.read(name)
    child = np.array([1, 2], "<i8").tobytes()
    path = write(
        path,
        card={"format": 1, "savee_mm": "0.1.0"},
        payload=replaced(payload, name, child, np.array([1, 2000], "<i8").tobytes()),
    )
    assert child in content
    with pytest.raises(ValueError, match="names nodes or features that do not exist"):
        load_model(path)


@pytest.mark.parametrize("schema", [b"{}", b"[]", b'{"protocol": 1, "__loader__": "x"}', b"not json"])
def test_made_up_descriptions_are_refused(schema, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", schema)
    path = write(tmp_path / "m.savee", card={"format": 1, "savee_mm": "0.1.0"}, payload=buffer.getvalue())
    with pytest.raises(ValueError, match="not a model file of savee_mm, or damaged"):
        load_model(path)


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
