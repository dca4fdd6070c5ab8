"""What an estimator is made of, and copies of it that share what is large."""

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm._composition import parts, rebuild

X, Y = np.arange(12.0).reshape(6, 2), [0, 1, 0, 1, 0, 1]


def same(name, value):
    return value


def test_every_part_is_found_once_owners_first():
    pipeline = make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=2, random_state=0)).fit(X, Y)
    found = list(parts({"a": [pipeline, pipeline]}))
    kinds = [type(part).__name__ for part in found]
    assert kinds.count("Pipeline") == kinds.count("StandardScaler") == kinds.count("GradientBoostingClassifier") == 1
    assert kinds.count("DecisionTreeRegressor") == 2
    assert kinds.count("Tree") == 2
    assert kinds.index("Pipeline") < kinds.index("StandardScaler") < kinds.index("GradientBoostingClassifier")


def test_copy_shares_arrays_and_leaves_the_original():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=1.0)).fit(X, Y)
    copy = rebuild(pipeline, lambda name, value: 2.0 if name == "C" else value)
    assert (copy[-1].C, pipeline[-1].C) == (2.0, 1.0)
    assert copy[-1].coef_ is pipeline[-1].coef_
    np.testing.assert_array_equal(copy.predict_proba(X), pipeline.predict_proba(X))


def test_one_thing_in_two_places_stays_one_thing():
    scaler = StandardScaler()
    scaler.itself = scaler
    copy = rebuild({"a": scaler, "b": (scaler, [scaler])}, same)
    assert copy["a"] is copy["b"][0] is copy["b"][1][0] is copy["a"].itself
    assert copy["a"] is not scaler


def test_masks_stay_as_they_are():
    values = np.ma.MaskedArray(np.array([1, "a"], object), mask=[True, False])
    copy = rebuild([values], same)[0]
    assert copy.mask.tolist() == [True, False]
    assert copy.data.tolist() == [1, "a"]
