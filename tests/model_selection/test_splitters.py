"""Splitters: no overlap, every clip tested once, folds of scikit-learn."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import (
    GridSearchCV,
    LeaveOneGroupOut,
    StratifiedGroupKFold,
    check_cv,
    cross_val_predict,
    cross_val_score,
)
from sklearn.utils.fixes import parse_version

from savee_mm.model_selection import (
    PROTOCOLS,
    ClipGroupKFold,
    LeaveOneCorpusOut,
    LeaveOneSpeakerOut,
    SentenceGroupKFold,
    SpeakerSentenceKFold,
    make_splitter,
)

EMOTIONS = ("anger", "fear", "happiness", "neutral")
STRATIFIED = [ClipGroupKFold, SentenceGroupKFold, SpeakerSentenceKFold]
# Columns that each protocol keeps on one side.
APART = {
    "clip": ["clip_id"],
    "speaker": ["speaker"],
    "sentence": ["sentence"],
    "speaker+sentence": ["speaker", "sentence"],
    "corpus": ["corpus", "speaker"],
}


def make_table(*, n_speakers=3, n_texts=6, copies=2, random_state=0):
    """A clip table in random order: one list for all speakers, two sentences in every emotion, some clips twice."""
    rows = []
    for s in range(n_speakers):
        for emotion in EMOTIONS:
            for k in range(n_texts):
                text = f"common{k}" if k < 2 else f"{emotion}{k}"
                clip = f"S{s}_{emotion}{k}"
                rows += [(f"{clip}.wav", f"{clip}.avi", f"S{s}", text, clip, emotion)] * (copies if k == 3 else 1)
    table = pd.DataFrame(rows, columns=["audio", "video", "speaker", "sentence", "clip_id", "emotion"])
    table["corpus"] = np.where(table["speaker"] == "S0", "one", "two")
    table = table.sample(frac=1, random_state=random_state)  # index labels are not positions
    return table.drop(columns="emotion"), table["emotion"].to_numpy()


class Blind(DummyClassifier):
    """Classifier that ignores its input."""


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_overlap_and_every_clip_tested_once(protocol):
    X, y = make_table()
    cv = make_splitter(protocol)
    tested = []
    for train, test in cv.split(X, y):
        tested.extend(test)
        for column in APART[protocol]:
            assert not set(X[column].iloc[train]) & set(X[column].iloc[test])
        if protocol != "speaker+sentence":
            assert len(train) + len(test) == len(X)
    assert sorted(tested) == list(range(len(X)))
    assert sum(1 for _ in cv.split(X, y)) == cv.get_n_splits(X, y)


def test_speaker_sentence_trains_on_all_permitted_clips():
    X, y = make_table()
    for train, test in SpeakerSentenceKFold(3).split(X, y):
        others = ~X["speaker"].isin(X["speaker"].iloc[test]) & ~X["sentence"].isin(X["sentence"].iloc[test])
        np.testing.assert_array_equal(train, np.flatnonzero(others))
        assert X["speaker"].iloc[test].nunique() == 1


def test_speakers_who_read_one_list_are_tested_on_the_same_sentences():
    X, y = make_table(copies=1)
    order = X.sort_values(["speaker", "clip_id"]).index
    y = pd.Series(y, index=X.index).loc[order].to_numpy()
    X = X.loc[order]
    texts = [frozenset(X["sentence"].iloc[test]) for _, test in SpeakerSentenceKFold(4).split(X, y)]
    assert texts[:4] == texts[4:8] == texts[8:]


shuffles_groups_with_their_classes = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="StratifiedGroupKFold(shuffle=True) does not stratify before scikit-learn 1.8",
)


@shuffles_groups_with_their_classes
@pytest.mark.parametrize(("cls", "column"), [(ClipGroupKFold, "clip_id"), (SentenceGroupKFold, "sentence")])
@pytest.mark.parametrize("seed", [0, 7])
def test_folds_are_those_of_stratified_group_k_fold(cls, column, seed):
    X, y = make_table()
    reference = StratifiedGroupKFold(4, shuffle=True, random_state=seed).split(X, y, X[column])
    _assert_same_folds(cls(4, random_state=seed).split(X, y), reference)


@pytest.mark.parametrize(("cls", "column"), [(ClipGroupKFold, "clip_id"), (SentenceGroupKFold, "sentence")])
def test_unshuffled_folds_are_those_of_stratified_group_k_fold(cls, column):
    X, y = make_table()
    unshuffled = StratifiedGroupKFold(4).split(X, y, X[column])
    _assert_same_folds(cls(4, shuffle=False).split(X, y), unshuffled)


def test_folds_are_those_of_leave_one_group_out():
    X, y = make_table()
    _assert_same_folds(LeaveOneSpeakerOut().split(X, y), LeaveOneGroupOut().split(X, y, X["speaker"]))
    _assert_same_folds(LeaveOneSpeakerOut().split(X), LeaveOneSpeakerOut().split(X, y))
    _assert_same_folds(LeaveOneCorpusOut().split(X), LeaveOneGroupOut().split(X, y, X["corpus"]))


@shuffles_groups_with_their_classes
def test_test_folds_of_speaker_sentence_are_stratified_group_k_fold_of_the_speaker():
    X, y = make_table()
    ours = [test for _, test in SpeakerSentenceKFold(3).split(X, y)]
    expected = []
    for speaker in ("S0", "S1", "S2"):
        rows = np.flatnonzero(X["speaker"] == speaker)
        inner = StratifiedGroupKFold(3, shuffle=True, random_state=0)
        folds = inner.split(rows, y[rows], X["sentence"].iloc[rows])
        expected += [rows[test] for _, test in folds]
    assert [t.tolist() for t in ours] == [t.tolist() for t in expected]


@pytest.mark.parametrize("cls", STRATIFIED)
def test_same_seed_same_folds_and_the_default_is_fixed(cls):
    X, y = make_table()
    cv = cls(3)
    _assert_same_folds(cv.split(X, y), cv.split(X, y))
    _assert_same_folds(cv.split(X, y), cls(3, random_state=0).split(X, y))
    other = [test.tolist() for _, test in cls(3, random_state=1).split(X, y)]
    assert [test.tolist() for _, test in cv.split(X, y)] != other


@pytest.mark.parametrize("cls", STRATIFIED)
def test_order_of_rows_does_not_matter(cls):
    X, y = make_table()
    shuffled, y_shuffled = make_table(random_state=1)
    folds = [set(X["clip_id"].iloc[test]) for _, test in cls(3).split(X, y)]
    assert folds == [set(shuffled["clip_id"].iloc[test]) for _, test in cls(3).split(shuffled, y_shuffled)]


def test_classes_keep_their_shares():
    X, y = make_table(n_texts=12)
    for _, test in ClipGroupKFold(4).split(X, y):
        shares = [np.mean(y[test] == emotion) for emotion in EMOTIONS]
        # About 27 clips in a fold, some of them twice: a tolerance of two clips.
        np.testing.assert_allclose(shares, 0.25, atol=2 / 27)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_cross_validation_without_groups(protocol):
    X, y = make_table()
    cv = make_splitter(protocol, n_splits=None if protocol in ("speaker", "corpus") else 3)
    scores = cross_val_score(Blind(), X, y, cv=cv, error_score="raise")
    assert len(scores) == cv.get_n_splits(X)
    search = GridSearchCV(Blind(), {"strategy": ["prior", "uniform"]}, cv=cv, error_score="raise")
    assert search.fit(X, y).n_splits_ == len(scores)
    assert check_cv(cv, y, classifier=True) is cv
    if protocol != "speaker+sentence":
        assert len(cross_val_predict(Blind(), X, y, cv=cv)) == len(X)


def test_cross_val_predict_with_speaker_sentence():
    # The test folds are a partition, although training and test clips are not the whole table.
    X, y = make_table()
    assert len(cross_val_predict(Blind(), X, y, cv=SpeakerSentenceKFold(3))) == len(X)


@pytest.mark.parametrize("cls", [*STRATIFIED, LeaveOneSpeakerOut, LeaveOneCorpusOut])
def test_copies_and_names(cls):
    X, y = make_table()
    cv = cls(3, random_state=5) if cls in STRATIFIED else cls()
    for again in (
        copy.deepcopy(cv),
        pickle.loads(pickle.dumps(cv)),
        clone(GridSearchCV(Blind(), {}, cv=cv)).cv,
        eval(repr(cv)),
    ):
        assert repr(again) == repr(cv)
        _assert_same_folds(again.split(X, y), cv.split(X, y))


# ---- groups


@pytest.mark.parametrize("cls", [ClipGroupKFold, SentenceGroupKFold, LeaveOneSpeakerOut])
@pytest.mark.parametrize("container", [np.asarray, list, pd.Series, pd.Categorical])
def test_groups_override_the_table_and_need_none(cls, container):
    X, y = make_table()
    groups = container(X["speaker"])
    expected = [set(X["speaker"])] if cls is LeaveOneSpeakerOut else None
    cv = cls() if cls is LeaveOneSpeakerOut else cls(3)
    with_table = list(cv.split(X, y, groups))
    _assert_same_folds(cv.split(np.zeros((len(X), 2)), y, groups), with_table)
    speakers = X["speaker"].to_numpy()
    for train, test in with_table:
        assert not set(speakers[train]) & set(speakers[test])
    assert expected is None or cv.get_n_splits(groups=groups) == 3


def test_speaker_sentence_takes_two_columns_of_groups():
    X, y = make_table()
    cv = SpeakerSentenceKFold(3)
    expected = list(cv.split(X, y))
    _assert_same_folds(cv.split(np.zeros(len(X)), y, X[["speaker", "sentence"]].to_numpy()), expected)
    by_name = X[["sentence", "clip_id", "speaker"]]
    _assert_same_folds(cv.split(np.zeros(len(X)), y, by_name), expected)
    assert len(cross_val_score(Blind(), np.zeros((len(X), 1)), y, groups=by_name, cv=cv)) == 9
    assert cv.get_n_splits(groups=by_name) == 9


def test_speaker_sentence_refuses_one_column_of_groups():
    X, y = make_table()
    with pytest.raises(ValueError, match=r"needs two groups of each clip.*leave groups out"):
        next(SpeakerSentenceKFold(3).split(X, y, X["speaker"]))


# ---- bad input

ALL = [*STRATIFIED, LeaveOneSpeakerOut, LeaveOneCorpusOut]


@pytest.mark.parametrize("cls", ALL)
def test_neither_table_nor_groups(cls):
    with pytest.raises(ValueError, match=rf"{cls.__name__} reads the column .* of type ndarray. Pass the clip"):
        next(cls().split(np.zeros((10, 2)), np.arange(10) % 2))


@pytest.mark.parametrize("cls", [LeaveOneSpeakerOut, LeaveOneCorpusOut, SpeakerSentenceKFold])
def test_number_of_folds_needs_the_speakers(cls):
    with pytest.raises(ValueError, match="X is missing"):
        cls().get_n_splits()


@pytest.mark.parametrize("cls", ALL)
def test_table_without_the_column(cls):
    X, y = make_table()
    with pytest.raises(ValueError, match=r"which the clip table lacks; its columns are \['audio', 'video'\]"):
        next(cls().split(X[["audio", "video"]], y))


@pytest.mark.parametrize(("cls", "n_groups"), [(ClipGroupKFold, 8), (SentenceGroupKFold, 5)])
def test_fewer_groups_than_folds(cls, n_groups):
    X, y = make_table(n_speakers=1, n_texts=2, copies=1)
    X["sentence"] = [f"text{i % 5}" for i in range(len(X))]
    with pytest.raises(ValueError, match=f"got {n_groups}. Use n_splits={n_groups} or fewer"):
        next(cls(9).split(X, y))


def test_fewer_sentences_than_folds_for_a_speaker():
    X, y = make_table(n_texts=2)
    with pytest.raises(ValueError, match=r"'sentence' for the speaker of row .*got 2. Use n_splits=2"):
        next(SpeakerSentenceKFold(5).split(X, y))


def test_one_group_only():
    X, y = make_table()
    with pytest.raises(ValueError, match=r"got 1. A split needs at least two"):
        next(SentenceGroupKFold(2).split(X.assign(sentence="one"), y))


@pytest.mark.parametrize("cls", [LeaveOneSpeakerOut, SpeakerSentenceKFold])
def test_one_speaker_only(cls):
    X, y = make_table(n_speakers=1)
    with pytest.raises(ValueError, match="at least two speakers, got one"):
        next(cls().split(X, y))


def test_one_corpus_only():
    X, y = make_table()
    with pytest.raises(ValueError, match=r"at least two corpora, got one.* or use LeaveOneSpeakerOut"):
        next(LeaveOneCorpusOut().split(X.assign(corpus="savee"), y))


def test_no_training_clips_left():
    # Sentence r is half of the clips of A, so that p and q are the other fold: all sentences of B.
    X = pd.DataFrame({"speaker": list("AAAAAABB"), "sentence": list("pqqrrrpq")})
    with pytest.raises(ValueError, match="no training clips are left for the speaker of row 0"):
        next(SpeakerSentenceKFold(2).split(X, ["anger"] * 8))


def test_empty_fold_is_refused():
    # scikit-learn's greedy assignment leaves one of four folds empty, although there are four clips.
    X = pd.DataFrame({"clip_id": [0, 1, 2, 3, 3, 2, 3, 0, 3]})
    y = np.array([1, 1, 0, 0, 1, 0, 1, 1, 1])
    with (
        pytest.warns(UserWarning, match="least populated"),
        pytest.raises(ValueError, match=r"fold \d of 4 is empty: 4 values of 'clip_id'"),
    ):
        next(ClipGroupKFold(4).split(X, y))


def test_classes_smaller_than_the_number_of_folds():
    X, y = make_table(n_texts=3, copies=1)
    X["sentence"] = X["clip_id"].str[3:]
    message = r"no class has 5 clips for the speaker of row \d+, the largest has 3. Use n_splits=3 or fewer"
    with pytest.raises(ValueError, match=message):
        next(SpeakerSentenceKFold(5).split(X, y))


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("missing", [None, np.nan, " "])
def test_missing_group(cls, missing):
    X, y = make_table()
    for column in ("clip_id", "speaker", "sentence", "corpus"):
        X[column] = X[column].astype(object)
        X.iloc[4, X.columns.get_loc(column)] = missing
    with pytest.raises(ValueError, match=f"1 of {len(X)} clips have no value in .*first in row 4"):
        next(cls().split(X, y))


@pytest.mark.parametrize("cls", STRATIFIED)
def test_classes_are_required(cls):
    X, _ = make_table()
    with pytest.raises(ValueError, match="needs y"):
        next(cls(3).split(X))


@pytest.mark.parametrize("cls", ALL)
def test_lengths_are_checked(cls):
    X, y = make_table()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(cls().split(X, y[:-1]))
    groups = X[["speaker", "sentence"]] if cls is SpeakerSentenceKFold else X["speaker"]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(cls().split(X, y, groups[:-1]))


@pytest.mark.parametrize("cls", ALL)
def test_no_clips(cls):
    X, y = make_table()
    with pytest.raises(ValueError, match="at least one clip"):
        next(cls().split(X.iloc[:0], y[:0]))


@pytest.mark.parametrize("n_splits", [1, 0, 2.5])
@pytest.mark.parametrize("cls", STRATIFIED)
def test_number_of_folds_is_checked_at_once(cls, n_splits):
    with pytest.raises(ValueError, match=r"n_splits|number of folds"):
        cls(n_splits)


def test_rare_class_warns_as_scikit_learn_does():
    X, y = make_table()
    y = y.copy()
    y[np.flatnonzero(y == "fear")[2:]] = "anger"
    with pytest.warns(UserWarning, match="least populated class in y has only 2"):
        list(ClipGroupKFold(4).split(X, y))


# ---- protocols by name


def test_protocols_by_name():
    assert {name: type(make_splitter(name)) for name in PROTOCOLS} == dict(PROTOCOLS)
    assert make_splitter("sentence", n_splits=3, random_state=4).n_splits == 3
    assert make_splitter("sentence", n_splits=3, random_state=4).random_state == 4
    with pytest.raises(ValueError, match=r"no protocol 'text'; the protocols are clip, speaker, sentence, speaker\+"):
        make_splitter("text")
    with pytest.raises(ValueError, match="one fold for each speaker, got n_splits=4"):
        make_splitter("speaker", n_splits=4)
    with pytest.raises(ValueError, match="'corpus' has one fold for each corpus, got n_splits=2"):
        make_splitter("corpus", n_splits=2)


# ---- the corpus


@pytest.mark.parametrize(
    ("protocol", "n_folds"), [("clip", 4), ("speaker", 4), ("sentence", 5), ("speaker+sentence", 20)]
)
def test_savee(shared, protocol, n_folds):
    from savee_mm.datasets import load_savee

    savee = load_savee(shared / "data" / "savee_chimera")
    folds = list(make_splitter(protocol).split(savee.data, savee.target))
    assert len(folds) == n_folds
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(480))
    for train, test in folds:
        for column in APART[protocol]:
            assert not set(savee.data[column].iloc[train]) & set(savee.data[column].iloc[test])
        assert set(savee.target[train]) == set(savee.target)


def _assert_same_folds(got, expected):
    got, expected = list(got), list(expected)
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
