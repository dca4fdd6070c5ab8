"""The list of known types: every estimator of the library is on it, and nothing that runs code."""

import inspect

from sklearn.base import BaseEstimator

import savee_mm
from savee_mm.persistence._names import OURS
from savee_mm.persistence._types import KNOWN, remedy


def public_classes():
    for package in (savee_mm, savee_mm.model_selection):
        for name in package.__all__:
            thing = getattr(package, name)
            if inspect.isclass(thing) and (issubclass(thing, BaseEstimator) or hasattr(thing, "split")):
                yield thing.__name__


def test_every_public_estimator_and_splitter_can_be_in_a_file():
    assert set(public_classes()) <= {name.rpartition(".")[2] for name in OURS}
    assert OURS <= KNOWN


def test_nothing_known_runs_what_a_file_says():
    assert not {
        name for name in KNOWN if name.startswith(("builtins.", "functools.", "operator.", "os.", "subprocess."))
    }


def test_each_remedy_is_given_once():
    assert remedy(["sklearn.neighbors._kd_tree.KDTree", "a.b"]) == 'set algorithm="brute" in the nearest neighbours'
    assert remedy(["a.b"]).startswith("keep it by pickle")
