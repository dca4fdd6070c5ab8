"""The sections of a report's page, each a sentence or two, a table and pictures."""

import re

import pandas as pd

from savee_mm.evaluation._predictions import PREFIX, clip_codes, read_probabilities
from savee_mm.evaluation.metrics.intervals import COVERAGE
from savee_mm.evaluation.metrics.subgroups import grouping_columns, name_groups
from savee_mm.evaluation.report.page import bullets, figures, heading, page, paragraphs, table
from savee_mm.evaluation.report.tables import short, spans

_PROTOCOLS = {
    "clip": "the test clips are new, their speakers and texts are known from training",
    "speaker": "the speakers of the test clips are new",
    "sentence": "the texts of the test clips are new",
    "speaker+sentence": "speakers and texts of the test clips are new",
}
_NAMES = ["system", "protocol"]
_FIGURES = {"accuracy": "Accuracy", "uar": "UAR"}
# Columns of the first table; the others stand in the second.
_FIRST = (
    "accuracy",
    "training accuracy",
    "95% interval",
    "sd over speakers",
    "worst fold",
    "published",
    "difference",
    "folds",
    "fit (s)",
)
_MAX_COLUMNS = 8
_MAX_GAPS = 20


def write_sections(report, readable, *, title, notes, reads):
    """Return the page of a report.

    Parameters
    ----------
    report : EvaluationReport
        What is shown.
    readable : tuple (DataFrame, str)
        Its comparison as cells, and the sentences under it.
    title, notes, reads
        As of :meth:`EvaluationReport.to_html`.

    Returns
    -------
    document : str
    """
    intervals, gaps, summary = report.intervals(), report.gaps(), report.summary()
    coverage = " ".join(COVERAGE[drawn] for drawn in dict.fromkeys(intervals["drawn"]))
    sections = [
        ("Leakage", _leakage(report)),
        ("Summary", _summary(report, summary, readable, coverage)),
        ("Subgroups", _subgroups(report, gaps)),
        ("What each modality adds", _modalities(report, reads)),
        ("Systems compared", _compared(report, summary)),
        ("Intervals", _intervals(intervals, coverage)),
        ("Emotions", _emotions(report)),
        ("Each system", _systems(report)),
        ("Folds", _folds(report)),
    ]
    # Loaders describe their corpus in reStructuredText: a heading is underlined, names stand in backticks.
    notes = re.sub(r"^[-=]{3,}$|`+", "", notes, flags=re.MULTILINE)
    lead = _say_skipped(report) + _say_leaks(report) + _say_gap(gaps)
    return page(title, lead, notes, [section for section in sections if section[1]])


def _say_skipped(report):
    return "".join(f"{system} was left out: {error}\n\n" for system, error in report.skipped.items())


def _say_leaks(report):
    if not report.leakage:
        return ""
    return f"{len(report.leakage)} leak(s) between training and test, see below: the figures are too good.\n\n"


def _leakage(report):
    if report.leakage is None:
        return ""
    first, *leaks = report.leakage.leaks().splitlines()
    found = paragraphs(first) + (bullets(line.removeprefix("- ") for line in leaks) if leaks else "")
    notes = report.leakage.notes
    return found + (paragraphs("Worth knowing:") + bullets(notes) if notes else "")


def _say_gap(gaps):
    if gaps.empty:
        return ""
    top = gaps.iloc[0]
    if pd.isna(top["gap"]):
        return (
            f"Largest gap between groups: undefined, because {_FIGURES[top['figure']]} of {top['system']}, protocol "
            f"{top['protocol']}, is undefined for {top['column']} {top['lowest']}."
        )
    return (
        f"Largest gap between groups: {_FIGURES[top['figure']]} of {top['system']}, protocol {top['protocol']}, is "
        f"{short(top['low'])} for {top['column']} {top['lowest']} and {short(top['high'])} for {top['column']} "
        f"{top['highest']}: {short(top['gap'])} apart."
    )


def _summary(report, summary, readable, coverage):
    cells, note = readable
    predictions = report.predictions
    names = predictions["protocol"].unique()
    _, speakers = clip_codes(predictions)
    size = f"{len(speakers)} clips, {len(set(speakers))} speakers, {predictions['seed'].nunique()} seed(s)."
    known = [f"Protocol {name}: {_PROTOCOLS[name]}." for name in names if name in _PROTOCOLS]
    cells = cells.assign(folds=summary["n_folds"].to_numpy())
    first = [name for name in _FIRST if name in cells]
    return (
        paragraphs(" ".join([size, *known]))
        + table(cells[[*_NAMES, *first]], "Accuracy of each system in each protocol.", 2)
        + table(cells.drop(columns=first), "The other figures, test and training.", 2)
        + paragraphs(f"{note} {coverage}", "note")
    )


def _subgroups(report, gaps):
    parts = [_gap_table(gaps)] if len(gaps) else []
    for number, column in enumerate(grouping_columns(report.predictions)):
        if name_groups(report.predictions[column]).nunique() > 1:
            parts.append(heading(f"By {column}", f"by-{number}"))
            parts.append(_group_figures(report, column, number))
            groups = report.subgroups(column)
            parts += [_group_table(groups, column, figure) for figure in _FIGURES]
    return "".join(parts)


def _gap_table(gaps):
    shown = gaps[[*_NAMES, "column", "figure", "gap"]].head(_MAX_GAPS)
    shown = shown.assign(figure=shown["figure"].map(_FIGURES), gap=_shorten(shown["gap"]))
    for name, end in (("lowest", "low"), ("highest", "high")):
        shown[name] = [f"{group} ({short(value)})" for group, value in zip(gaps[name], gaps[end], strict=True)][
            :_MAX_GAPS
        ]
    more = f" Here are the {_MAX_GAPS} largest of {len(gaps)}; report.gaps() has all." if len(gaps) > _MAX_GAPS else ""
    return table(shown, "Gaps between groups, the largest on top.", 4) + paragraphs(
        "Groups of fewer than 20 clips are left aside. The largest of many gaps is partly chance; the intervals below "
        f"say how far each figure may be trusted.{more}",
        "note",
    )


def _group_figures(report, column, number):
    pictures = [
        (
            report.plot_subgroups(protocol, column),
            f"Accuracy of each system by {column} in protocol {protocol}; the table below has the figures.",
        )
        for protocol in report.predictions["protocol"].unique()
    ]
    return figures(pictures, f"by-{number}-picture")


def _group_table(groups, column, figure):
    """Return one figure of every group, groups as columns unless they are many."""
    sizes = groups.groupby("group", sort=False)["n_clips"].max()
    texts = groups.assign(text=_with_spans(groups, figure), group=[f"{g} ({sizes[g]} clips)" for g in groups["group"]])
    few = len(sizes) <= _MAX_COLUMNS
    if not few:
        texts["pair"] = texts["system"] + ", " + texts["protocol"]
    wide = _widen(texts, *((_NAMES, "group") if few else (["group"], "pair")))
    drawn = " or ".join(sorted(set(groups["drawn"])))
    return table(wide, f"{_FIGURES[figure]} by {column}, with 95% intervals over {drawn}.", 2 if few else 1)


def _modalities(report, reads):
    lines, branches = report.modalities(reads) if reads else pd.DataFrame(), report.branches()
    parts = []
    if len(lines):
        words = "The accuracy of a system that reads voice and face, less that of a system that reads one of them."
        shown = _differences(lines, ["adds"], "A system that reads both, against one that reads one.")
        parts += [paragraphs(words), shown]
    return "".join([*parts, _branches(branches)] if len(branches) else parts)


def _branches(branches):
    names = [name for name in branches if name.startswith(PREFIX)]
    shown = branches[[*_NAMES, "seed"]].assign(combined=_shorten(branches["combined"]))
    for name in names:
        shown[name.removeprefix(PREFIX)] = _shorten(branches[name])
    shown["best branch"] = branches["best_branch"]
    shown["difference"] = [short(value, sign=True) for value in branches["difference"]]
    words = (
        "The combination less the best of its branches, which is chosen by these test clips: nobody could have known "
        "it beforehand, so this is the least that the combination gains, and adaptation to new speakers with it. A "
        "branch is wrong where the clip lacks what it reads."
    )
    return table(shown, "Late fusion against its own branches: accuracy over the test folds of each seed.", 3) + (
        paragraphs(words, "note")
    )


def _compared(report, summary):
    lines = []
    for protocol, rows in summary.dropna(subset="accuracy").groupby("protocol", sort=False):
        best = rows.loc[rows["accuracy"].idxmax(), "system"]
        others = [name for name in rows["system"] if name != best]
        lines += [
            report.compare(best, name, protocol)
            for name in others
            if _clips(report, best, protocol) == _clips(report, name, protocol)
        ]
    if not lines:
        return ""
    lines = pd.DataFrame(lines)
    least = lines["p_speakers_least"].max()
    floor = f", and cannot fall below {short(least)} with so few speakers as here" if least >= 0.001 else ""
    words = (
        "The most accurate system of each protocol, against every other that was tested on the same clips. "
        "p over clips is McNemar's exact test, which takes clips for independent and speaks of these speakers only; "
        f"p over speakers flips the signs of the speakers' mean differences{floor}. Neither is corrected for the "
        "number of comparisons, nor for the choice of the best."
    )
    return paragraphs(words) + _differences(lines, [], "Paired differences in accuracy.")


def _clips(report, system, protocol):
    rows = report.predictions.query("system == @system and protocol == @protocol")
    return set(zip(rows["speaker"], rows["clip_id"], strict=True))


def _differences(lines, extra, caption):
    shown = lines[["system", "other", *extra, "protocol"]].rename(columns={"other": "against"})
    shown["difference"] = [short(value, sign=True) for value in lines["difference"]]
    ends = lines.rename(columns={"low": "difference_low", "high": "difference_high"})
    shown["95% interval"] = spans(ends, "difference", sign=True)
    shown["clips better"], shown["clips worse"] = lines["better"], lines["worse"]
    shown["p over clips"] = [_p(value) for value in lines["p_clips"]]
    shown["p over speakers"] = [_p(value) for value in lines["p_speakers"]]
    drawn = " or ".join(sorted(set(lines["drawn"])))
    return table(shown, f"{caption} The intervals are over {drawn}.", 3 + len(extra))


def _intervals(intervals, coverage):
    ends = intervals.rename(columns={"figure": "x", "low": "x_low", "high": "x_high"})
    ends = ends.assign(text=_with_spans(ends, "x")).query("score != 'uar'")
    wide = _widen(ends, _NAMES, "score")
    drawn = " or ".join(sorted(set(intervals["drawn"])))
    titles = {"recall": "recall (UAR)", "f1": "F1", "log_loss": "log loss"}
    shown = table(
        wide.rename(columns=titles), f"Every figure over all test clips, with its 95% interval over {drawn}.", 2
    )
    return shown + paragraphs(
        f"{coverage} The models stand as they were trained: what another training would have given is not in the "
        "intervals.",
        "note",
    )


def _emotions(report):
    emotions = report.emotions()
    titles = {"recall": "Recall", "precision": "Precision", "f1": "F1"}
    return "".join(
        table(
            _widen(emotions.assign(text=_with_spans(emotions, name)), _NAMES, "emotion"),
            f"{title} of each emotion, with its 95% interval.",
            2,
        )
        for name, title in titles.items()
    )


def _with_spans(figures_and_ends, name):
    pairs = zip(figures_and_ends[name], spans(figures_and_ends, name), strict=True)
    # A narrow window breaks the line before the interval, and not within it.
    return [f"{short(figure)} ({span.replace(' ', chr(160))})" for figure, span in pairs]


def _widen(table_of_texts, rows, columns):
    """Return the column ``text`` of a long table as a wide one."""
    wide = table_of_texts.pivot_table(index=rows, columns=columns, values="text", aggfunc="first", sort=False)
    return wide.fillna("-").reset_index()


def _systems(report):
    parts = []
    for number, (system, protocol) in enumerate(report.summary()[["system", "protocol"]].itertuples(index=False)):
        rows = report.predictions.query("system == @system and protocol == @protocol")
        parts.append(heading(f"{system}, protocol {protocol}", f"system-{number}"))
        pictures = [(report.plot_confusion(system, protocol), _say_confusion(report.confusion(system, protocol)))]
        after = ""
        if read_probabilities(rows)[1]:
            areas = report.roc(system, protocol)
            error = report.calibration(system, protocol).attrs["ece"]
            said = ", ".join(f"{name} {short(area)}" for name, area in areas["auc"].items())
            pictures += [
                (report.plot_roc(system, protocol), f"One-vs-rest ROC curves; areas under them: {said}."),
                (report.plot_calibration(system, protocol), f"Reliability diagram; calibration error {short(error)}."),
            ]
            shown = areas.map(short).T.rename(index={"auc": "all test clips", "auc_folds": "mean over folds"})
            after = table(shown.reset_index(names="AUC"), "Area under the one-vs-rest ROC curve.")
        curves = report.curves(system, protocol)
        if len(curves):
            last = curves[curves["name"] == "loss"].iloc[-1]
            words = f"Accuracy and loss over {last['epoch']} epochs; the last training loss is {last['mean']:.3f}."
            pictures.append((report.plot_curves(system, protocol), words))
        parts += [figures(pictures, f"system-{number}-picture"), after]
    return "".join(parts) + paragraphs(
        "A row of a confusion matrix is the true emotion, its colour the share of that emotion's clips. In the ROC "
        "curves all test folds are taken together; probabilities of two folds come from two models, so the mean over "
        "folds is beside. ECE is the expected calibration error over ten bins: the mean distance between the "
        "probability that an answer was given and how often such answers are right. Curves over epochs are of training "
        "and of inner validation clips, never of test clips; the band is one standard deviation over the folds.",
        "note",
    )


def _say_confusion(matrix):
    rows = (f"{name}: {matrix.at[name, name]} of {matrix.loc[name].sum()} right" for name in matrix.index)
    return f"Confusion matrix. {'; '.join(rows)}."


def _folds(report):
    folds = report.folds()
    words = {"f1": "F1", "uar": "UAR", "n_test": "test clips", "fit_seconds": "fit (s)"}
    shown = folds.drop(columns="recall").dropna(axis="columns", how="all")
    for name in shown.select_dtypes("float"):
        shown[name] = [f"{v:.1f}" for v in shown[name]] if name == "fit_seconds" else _shorten(shown[name])
    shown["fold"] += 1
    shown = shown.rename(
        columns={name: words.get(name, name.replace("train_", "training ").replace("_", " ")) for name in shown}
    )
    return table(shown, "Every fold: who is in the test fold, and figures on test and training clips.", 5)


def _shorten(values):
    return [short(value) for value in values]


def _p(value):
    return "< .001" if value < 0.001 else short(value)
