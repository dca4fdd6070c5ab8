"""The sections of a report's page: text, tables and plots."""

import hashlib
import re
from datetime import date

import pandas as pd

from savee_mm._versions import installed_versions
from savee_mm.evaluation._predictions import PREFIX, clip_codes, read_probabilities
from savee_mm.evaluation.metrics.intervals import COVERAGE
from savee_mm.evaluation.metrics.subgroups import grouping_columns, name_groups
from savee_mm.evaluation.report.page import Bullets, Heading, Plots, Section, Table, Text, render
from savee_mm.evaluation.report.tables import short, spans

_PROTOCOLS = {
    "clip": "the test clips are new, their speakers and sentences are in training",
    "speaker": "the speakers of the test clips are unseen",
    "sentence": "the sentences of the test clips are unseen",
    "speaker+sentence": "speakers and sentences of the test clips are unseen",
    "corpus": "the corpus of the test clips is unseen",
    "fixed": "the training and test clips were given",
}
_NAMES = ["system", "protocol"]
_METRICS = {"accuracy": "Accuracy", "uar": "UAR"}
# Columns of the first table; the others are in the second.
_FIRST = (
    "accuracy",
    "95% interval",
    "chance",
    "majority class",
    "sentence alone",
    "single rater",
    "training accuracy",
    "sd over speakers",
    "worst fold",
    "published",
    "difference",
    "folds",
    "fit (s)",
)
_LEVELS = (
    "Chance is one divided by the number of classes; majority class is the share of the most frequent class of the "
    "test clips, which is the accuracy of a system that always predicts it."
)
_LOSS = (
    "Training log loss is that of the fitted model on all training clips. The loss in the curves of networks is "
    "another value: the mean over the batches of an epoch, while the weights change, with dropout and, where a "
    "system uses them, augmented clips, class weights and an inner validation. The fitted model can have the "
    "weights of an earlier epoch."
)
_MAX_COLUMNS = 8
_MAX_HEADLINES = 4
_MAX_GAPS = 20


def write_page(report, readable, *, title, notes, reads, command=None):
    """Return the HTML page of a report.

    Parameters
    ----------
    report : EvaluationReport
        The report.
    readable : tuple (DataFrame, str, list of str)
        Its comparison as cells, the explanation under it, and warnings.
    title, notes, reads, command
        See :meth:`EvaluationReport.to_html`.

    Returns
    -------
    document : str
    """
    intervals, gaps, summary = report.intervals(), report.gaps(), report.summary()
    coverage = " ".join(COVERAGE[drawn] for drawn in dict.fromkeys(intervals["drawn"]))
    cells = _with_levels(report, summary, readable[0])
    sections = [
        Section("Summary", _summary(report, cells, readable[1], coverage)),
        Section("Leakage", _leakage(report.leakage)),
        Section("Subgroups", _subgroups(report, gaps)),
        Section("What each modality adds", _modalities(report, reads)),
        Section("Systems compared", _compared(report, summary)),
        Section("Intervals", _intervals(intervals, coverage)),
        Section("Emotions", _emotions(report)),
        Section("Each system", _systems(report)),
        Section("Folds", _folds(report)),
        Section("Origin of the results", _origin(report, command)),
    ]
    # Descriptions of loaders are reStructuredText: headings are underlined, names are in backticks.
    notes = re.sub(r"^[-=]{3,}$|`+", "", notes, flags=re.MULTILINE)
    lead = "\n\n".join([*_warnings(report), *_headlines(cells), *readable[2], *_largest_gap(gaps)])
    return render(title, lead, notes, [section for section in sections if section.blocks])


def _warnings(report):
    lines = [f"{system} was left out: {error}" for system, error in report.skipped.items()]
    if report.leakage:
        lines.append(f"{len(report.leakage)} leak(s) between training and test, see below: the results are too good.")
    return lines


def _headlines(cells):
    """Return the accuracy of each system next to the levels that it is compared with, if there are few systems."""
    if len(cells) > _MAX_HEADLINES:
        return []
    names = [name for name in ("chance", "majority class", "sentence alone") if name in cells]
    lines = []
    for _, row in cells.iterrows():
        levels = ", ".join(f"{name} {row[name]}" for name in names if row[name] != "-")
        lines.append(
            f"Accuracy of {row['system']}, protocol {row['protocol']}: {row['accuracy']}, 95% interval "
            f"{row['95% interval']}. For comparison: {levels}."
        )
    return lines


def _leakage(leakage):
    if leakage is None:
        return []
    first, *leaks = leakage.leaks().splitlines()
    blocks = [Text(first)]
    if leaks:
        blocks.append(Bullets([line.removeprefix("- ") for line in leaks]))
    if leakage.notes:
        blocks += [Text("Notes:"), Bullets(leakage.notes)]
    return blocks


def _largest_gap(gaps):
    if gaps.empty:
        return []
    top = gaps.iloc[0]
    metric = f"{_METRICS[top['metric']]} of {top['system']}, protocol {top['protocol']},"
    if pd.isna(top["gap"]):
        return [f"Largest gap between groups: {metric} is undefined for {top['column']} {top['lowest']}."]
    return [
        f"Largest gap between groups: {metric} is {short(top['low'])} for {top['column']} {top['lowest']} and "
        f"{short(top['high'])} for {top['column']} {top['highest']}, a difference of {short(top['gap'])}."
    ]


def _with_levels(report, summary, cells):
    """Return the cells of the comparison with the levels of chance and of the most frequent class."""
    levels = report._levels().set_index("protocol")
    cells = cells.assign(folds=summary["n_folds"].to_numpy())
    cells["chance"] = [short(1 / levels["n_classes"][name]) for name in summary["protocol"]]
    cells["majority class"] = [short(levels["majority"][name]) for name in summary["protocol"]]
    return cells


def _summary(report, cells, note, coverage):
    predictions = report.predictions
    names = predictions["protocol"].unique()
    _, speakers = clip_codes(predictions)
    size = f"{len(speakers)} clips, {len(set(speakers))} speakers, {predictions['seed'].nunique()} seed(s)."
    known = [f"Protocol {name}: {_PROTOCOLS[name]}." for name in names if name in _PROTOCOLS]
    first = [name for name in _FIRST if name in cells]
    return [
        Text(" ".join([size, *known])),
        Table(cells[[*_NAMES, *first]], "Accuracy of each system in each protocol.", 2),
        Table(cells.drop(columns=first), "The other metrics, on test and training clips.", 2),
        Text(f"{note} {_LEVELS} {coverage}", "note"),
        *([Text(_LOSS, "note")] if "training log loss" in cells else []),
    ]


def _origin(report, command):
    """Return what is needed to cite the page or to compute it again."""
    versions, clips = installed_versions(), report.predictions.drop_duplicates("clip_id")
    libraries = [f"{name} {version}" for name, version in versions["libraries"].items() if version]
    known = [name for name in ("clip_id", "speaker", "target") if name in clips]
    table = clips[known].astype(str).sort_values("clip_id").to_csv(index=False)
    lines = [
        f"Date: {date.today().isoformat()}",
        f"Versions: savee_mm {versions['savee_mm']}, Python {versions['python']}, {', '.join(libraries)}",
        f"Corpus: {len(clips)} clips, {clips['speaker'].nunique()} speakers, {clips['target'].nunique()} classes; "
        f"SHA-256 of the table of {', '.join(known)}: {hashlib.sha256(table.encode()).hexdigest()}",
        f"Seeds: {', '.join(map(str, sorted(report.predictions['seed'].unique())))}",
    ]
    return [Bullets([*([f"Command: {command}"] if command else []), *lines])]


def _subgroups(report, gaps):
    blocks = _gap_table(gaps) if len(gaps) else []
    for number, column in enumerate(grouping_columns(report.predictions)):
        if name_groups(report.predictions[column]).nunique() > 1:
            groups = report._groups(column)
            blocks += [
                Heading(f"By {column}", f"by-{number}"),
                _group_plots(report, column, number),
                *(_group_table(groups, column, metric) for metric in _METRICS),
                *_single_speakers(groups, column),
            ]
    return blocks


def _gap_table(gaps):
    top = gaps.head(_MAX_GAPS)
    shown = top[[*_NAMES, "column"]].assign(metric=top["metric"].map(_METRICS), gap=_shorten(top["gap"]))
    for name, end in (("lowest", "low"), ("highest", "high")):
        shown[name] = [f"{group} ({short(value)})" for group, value in zip(top[name], top[end], strict=True)]
    more = f" The table has the {_MAX_GAPS} largest of {len(gaps)}; see report.gaps()." if len(gaps) > _MAX_GAPS else ""
    note = (
        "Groups of fewer than 20 clips are left out. The largest of many gaps is partly chance; the intervals below "
        f"show the precision of each value.{more}"
    )
    return [Table(shown, "Gaps between groups, the largest on top.", 4), Text(note, "note")]


def _group_plots(report, column, number):
    plots = [
        (
            report.plot_subgroups(protocol, column),
            f"Accuracy of each system by {column} in protocol {protocol}; the table below has the values.",
        )
        for protocol in report.predictions["protocol"].unique()
    ]
    return Plots(plots, f"by-{number}-plot")


def _single_speakers(groups, column):
    """Return a note about groups of one speaker."""
    single = groups.loc[groups["n_speakers"] == 1, "group"].unique()
    if column == "speaker" or not len(single):
        return []
    return [Text(f"One speaker each, so these are values of a person and not of a group: {', '.join(single)}.", "note")]


def _group_table(groups, column, metric):
    """Return one metric of every group, groups as columns unless they are many."""
    sizes = groups.groupby("group", sort=False)[["n_clips", "n_speakers"]].max()
    names = {}
    for group, n_clips, n_speakers in sizes.itertuples():
        people = "" if column == "speaker" else f", {n_speakers} speaker{'' if n_speakers == 1 else 's'}"
        names[group] = f"{group} ({n_clips} clips{people})"
    texts = groups.assign(text=_with_spans(groups, metric), group=groups["group"].map(names))
    few = len(sizes) <= _MAX_COLUMNS
    if not few:
        texts["pair"] = texts["system"] + ", " + texts["protocol"]
    wide = _widen(texts, *((_NAMES, "group") if few else (["group"], "pair")))
    return Table(wide, f"{_METRICS[metric]} by {column}, with 95% intervals over {_drawn(groups)}.", 2 if few else 1)


def _modalities(report, reads):
    lines, branches = report.modalities(reads) if reads else pd.DataFrame(), report.branches()
    blocks = []
    if len(lines):
        words = "The accuracy of a system that reads voice and face, minus that of a system that reads one of them."
        blocks = [Text(words), _differences(lines, ["adds"], "Systems of both modalities, against systems of one.")]
    return [*blocks, *_branches(branches)] if len(branches) else blocks


def _branches(branches):
    shown = branches[[*_NAMES, "seed"]].assign(combined=_shorten(branches["combined"]))
    for name in branches:
        if name.startswith(PREFIX):
            shown[name.removeprefix(PREFIX)] = _shorten(branches[name])
    shown["best branch"] = branches["best_branch"]
    shown["difference"] = [short(value, sign=True) for value in branches["difference"]]
    words = (
        "The combination minus the best of its branches. The best branch is chosen by these test clips, so that the "
        "difference is a lower bound of the gain; it includes the adaptation to unseen speakers. A branch is wrong "
        "where the clip lacks its modality."
    )
    caption = "Late fusion against its own branches: accuracy over the test folds of each seed."
    return [Table(shown, caption, 3), Text(words, "note")]


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
        return []
    lines = pd.DataFrame(lines)
    least = lines["p_speakers_least"].max()
    floor = f", and cannot fall below {short(least)} with so few speakers as here" if least >= 0.001 else ""
    words = (
        "The most accurate system of each protocol, against every other system that was tested on the same clips. "
        "p over clips is McNemar's exact test. It assumes independent clips and holds for these speakers only. "
        f"p over speakers flips the signs of the speakers' mean differences{floor}. Neither is corrected for the "
        "number of comparisons, nor for the choice of the best."
    )
    return [Text(words), _differences(lines, [], "Paired differences in accuracy.")]


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
    return Table(shown, f"{caption} The intervals are over {_drawn(lines)}.", 3 + len(extra))


def _intervals(intervals, coverage):
    ends = intervals.rename(columns={"value": "x", "low": "x_low", "high": "x_high"})
    ends = ends.assign(text=_with_spans(ends, "x")).query("metric != 'uar'")
    wide = _widen(ends, _NAMES, "metric").rename(columns={"recall": "recall (UAR)", "f1": "F1", "log_loss": "log loss"})
    note = f"{coverage} The intervals do not cover the variation between trainings: the fitted models are fixed."
    caption = f"Every metric over all test clips, with its 95% interval over {_drawn(intervals)}."
    return [Table(wide, caption, 2), Text(note, "note")]


def _emotions(report):
    emotions = report.emotions()
    titles = {"recall": "Recall", "precision": "Precision", "f1": "F1"}
    return [
        Table(
            _widen(emotions.assign(text=_with_spans(emotions, name)), _NAMES, "emotion"),
            f"{title} of each emotion, with its 95% interval.",
            2,
        )
        for name, title in titles.items()
    ]


def _systems(report):
    blocks = []
    for number, (system, protocol) in enumerate(report.summary()[["system", "protocol"]].itertuples(index=False)):
        plots, tables = _system(report, system, protocol)
        name = f"system-{number}"
        blocks += [Heading(f"{system}, protocol {protocol}", name), *_pretrained(report, system, protocol)]
        blocks += [Plots(plots, f"{name}-plot"), *tables]
    note = (
        "Rows of a confusion matrix are the true emotions; the colour is the share of the clips of the row. ROC curves "
        "are over all test folds together. Probabilities of two folds come from two models, so the mean over folds is "
        "given, too. ECE is the expected calibration error over ten bins: the mean difference between the probability "
        "of the predicted emotion and the share of correct predictions. Curves over epochs are of training and of "
        "inner validation clips, never of test clips; the band is one standard deviation over the folds."
    )
    return [*blocks, Text(note, "note")]


def _pretrained(report, system, protocol):
    """Return a sentence with the pretrained files that the system read; nothing if it read none."""
    rows = report.predictions.query("system == @system and protocol == @protocol")
    files = {name for names in rows.get("pretrained", ()) if isinstance(names, list) for name in names}
    return [Text(f"Pretrained files: {', '.join(sorted(files))}.")] if files else []


def _system(report, system, protocol):
    """Return the plots and tables of one system in one protocol."""
    rows = report.predictions.query("system == @system and protocol == @protocol")
    plots = [(report.plot_confusion(system, protocol), _describe_confusion(report.confusion(system, protocol)))]
    tables = []
    if read_probabilities(rows)[1]:
        areas = report.roc(system, protocol)
        error = report.calibration(system, protocol).attrs["ece"]
        listed = ", ".join(f"{name} {short(area)}" for name, area in areas["auc"].items())
        plots += [
            (report.plot_roc(system, protocol), f"One-vs-rest ROC curves; areas under them: {listed}."),
            (report.plot_calibration(system, protocol), f"Reliability diagram; calibration error {short(error)}."),
        ]
        shown = areas.map(short).T.rename(index={"auc": "all test clips", "auc_folds": "mean over folds"})
        tables = [Table(shown.reset_index(names="AUC"), "Area under the one-vs-rest ROC curve.")]
    curves = report.curves(system, protocol)
    if len(curves):
        last = curves[curves["name"] == "loss"].iloc[-1]
        words = f"Accuracy and loss over {last['epoch']} epochs; the last training loss is {last['mean']:.3f}."
        plots.append((report.plot_curves(system, protocol), words))
    return plots, tables


def _describe_confusion(matrix):
    rows = (f"{name}: {matrix.at[name, name]} of {matrix.loc[name].sum()} correct" for name in matrix.index)
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
    return [Table(shown, "Every fold: the speakers of its test clips, and metrics on test and training clips.", 5)]


def _with_spans(table, name):
    pairs = zip(table[name], spans(table, name), strict=True)
    # A narrow window breaks the line before the interval, and not within it.
    return [f"{short(value)} ({span.replace(' ', chr(160))})" for value, span in pairs]


def _widen(table_of_texts, rows, columns):
    """Return the column ``text`` of a long table as a wide one."""
    wide = table_of_texts.pivot_table(index=rows, columns=columns, values="text", aggfunc="first", sort=False)
    return wide.fillna("-").reset_index()


def _drawn(table):
    return " or ".join(sorted(set(table["drawn"])))


def _shorten(values):
    return [short(value) for value in values]


def _p(value):
    return "< .001" if value < 0.001 else short(value)
