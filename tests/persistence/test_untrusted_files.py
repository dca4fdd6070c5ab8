"""Model files of unknown origin: anything manipulated ends in a ValueError that names the file."""

import io
import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import skops.io
import skops.io._trusted_types as skops_types
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from savee_mm import DenseClassifier, load_card, load_model, save_model
from savee_mm.persistence import _types

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 3)), np.repeat(["a", "b", "c"], 10)


@pytest.fixture
def path(tmp_path):
    return save_model(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y), tmp_path / "m.savee")


@pytest.fixture(scope="module")
def network():
    return DenseClassifier(n_units=2, epochs=1, random_state=0).fit(X, Y)


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def change_card(path, **entries):
    members = members_of(path)
    write(path, {**members, "card.json": json.dumps({**json.loads(members["card.json"]), **entries})})


def repacked(content, **changes):
    """Return a zip archive in which members are changed by functions of their content, or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as after:
        members = {name: before.read(name) for name in dict.fromkeys(before.namelist())}
        for name in members | changes:
            change = changes.get(name)
            after.writestr(name, change(members.get(name)) if change else members[name])
    return buffer.getvalue()


def as_format_1(path, estimator, change=lambda payload: payload):
    """Write a file of format 1, which has no digest, with a changed skops archive."""
    card = {"format": 1, "savee_mm": "0.1.0", "estimator": "X", "classes": []}
    write(path, {"card.json": json.dumps(card), "estimator.skops": change(skops.io.dumps(estimator))})
    return path


def test_member_that_nothing_uses_is_refused(path):
    write(path, {**members_of(path), "networks/more.keras": b"more"})
    with pytest.raises(ValueError, match=r"m\.savee: not a model file"):
        load_model(path)


def test_array_that_nothing_uses_is_refused(tmp_path):
    file = as_format_1(
        tmp_path / "m.savee",
        DummyClassifier().fit(X, Y),
        lambda payload: repacked(payload, **{"more.npy": lambda _: b"more"}),
    )
    with pytest.raises(ValueError, match=r"members that nothing uses: 'more\.npy'"):
        load_model(file)


@pytest.mark.parametrize("load", [load_card, load_model])
def test_small_file_of_much_content_is_refused(load, path):
    members = members_of(path)
    write(path, {**members, "card.json": members["card.json"] + b" " * (1 << 26)})
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match="more than the limit"):
        load(path)


def test_much_content_in_the_inner_archive_is_refused(tmp_path):
    estimator = DummyClassifier().fit(X, Y)
    bomb = {"schema.json": lambda schema: schema + b" " * (1 << 26)}
    file = as_format_1(tmp_path / "m.savee", estimator, lambda payload: repacked(payload, **bomb))
    with pytest.raises(ValueError, match="more than the limit"):
        load_model(file)


CARDS = {
    "an infinite format": '{"format": 1e999, "savee_mm": "1"}',
    "a long number": '{"format": ' + "9" * 5000 + ', "savee_mm": "1"}',
    "a format that is a list": '{"format": [3], "savee_mm": "1"}',
    "no number": '{"format": NaN, "savee_mm": "1"}',
    "deep lists": '{"format": 3, "savee_mm": "1", "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "a list": "[]",
    "no text": "\udce9".encode("utf-16", "surrogatepass").decode("latin-1"),
    "classes that are no list": '{"format": 3, "savee_mm": "1", "classes": 5}',
    "rows that are no dicts": '{"format": 3, "savee_mm": "1", "evaluation": [1, 2]}',
    "a corpus that is a list": '{"format": 3, "savee_mm": "1", "corpus": [1]}',
    "weights without names": '{"format": 3, "savee_mm": "1", "weights": [{}]}',
}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize("load", [load_card, load_model])
def test_card_of_another_kind_is_a_value_error(card, load, path):
    write(path, {**members_of(path), "card.json": card})
    with pytest.raises(ValueError, match=r"m\.savee"):
        load(path)


def test_deep_description_is_a_value_error(tmp_path):
    deep = {"schema.json": lambda schema: b'{"a":' * 100_000 + b"1" + b"}" * 100_000}
    file = as_format_1(tmp_path / "m.savee", DummyClassifier(), lambda payload: repacked(payload, **deep))
    with pytest.raises(ValueError, match="not a model file"):
        load_model(file)


def test_array_of_absurd_size_is_a_value_error(tmp_path):
    def declare_more(payload):
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            names = [name for name in archive.namelist() if b"(3,), }" in archive.read(name)]
        assert names
        more = lambda content: content.replace(b"(3,), }", b"(3000000000000000,), }")  # noqa: E731
        return repacked(payload, **dict.fromkeys(names, more))

    file = as_format_1(tmp_path / "m.savee", StandardScaler().fit(X), declare_more)
    with pytest.raises(ValueError, match="not a model file"):
        load_model(file)


def test_support_vector_machine_with_other_counts_is_refused(tmp_path):
    svm = SVC().fit(X, Y)
    svm._n_support = np.array([1000, 1000, 1000], np.int32)
    with pytest.raises(ValueError, match="arrays of a support vector machine in it do not fit each other"):
        load_model(save_model(make_pipeline(svm), tmp_path / "m.savee"))


def test_network_of_absurd_size_is_refused(network, tmp_path):
    path = save_model(network, tmp_path / "m.savee")
    members = members_of(path)
    name = next(name for name in members if name.endswith(".keras"))
    wider = {"config.json": lambda config: config.replace(b'"units": 3', b'"units": 300000000')}
    members[name] = repacked(members[name], **wider)
    card = json.loads(members["card.json"])
    write(path, {**members, "card.json": json.dumps({**card, "format": 2})})
    with pytest.raises(ValueError, match=r"The network describes .* weights, more than its file of"):
        load_model(path)


def test_network_with_other_members_is_refused(network, tmp_path):
    path = save_model(network, tmp_path / "m.savee")
    members = members_of(path)
    name = next(name for name in members if name.endswith(".keras"))
    members[name] = repacked(members[name], **{"assets/words.txt": lambda _: b"words"})
    write(path, {**members, "card.json": json.dumps({**json.loads(members["card.json"]), "format": 2})})
    with pytest.raises(ValueError, match=r"members that nothing uses: 'assets/words\.txt'"):
        load_model(path)


def test_digest_is_in_the_card_and_verified(path):
    digest = load_card(path)["sha256"]
    assert len(bytes.fromhex(digest)) == 32
    load_model(path, expect_sha256=digest.upper())
    with pytest.raises(ValueError, match=rf"its digest is {digest}, expected 00\. Nothing was loaded"):
        load_model(path, expect_sha256="00")


@pytest.mark.parametrize("entry", [{"notes": "other"}, {"classes": ["x", "y", "z"]}, {"sha256": "00"}])
def test_changed_card_is_refused(entry, path):
    change_card(path, **entry)
    with pytest.raises(ValueError, match="its digest is not the one in its card"):
        load_model(path)


def test_estimator_of_another_file_is_refused(path, tmp_path):
    other = save_model(LogisticRegression().fit(X, Y), tmp_path / "other.savee")
    write(path, {**members_of(path), "estimator.skops": members_of(other)["estimator.skops"]})
    with pytest.raises(ValueError, match="its digest is not the one in its card"):
        load_model(path)


def test_digest_does_not_depend_on_compression(path):
    digest, members = load_card(path)["sha256"], members_of(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name in reversed(members):
            archive.writestr(name, members[name])
    load_model(path, expect_sha256=digest)


def test_signature_is_kept_in_the_card(tmp_path):
    seen = []

    def sign(digest):
        seen.append(digest)
        return f"signed {digest}"

    path = save_model(DummyClassifier().fit(X, Y), tmp_path / "m.savee", sign=sign)
    card = load_card(path)
    assert (card["sha256"], card["signature"]) == (seen[0], f"signed {seen[0]}")
    assert load_model(path, expect_sha256=seen[0])


def test_card_of_another_model_keeps_neither_digest_nor_signature(path, tmp_path):
    card = load_card(path)
    again = save_model(DummyClassifier().fit(X, Y), tmp_path / "again.savee", card={**card, "signature": "old"})
    assert load_card(again)["sha256"] != card["sha256"]
    assert "signature" not in load_card(again)


def test_networks_are_keras_archives_of_three_members(network, tmp_path):
    members = members_of(save_model(network, tmp_path / "m.savee"))
    (tmp_path / "n.keras").write_bytes(next(content for name, content in members.items() if name.endswith(".keras")))
    assert set(members_of(tmp_path / "n.keras")) == {"config.json", "metadata.json", "model.weights.h5"}
    assert keras.saving.load_model(tmp_path / "n.keras", compile=False).count_params() == network.model_.count_params()


def test_names_of_sklearn_estimators_are_those_that_skops_trusts():
    trusted = skops_types.SKLEARN_ESTIMATOR_TYPE_NAMES
    assert [name for name in trusted if not _types._is_sklearn_estimator(name)] == []
    others = [
        "sklearn.base.BaseEstimator",
        "sklearn.linear_model._base.LinearModel",  # abstract
        "sklearn.utils._mocking.CheckingClassifier2",
        "sklearn.nowhere.Estimator",
        "sklearn.externals._arff.ArffDecoder",
        "sklearn.datasets._base.load_files",
        "os.system",
    ]
    assert not {*others} & {*trusted}
    assert [name for name in others if _types._is_sklearn_estimator(name)] == []


def test_process_without_the_list_of_estimators_opens_the_same_files(path):
    code = (
        "import sys; from savee_mm.persistence import load_model; from savee_mm.persistence._types import import_skops;"
        "import_skops(); model = load_model(sys.argv[1]); print(*model.predict([[0.0, 0, 0], [9, 9, 9]]));"
        "assert 'sklearn.gaussian_process' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == load_model(path).predict([[0.0, 0, 0], [9, 9, 9]]).tolist()
