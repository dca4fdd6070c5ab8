"""Out-of-fold predictions for unseen texts: a branch that recognises the sentence is worth nothing there."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from savee_mm import LateFusionClassifier


@pytest.fixture(scope="module")
def read_corpus():
    """Four speakers, twelve sentences of one emotion each, and a voice that hints at the emotion."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame([(s, f"s{t}") for s in "ABCD" for t in range(12)], columns=["speaker", "sentence"])
    y = np.where(table["sentence"].str[1:].astype(int) % 2, "joy", "anger")
    return table.assign(pitch=rng.normal(2.0 * (y == "joy"))), y


@pytest.fixture
def fusion():
    """A branch that reads the sentence, and one that reads the voice."""
    text = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["sentence"]))
    voice = make_column_transformer(("passthrough", ["pitch"]))
    branches = [(name, make_pipeline(part, LogisticRegression())) for name, part in (("text", text), ("voice", voice))]
    return LateFusionClassifier(branches, combine="weights")


def test_branch_that_reads_the_text_seems_perfect_with_seen_texts(fusion, read_corpus):
    fitted = fusion.fit(*read_corpus)
    assert fitted.inner_scores_.loc["text", "accuracy"] == 1
    assert fitted.weights_["text"] > fitted.weights_["voice"]


def test_branch_that_reads_the_text_is_at_chance_with_unseen_texts(fusion, read_corpus):
    fitted = fusion.set_params(unseen_texts=True).fit(*read_corpus)
    assert fitted.inner_scores_.loc["text", "accuracy"] <= 0.5
    assert fitted.weights_["voice"] > fitted.weights_["text"]


def test_tables_without_texts_have_plain_folds(fusion, read_corpus):
    table, y = read_corpus
    voice = fusion.set_params(estimators=fusion.estimators[1:])
    plain = voice.fit(table.drop(columns="sentence"), y).inner_scores_
    assert voice.set_params(unseen_texts=True).fit(table.drop(columns="sentence"), y).inner_scores_.equals(plain)


def test_features_of_other_numbers_in_each_cell_are_compared_within_it(read_corpus):
    """An encoding of sentences has one column for each sentence of the training clips."""
    table, y = read_corpus
    repeated = pd.concat([table.assign(take=take) for take in range(4)], ignore_index=True)
    text = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["sentence"]))
    voice = make_column_transformer(("passthrough", ["pitch"]))
    branches = [(name, make_pipeline(part, LogisticRegression())) for name, part in (("text", text), ("voice", voice))]
    fusion = LateFusionClassifier(branches, unseen_texts=True, adapt_speakers=True)
    assert set(fusion.fit(repeated, np.tile(y, 4)).predict(repeated)) == set(y)
