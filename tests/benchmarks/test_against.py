"""Ratios to another checkout: the row of a table."""

import pytest

from benchmarks.against import ROWS, line


@pytest.mark.parametrize(("goal", "verdict"), [(0.5, "≤ 0.5, reached"), (0.3, "≤ 0.3, **missed**")])
def test_ratio_is_that_of_the_medians(goal, verdict):
    times = [(1.0, 4.0), (2.0, 4.0), (9.0, 9.0)]
    assert line("a fit", goal, times) == f"| a fit | 2 | 4 | 0.500 (0.250–1.000) | {verdict} |"


def test_every_row_has_a_goal_below_the_other_checkout():
    assert ROWS
    assert all(0 < goal < 1 for goal, _ in ROWS.values())
