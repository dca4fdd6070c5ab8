"""Memory of repeated extractions and fits."""

import pytest

from benchmarks.fits import growth
from benchmarks.soak import extract


@pytest.mark.parametrize(
    ("memory", "expected"), [([90, 10, 11, 12], 1.0), ([0, 5, 5, 5, 5], 0.0), ([0, 30], 0.0), ([], 0.0)]
)
def test_growth_is_the_slope_after_the_first_values(memory, expected):
    assert growth(memory, 1) == pytest.approx(expected, abs=1e-12)


def test_extraction_reports_memory_after_each_step(corpus):
    memory = extract(corpus.data, 6, step=3)
    assert len(memory) == 2
    assert all(value > 10 for value in memory)
