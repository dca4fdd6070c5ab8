"""Soft labels: rows weighted by the shares of the votes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from savee_mm.datasets import expand_votes


def test_weights_of_a_clip_sum_to_its_weight():
    votes = pd.DataFrame({"anger": [3, 0, 1], "fear": [1, 5, 0], "joy": [4, 0, 1]})
    clips = pd.DataFrame({"clip_id": list("abc")}, index=[7, 8, 9])
    rows, target, weights = expand_votes(clips, votes, sample_weight=[1, 2, 3])
    assert len(rows) == len(target) == len(weights) == 6
    np.testing.assert_allclose(pd.Series(weights).groupby(rows["clip_id"]).sum(), [1, 2, 3])
    assert weights[target == "joy"].tolist() == [0.5, 1.5]


def test_unanimous_votes_are_hard_labels():
    votes = pd.DataFrame({"anger": [4, 0], "fear": [0, 6]})
    rows, target, weights = expand_votes(pd.DataFrame({"x": [1, 2]}), votes)
    assert (rows["x"].tolist(), target.tolist(), weights.tolist()) == ([1, 2], ["anger", "fear"], [1, 1])


def test_a_classifier_learns_the_shares():
    """Without features, the probabilities that minimise the cross-entropy are the mean shares of the votes."""
    votes = pd.DataFrame({"anger": [6, 2, 1], "fear": [2, 2, 3]})
    rows, target, weights = expand_votes(pd.DataFrame({"x": [0.0, 0, 0]}), votes)
    clf = LogisticRegression(C=1e6).fit(rows, target, sample_weight=weights)
    np.testing.assert_allclose(clf.predict_proba(rows[:1])[0], [0.5, 0.5], atol=1e-4)


def test_bad_votes():
    clips = pd.DataFrame({"x": [1, 2]})
    with pytest.raises(ValueError, match="1 of 2 clips have no votes, or negative ones, the first in row 1"):
        expand_votes(clips, pd.DataFrame({"anger": [1, 0], "fear": [1, 0]}))
    with pytest.raises(ValueError, match="the first in row 0"):
        expand_votes(clips, pd.DataFrame({"anger": [-1, 1]}))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        expand_votes(clips, pd.DataFrame({"anger": [1]}))
