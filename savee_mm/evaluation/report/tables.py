"""The comparison of systems as a readable table: rounded values, in Markdown or as cells of a page."""

import pandas as pd

# Heading -> the column that it shows with its deviation.
_METRICS = {
    "accuracy": "accuracy",
    "training accuracy": "train_accuracy",
    "precision": "precision",
    "recall (UAR)": "uar",
    "training UAR": "train_uar",
    "F1": "f1",
}
# The same for metrics that not every evaluation has.
_MORE = {"log loss": "log_loss", "training log loss": "train_log_loss"}
_MARK = " †"


def cells(comparison, single_split=()):
    """Return the comparison with every metric as text, ``.877 ± .025``.

    Parameters
    ----------
    comparison : DataFrame
        See :meth:`EvaluationReport.comparison`.
    single_split : collection of str, default=()
        Systems whose published accuracy comes from one test split; it is marked.

    Returns
    -------
    cells : DataFrame of str
        One row for each system and protocol. Published accuracies and log losses are left out if all are missing.
    """
    table = comparison[["system", "protocol"]].astype(str)
    for heading, column in (_METRICS | _MORE).items():
        if heading in _METRICS or comparison[column].notna().any():
            pairs = zip(comparison[column], comparison[f"{column}_sd"], strict=True)
            table[heading] = ["-" if pd.isna(mean) else f"{short(mean)} ± {short(sd)}" for mean, sd in pairs]
    table.insert(3, "95% interval", spans(comparison, "accuracy"))
    table.insert(4, "sd over speakers", [short(value) for value in comparison["speakers_sd"]])
    if comparison["sentence_accuracy"].notna().any():
        table.insert(3, "sentence alone", [short(value) for value in comparison["sentence_accuracy"]])
    if comparison["rater_accuracy"].notna().any():
        table.insert(3, "single rater", [short(value) for value in comparison["rater_accuracy"]])
    if comparison["published"].notna().any():
        published = [
            short(value) + (_MARK if pd.notna(value) and name in single_split else "")
            for name, value in zip(comparison["system"], comparison["published"], strict=True)
        ]
        place = table.columns.get_loc("training accuracy") + 1
        table.insert(place, "published", published)
        table.insert(place + 1, "difference", [short(value, sign=True) for value in comparison["difference"]])
    table["worst fold"] = [short(value) for value in comparison["worst_fold"]]
    table["fit (s)"] = [f"{value:.0f}" for value in comparison["fit_seconds"]]
    return table


def sentence_warnings(comparison):
    """Return a warning for each system and protocol that is not better than the sentence alone.

    Parameters
    ----------
    comparison : DataFrame
        See :meth:`EvaluationReport.summary`.

    Returns
    -------
    warnings : list of str
    """
    return [
        f"Warning: the accuracy of {row.system}, protocol {row.protocol}, is not above that of the sentence alone "
        f"({short(row.accuracy)} and {short(row.sentence_accuracy)}): it may recognise sentences in place of emotions."
        for row in comparison.itertuples()
        if row.accuracy <= row.sentence_accuracy
    ]


def spans(table, name, *, sign=False):
    """Return the intervals ``<name>_low`` to ``<name>_high`` of a table as strings."""
    ends = zip(table[f"{name}_low"], table[f"{name}_high"], strict=True)
    return ["-" if pd.isna(low) else f"{short(low, sign=sign)} to {short(high, sign=sign)}" for low, high in ends]


def legend(table, n_seeds, drawn=()):
    """Return the explanation of a table of :func:`cells`.

    Parameters
    ----------
    table : DataFrame
        See :func:`cells`.
    n_seeds : int
        Number of seeds.
    drawn : collection of str, default=()
        What the bootstrap draws.

    Returns
    -------
    text : str
    """
    seeds = "" if n_seeds == 1 else f" of all {n_seeds} seeds"
    text = f"Mean ± standard deviation over the folds{seeds}; precision, recall and F1 are means over the classes."
    if drawn:
        text += f" The interval is for the accuracy over all test clips, by bootstrap over {' or '.join(drawn)}."
    if "sentence alone" in table:
        text += (
            " Sentence alone is the accuracy of the most frequent emotion of each sentence among other speakers, "
            "without any signal."
        )
    if "single rater" in table:
        text += " Single rater is the accuracy of a person: the mean share of a clip's votes for its class."
    if "published" in table and table["published"].str.endswith(_MARK).any():
        text += f"{_MARK} published from a single test split."
    return text


def markdown(table):
    """Return a DataFrame of strings as a Markdown table with aligned columns."""
    rows = [[str(cell).replace("|", "\\|") for cell in row] for row in [table.columns, *table.to_numpy()]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "".join(f"| {line} |\n" for line in lines)


def add_levels(table, levels):
    """Return cells with the levels of no skill as rows under the systems of each protocol.

    Parameters
    ----------
    table : DataFrame of str
        See :func:`cells`.
    levels : DataFrame
        ``protocol``, ``n_classes`` and ``majority``, the share of the most frequent class of the test clips.

    Returns
    -------
    table : DataFrame of str
        With the rows "chance" (every class equally often) and "majority class".
    """
    rows = []
    for protocol, n_classes, majority in levels.itertuples(index=False):
        chance = short(1 / n_classes)
        empty = dict.fromkeys(table.columns, "") | {"protocol": str(protocol), "recall (UAR)": chance}
        rows += [
            {**empty, "system": "chance", "accuracy": chance},
            {**empty, "system": "majority class", "accuracy": short(majority)},
        ]
    return pd.concat([table, pd.DataFrame(rows, columns=table.columns)], ignore_index=True)


_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "±": r"$\pm$",
    "†": r"$^\dagger$",
}


def latex(table):
    """Return a DataFrame of strings as a table of the LaTeX package booktabs."""
    rows = [[_escaped(cell) for cell in row] for row in [table.columns, *table.to_numpy()]]
    head, *body = [" & ".join(row) + r" \\" for row in rows]
    columns = "ll" + "r" * (table.shape[1] - 2)
    begin, end = rf"\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
    return "\n".join([begin, r"\toprule", head, r"\midrule", *body, r"\bottomrule", end]) + "\n"


def _escaped(cell):
    return "".join(_LATEX.get(character, character) for character in str(cell))


def short(value, *, sign=False):
    """Return a value with three digits and no leading zero, or a dash for NaN."""
    if pd.isna(value):
        return "-"
    text = f"{value:{'+' if sign else ''}.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text
