"""Inner splits and folds: the clips of a group stay together."""

import numpy as np
import pandas as pd
import pytest

from savee_mm.classifiers._inner_split import inner_folds, inner_split, splits_groups

TABLE = pd.DataFrame(
    {
        "speaker": np.repeat(["A", "B", "C"], 28),
        "clip_id": [f"{speaker}{i // 2}" for speaker in "ABC" for i in range(28)],  # each clip with one copy
    }
)
Y = np.tile(np.repeat(["anger", "neutral"], 2), 21)


def split(column="clip_id", fraction=0.15, seed=0, table=TABLE):
    return inner_split(table, Y, column=column, fraction=fraction, seed=seed)


@pytest.mark.parametrize("column", ["clip_id", "speaker"])
def test_no_group_is_on_both_sides(column):
    training, validation = split(column)
    assert not set(TABLE[column].iloc[training]) & set(TABLE[column].iloc[validation])
    assert sorted([*training, *validation]) == list(range(84))


def test_fraction_and_classes_are_kept_as_far_as_groups_allow():
    _, validation = split(fraction=0.25)
    assert len(validation) == pytest.approx(21, abs=2)
    assert np.mean(Y[validation] == "anger") == pytest.approx(0.5, abs=0.1)


def test_seed_decides():
    np.testing.assert_array_equal(split(seed=1)[1], split(seed=1)[1])
    assert not np.array_equal(split(seed=1)[1], split(seed=2)[1])


def test_missing_column_is_refused():
    with pytest.raises(ValueError, match="The inner groups 'session' are not a column"):
        split("session")


def test_single_group_is_refused():
    with pytest.raises(ValueError, match=r"no inner split by 'speaker' \(1 groups in 84 clips\)"):
        split("speaker", table=TABLE.assign(speaker="A"))


def test_missing_values_are_not_one_group():
    with pytest.raises(ValueError, match="empty in 2 of 84 rows, such as 0, 1"):
        split("speaker", table=TABLE.assign(speaker=[None, None, *TABLE["speaker"][2:]]))


@pytest.mark.parametrize("seed", range(5))
def test_every_class_stays_in_training(seed):
    rare = np.where(TABLE["speaker"] == "C", "fear", Y)
    training, _ = inner_split(TABLE, rare, column="speaker", fraction=0.3, seed=seed)
    assert set(rare[training]) == {"anger", "neutral", "fear"}


def test_classes_of_one_clip_are_refused():
    single = np.array([f"class {i}" for i in range(84)])
    with pytest.raises(ValueError, match="leaves clips of every class in training"):
        inner_split(TABLE, single, column="clip_id", fraction=0.3, seed=0)


# ---- inner folds


def folds(column="speaker", n_splits=5, table=TABLE, y=Y, **params):
    return inner_folds(table, y, column=column, n_splits=n_splits, **params)


def test_folds_keep_groups_together_and_are_at_most_as_many():
    by_speaker = folds()
    assert sorted(set(by_speaker)) == [0, 1, 2]
    assert (pd.Series(by_speaker).groupby(TABLE["speaker"]).nunique() == 1).all()
    by_clip = folds("clip_id")
    assert sorted(set(by_clip)) == [0, 1, 2, 3, 4]
    assert (pd.Series(by_clip).groupby(TABLE["clip_id"]).nunique() == 1).all()
    np.testing.assert_allclose(pd.Series(Y == "anger").groupby(by_clip).mean(), 0.5, atol=0.1)


def test_groups_that_are_passed_replace_the_column():
    groups = np.arange(84) // 21
    np.testing.assert_array_equal(pd.crosstab(groups, folds(groups=groups)).astype(bool).sum(axis=1), 1)


def test_single_speaker_is_split_by_clip():
    by_clip = folds(table=TABLE.assign(speaker="A"))
    assert sorted(set(by_clip)) == [0, 1, 2, 3, 4]
    assert (pd.Series(by_clip).groupby(TABLE["clip_id"]).nunique() == 1).all()


def test_folds_by_a_bad_column_are_refused():
    with pytest.raises(ValueError, match="No inner folds by 'session': 1 groups in 84 clips"):
        folds("session", table=TABLE.assign(session=1))
    with pytest.raises(ValueError, match="The inner groups 'session' are not a column"):
        folds("session")


def test_rare_classes_reduce_the_folds_only_where_all_are_rare():
    rare = np.where(np.arange(84) == 0, "fear", Y)
    assert len(set(folds("clip_id", y=rare))) == 5
    few = np.array([f"class {i // 2}" for i in range(84)])
    assert len(set(folds("clip_id", y=few))) == 2


def test_groups_in_several_folds_are_found():
    assert not splits_groups(np.array([0, 0, 1]), np.array(["a", "a", "b"], dtype=object))
    assert splits_groups(np.array([0, 1, 1]), np.array(["a", "a", "b"], dtype=object))


def test_clips_without_a_group_are_in_no_group():
    assert not splits_groups(np.array([0, 1]), np.array([None, None], dtype=object))
