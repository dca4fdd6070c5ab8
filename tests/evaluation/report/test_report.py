"""Tables, plots and page of a report."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from savee_mm import EvaluationReport
from savee_mm.evaluation.leakage import Finding, LeakageReport
from savee_mm.evaluation.report.tables import short


def predictions_of(system, protocol, folds, seed=0):
    """Predictions of ten test clips for each fold, of which the given numbers are correct."""
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


def test_folds_have_every_metric(report):
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
    assert row["n_folds"] == 2
    assert row["speakers_sd"] == pytest.approx(0.1)  # each fold is one speaker
    assert row["accuracy_low"] < 0.7 < row["accuracy_high"]
    assert row["drawn"] == "clips within speakers"


def test_summary_is_over_the_folds_of_all_seeds():
    parts = [predictions_of("svm", "clip", folds, seed) for seed, folds in enumerate([(8, 6), (4, 2)])]
    report = EvaluationReport(pd.concat(parts, ignore_index=True))
    row = report.summary().iloc[0]
    assert row["accuracy"] == pytest.approx(0.5)
    assert row["accuracy_sd"] == pytest.approx(np.std([0.8, 0.6, 0.4, 0.2]))
    assert "over the folds of all 2 seeds" in report.to_markdown()


def test_comparison_has_published_accuracies(report):
    table = report.comparison({"svm": 0.447, ("svm", "speaker"): 0.3})
    np.testing.assert_allclose(table["published"], [0.447, 0.3, np.nan])
    np.testing.assert_allclose(table["difference"], [0.7 - 0.447, 0.4 - 0.3, np.nan])
    assert report.comparison()["published"].isna().all()


def test_markdown_shows_every_metric_and_marks_single_splits(report):
    text = report.to_markdown({"svm": 0.747, "late fusion": 0.966}, single_split=["svm"])
    header, rule, first, *_ = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert len(header) == len(rule) == len(first)
    assert set("".join(rule)) == {"-"}
    row = dict(zip(header, first, strict=True))
    assert row == {
        "system": "svm",
        "protocol": "clip",
        "accuracy": ".700 ± .100",
        "95% interval": row["95% interval"],
        "sd over speakers": ".100",
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
    assert text.count("†") == 3  # two rows of svm, and the explanation
    assert "+.034" in text


def test_markdown_without_published_accuracies(report):
    text = report.to_markdown()
    assert "published" not in text
    assert text.splitlines()[-1].startswith("Mean ± standard deviation over the folds;")


def test_bars_in_a_name_do_not_break_the_table():
    text = EvaluationReport(predictions_of("a|b", "clip", (5, 5))).to_markdown()
    assert "| a\\|b " in text


def test_tables_have_chance_and_majority_level_of_each_protocol():
    predictions = predictions_of("svm", "clip", (8, 6)).query("target == 'anger' or clip_id > 6")
    text = EvaluationReport(predictions.reset_index(drop=True)).to_markdown()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    header, _, _, chance, majority = cells
    accuracy, recall = header.index("accuracy"), header.index("recall (UAR)")
    assert [chance[i] for i in (0, 1, accuracy, recall)] == ["chance", "clip", ".500", ".500"]
    # Five clips of anger and two of fear in each fold.
    assert [majority[i] for i in (0, 1, accuracy, recall)] == ["majority class", "clip", ".714", ".500"]


def test_latex(report):
    text = report.to_latex({"svm": 0.747}, single_split=["svm"])
    lines = text.splitlines()
    start = lines.index(r"\begin{tabular}{llrrrrrr}")
    assert all(line.startswith("% ") for line in lines[:start])
    header = r"system & protocol & accuracy & 95\% interval & recall (UAR) & F1 & published & difference \\"
    assert lines[start + 1 : start + 4] == [r"\toprule", header, r"\midrule"]
    assert lines[start + 4].startswith(r"svm & clip & .700 $\pm$ .100 & ")
    assert r" & .747 $^\dagger$ & -.047 \\" in lines[start + 4]
    assert sum(line.startswith(("chance &", "majority class &")) for line in lines) == 4
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]


def test_latex_escapes_names_and_shows_the_requested_columns():
    report = EvaluationReport(predictions_of("my_50%{best}\\~", "clip", (5, 5)))
    lines = report.to_latex(columns=["accuracy"]).splitlines()
    assert r"my\_50\%\{best\}\textbackslash{}\textasciitilde{} & clip & .500 $\pm$ .000 \\" in lines
    assert lines[-3] == r"majority class & clip & .500 \\"
    assert r"\begin{tabular}{llr}" in lines


def test_page_has_published_accuracies(report, tmp_path):
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
def test_short_values(value, sign, expected):
    assert short(value, sign=sign) == expected


@pytest.fixture(scope="module")
def full(make_predictions):
    """Two systems of the voice and one of both, in two protocols, with probabilities, curves and sex."""
    parts = [
        make_predictions(name, protocol, right=right, random_state=n)
        for n, (name, right) in enumerate([("svm", 0.6), ("cnn", 0.65), ("fusion", 0.85)])
        for protocol in ("clip", "speaker")
    ]
    history = {"accuracy": [0.5, 0.9], "loss": [1.0, 0.4], "val_accuracy": [0.4, 0.6], "val_loss": [1.1, 0.8]}
    first = (parts[2]["fold"].diff() != 0).to_numpy()
    parts[2]["history"] = [history if is_first else None for is_first in first]
    return EvaluationReport(pd.concat(parts, ignore_index=True))


def test_log_loss_of_a_fold_agrees_with_scikit_learn(full):
    fold = full.folds().query("system == 'cnn' and protocol == 'clip' and fold == 2").iloc[0]
    rows = full.predictions.query("system == 'cnn' and protocol == 'clip' and fold == 2")
    assert fold["log_loss"] == pytest.approx(log_loss(rows["target"], rows.filter(regex="^p_")))
    assert fold["train_log_loss"] == 0.25
    row = full.summary().query("system == 'cnn' and protocol == 'clip'").iloc[0]
    folds = full.folds().query("system == 'cnn' and protocol == 'clip'")["log_loss"]
    assert (row["log_loss"], row["log_loss_sd"]) == pytest.approx((folds.mean(), folds.std(ddof=0)))
    assert "| training log loss " in full.to_markdown()


def test_without_probabilities_there_is_no_log_loss_and_no_roc(report):
    assert report.folds()[["log_loss", "train_log_loss"]].isna().all(axis=None)
    assert "log loss" not in report.to_markdown()
    for method in (report.roc, report.calibration, report.plot_roc, report.plot_calibration):
        with pytest.raises(ValueError, match="'svm' gives no probabilities"):
            method("svm", "clip")


def test_intervals_are_over_all_test_clips(full):
    table = full.intervals()
    assert table.groupby(["system", "protocol"]).size().tolist() == [6] * 6
    rows = full.predictions.query("system == 'svm' and protocol == 'speaker'")
    line = table.query("system == 'svm' and protocol == 'speaker' and metric == 'accuracy'").iloc[0]
    assert line["value"] == pytest.approx((rows["target"] == rows["predicted"]).mean())
    assert line["low"] < line["value"] < line["high"]


def test_groups_of_every_column_that_describes_clips(full):
    assert sorted(full.subgroups()["group"].unique()) == ["S0", "S1", "S2", "S3"]
    by_sex = full.subgroups("sex")
    assert len(by_sex) == 6 * 2
    assert by_sex["n_clips"].tolist() == [60] * 12
    with pytest.raises(ValueError, match="no column 'age' to group by; choose one of speaker, sex"):
        full.subgroups("age")


def test_accuracy_of_a_single_rater_stands_next_to_that_of_the_system(make_predictions, tmp_path):
    """A rater agrees with the class of a clip with a probability that is the share of the votes for it."""
    rows = make_predictions()
    report = EvaluationReport(rows.assign(rater_agreement=np.resize([0.5, 0.9], len(rows))))
    assert report.summary()["rater_accuracy"].tolist() == [pytest.approx(0.7)]
    header, _, line = report.to_markdown().splitlines()[:3]
    cells = dict(zip(header.split("|"), line.split("|"), strict=True))
    assert cells[next(name for name in cells if "single rater" in name)].strip() == ".700"
    assert "Single rater is the accuracy of a person" in report.to_markdown()
    assert "single rater" not in EvaluationReport(rows).to_markdown()


def test_group_of_one_speaker_is_warned_of(make_predictions):
    report = EvaluationReport(make_predictions(n_speakers=3))
    with pytest.warns(UserWarning, match="Groups of 'sex' with one speaker, .* not of the group: female"):
        groups = report.subgroups("sex").set_index("group")
    assert groups.loc["female", ["n_speakers", "drawn"]].tolist() == [1, "clips within speakers"]
    assert groups.loc["male", ["n_speakers", "drawn"]].tolist() == [2, "speakers (t)"]
    assert len(report.subgroups("speaker")) == 3


def test_page_names_groups_of_one_speaker(make_predictions, tmp_path):
    page = EvaluationReport(make_predictions(n_speakers=3)).to_html(tmp_path / "report.html").read_text()
    assert "values of a person and not of a group: female." in page
    assert "female (30 clips, 1 speaker)" in page
    assert "male (60 clips, 2 speakers)" in page


def test_largest_gap_is_on_top(full):
    gaps = full.gaps()
    assert gaps["gap"].is_monotonic_decreasing
    assert set(gaps["column"]) == {"speaker", "sex"}
    assert len(gaps) == 6 * 2 * 2
    assert set(full.gaps(["sex"])["column"]) == {"sex"}


def test_no_groups_no_gaps(report, tmp_path):
    assert report.gaps().empty  # ten clips for each speaker
    assert "Largest gap" not in report.to_html(tmp_path / "r.html").read_text("utf-8")


def test_emotions_of_every_system(full):
    table = full.emotions()
    assert table["emotion"].tolist() == ["anger", "fear", "neutral"] * 6
    matrix = full.confusion("svm", "clip")
    recall = np.diag(matrix) / matrix.sum(axis=1)
    np.testing.assert_allclose(table["recall"].iloc[:3], recall)


def test_calibration_has_its_error(full):
    table = full.calibration("svm", "clip", n_bins=5)
    assert len(table) == 5
    weighted = (table["n"] * (table["confidence"] - table["accuracy"]).abs()).sum() / table["n"].sum()
    assert table.attrs["ece"] == pytest.approx(weighted)


def test_curves_of_training(full):
    curves = full.curves("cnn", "clip")
    assert curves["name"].unique().tolist() == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert (curves["n_folds"] == 4).all()
    assert full.curves("svm", "clip").empty


def test_systems_are_compared_in_pairs(full):
    result = full.compare("fusion", "svm", "speaker")
    right = {
        name: (rows["target"] == rows["predicted"]).mean()
        for name, rows in full.predictions.query("protocol == 'speaker'").groupby("system")
    }
    assert result["difference"] == pytest.approx(right["fusion"] - right["svm"])
    assert result["p_clips"] < 0.01
    assert result["p_speakers_least"] == 0.125


def test_modalities_are_what_only_one_of_two_systems_reads(full):
    table = full.modalities({"svm": "audio", "cnn": "video", "fusion": "audio+video"})
    assert table[["system", "other", "adds", "protocol"]].to_numpy().tolist() == [
        ["fusion", "svm", "video", "clip"],
        ["fusion", "cnn", "audio", "clip"],
        ["fusion", "svm", "video", "speaker"],
        ["fusion", "cnn", "audio", "speaker"],
    ]
    assert (table["difference"] > 0).all()
    assert full.modalities({"svm": "audio"}).empty


def test_confusion_plot_shows_the_counts(full):
    shown = sorted(int(text.get_text()) for text in full.plot_confusion("svm", "clip").axes[0].texts)
    counts = full.confusion("svm", "clip").to_numpy()
    assert shown == sorted(counts[counts > 0].tolist())


def test_roc_plot_names_the_areas(full):
    legend = full.plot_roc("svm", "clip").axes[0].get_legend().get_texts()
    areas = full.roc("svm", "clip")["auc"]
    assert [text.get_text() for text in legend] == [f"{name}, AUC {area:.2f}" for name, area in areas.items()]


def test_calibration_plot_shows_the_bins(full):
    bars = full.plot_calibration("svm", "clip").axes[1].patches
    np.testing.assert_allclose([bar.get_height() for bar in bars], full.calibration("svm", "clip")["n"])


def test_curves_plot_shows_the_means(full):
    loss = full.plot_curves("cnn", "clip").axes[1].lines
    np.testing.assert_allclose([line.get_ydata() for line in loss], [[1.0, 0.4], [1.1, 0.8]])


def test_subgroups_plot_has_a_line_for_each_system(full):
    axes = full.plot_subgroups("clip").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["svm", "cnn", "fusion"]


def test_many_groups_are_drawn_without_names(make_predictions):
    report = EvaluationReport(make_predictions(n_speakers=12))
    assert report.summary()["drawn"].tolist() == ["speakers"]
    figure = report.plot_subgroups("speaker")
    assert not figure.legends
    assert len(figure.axes[0].containers) == 12


@pytest.fixture(scope="module")
def page(full, tmp_path_factory):
    """The page of the full report."""
    path = tmp_path_factory.mktemp("page") / "r.html"
    return full.to_html(path, reads={"svm": "audio", "fusion": "audio+video"}).read_text("utf-8")


def test_page_has_the_largest_gap_on_top(full, page):
    first = page[: page.index("<h2")]
    assert "Largest gap between groups" in first
    assert short(full.gaps().iloc[0]["gap"]) in first


def test_page_shows_levels_of_no_skill_next_to_the_accuracy_and_its_origin(tmp_path, make_predictions):
    report = EvaluationReport(make_predictions(n_speakers=3))
    text = report.to_html(tmp_path / "r.html", command="savee-mm evaluate 'my corpus'").read_text("utf-8")
    head = re.search(r"<thead>(.*?)</thead>", text)[1]
    names = re.findall(r"<th.*?>(.*?)</th>", head)
    assert names[:6] == ["system", "protocol", "accuracy", "95% interval", "chance", "majority class"]
    clips = report.predictions.drop_duplicates("clip_id")
    row = re.findall(r"<t[hd].*?>(.*?)</t[hd]>", re.search(r"<tbody><tr>(.*?)</tr>", text)[1])
    assert float(row[4]) == pytest.approx(1 / clips["target"].nunique(), abs=5e-4)
    assert float(row[5]) == pytest.approx(clips["target"].value_counts(normalize=True).max(), abs=5e-4)
    # The first paragraph has the same values, and the interval.
    lead = re.search('<p class="first">(.*?)</p>', text)[1]
    assert lead == (
        f"Accuracy of {row[0]}, protocol {row[1]}: {row[2]}, 95% interval {row[3]}. "
        f"For comparison: chance {row[4]}, majority class {row[5]}."
    )
    origin = text.split("Origin of the results</h2>")[1]
    assert "Command: savee-mm evaluate &#39;my corpus&#39;" in origin
    assert f"Corpus: {len(clips)} clips, 3 speakers" in origin
    assert re.search("SHA-256 of the table of clip_id, speaker, target: [0-9a-f]{64}<", origin)


def test_page_has_every_section(page):
    assert re.findall(r'<h2 id="s\d+">(.*?)</h2>', page) == [
        "Summary",
        "Subgroups",
        "What each modality adds",
        "Systems compared",
        "Intervals",
        "Emotions",
        "Each system",
        "Folds",
        "Origin of the results",
    ]


def test_page_has_a_description_of_every_plot(page):
    # Speaker and sex in two protocols; confusion, ROC and reliability of six pairs; curves of one.
    assert page.count("<svg ") == page.count("aria-label=") - 1 == 2 * 2 + 3 * 6 + 1


def test_page_explains_intervals_and_tests(page):
    assert "hold for further clips of these speakers, not for unseen speakers." in page
    assert "cannot fall below .125" in page


def test_page_names_leaks_on_top(report, tmp_path):
    leaks = LeakageReport([Finding("clip", "2 clips on both sides")], ["4 <speakers> on both sides"])
    text = EvaluationReport(report.predictions, leakage=leaks).to_html(tmp_path / "r.html").read_text("utf-8")
    assert "1 leak(s) between training and test" in text[: text.index("<h2")]
    assert "<li>clip: 2 clips on both sides</li>" in text
    assert "<li>4 &lt;speakers&gt; on both sides</li>" in text


def test_page_of_a_clean_evaluation(report, tmp_path):
    clean = EvaluationReport(report.predictions, leakage=LeakageReport([]))
    text = clean.to_html(tmp_path / "r.html").read_text("utf-8")
    assert "No leak was found." in text
    assert "leak(s)" not in text
    assert "Notes:" not in text


def test_markup_of_a_description_is_left_out(report, tmp_path):
    notes = "SAVEE: speech\n-------------\nFour speakers, in `speaker`."
    text = report.to_html(tmp_path / "r.html", notes=notes).read_text("utf-8")
    assert "<p>SAVEE: speech</p><p>Four speakers, in speaker.</p>" in text
    assert "---" not in text[text.index("<h1") : text.index("<h2")]


def test_page_of_a_table_without_speakers(tmp_path):
    rows = predictions_of("svm", "clip", (8, 6)).assign(speaker="")
    text = EvaluationReport(rows).to_html(tmp_path / "r.html").read_text("utf-8")
    assert "Clips were drawn, because speakers are missing:" in text
    assert "By speaker" not in text


def test_same_predictions_same_page(report, tmp_path):
    pages = [report.to_html(tmp_path / name).read_bytes() for name in ("a.html", "b.html")]
    assert pages[0] == pages[1]
