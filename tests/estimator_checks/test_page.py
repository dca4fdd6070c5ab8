"""The page "Estimators and scikit-learn": its code runs, it names every estimator, and its table names real checks."""

import re
from pathlib import Path

import numpy as np
from sklearn.utils import estimator_checks

TESTS = Path(__file__).parent
TEXT = (TESTS.parents[1] / "docs" / "estimators.md").read_text(encoding="utf-8")
KIND = "any"


def test_code_runs(corpus):
    names = {"table": corpus.data, "emotion": corpus.target}
    for block in re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/estimators.md", "exec"), names)
    assert names["scores"]["test_score"].shape == (3,)
    assert names["dependence"]["average"].shape[0] == 7
    assert np.isfinite(names["importance"].importances).all()


def test_every_estimator_is_on_the_page(unfitted):
    assert f"`{type(unfitted).__name__}`" in TEXT


def test_every_check_is_named_after_one_of_scikit_learn():
    sources = "".join(path.read_text(encoding="utf-8") for path in TESTS.glob("test_*.py"))
    ours = set(re.findall(r"^def test_(check_\w+)", sources, re.MULTILINE))
    failing = set(re.findall(r"^\| `\w+` \| `(check_\w+)` \|", TEXT, re.MULTILINE))
    assert all(hasattr(estimator_checks, name) for name in ours | failing)
    assert len(ours) > 40
