"""UnseenCorpusClassifier: the choice on training corpora, and who predicts which clips."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from savee_mm import UnseenCorpusClassifier, load_model, save_model


def reads(column, *steps):
    return make_pipeline(make_column_transformer(("passthrough", [column])), *steps, LogisticRegression())


def make_table(n=60, corpora="abc", seed=0):
    """In every corpus the pitch depends on the class a little; the level a lot, with another sign in corpus b."""
    rng = np.random.default_rng(seed)
    y = np.tile(["anger", "joy"], n * len(corpora) // 2)
    table = pd.DataFrame({"corpus": np.repeat(list(corpora), n), "pitch": rng.normal(2.0 * (y == "joy"))})
    sign = np.where(table["corpus"] == "b", -1, 1)
    table["level"] = 4 * sign * (y == "joy") + rng.normal(size=len(table))
    return table, y


CANDIDATES = [("level", reads("level")), ("pitch", reads("pitch"))]


def test_choice_is_the_best_on_corpora_that_are_left_out():
    table, y = make_table()
    clf = UnseenCorpusClassifier(CANDIDATES).fit(table, y)
    assert (clf.chosen_, clf.checked_, clf.corpora_) == ("pitch", True, ["a", "b", "c"])
    assert clf.inner_scores_.shape == (3, 2)
    for corpus in "abc":
        own = (table["corpus"] == corpus).to_numpy()
        for name, candidate in CANDIDATES:
            expected = candidate.fit(table[~own], y[~own]).score(table[own], y[own])
            assert clf.inner_scores_.at[corpus, name] == pytest.approx(expected)


def test_first_classifier_predicts_training_corpora_and_the_chosen_one_others():
    table, y = make_table()
    clf = UnseenCorpusClassifier(CANDIDATES).fit(table, y)
    both = pd.concat([table, make_table(corpora="d", seed=1)[0]])
    seen = both["corpus"] != "d"
    p = clf.predict_proba(both)
    np.testing.assert_allclose(p[seen], reads("level").fit(table, y).predict_proba(both[seen]))
    np.testing.assert_allclose(p[~seen], reads("pitch").fit(table, y).predict_proba(both[~seen]))
    level = reads("level").fit(table, y)
    np.testing.assert_allclose(clf.predict_proba(both.drop(columns="corpus")), level.predict_proba(both))


def test_first_of_equal_classifiers_is_chosen():
    table, y = make_table()
    clf = UnseenCorpusClassifier([("one", reads("pitch")), ("two", reads("pitch"))]).fit(table, y)
    assert clf.chosen_ == "one"
    assert clf.estimators_[0] is clf.estimators_[1]


@pytest.mark.parametrize("drop", [[], ["corpus"]])
def test_one_corpus_falls_back_to_the_first_with_a_warning(drop):
    table, y = make_table(corpora="a")
    clf = UnseenCorpusClassifier(CANDIDATES).fit(table.drop(columns=drop), y)
    assert (clf.chosen_, clf.checked_) == ("level", False)
    assert clf.inner_scores_.empty
    expected = reads("level").fit(table, y).predict_proba(table)
    np.testing.assert_allclose(clf.predict_proba(table.drop(columns=drop)), expected)
    with pytest.warns(UserWarning, match=r"one corpus, .*: 'level' is used"):
        np.testing.assert_allclose(clf.predict_proba(table.assign(corpus="b")), expected)


def test_clips_of_each_corpus_are_predicted_together():
    """A step that centres the clips of a call centres each corpus by itself."""
    table, y = make_table(corpora="aa")
    centred = reads("pitch", FunctionTransformer(lambda X: X - X.mean(axis=0)))
    clf = UnseenCorpusClassifier([("centred", centred)]).fit(table, y)
    d, e = (make_table(corpora=name, seed=2)[0] for name in "de")
    e["pitch"] += 100
    p = clf.predict_proba(pd.concat([d, e]))
    np.testing.assert_allclose(p[: len(d)], p[len(d) :])


def test_classes_of_one_corpus_only():
    """A class that the other corpora lack cannot be predicted there, and does not count."""
    table, y = make_table()
    y = np.where((table["corpus"] == "a") & (np.arange(len(y)) % 4 == 0), "calm", y)
    clf = UnseenCorpusClassifier(CANDIDATES).fit(table, y)
    assert clf.classes_.tolist() == ["anger", "calm", "joy"]
    np.testing.assert_allclose(clf.predict_proba(table).sum(axis=1), 1)


def test_corpora_without_a_common_class_leave_nothing_to_choose_by():
    table, y = make_table(corpora="ab")
    y = np.where(table["corpus"] == "a", y, "x" + y.astype(object)).astype(str)
    clf = UnseenCorpusClassifier(CANDIDATES).fit(table, y)
    assert (clf.chosen_, clf.checked_) == ("level", False)


def test_weights_reach_the_classifiers():
    """Weights of 0 for a corpus give the probabilities of a fit without it."""
    table, y = make_table(corpora="ac")
    weights = (table["corpus"] == "a").to_numpy(dtype=float)
    clf = UnseenCorpusClassifier([("pitch", reads("pitch"))]).fit(table, y, sample_weight=weights)
    expected = reads("pitch").fit(table[:60], y[:60]).predict_proba(table)
    np.testing.assert_allclose(clf.predict_proba(table), expected, atol=1e-3)


def test_nested_parameters():
    clf = UnseenCorpusClassifier(CANDIDATES).set_params(level__logisticregression__C=7)
    assert clf.get_params()["level__logisticregression__C"] == 7


def test_model_file(tmp_path):
    table, y = make_table()
    clf = UnseenCorpusClassifier(CANDIDATES).fit(table, y)
    save_model(clf, tmp_path / "model.savee")
    loaded = load_model(tmp_path / "model.savee")
    np.testing.assert_array_equal(loaded.predict_proba(table), clf.predict_proba(table))
    assert loaded.chosen_ == "pitch"


def test_bad_input():
    table, y = make_table()
    with pytest.raises(ValueError, match=r"reads a clip table \(DataFrame\), got ndarray"):
        UnseenCorpusClassifier(CANDIDATES).fit(table.to_numpy(), y)
    with pytest.raises(ValueError, match="Names provided are not unique"):
        UnseenCorpusClassifier([CANDIDATES[0]] * 2).fit(table, y)
    with pytest.raises(ValueError, match="clips have no value in 'corpus'"):
        UnseenCorpusClassifier(CANDIDATES).fit(table.assign(corpus=[None, *table["corpus"][1:]]), y)
