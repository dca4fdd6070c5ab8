"""Plots of a report, as matplotlib figures that need no display."""

import numpy as np

from savee_mm._plots import literal

# Colours of Okabe and Ito, distinct under colour blindness; their yellow is too light for lines.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4d4d4d", "#8c510a")
_MAX_NAMED = 8
_GREY = "#8b949e"


def plot_confusion(matrix, title):
    """Plot a confusion matrix, coloured by the share of the true class.

    Parameters
    ----------
    matrix : DataFrame of shape (n_classes, n_classes)
        Clips by true class (rows) and predicted class (columns).
    title : str
        Heading.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    figure, axes = _figure(4.6, 4.2, title)
    counts = matrix.to_numpy()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, f"{count:g}", ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(matrix)), map(literal, matrix.columns), rotation=45, ha="right")
    axes.set_yticks(range(len(matrix)), map(literal, matrix.index))
    axes.set(xlabel="predicted", ylabel="true")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def plot_transfer(table, title):
    """Plot a metric by training and test corpus.

    Parameters
    ----------
    table : DataFrame
        Training corpora as rows, test corpora as columns, values from 0 to 1 or NaN.
    title : str
        Heading.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    figure, axes = _figure(2.2 + 0.9 * table.shape[1], 1.6 + 0.55 * table.shape[0], title)
    values = table.to_numpy(dtype=float)
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text = "-" if np.isnan(value) else f"{value:.2f}"
        axes.text(column, row, text, ha="center", va="center", color="white" if value > 0.5 else "black")
    axes.set_xticks(range(table.shape[1]), map(literal, table.columns))
    axes.set_yticks(range(table.shape[0]), map(literal, table.index))
    axes.set(xlabel="test corpus", ylabel="training corpus")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def plot_roc(curves, areas, title):
    """Plot one-vs-rest curves.

    Parameters
    ----------
    curves : dict of str to (ndarray, ndarray)
        See :func:`~savee_mm.evaluation.metrics.roc_curves`.
    areas : Series
        Area under each curve, by class.
    title : str
        Heading.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    figure, axes = _figure(4.6, 4.2, title)
    axes.plot([0, 1], [0, 1], color=_GREY, lw=0.8, ls=":")
    lines = []
    for number, (false, true) in enumerate(curves.values()):
        style = "-" if number < len(COLOURS) else "--"
        lines += axes.plot(false, true, style, color=COLOURS[number % len(COLOURS)], lw=1.3)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set_aspect("equal")
    if curves:
        # Labels of lines that begin with an underscore would be left out.
        names = [f"{literal(name)}, AUC {areas[name]:.2f}" for name in curves]
        axes.legend(lines, names, loc="lower right", fontsize=8, frameon=False)
    return figure


def plot_reliability(table, error, title):
    """Plot a reliability diagram, with the number of clips in each bin under it.

    Parameters
    ----------
    table : DataFrame
        See :func:`~savee_mm.evaluation.metrics.reliability`.
    error : float
        Expected calibration error.
    title : str
        Heading.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes, below = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    axes.set_title(literal(title), fontsize=10)
    axes.plot([0, 1], [0, 1], color=_GREY, lw=0.8, ls=":")
    filled = table[table["n"] > 0]
    axes.plot(filled["confidence"], filled["accuracy"], "o-", color=COLOURS[0], lw=1.3, ms=4)
    axes.text(0.03, 0.94, f"ECE {error:.3f}", transform=axes.transAxes, va="top")
    axes.set(ylabel="accuracy", xlim=(0, 1), ylim=(-0.02, 1.02))
    width = table["high"].iloc[0] - table["low"].iloc[0]
    below.bar(table["low"], table["n"], width=0.92 * width, align="edge", color=COLOURS[5])
    below.set(xlabel="probability of the prediction", ylabel="clips")
    for each in (axes, below):
        each.spines[["top", "right"]].set_visible(False)
    return figure


def plot_curves(curves, title):
    """Plot accuracy and loss over the epochs, with a band of one standard deviation over the folds.

    Parameters
    ----------
    curves : DataFrame
        See :func:`~savee_mm.evaluation.metrics.scores.average_curves`.
    title : str
        Heading.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.4, 3.4), layout="constrained")
    figure.suptitle(literal(title), fontsize=10)
    for axes, measure in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        sides = ((measure, "training", COLOURS[0]), (f"val_{measure}", "inner validation", COLOURS[1]))
        for name, side, colour in sides:
            line = curves[curves["name"] == name].sort_values("epoch")
            if len(line):
                low, high = line["mean"] - line["sd"], line["mean"] + line["sd"]
                axes.fill_between(line["epoch"], low, high, color=colour, alpha=0.2, lw=0)
                axes.plot(line["epoch"], line["mean"], color=colour, lw=1.4, label=side)
        axes.set(xlabel="epoch", ylabel=measure)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_ylim(0, 1.02) if measure == "accuracy" else axes.set_ylim(bottom=0)
        axes.legend(fontsize=8, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def plot_groups(tables, title):
    """Plot the accuracy of each group under each system, with intervals.

    Parameters
    ----------
    tables : dict of str to DataFrame
        By system, see :func:`~savee_mm.evaluation.metrics.group_scores`; groups in one order.
    title : str
        Heading.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    groups = list(dict.fromkeys(group for table in tables.values() for group in table.index))
    figure, axes = _figure(9.4, 1.3 + len(tables) * min(0.2 + 0.13 * len(groups), 0.75), title)
    step, few, marks = 0.7 / len(groups), len(groups) <= _MAX_NAMED, []
    for number, group in enumerate(groups):
        lines = [(row, table.loc[group]) for row, table in enumerate(tables.values()) if group in table.index]
        x = np.array([line["accuracy"] for _, line in lines])
        ends = np.array([[line["accuracy_low"], line["accuracy_high"]] for _, line in lines]).T
        y = np.array([row for row, _ in lines]) + (number - (len(groups) - 1) / 2) * step
        # By rounding, the bootstrap interval of an extreme value may exclude the value.
        spread = np.maximum(np.abs(ends - x), 0)
        mark = axes.errorbar(
            x,
            y,
            xerr=spread if few else None,
            fmt="o",
            ms=4,
            lw=1.2,
            color=COLOURS[number % len(COLOURS)] if few else COLOURS[0],
            alpha=1 if few else 0.4,
        )
        marks.append(mark)
    axes.set_yticks(range(len(tables)), map(literal, tables))
    axes.set(xlabel="accuracy", xlim=(0, 1), ylim=(len(tables) - 0.5, -0.5))
    axes.grid(axis="x", color="#e3e7eb", lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if few:
        figure.legend(marks, map(literal, groups), loc="outside right center", fontsize=9, frameon=False)
    return figure


def _figure(width, height, title):
    # pyplot would keep every figure in memory, and may need a display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(literal(title), fontsize=10)
    return figure, axes
