"""What type checkers and editors see: the stub of the lazy names, and annotations on everything public."""

import ast
import importlib
import inspect
from importlib.resources import files

import pytest

import savee_mm

STUB = ast.parse((files(savee_mm) / "__init__.pyi").read_text(encoding="utf-8"))
PACKAGES = ("media", "model_selection", "signal", "systems", "vision")  # their names are imported from there
# Methods with scikit-learn's signatures.
SKLEARNS = {"fit_transform", "get_n_splits", "get_support", "get_params", "set_params"}


def test_stub_lists_exactly_the_public_names():
    (listed,) = (node.value for node in STUB.body if isinstance(node, ast.Assign))
    assert sorted(ast.literal_eval(listed)) == sorted(savee_mm.__all__)


@pytest.mark.parametrize("node", [node for node in STUB.body if isinstance(node, ast.ImportFrom) and node.module])
def test_names_are_public_in_the_package_they_come_from(node):
    if not node.module.startswith("_"):
        exported = importlib.import_module(f"savee_mm.{node.module}").__all__
        assert {alias.name for alias in node.names} <= set(exported)


def public_functions():
    """Yield name and function of everything public that can be called, constructors as their class."""
    places = [("savee_mm", savee_mm), *((f"savee_mm.{p}", importlib.import_module(f"savee_mm.{p}")) for p in PACKAGES)]
    for place, module in places:
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing):
                yield from _methods(f"{place}.{name}", thing)
            elif callable(thing):
                yield f"{place}.{name}", inspect.unwrap(thing)


def _methods(path, cls):
    for owner in cls.__mro__:
        if owner.__module__.startswith("savee_mm"):
            for name, method in vars(owner).items():
                if inspect.isfunction(method) and (name == "__init__" or name[0] != "_") and name not in SKLEARNS:
                    yield f"{path}.{name}", method


FUNCTIONS = dict(public_functions())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_are_annotated(name):
    signature = inspect.signature(FUNCTIONS[name])
    bare = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name not in ("self", "cls")]
    assert not bare
    assert signature.return_annotation is not signature.empty
