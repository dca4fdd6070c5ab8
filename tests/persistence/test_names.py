"""Model files name classes by their public import path, and open whatever the names were when they were written."""

import importlib
import inspect
import json
import zipfile

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import ProsodyFeatures, load_model, save_model
from savee_mm.persistence._names import _BEFORE_FORMAT_3, OURS, with_current_names, with_public_names


def schema(module, name):
    """A description of an object within a list."""
    node = {"__module__": module, "__class__": name, "__loader__": "ObjectNode"}
    return json.dumps({"__module__": "builtins", "__class__": "list", "content": [node]}).encode()


def module_of(described):
    return json.loads(described)["content"][0]["__module__"]


@pytest.mark.parametrize("path", sorted(OURS))
def test_name_is_a_class_that_its_package_exports(path):
    module, _, name = path.rpartition(".")
    package = importlib.import_module(module)
    assert inspect.isclass(getattr(package, name))
    assert name in package.__all__


@pytest.mark.parametrize(("module", "name"), [(m, name) for m, names in _BEFORE_FORMAT_3.items() for name in names])
def test_old_name_is_known_by_its_public_path(module, name):
    assert f"{module_of(with_current_names(schema(module, name)))}.{name}" in OURS


@pytest.mark.parametrize("path", sorted(OURS))
def test_defining_module_is_replaced_by_the_public_path(path):
    module, _, name = path.rpartition(".")
    defined_in = getattr(importlib.import_module(module), name).__module__
    assert module_of(with_public_names(schema(defined_in, name))) == module


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("savee_mm.features.audio", "partial"),
        ("savee_mm.features.audio", "MFCCImage"),
        ("sklearn.svm._classes", "SVC"),
        ("elsewhere", "FusionClassifier"),
    ],
)
def test_other_names_stay(module, name):
    assert module_of(with_current_names(schema(module, name))) == module


def test_private_modules_are_not_in_a_file(corpus, tmp_path):
    pipeline = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression()).fit(corpus.data, corpus.target)
    path = save_model(pipeline, tmp_path / "m.savee")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(archive.open("estimator.skops")) as inner:
        described = inner.read("schema.json").decode()
    assert '"__module__": "savee_mm"' in described
    assert "savee_mm." not in described
    assert isinstance(load_model(path)[0], ProsodyFeatures)
