"""Importance of groups of features: the decrease of accuracy when they are shuffled."""

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
    """Return two redundant coefficients that depend on the class, and a level that does not."""
    rng = np.random.default_rng(random_state)
    class_1 = (Y == "joy") + 0.1 * rng.normal(size=(2, len(Y)))
    return pd.DataFrame({"mfcc_1_mean": class_1[0], "mfcc_2_loud_std": class_1[1], "rms_mean": rng.normal(size=len(Y))})


def fitted(classifier=None):
    return make_pipeline(StandardScaler(), classifier or LogisticRegression()).fit(make_table(), Y)


def test_redundant_features_are_shuffled_together():
    table = group_importance(fitted(), make_table(1), Y, random_state=0)
    assert table.index.tolist() == ["mfcc", "rms"]
    assert table["n_features"].tolist() == [2, 1]
    # With two classes of equal size, half of the shuffled values come from the other class.
    assert table.loc["mfcc", "mean"] == pytest.approx(0.5, abs=0.05)
    assert table.loc["rms", "mean"] == pytest.approx(0, abs=0.02)
    alone = group_importance(fitted(), make_table(1), Y, group_of=str, random_state=0)
    assert alone["mean"].max() < table.loc["mfcc", "mean"] - 0.15


def test_unused_feature_has_no_importance():
    table = group_importance(fitted(DecisionTreeClassifier(max_depth=1)), make_table(1), Y, random_state=0)
    assert table.loc["rms"].tolist() == [1, 0, 0]


def test_same_seed_same_importance():
    first, again = (group_importance(fitted(), make_table(1), Y, n_repeats=3, random_state=1) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_groups_of_prosody_features(corpus):
    model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression()).fit(corpus.data, corpus.target)
    table = group_importance(model, corpus.data, corpus.target, n_repeats=2, random_state=0)
    assert table["n_features"].sum() == model[0].get_feature_names_out().size
    assert {"pitch", "energy", "jitter", "shimmer"} <= set(table.index)


def test_frames_of_a_contour_are_one_group(corpus):
    model = systems.make("logreg").fit(corpus.data, corpus.target)
    table = group_importance(model, corpus.data, corpus.target, n_repeats=1, random_state=0)
    assert table.loc["rms", "n_features"] == table.loc["spec_centroid", "n_features"] == 64
    assert {"pitch", "jitter"} <= set(table.index)


def test_model_of_images_is_refused(corpus):
    with pytest.raises(TypeError, match="explain is for models that read images"):
        group_importance(make_pipeline(FaceFrameSampler(), LogisticRegression()), corpus.data, corpus.target)
