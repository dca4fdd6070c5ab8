"""ColumnBranch: classifiers of columns, alone and in a late fusion."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, cross_val_score
from sklearn.naive_bayes import GaussianNB

from savee_mm import ColumnBranch, LateFusionClassifier, evaluate, load_model, save_model


@pytest.fixture
def clips():
    """Forty clips of four speakers; the first column separates the classes, the second is missing for some."""
    rng = np.random.default_rng(0)
    y = np.tile(["anger", "joy"], 20)
    table = pd.DataFrame({"clip_id": [f"c{i}" for i in range(40)], "speaker": np.repeat(list("ABCD"), 10)})
    table["energy"] = (y == "anger") * 4.0 + rng.normal(size=40)
    table["smile"] = np.where(np.arange(40) % 5 == 0, np.nan, (y == "joy") * 3.0 + rng.normal(size=40))
    return table, y


def test_branch_reads_its_columns_only(clips):
    table, y = clips
    branch = ColumnBranch("energy", GaussianNB()).fit(table, y)
    assert branch.score(table, y) > 0.9
    other = table[["energy"]].assign(smile="no number")
    np.testing.assert_array_equal(branch.predict(other), branch.predict(table))


def test_groups_are_passed_as_in_scikit_learn(clips):
    table, y = clips
    for target in (y, np.unique(y, return_inverse=True)[1]):
        scores = cross_val_score(
            ColumnBranch(["energy"]), table, target, groups=table["speaker"], cv=LeaveOneGroupOut(), error_score="raise"
        )
        assert len(scores) == 4
        assert scores.mean() > 0.9


def test_late_fusion_predicts_clips_with_missing_values_by_other_branches(clips, tmp_path):
    table, y = clips
    branches = [("voice", ColumnBranch("energy")), ("face", ColumnBranch(["smile"], GaussianNB()))]
    fusion = LateFusionClassifier(branches, n_inner_folds=2).fit(table, y)
    assert fusion.columns_ == {"voice": ["energy"], "face": ["smile"]}
    assert fusion.score(table, y) >= 0.95
    assert fusion.branch_proba(table)["face"].isna().any(axis=1).sum() == table["smile"].isna().sum()
    loaded = load_model(save_model(fusion, tmp_path / "fusion.savee"))
    np.testing.assert_allclose(loaded.predict_proba(table), fusion.predict_proba(table))
    LateFusionClassifier(branches, n_inner_folds=2, adapt_speakers=True).fit(table, y).predict(table)


def test_polars_table_is_cross_validated(clips):
    polars = pytest.importorskip("polars")
    table, y = clips
    fusion = LateFusionClassifier([("voice", ColumnBranch("energy"))], n_inner_folds=2)
    options = {"groups": table["speaker"].to_numpy(), "cv": GroupKFold(2), "error_score": "raise"}
    scores = cross_val_score(fusion, polars.from_pandas(table), polars.Series(y), **options)
    np.testing.assert_array_equal(scores, cross_val_score(fusion, table, y, **options))
    codes = np.unique(y, return_inverse=True)[1]
    accuracies = [
        evaluate({"voice": ColumnBranch("energy")}, (data, labels), ["speaker"]).summary()["accuracy"][0]
        for data, labels in ((table, y), (polars.from_pandas(table), y), (table, codes))
    ]
    assert accuracies[0] == accuracies[1] == accuracies[2] > 0.9


@pytest.mark.parametrize("columns", [[], ["energy", "energy"]])
def test_columns_are_one_or_more(columns):
    with pytest.raises(ValueError, match="Expected one or more names of columns, each once"):
        ColumnBranch(columns)
