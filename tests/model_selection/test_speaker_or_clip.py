"""SpeakerOrClipKFold splits by speaker if there are several, otherwise by clip."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut

from savee_mm.model_selection import ClipGroupKFold, SpeakerOrClipKFold

EMOTIONS = ("anger", "fear", "happiness", "neutral")


def make_table(*, n_clips=(12, 12, 12), copies=2, random_state=0):
    """A clip table in random order, with ``n_clips`` of each speaker; every third clip occurs ``copies`` times."""
    rows = []
    for s, n in enumerate(n_clips):
        for k in range(n):
            clip = f"S{s}_{k}"
            row = (f"{clip}.wav", f"S{s}", clip, EMOTIONS[k % len(EMOTIONS)])
            rows += [row] * (copies if k % 3 == 0 else 1)
    table = pd.DataFrame(rows, columns=["audio", "speaker", "clip_id", "emotion"])
    table = table.sample(frac=1, random_state=random_state)  # index labels are not positions
    return table.drop(columns="emotion"), table["emotion"].to_numpy()


def as_lists(folds):
    return [(train.tolist(), test.tolist()) for train, test in folds]


@pytest.mark.parametrize("n_clips", [(12, 12), (12, 40, 9), (8,) * 7, (12, 3, 12, 2), (12,), (5, 5, 5)])
def test_no_speaker_and_no_clip_on_both_sides_and_every_clip_tested_once(n_clips):
    X, y = make_table(n_clips=n_clips)
    folds = list(SpeakerOrClipKFold().split(X, y))
    by_speaker = sum(n >= 8 for n in n_clips) > 1
    assert 2 <= len(folds) <= 5
    for train, test in folds:
        assert len(train)
        assert len(test)
        assert sorted([*train, *test]) == list(range(len(X)))
        for column in ["clip_id", "speaker"] if by_speaker else ["clip_id"]:
            assert not set(X[column].iloc[train]) & set(X[column].iloc[test])
        assert set(y[train]) == set(EMOTIONS)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(X)))
    assert SpeakerOrClipKFold().get_n_splits(X, y) == len(folds)


def test_few_speakers_are_left_out_one_at_a_time():
    X, y = make_table(n_clips=(12, 20, 9))
    folds = as_lists(SpeakerOrClipKFold().split(X, y))
    assert sorted(folds) == sorted(as_lists(LeaveOneGroupOut().split(X, groups=X["speaker"])))


def test_many_speakers_are_left_out_in_groups():
    X, y = make_table(n_clips=(9,) * 12)
    folds = as_lists(SpeakerOrClipKFold(4).split(X, y))
    assert folds == as_lists(GroupKFold(4).split(X, groups=X["speaker"]))
    assert [X["speaker"].iloc[test].nunique() for _, test in folds] == [3] * 4


def test_each_test_fold_has_a_speaker_with_enough_clips():
    X, y = make_table(n_clips=(2, 30, 3, 12, 2))
    folds = list(SpeakerOrClipKFold().split(X, y))
    assert len(folds) == 2
    assert all(X["speaker"].iloc[test].value_counts().max() >= 8 for _, test in folds)


def one_speaker(X, y):
    return X.assign(speaker="S0")


def no_speaker(X, y):
    return X.drop(columns="speaker")


def gaps_in_speaker(X, y):
    return X.assign(speaker=X["speaker"].where(X["speaker"] != "S1"))


def small_speakers(X, y):
    return X.assign(speaker=[f"S{i // 7}" for i in range(len(X))])


def class_of_one_speaker(X, y):
    return X.assign(speaker=np.where(y == "fear", "S0", X["speaker"]))


FALLBACKS = [one_speaker, no_speaker, gaps_in_speaker, small_speakers, class_of_one_speaker]


@pytest.mark.parametrize("change", FALLBACKS, ids=lambda change: change.__name__)
def test_folds_are_by_clip_where_speakers_cannot_be_left_out(change):
    X, y = make_table()
    folds = as_lists(SpeakerOrClipKFold(random_state=3).split(change(X, y), y))
    assert folds == as_lists(ClipGroupKFold(5, random_state=3).split(X, y))


def test_clips_without_names_are_distinguished_by_their_files():
    X, y = make_table(n_clips=(30,))
    folds = as_lists(SpeakerOrClipKFold().split(X[["audio"]], y))
    assert folds == as_lists(ClipGroupKFold(5).split(X, y))
    items = as_lists(SpeakerOrClipKFold().split(X["audio"].tolist(), y))
    assert sorted(row for _, test in items for row in test) == list(range(len(X)))


def test_rare_classes_and_few_clips_give_fewer_folds():
    X = pd.DataFrame({"clip_id": ["a", "b", "c", "d"]})
    assert SpeakerOrClipKFold().get_n_splits(X, ["anger", "fear", "anger", "fear"]) == 2
    X, y = make_table(n_clips=(20,))
    y[0] = "surprise"
    assert SpeakerOrClipKFold().get_n_splits(X, y) == 5


@pytest.mark.parametrize(
    ("clips", "y"),
    [(["a", "b"], ["anger", "fear"]), (["a", "a", "a"], ["anger", "fear", "fear"]), (["a", "b", "c"], ["anger"] * 3)],
)
def test_table_that_is_too_small_is_refused_with_a_remedy(clips, y):
    with pytest.raises(ValueError, match=f"{len(y)} rows of {len(set(clips))} clips .*two of every class"):
        list(SpeakerOrClipKFold().split(pd.DataFrame({"clip_id": clips}), y))


def test_bad_input_is_refused():
    X, y = make_table()
    with pytest.raises(ValueError, match="needs y"):
        list(SpeakerOrClipKFold().split(X))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        list(SpeakerOrClipKFold().split(X, y[:-1]))
    with pytest.raises(ValueError, match="no value in 'groups'"):
        list(SpeakerOrClipKFold().split(no_speaker(X, y).assign(clip_id=X["clip_id"].where(y != "fear")), y))
    for settings in ({"n_splits": 1}, {"min_clips": 0}):
        with pytest.raises(ValueError, match="n_splits >= 2 and min_clips >= 1"):
            SpeakerOrClipKFold(**settings)


def test_copies_and_pickles_give_the_same_folds():
    X, y = make_table(n_clips=(30,))
    splitter = SpeakerOrClipKFold(3, min_clips=5, random_state=7)
    text = "SpeakerOrClipKFold(min_clips=5, n_splits=3, random_state=7, unseen_texts=False)"
    assert " ".join(repr(splitter).split()) == text
    folds = as_lists(splitter.split(X, y))
    for other in (copy.deepcopy(splitter), pickle.loads(pickle.dumps(splitter))):
        assert as_lists(other.split(X, y)) == folds
    assert as_lists(SpeakerOrClipKFold(3, random_state=8).split(X, y)) != folds


@pytest.fixture
def read_table():
    """Four speakers who read six sentences twice, and the emotions."""
    table = pd.DataFrame(
        [(speaker, f"s{text}", f"{speaker}{text}{take}") for speaker in "ABCD" for text in range(6) for take in "xy"],
        columns=["speaker", "sentence", "clip_id"],
    )
    return table, np.tile(["anger", "joy"], len(table) // 2)


def test_unseen_texts_share_neither_speakers_nor_sentences(read_table):
    table, y = read_table
    for train, test in SpeakerOrClipKFold(unseen_texts=True).split(table, y):
        for column in ("speaker", "sentence"):
            assert not set(table[column].iloc[train]) & set(table[column].iloc[test])


def test_unseen_texts_test_every_clip_once(read_table):
    tests = [test for _, test in SpeakerOrClipKFold(unseen_texts=True).split(*read_table)]
    assert sorted(np.concatenate(tests)) == list(range(len(read_table[0])))
    assert len(tests) == 4 * 3


@pytest.mark.parametrize("change", [{"sentence": None}, {"sentence": "one"}])
def test_unseen_texts_without_texts_are_folds_of_speakers(read_table, change):
    table, y = read_table[0].assign(**change), read_table[1]
    plain = SpeakerOrClipKFold().split(table, y)
    for fold, expected in zip(SpeakerOrClipKFold(unseen_texts=True).split(table, y), plain, strict=True):
        assert all(map(np.array_equal, fold, expected))


def test_unseen_texts_that_would_take_a_class_from_training(read_table):
    """Where a text is all that there is of a class, it stays in training."""
    table = read_table[0]
    y = np.where(table["sentence"] == "s0", "joy", "anger")
    plain = list(SpeakerOrClipKFold().split(table, y))
    assert [test.tolist() for _, test in SpeakerOrClipKFold(unseen_texts=True).split(table, y)] == [
        test.tolist() for _, test in plain
    ]
