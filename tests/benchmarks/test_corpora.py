"""The page of the benchmark of pairs of corpora."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

MODULE = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "corpora.py"))


def test_content_is_written_between_the_comments():
    begin, end = MODULE["PLACE"]
    page = f"# Results\n{begin}\nold\n{end}\nmore\n"
    once = MODULE["write_between"](page, MODULE["PLACE"], "new\n")
    assert once == f"# Results\n{begin}\nnew\n{end}\nmore\n"
    assert MODULE["write_between"](once, MODULE["PLACE"], "new") == once
    with pytest.raises(ValueError, match="The page has no place"):
        MODULE["write_between"]("# Results", MODULE["PLACE"], "new")


def test_the_page_has_a_place():
    page = Path(__file__).parents[2] / "docs" / "results.md"
    assert page.read_text(encoding="utf-8").count(MODULE["PLACE"][0]) == 1


def test_equal_numbers():
    """EmoBox's clips: 15 of each speaker and class."""
    table = pd.DataFrame({"speaker": np.repeat(["A", "B"], 50)})
    y = np.tile(["anger"] * 20 + ["neutral"] * 30, 2)
    kept = MODULE["equal_numbers"](table, y)
    assert kept.sum() == 60
    assert kept[:15].all()
    assert not kept[15:20].any()
