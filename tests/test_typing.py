"""What type checkers and editors see: the stub of the lazy names, and annotations on everything public."""

import ast
import importlib
import inspect
from importlib.resources import files

import pytest

import savee_mm

STUB = ast.parse((files(savee_mm) / "__init__.pyi").read_text(encoding="utf-8"))
ROOMS = ("media", "model_selection", "signal", "systems", "vision")  # their names are imported from there
# Signatures of scikit-learn's that each class repeats: ignored arguments, and what the documentation does not tell.
SKLEARNS = {"fit_transform", "get_n_splits", "get_support", "get_params", "set_params"}


def test_stub_lists_exactly_the_public_names():
    (listed,) = (node.value for node in STUB.body if isinstance(node, ast.Assign))
    assert sorted(ast.literal_eval(listed)) == sorted(savee_mm.__all__)


def test_stub_takes_every_name_from_where_it_is_loaded():
    found = {
        alias.name: node.module
        for node in STUB.body
        if isinstance(node, ast.ImportFrom) and node.module != "savee_mm"
        for alias in node.names
    }
    expected = {name: f"savee_mm.{room}" for room, names in savee_mm._ROOMS.items() for name in names}
    assert found == expected | {"__version__": "savee_mm._version"}


def public_functions():
    """Yield name and function of everything public that can be called, constructors as their class."""
    places = [("savee_mm", savee_mm), *((f"savee_mm.{r}", importlib.import_module(f"savee_mm.{r}")) for r in ROOMS)]
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
