"""Docstrings: every example runs, every public name is described, and the API page lists it."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest
from numpydoc.validate import validate

import savee_mm

ROOT = Path(__file__).parents[2]
# Read, not imported: collecting the tests must not load TensorFlow.
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "savee_mm").rglob("*.py"))
}
WITH_EXAMPLES = [name for name, source in SOURCES.items() if ">>> " in source]
OWN_ROOMS = ("media", "signal", "vision", "model_selection", "systems")  # their names are imported from there

# What numpydoc asks for and this library does not: sections that not every function needs (ES01, EX01, SA01), a
# bare type in front of what is returned and a sentence behind it (RT02, RT03: our types carry the shape, which is
# often all there is to say), sentences for "ignored" parameters (PR07), capitals for names of columns and axes
# (PR08, RT04).
NOT_ASKED = {"ES01", "EX01", "SA01", "RT02", "RT03", "RT04", "PR07", "PR08"}
# scikit-learn's own signatures, said in one line; and records, whose fields are described as attributes.
ONE_LINERS = {"fit_transform", "get_n_splits", "get_support"}
# Constants, which are described on the API page itself.
DATA = {"PROTOCOLS", "DESCRIPTORS", "STATISTICS", "GEOMETRY", "WITH_LANDMARKS"}
RECORDS = {"savee_mm.Explanation", "savee_mm.WindowPrediction", "savee_mm.signal.VoiceReport", "savee_mm.vision.Faces"}


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tests = doctest.DocTestFinder().find(importlib.import_module(name), name)
    assert sum(len(test.examples) for test in tests) == len(re.findall(r"^ *>>> ", SOURCES[name], re.MULTILINE))
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said = []
    for test in tests:
        runner.run(test, out=said.append)
    assert not runner.failures, "".join(said)
    assert not list(tmp_path.iterdir()), "an example left files behind"


def public_names():
    """Return every public name and the public methods of classes, as dotted paths."""
    names = [f"savee_mm.{name}" for name in savee_mm.__all__ if name != "__version__"]
    for room in OWN_ROOMS:
        module = importlib.import_module(f"savee_mm.{room}")
        names += [f"savee_mm.{room}.{name}" for name in module.__all__ if name not in (*savee_mm.__all__, *DATA)]
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
def test_docstring_says_what_numpydoc_asks_for(name):
    exempt = set(NOT_ASKED)
    if name.rpartition(".")[2] in ONE_LINERS:
        exempt |= {"PR01", "RT01"}
    if name in RECORDS:
        exempt |= {"PR01"}
    errors = [f"{code}: {message}" for code, message in validate(name)["errors"] if code not in exempt]
    assert not errors, "\n".join(errors)


def test_api_page_lists_every_public_name_once():
    listed = re.findall(r"^(?:   |\.\. py:data:: )(\w+)$", (ROOT / "docs/api.rst").read_text(encoding="utf-8"), re.M)
    rooms = [importlib.import_module(f"savee_mm.{room}") for room in OWN_ROOMS]
    expected = set(savee_mm.__all__).union(*(room.__all__ for room in rooms)) - {"__version__"}
    assert sorted(listed) == sorted(expected)
