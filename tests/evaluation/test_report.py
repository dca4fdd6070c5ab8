"""The tables of a report: means over folds, published figures beside, Markdown that a reader can check by eye."""

import numpy as np
import pandas as pd
import pytest

from savee_mm import EvaluationReport
from savee_mm.evaluation.tables import short


def predictions_of(system, protocol, folds, seed=0):
    """Test predictions of ten clips a fold, of which the given numbers are right."""
    target = np.resize(["anger", "fear"], 10)
    other = np.where(target == "anger", "fear", "anger")
    return pd.concat(
        pd.DataFrame(
            {
                "system": system,
                "protocol": protocol,
                "seed": seed,
                "fold": fold,
                "clip_id": np.arange(10),
                "speaker": f"S{fold}",
                "target": target,
                "predicted": np.where(np.arange(10) < right, target, other),
                "train_accuracy": 1.0,
                "train_uar": 0.9,
                "fit_seconds": 12.0,
            }
        )
        for fold, right in enumerate(folds)
    )


@pytest.fixture
def report():
    parts = [predictions_of("svm", "clip", (8, 6)), predictions_of("svm", "speaker", (4, 4))]
    return EvaluationReport(pd.concat([*parts, predictions_of("late fusion", "clip", (10, 10))], ignore_index=True))


def test_folds_have_every_figure(report):
    fold = report.folds().iloc[0]
    assert fold["accuracy"] == pytest.approx(0.8)
    assert fold["recall"] == fold["uar"] == pytest.approx(0.8)
    assert fold["precision"] == pytest.approx(0.8)
    assert fold["f1"] == pytest.approx(0.8)
    assert (fold["train_accuracy"], fold["train_uar"], fold["n_test"], fold["speakers"]) == (1.0, 0.9, 10, "S0")


def test_summary_is_mean_and_deviation_over_folds(report):
    summary = report.summary()
    assert summary[["system", "protocol"]].to_numpy().tolist() == [
        ["svm", "clip"],
        ["svm", "speaker"],
        ["late fusion", "clip"],
    ]
    row = summary.iloc[0]
    for name in ("accuracy", "precision", "recall", "f1", "uar", "train_accuracy", "train_uar"):
        figures = report.folds()[name].iloc[:2]
        assert row[name] == pytest.approx(figures.mean())
        assert row[f"{name}_sd"] == pytest.approx(figures.std(ddof=0))
    assert row["worst_fold"] == pytest.approx(0.6)


def test_folds_of_all_seeds_are_taken_together():
    parts = [predictions_of("svm", "clip", folds, seed) for seed, folds in enumerate([(8, 6), (4, 2)])]
    report = EvaluationReport(pd.concat(parts, ignore_index=True))
    row = report.summary().iloc[0]
    assert row["accuracy"] == pytest.approx(0.5)
    assert row["accuracy_sd"] == pytest.approx(np.std([0.8, 0.6, 0.4, 0.2]))
    assert "over the folds of all 2 seeds" in report.to_markdown()


def test_comparison_sets_published_figures_beside_the_measured(report):
    table = report.comparison({"svm": 0.447, ("svm", "speaker"): 0.3})
    np.testing.assert_allclose(table["published"], [0.447, 0.3, np.nan])
    np.testing.assert_allclose(table["difference"], [0.7 - 0.447, 0.4 - 0.3, np.nan])
    assert report.comparison()["published"].isna().all()


def test_markdown_shows_every_figure_and_marks_single_splits(report):
    text = report.to_markdown({"svm": 0.747, "late fusion": 0.966}, single_split=["svm"])
    header, rule, first, *_ = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert len(header) == len(rule) == len(first)
    assert set("".join(rule)) == {"-"}
    row = dict(zip(header, first, strict=True))
    assert row == {
        "system": "svm",
        "protocol": "clip",
        "accuracy": ".700 ± .100",
        "training accuracy": "1.000 ± .000",
        "published": ".747 †",
        "difference": "-.047",
        "precision": row["precision"],
        "recall (UAR)": ".700 ± .100",
        "training UAR": ".900 ± .000",
        "F1": row["F1"],
        "worst fold": ".600",
        "fit (s)": "12",
    }
    assert text.count("†") == 3  # two rows of svm, and the line that says what it means
    assert "+.034" in text


def test_markdown_without_published_figures_has_no_columns_for_them(report):
    text = report.to_markdown()
    assert "published" not in text
    assert text.splitlines()[-1].startswith("Mean ± standard deviation over the folds;")


def test_bars_in_a_name_do_not_break_the_table():
    text = EvaluationReport(predictions_of("a|b", "clip", (5, 5))).to_markdown()
    assert "| a\\|b " in text


def test_page_has_the_published_figures(report, tmp_path):
    text = report.to_html(tmp_path / "r.html", published={"svm": 0.447}, single_split=["svm"]).read_text("utf-8")
    assert "<td>.447 †</td>" in text
    assert "published from a single test split" in text


@pytest.mark.parametrize(
    ("value", "sign", "expected"),
    [
        (0.8765, False, ".876"),
        (1, False, "1.000"),
        (0, False, ".000"),
        (0.9996, False, "1.000"),
        (0.05, True, "+.050"),
        (-0.05, True, "-.050"),
        (1.25, True, "+1.250"),
        (np.nan, True, "-"),
    ],
)
def test_figures_are_short(value, sign, expected):
    assert short(value, sign=sign) == expected
