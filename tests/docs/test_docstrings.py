"""Docstrings: examples run, public names are documented, and the API page lists them."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest
from numpydoc.validate import validate

import savee_mm

ROOT = Path(__file__).parents[2]
# Files are read, not imported: collecting the tests must not load TensorFlow.
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "savee_mm").rglob("*.py"))
}
WITH_EXAMPLES = [name for name, source in SOURCES.items() if ">>> " in source]
# Packages whose names are imported from them.
PACKAGES = ("datasets", "media", "signal", "vision", "model_selection", "systems")
NO_OBJECTS = {"__version__", "systems"}

# Rules of numpydoc that this library does not follow: sections that not every function needs (ES01, EX01, SA01), a
# bare type before a return value and a description after it (RT02, RT03: our types include the shape, which is
# often sufficient), descriptions of "ignored" parameters (PR07), capitals for names of columns and axes (PR08, RT04).
EXEMPT = {"ES01", "EX01", "SA01", "RT02", "RT03", "RT04", "PR07", "PR08"}
# Methods with scikit-learn's signatures have one line; fields of records are described as attributes.
ONE_LINERS = {"fit_transform", "get_n_splits", "get_support"}
# Constants, described on the API page.
DATA = {"PROTOCOLS", "DESCRIPTORS", "STATISTICS", "GEOMETRY", "WITH_LANDMARKS"}
RECORDS = {"savee_mm.Explanation", "savee_mm.WindowPrediction", "savee_mm.signal.VoiceReport", "savee_mm.vision.Faces"}


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tests = doctest.DocTestFinder().find(importlib.import_module(name), name)
    assert sum(len(test.examples) for test in tests) == len(re.findall(r"^ *>>> ", SOURCES[name], re.MULTILINE))
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    output = []
    for test in tests:
        runner.run(test, out=output.append)
    assert not runner.failures, "".join(output)
    assert not list(tmp_path.iterdir()), "an example left files behind"


def public_names():
    """Return every public name and the public methods of classes, as dotted paths."""
    names = [f"savee_mm.{name}" for name in savee_mm.__all__ if name not in NO_OBJECTS]
    for package in PACKAGES:
        module = importlib.import_module(f"savee_mm.{package}")
        names += [f"savee_mm.{package}.{name}" for name in module.__all__ if name not in (*savee_mm.__all__, *DATA)]
    for name in list(names):
        module, _, attribute = name.rpartition(".")
        thing = getattr(importlib.import_module(module), attribute)
        if inspect.isclass(thing):
            names += [f"{name}.{member}" for member, value in inspect.getmembers(thing) if _is_ours(member, value)]
    return names


def _is_ours(member, value):
    """Whether a member is public and not scikit-learn's or Python's."""
    function = inspect.unwrap(getattr(value, "fget", value))
    return not member.startswith("_") and (getattr(function, "__module__", None) or "").startswith("savee_mm")


@pytest.mark.parametrize("name", public_names())
def test_docstring_follows_numpydoc(name):
    exempt = set(EXEMPT)
    if name.rpartition(".")[2] in ONE_LINERS:
        exempt |= {"PR01", "RT01"}
    if name in RECORDS:
        exempt |= {"PR01"}
    errors = [f"{code}: {message}" for code, message in validate(name)["errors"] if code not in exempt]
    assert not errors, "\n".join(errors)


def test_api_page_lists_every_public_name_once():
    listed = re.findall(r"^(?:   |\.\. py:data:: )(\w+)$", (ROOT / "docs/api.rst").read_text(encoding="utf-8"), re.M)
    packages = [importlib.import_module(f"savee_mm.{package}") for package in PACKAGES]
    expected = set(savee_mm.__all__).union(*(package.__all__ for package in packages)) - NO_OBJECTS
    assert sorted(listed) == sorted(expected)
