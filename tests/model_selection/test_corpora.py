"""Folds between corpora, given splits, and weights that balance groups."""

import numpy as np
import pandas as pd
import pytest

from savee_mm.model_selection import LeaveOneCorpusOut, LeaveOneSpeakerOut, balanced_weights, corpus_pairs, fixed_split


def make_table(n_corpora=3, n_speakers=4, n_clips=3):
    rows = [
        {"corpus": f"c{c}", "speaker": f"c{c}/{s}", "clip_id": f"c{c}/{s}-{i}"}
        for c in range(n_corpora)
        for s in range(n_speakers + c)
        for i in range(n_clips)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)  # index labels are not positions


def test_corpus_named_as_a_row_of_the_table_is_refused():
    table = pd.DataFrame({"corpus": ["all", "all", "b", "b"], "speaker": list("abcd")})
    with pytest.raises(ValueError, match="cannot be named 'all'"):
        corpus_pairs(table)


def test_pairs_train_on_one_corpus_and_test_on_another():
    table = make_table()
    pairs = corpus_pairs(table)
    corpora = table["corpus"].to_numpy()
    assert len(pairs) == 9 + 3 + 3
    [(train, test)] = pairs["c0 -> c2"]
    assert set(corpora[train]) == {"c0"}
    assert set(corpora[test]) == {"c2"}
    assert len(train) == 12
    assert len(test) == 18


def test_pairs_with_all_others_are_those_of_leave_one_corpus_out():
    table = make_table()
    pairs = corpus_pairs(table)
    for name, (train, test) in zip(sorted(table["corpus"].unique()), LeaveOneCorpusOut().split(table), strict=True):
        [(own_train, own_test)] = pairs[f"others -> {name}"]
        np.testing.assert_array_equal(own_train, train)
        np.testing.assert_array_equal(own_test, test)


def test_pairs_within_a_corpus_leave_one_speaker_out():
    table = make_table()
    own = np.flatnonzero(table["corpus"] == "c1")
    expected = [(own[train], own[test]) for train, test in LeaveOneSpeakerOut().split(table.iloc[own])]
    for (train, test), (own_train, own_test) in zip(corpus_pairs(table)["c1 -> c1"], expected, strict=True):
        np.testing.assert_array_equal(train, own_train)
        np.testing.assert_array_equal(test, own_test)


@pytest.mark.parametrize("n_splits", [None, 2, 3])
def test_all_tests_the_same_clips_with_more_training(n_splits):
    table = make_table()
    pairs = corpus_pairs(table, n_splits=n_splits)
    speakers = table["speaker"].to_numpy()
    for (train, test), (more, same) in zip(pairs["c2 -> c2"], pairs["all -> c2"], strict=True):
        np.testing.assert_array_equal(test, same)
        assert set(train) < set(more)
        assert sorted([*more, *same]) == list(range(len(table)))
        assert not set(speakers[more]) & set(speakers[same])
    assert len(pairs["c2 -> c2"]) == (n_splits or 6)


def test_two_corpora_need_no_row_of_others():
    assert not any(name.startswith("others") for name in corpus_pairs(make_table(2)))


def test_pairs_of_bad_tables():
    table = make_table()
    with pytest.raises(ValueError, match=r"at least two corpora, got \['c0'\]"):
        corpus_pairs(table[table["corpus"] == "c0"])
    with pytest.raises(ValueError, match="needs the column 'corpus'; the table has \\['speaker', 'clip_id'\\]"):
        corpus_pairs(table.drop(columns="corpus"))
    with pytest.raises(ValueError, match="1 of 45 clips have no speaker"):
        corpus_pairs(table.assign(speaker=[None, *table["speaker"][1:]]))
    with pytest.raises(ValueError, match="Corpus 'c1' has one speaker"):
        corpus_pairs(table.assign(speaker=table["speaker"].where(table["corpus"] != "c1", "x")))


@pytest.mark.parametrize(
    "test",
    [["b", "d"], [3, 1], np.array([False, True, False, True]), pd.Series([1, 3])],
    ids=lambda v: type(v).__name__,
)
def test_fixed_split(test):
    table = pd.DataFrame({"clip_id": list("abcd")}, index=[7, 5, 3, 1])
    for train, tested in (fixed_split(table, test=test), fixed_split(table, train=["a", "c"], test=test)):
        assert train.tolist() == [0, 2]
        assert tested.tolist() == [1, 3]
    assert fixed_split(table, train=["a"], test=test)[0].tolist() == [0]
    assert fixed_split(table, train=test)[1].tolist() == [0, 2]


def test_bad_fixed_splits():
    table = pd.DataFrame({"clip_id": list("abcd")})
    with pytest.raises(ValueError, match="got train=None and test=None"):
        fixed_split(table)
    with pytest.raises(ValueError, match="1 clips are in train and in test, the first in row 1"):
        fixed_split(table, ["a", "b"], ["b"])
    with pytest.raises(ValueError, match=r"1 of 2 clips of test are not in the table, the first is 'e'.* such as 'a'"):
        fixed_split(table, test=["a", "e"])
    with pytest.raises(ValueError, match="2 of 2 clips of train are not in the table, the first is 4"):
        fixed_split(table, [4, 5])


def test_weights_balance_corpora_speakers_and_classes():
    """Three margins at once: corpora, speakers within corpora, classes within corpora."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"corpus": rng.choice(["a", "b"], 400, p=[0.8, 0.2])})
    table["speaker"] = table["corpus"] + rng.choice(["1", "2", "3"], 400, p=[0.6, 0.3, 0.1])
    y = rng.choice(["anger", "fear"], 400, p=[0.7, 0.3])
    weights = pd.Series(balanced_weights(table, y))
    assert (weights > 0).all()
    for groups, n in (([table["corpus"]], 2), ([table["corpus"], table["speaker"]], 6), ([table["corpus"], y], 4)):
        np.testing.assert_allclose(weights.groupby(groups).sum(), 400 / n, rtol=1e-4)


def test_weights_of_one_column_are_those_of_scikit_learn():
    from sklearn.utils import compute_sample_weight

    y = np.array(["a"] * 5 + ["b"] * 2 + ["c"])
    table = pd.DataFrame({"clip_id": range(8)})
    np.testing.assert_allclose(balanced_weights(table, y), compute_sample_weight("balanced", y))
    by_speaker = balanced_weights(table.assign(speaker=y), columns=["speaker"])
    np.testing.assert_allclose(by_speaker, compute_sample_weight("balanced", y))


def test_weights_without_groups_and_classes_are_ones():
    np.testing.assert_array_equal(balanced_weights(pd.DataFrame({"clip_id": [1, 2, 3]})), np.ones(3))


def test_weights_of_a_speaker_who_lacks_a_class():
    """Classes are balanced exactly, and missing speakers are a group of their own."""
    table = pd.DataFrame({"speaker": ["x", "x", "x", "y", None]})
    y = np.array(["anger", "anger", "fear", "fear", "fear"])
    weights = pd.Series(balanced_weights(table, y, columns=["speaker"]))
    np.testing.assert_allclose(weights.groupby(y).sum(), 2.5)
    assert (weights > 0).all()


def test_bad_weights():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        balanced_weights(pd.DataFrame({"corpus": ["a"]}), ["anger", "fear"])
