"""Pages import public names only, and every page is linked from the user guide or the start page."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "docs/examples").rglob("plot_*.py"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def imported(code):
    """Yield (module, name) of every import from this library."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "savee_mm":
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("path", [*PAGES, *EXAMPLES], ids=lambda path: path.name)
def test_imports_are_public(path):
    text = path.read_text(encoding="utf-8")
    for code in [text] if path.suffix == ".py" else BLOCK.findall(text):
        for module, name in imported(code):
            assert name in importlib.import_module(module).__all__, f"{name} of {module}"


def test_every_page_is_linked():
    guide, start = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("user_guide.md", "index.md"))
    tree = re.findall(r"^\w+$", "".join(re.findall(r"^```\{toctree\}\n(.*?)^```$", guide + start, re.M | re.S)), re.M)
    assert sorted(tree) == sorted({path.stem for path in PAGES} - {"README", "index"} | {"api"})
    linked = re.findall(r"\]\((\w+)\.md\)", guide)
    assert set(tree) - {"user_guide", "benchmarks", "results", "api"} <= set(linked)


def test_gallery_has_an_order_for_every_example():
    order = re.search(r"^_ORDER = \((.*?)^\)", (ROOT / "docs/_gallery.py").read_text(encoding="utf-8"), re.M | re.S)[1]
    assert sorted(re.findall(r'"(\w+)"', order)) == sorted(path.stem.removeprefix("plot_") for path in EXAMPLES)
    assert len(EXAMPLES) >= 8
