"""EvaluationReport: the test predictions of an evaluation, and tables, pictures and a page made of them."""

import html
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from savee_mm.evaluation.page import figure_svg, page
from savee_mm.evaluation.scores import SCORES, score
from savee_mm.evaluation.tables import cells, legend, markdown

_FOLD = ["system", "protocol", "seed", "fold"]
_TRAINING = ("train_accuracy", "train_uar")


class EvaluationReport:
    """Predictions on test folds, and what follows from them.

    Parameters
    ----------
    predictions : DataFrame
        One row per test clip and fold: ``system``, ``protocol``, ``seed``, ``fold``, ``clip_id``, ``speaker``,
        ``target``, ``predicted``, ``train_accuracy``, ``train_uar``, ``fit_seconds`` and ``p_<class>``.

    Attributes
    ----------
    predictions : DataFrame
        As passed.

    See Also
    --------
    evaluate : Makes one.
    """

    def __init__(self, predictions):
        self.predictions = predictions

    def folds(self):
        """Return one row per fold.

        Returns
        -------
        folds : DataFrame
            ``accuracy``; ``precision``, ``recall`` and ``f1``, each the plain mean over the classes in the fold's
            truth; ``uar``, the unweighted average recall, which is the same as ``recall``; ``train_accuracy`` and
            ``train_uar`` on the training clips; ``n_test``, ``fit_seconds``, and ``speakers``: who is in the test
            fold.
        """
        return self.predictions.groupby(_FOLD, sort=False).apply(_score_fold, include_groups=False).reset_index()

    def summary(self):
        """Return one row per system and protocol: mean and standard deviation over the folds.

        Returns
        -------
        summary : DataFrame
            Each figure of :meth:`folds` and its deviation (``accuracy``, ``accuracy_sd`` and so on, training
            figures included), ``worst_fold`` (the lowest accuracy) and ``fit_seconds`` (mean per fold). Of
            several seeds, the folds of all of them are taken together.
        """
        figures = {}
        for name in (*SCORES, *_TRAINING):
            figures |= {name: (name, "mean"), f"{name}_sd": (name, _deviation)}
        grouped = self.folds().groupby(["system", "protocol"], sort=False)
        return grouped.agg(**figures, worst_fold=("accuracy", "min"), fit_seconds=("fit_seconds", "mean")).reset_index()

    def comparison(self, published=None):
        """Return the summary with published figures beside the measured ones.

        Parameters
        ----------
        published : mapping, default=None
            Accuracy by the name of the system, or by (name, protocol) where a figure belongs to one protocol.

        Returns
        -------
        comparison : DataFrame
            :meth:`summary` with ``published`` (NaN where there is none) and ``difference``, the measured accuracy
            less the published one.
        """
        table, published = self.summary(), published or {}
        pairs = zip(table["system"], table["protocol"], strict=True)
        known = [float(published.get(pair, published.get(pair[0], np.nan))) for pair in pairs]
        table["published"] = known
        table["difference"] = table["accuracy"] - known
        return table

    def to_markdown(self, published=None, *, single_split=()):
        """Return the comparison as a table in Markdown, with a line under it that says what is shown.

        Parameters
        ----------
        published : mapping, default=None
            See :meth:`comparison`; without it, the table has no such columns.
        single_split : collection of str, default=()
            Systems whose published figure comes from a single test split; it is marked.

        Returns
        -------
        text : str
        """
        table, note = self._readable(published, single_split)
        return f"{markdown(table)}\n{note}\n"

    def confusion(self, system, protocol):
        """Return the confusion matrix over all test folds of a system in a protocol.

        Parameters
        ----------
        system, protocol : str
            As they were named to :func:`~savee_mm.evaluate`.

        Returns
        -------
        matrix : DataFrame of shape (n_classes, n_classes)
            Clips by true class (rows) and predicted class (columns).
        """
        rows = self.predictions.query("system == @system and protocol == @protocol")
        if rows.empty:
            known = self.predictions[["system", "protocol"]].drop_duplicates().to_numpy().tolist()
            raise ValueError(f"No folds of system {system!r} in protocol {protocol!r}; there are {known}.")
        names = np.unique(rows[["target", "predicted"]].to_numpy().ravel())
        counts = confusion_matrix(rows["target"], rows["predicted"], labels=names)
        return pd.DataFrame(counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted"))

    def plot_confusion(self, system, protocol):
        """Draw the confusion matrix, coloured by the share of the true class.

        Parameters
        ----------
        system, protocol : str
            As they were named to :func:`~savee_mm.evaluate`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        from matplotlib.figure import Figure

        matrix = self.confusion(system, protocol)
        figure = Figure(figsize=(5.2, 4.4), layout="constrained")
        axes = figure.subplots()
        share = matrix.to_numpy() / np.maximum(matrix.to_numpy().sum(axis=1, keepdims=True), 1)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(matrix.to_numpy()):
            if count:
                colour = "white" if share[row, column] > 0.5 else "black"
                axes.text(column, row, count, ha="center", va="center", color=colour)
        axes.set_xticks(range(len(matrix)), matrix.columns, rotation=45, ha="right")
        axes.set_yticks(range(len(matrix)), matrix.index)
        axes.set(xlabel="predicted", ylabel="true", title=f"{system}, protocol {protocol}")
        return figure

    def to_html(self, path, *, title="Evaluation", notes="", published=None, single_split=()):
        """Write one self-contained page that a browser opens offline.

        Parameters
        ----------
        path : path-like
            File to write; its folder is made where it is missing.
        title : str, default="Evaluation"
            Heading.
        notes : str, default=""
            Plain text under the heading: the corpus, and what the figures may be used for.
        published : mapping, default=None
            See :meth:`comparison`.
        single_split : collection of str, default=()
            See :meth:`to_markdown`.

        Returns
        -------
        path : Path
            The file written.
        """
        summary, note = self._readable(published, single_split)
        sections = [("Summary", f"{_table(summary)}<p>{note}</p>"), ("Folds", _table(self.folds()))]
        for system, protocol in self.predictions[["system", "protocol"]].drop_duplicates().to_numpy():
            picture = figure_svg(self.plot_confusion(system, protocol))
            sections.append((html.escape(f"Confusion: {system}, protocol {protocol}"), picture))
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(title, notes, sections), encoding="utf-8")
        return path

    def _readable(self, published, single_split):
        """Return the comparison as cells, and the sentences under it."""
        table = cells(self.comparison(published), single_split)
        return table, legend(table, self.predictions["seed"].nunique())


def _score_fold(rows):
    first = rows.iloc[0]
    return pd.Series(
        {
            "speakers": " ".join(sorted(rows["speaker"].astype(str).unique())),
            "n_test": len(rows),
            **score(rows["target"], rows["predicted"]),
            **{name: first[name] for name in (*_TRAINING, "fit_seconds")},
        }
    )


def _deviation(values):
    """Return the standard deviation with n in the denominator, as numpy and scikit-learn's users report it."""
    return np.std(values)


def _table(frame):
    return frame.to_html(index=False, border=0, float_format=lambda value: f"{value:.3f}")
