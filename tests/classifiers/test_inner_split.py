"""What belongs together stays on one side of the inner split."""

import numpy as np
import pandas as pd
import pytest

from savee_mm.classifiers._inner_split import inner_split

TABLE = pd.DataFrame(
    {
        "speaker": np.repeat(["A", "B", "C"], 28),
        "clip_id": [f"{speaker}{i // 2}" for speaker in "ABC" for i in range(28)],  # each clip and one copy
    }
)
Y = np.tile(np.repeat(["anger", "neutral"], 2), 21)


def split(column="clip_id", fraction=0.15, seed=0, table=TABLE):
    return inner_split(table, Y, column=column, fraction=fraction, seed=seed)


@pytest.mark.parametrize("column", ["clip_id", "speaker"])
def test_no_group_is_on_both_sides(column):
    training, watched = split(column)
    assert not set(TABLE[column].iloc[training]) & set(TABLE[column].iloc[watched])
    assert sorted([*training, *watched]) == list(range(84))


def test_fraction_and_classes_are_kept_as_far_as_groups_allow():
    _, watched = split(fraction=0.25)
    assert len(watched) == pytest.approx(21, abs=2)
    assert np.mean(Y[watched] == "anger") == pytest.approx(0.5, abs=0.1)


def test_seed_decides():
    np.testing.assert_array_equal(split(seed=1)[1], split(seed=1)[1])
    assert not np.array_equal(split(seed=1)[1], split(seed=2)[1])


def test_missing_column_and_single_group_are_refused():
    with pytest.raises(ValueError, match="inner_groups='session' is not a column"):
        split("session")
    with pytest.raises(ValueError, match=r"no split by 'speaker' \(1 groups in 84 clips\)"):
        split("speaker", table=TABLE.assign(speaker="A"))


def test_missing_values_are_not_one_group():
    with pytest.raises(ValueError, match="empty in 2 of 84 rows, such as 0, 1"):
        split("speaker", table=TABLE.assign(speaker=[None, None, *TABLE["speaker"][2:]]))


def test_every_class_stays_in_training():
    rare = np.where(TABLE["speaker"] == "C", "fear", Y)
    for seed in range(5):
        training, _ = inner_split(TABLE, rare, column="speaker", fraction=0.3, seed=seed)
        assert set(rare[training]) == {"anger", "neutral", "fear"}
    one_each = np.array([f"class {i}" for i in range(84)])
    with pytest.raises(ValueError, match="leaves clips of every class in training"):
        inner_split(TABLE, one_each, column="clip_id", fraction=0.3, seed=0)
