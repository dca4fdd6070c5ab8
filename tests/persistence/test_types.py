"""The list of known types: every estimator of the library is on it, and nothing else of ours."""

import importlib
import inspect

import pytest
from sklearn.base import BaseEstimator

import savee_mm
from savee_mm.persistence._types import KNOWN, OURS, remedy


def public_classes():
    for room in (savee_mm, savee_mm.model_selection):
        for name in room.__all__:
            thing = getattr(room, name)
            if inspect.isclass(thing) and (issubclass(thing, BaseEstimator) or hasattr(thing, "split")):
                yield f"{thing.__module__}.{thing.__qualname__}"


def test_every_public_estimator_and_splitter_can_be_in_a_file():
    assert set(public_classes()) <= OURS


@pytest.mark.parametrize("name", sorted(OURS))
def test_name_is_a_class_where_it_was_written(name):
    module, _, attribute = name.rpartition(".")
    thing = getattr(importlib.import_module(module), attribute)
    assert inspect.isclass(thing)
    assert thing.__module__ == module


def test_nothing_known_runs_what_a_file_says():
    assert not {
        name for name in KNOWN if name.startswith(("builtins.", "functools.", "operator.", "os.", "subprocess."))
    }


def test_remedies_are_said_once():
    assert remedy(["sklearn.neighbors._kd_tree.KDTree", "a.b"]) == 'set algorithm="brute" in the nearest neighbours'
    assert remedy(["a.b"]).startswith("keep it by pickle")
