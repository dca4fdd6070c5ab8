"""Properties of splitters and of the selector on any table."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from savee_mm import PCACorrSelector
from savee_mm.model_selection import PROTOCOLS, make_splitter

pytestmark = pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")

APART = {
    "clip": ["clip_id"],
    "speaker": ["speaker"],
    "sentence": ["sentence"],
    "speaker+sentence": ["speaker", "sentence"],
    "corpus": ["corpus"],
}


@st.composite
def tables(draw):
    """A clip table of any proportions, with copies of clips, and its classes."""
    n, seed = draw(st.integers(20, 120)), draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    n_speakers, n_texts = draw(st.integers(2, 5)), draw(st.integers(5, 9))
    clip = rng.integers(n, size=n)
    table = pd.DataFrame(
        {
            "clip_id": [f"c{i}" for i in clip],
            "speaker": [f"s{i % n_speakers}" for i in clip],
            "sentence": [f"t{i // n_speakers % n_texts}" for i in clip],
            "corpus": [f"k{i % n_speakers % 2}" for i in clip],
        }
    )
    return table, np.where(clip % 3 == 0, "joy", "anger")


def folds_of(protocol, table, y):
    """Return the folds. A table that is too small for the splitter is no example."""
    try:
        return list(make_splitter(protocol, random_state=0).split(table, y))
    except ValueError:
        assume(False)


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
@given(example=tables())
def test_every_clip_is_tested_once_and_no_group_is_on_both_sides(protocol, example):
    table, y = example
    folds = folds_of(protocol, table, y)
    tested = np.concatenate([test for _, test in folds])
    np.testing.assert_array_equal(np.sort(tested), np.arange(len(table)))
    for train, test in folds:
        assert not set(train) & set(test)
        for column in APART[protocol]:
            assert not set(table[column].iloc[train]) & set(table[column].iloc[test])


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
@given(example=tables(), seed=st.integers(0, 99))
def test_order_of_rows_is_irrelevant(protocol, example, seed):
    table, y = example
    order = np.random.default_rng(seed).permutation(len(table))
    folds = folds_of(protocol, table, y)
    moved = folds_of(protocol, table.iloc[order], y[order])
    assert [set(order[test]) for _, test in moved] == [set(test) for _, test in folds]


@given(n=st.integers(8, 60), n_columns=st.integers(1, 12), n_features=st.integers(1, 16), seed=st.integers(0, 2**16))
def test_selector_keeps_columns_that_do_not_correlate(n, n_columns, n_features, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_columns))
    X[:, rng.integers(n_columns)] = 2 * X[:, 0] + 1
    y = rng.integers(2, size=n)
    assume(len(np.unique(y)) == 2)
    selector = PCACorrSelector(n_features=n_features, threshold=0.9).fit(X, y)
    selected = selector.transform(X)
    assert selected.shape[1] <= min(n_features, n_columns)
    assert np.isfinite(selected).all()
    correlation = np.abs(np.corrcoef(selected, rowvar=False)).reshape(selected.shape[1], -1)
    assert (correlation - np.eye(len(correlation)) <= 0.9 + 1e-9).all()
    # Units do not matter.
    np.testing.assert_array_equal(PCACorrSelector(n_features=n_features).fit(4 * X, y).support_, selector.support_)
