"""Groups of features count as much as accuracy falls without them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from savee_mm import FaceFrameSampler, ProsodyFeatures, group_importance, systems

Y = np.tile(["anger", "joy"], 100)


def make_table(random_state=0):
    """Two coefficients that say the same of the class, and a level that says nothing."""
    rng = np.random.default_rng(random_state)
    told = (Y == "joy") + 0.1 * rng.normal(size=(2, len(Y)))
    return pd.DataFrame({"mfcc_1_mean": told[0], "mfcc_2_loud_std": told[1], "rms_mean": rng.normal(size=len(Y))})


def fitted(classifier=None):
    return make_pipeline(StandardScaler(), classifier or LogisticRegression()).fit(make_table(), Y)


def test_features_that_say_the_same_count_together():
    table = group_importance(fitted(), make_table(1), Y, random_state=0)
    assert table.index.tolist() == ["mfcc", "rms"]
    assert table["n_features"].tolist() == [2, 1]
    # Shuffled among two classes of equal size, half of the clips get the wrong one's.
    assert table.loc["mfcc", "mean"] == pytest.approx(0.5, abs=0.05)
    assert table.loc["rms", "mean"] == pytest.approx(0, abs=0.02)
    alone = group_importance(fitted(), make_table(1), Y, group_of=str, random_state=0)
    assert alone["mean"].max() < table.loc["mfcc", "mean"] - 0.15


def test_what_a_model_does_not_read_counts_nothing():
    table = group_importance(fitted(DecisionTreeClassifier(max_depth=1)), make_table(1), Y, random_state=0)
    assert table.loc["rms"].tolist() == [1, 0, 0]


def test_same_seed_same_importance():
    first, again = (group_importance(fitted(), make_table(1), Y, n_repeats=3, random_state=1) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_groups_of_the_voices_features(corpus):
    model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression()).fit(corpus.data, corpus.target)
    table = group_importance(model, corpus.data, corpus.target, n_repeats=2, random_state=0)
    assert table["n_features"].sum() == model[0].get_feature_names_out().size
    assert {"pitch", "energy", "jitter", "shimmer"} <= set(table.index)


def test_frames_of_a_contour_are_one_group(corpus):
    model = systems.make("logreg").fit(corpus.data, corpus.target)
    table = group_importance(model, corpus.data, corpus.target, n_repeats=1, random_state=0)
    assert table.loc["rms", "n_features"] == table.loc["spec_centroid", "n_features"] == 64
    assert {"pitch", "jitter"} <= set(table.index)


def test_model_of_pictures_is_referred_elsewhere(corpus):
    with pytest.raises(TypeError, match="explain is for models that read pictures"):
        group_importance(make_pipeline(FaceFrameSampler(), LogisticRegression()), corpus.data, corpus.target)
