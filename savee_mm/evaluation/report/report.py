"""EvaluationReport: the test predictions of an evaluation, and tables, pictures and a page made of them."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from savee_mm._files import write_atomically
from savee_mm.evaluation import metrics
from savee_mm.evaluation._folds import read_folds
from savee_mm.evaluation._predictions import extra_columns, read_probabilities
from savee_mm.evaluation.leakage import LeakageReport
from savee_mm.evaluation.metrics.scores import average_curves, average_folds, count, score_folds, speakers_sd
from savee_mm.evaluation.metrics.subgroups import grouping_columns
from savee_mm.evaluation.report import plots
from savee_mm.evaluation.report.sections import write_sections
from savee_mm.evaluation.report.tables import cells, legend, markdown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What a system reads -> what one that reads both has beside.
_ADDS = {"audio": "video", "video": "audio"}


class EvaluationReport:
    """Predictions on test folds, and what follows from them.

    Parameters
    ----------
    predictions : DataFrame
        One row per test clip and fold: ``system``, ``protocol``, ``seed``, ``fold``, ``clip_id``, ``speaker``,
        ``target``, ``predicted``, ``train_accuracy``, ``train_uar``, ``fit_seconds``; and where there are any,
        ``p_<class>``, ``train_log_loss``, ``branch_<name>`` (what a branch of a late fusion says by itself),
        ``history`` (in the first row of a fold: curves over the epochs, as a dict) and columns that describe the clip,
        such as ``sex``.
    leakage : LeakageReport, default=None
        Leaks of the set-up, None where they were not looked for.
    skipped : dict of str to str, default=None
        Systems that could not run, with the error of each.

    Attributes
    ----------
    predictions : DataFrame
        As passed.
    leakage : LeakageReport or None
        As passed.
    skipped : dict of str to str
        As passed, empty when None.

    See Also
    --------
    evaluate : Makes one.

    Notes
    -----
    Every interval holds 95 % and comes from 2000 bootstrap samples with a fixed seed: over speakers where there are
    at least eight, over clips within speakers otherwise; the column ``drawn`` says which. The second kind holds for
    further clips of the same speakers and says nothing about new ones. The models stand as trained in both.
    """

    def __init__(
        self,
        predictions: pd.DataFrame,
        leakage: LeakageReport | None = None,
        skipped: Mapping[str, str] | None = None,
    ) -> None:
        self.predictions = predictions
        self.leakage = leakage
        self.skipped = dict(skipped or {})

    @classmethod
    def from_folds(cls, folder: str | os.PathLike[str]) -> Self:
        """Read the finished folds that :func:`~savee_mm.evaluate` has kept.

        Parameters
        ----------
        folder : path-like
            What was its ``folder``.

        Returns
        -------
        report : EvaluationReport

        Raises
        ------
        ValueError
            Where there are no folds, or folds of two different versions of one system.
        """
        return cls(read_folds(folder))

    def folds(self) -> pd.DataFrame:
        """Return one row per fold.

        Returns
        -------
        folds : DataFrame
            ``accuracy``; ``precision``, ``recall`` and ``f1``, each the plain mean over the classes in the fold's
            truth; ``uar``, the unweighted average recall, which is the same as ``recall``; ``log_loss`` (nats, NaN
            where there are no probabilities); ``train_accuracy``, ``train_uar`` and ``train_log_loss`` on the training
            clips; ``n_test``, ``fit_seconds``, and ``speakers``: who is in the test fold.
        """
        return score_folds(self.predictions)

    def summary(self) -> pd.DataFrame:
        """Return one row per system and protocol: mean and standard deviation over the folds.

        Returns
        -------
        summary : DataFrame
            Each figure of :meth:`folds` and its deviation (``accuracy``, ``accuracy_sd`` and so on, training figures
            included), ``worst_fold`` (the lowest accuracy), ``fit_seconds`` (mean per fold) and ``n_folds``. Of
            several seeds, the folds of all of them are taken together. Then ``speakers_sd``, the deviation of the
            speakers' accuracies, and the interval of the accuracy over all test clips: ``accuracy_low``,
            ``accuracy_high``, ``drawn``.
        """
        table = average_folds(self.folds())
        intervals = self.intervals().query("score == 'accuracy'").drop(columns=["score", "figure"])
        intervals = intervals.rename(columns={"low": "accuracy_low", "high": "accuracy_high"})
        by_speaker = [speakers_sd(self._rows(*pair)) for pair in self._pairs()]
        return table.assign(speakers_sd=by_speaker).merge(intervals, on=["system", "protocol"], validate="1:1")

    def intervals(self) -> pd.DataFrame:
        """Return every figure over all test clips of a system and protocol, with its interval.

        Returns
        -------
        intervals : DataFrame
            ``system``, ``protocol``, ``score``, ``figure``, ``low``, ``high``, ``drawn``. The figures are those of all
            test folds taken together, which may differ a little from means over folds.
        """
        return self._each(lambda rows: metrics.bootstrap(rows).reset_index())

    def comparison(self, published: Mapping | None = None) -> pd.DataFrame:
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

    def to_markdown(self, published: Mapping | None = None, *, single_split: Collection[str] = ()) -> str:
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

    def subgroups(self, column: str = "speaker") -> pd.DataFrame:
        """Return the figures of groups of clips.

        Parameters
        ----------
        column : str, default="speaker"
            Column of the predictions whose values are the groups; numbers of many values are cut into quarters.

        Returns
        -------
        groups : DataFrame
            ``system``, ``protocol``, ``group``, ``n_clips``, ``n_speakers``, ``accuracy`` and ``uar`` with ``_low`` and
            ``_high``, ``drawn``.
        """
        if column not in self.predictions:
            known = ", ".join(extra_columns(self.predictions))
            raise ValueError(f"The predictions have no column {column!r} to group by; there are {known}.")
        return self._each(lambda rows: metrics.group_scores(rows, column).reset_index())

    def gaps(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return how far groups lie apart, the largest gap on top.

        Parameters
        ----------
        columns : sequence of str, default=None
            Columns to group by; None for ``speaker`` and every column of at most 20 groups that describes the clips.

        Returns
        -------
        gaps : DataFrame
            ``system``, ``protocol``, ``column``, ``figure`` (accuracy or uar), ``gap``, ``lowest`` and ``highest``
            group with their figures ``low`` and ``high``. Groups of fewer than 20 clips are left aside. The largest
            of many gaps is partly chance.
        """
        columns = grouping_columns(self.predictions) if columns is None else list(columns)
        names = ["system", "protocol", "column", "figure", "gap", "lowest", "low", "highest", "high"]
        found = self._each(
            lambda rows: pd.DataFrame([gap for name in columns for gap in metrics.largest_gap(rows, name)])
        )
        return found.reindex(columns=names).sort_values(
            "gap", ascending=False, kind="stable", ignore_index=True, na_position="first"
        )

    def emotions(self) -> pd.DataFrame:
        """Return precision, recall and F1 of each emotion, with intervals.

        Returns
        -------
        emotions : DataFrame
            ``system``, ``protocol``, ``emotion``, ``n_clips``, each figure with ``_low`` and ``_high``, ``drawn``.
        """
        return self._each(lambda rows: metrics.bootstrap_classes(rows).reset_index())

    def confusion(self, system: str, protocol: str) -> pd.DataFrame:
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
        rows = self._rows(system, protocol)
        counts, names = count(rows["target"], rows["predicted"])
        return pd.DataFrame(counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted"))

    def roc(self, system: str, protocol: str) -> pd.DataFrame:
        """Return the area under each emotion's one-vs-rest ROC curve.

        Parameters
        ----------
        system, protocol : str
            As of :meth:`confusion`.

        Returns
        -------
        areas : DataFrame
            By ``emotion``: ``auc`` over all test clips, ``auc_folds``, the mean over folds.
        """
        rows, probabilities, classes = self._probabilities(system, protocol)
        folds = rows.groupby(["seed", "fold"]).ngroup()
        return metrics.auc_table(rows["target"].astype(str), probabilities, classes, folds)

    def calibration(self, system: str, protocol: str, n_bins: int = 10) -> pd.DataFrame:
        """Return how often answers are right, by the probability that they were given.

        Parameters
        ----------
        system, protocol : str
            As of :meth:`confusion`.
        n_bins : int, default=10
            Bins of equal width.

        Returns
        -------
        reliability : DataFrame
            One row per bin: ``low``, ``high``, ``n``, ``confidence``, ``accuracy``. Its ``attrs["ece"]`` is the
            expected calibration error.
        """
        rows, probabilities, classes = self._probabilities(system, protocol)
        table = metrics.reliability(rows["target"].astype(str), probabilities, classes, n_bins)
        table.attrs["ece"] = metrics.expected_calibration_error(table)
        return table

    def curves(self, system: str, protocol: str) -> pd.DataFrame:
        """Return accuracy and loss over the epochs of training, averaged over the folds.

        Parameters
        ----------
        system, protocol : str
            As of :meth:`confusion`.

        Returns
        -------
        curves : DataFrame
            ``name`` (``accuracy``, ``loss``, and ``val_accuracy`` and ``val_loss`` on inner validation clips, never
            test clips), ``epoch``, ``mean``, ``sd``, ``n_folds``. Empty for what is not trained in epochs, and for
            folds that an earlier version kept.
        """
        rows = self._rows(system, protocol)
        known = rows.get("history", [])
        return average_curves([history for history in known if isinstance(history, dict)])

    def compare(self, system: str, other: str, protocol: str) -> pd.Series:
        """Test whether two systems differ in accuracy on the same clips.

        Parameters
        ----------
        system, other, protocol : str
            As they were named to :func:`~savee_mm.evaluate`.

        Returns
        -------
        comparison : Series
            ``difference`` with ``low`` and ``high``, ``better`` and ``worse`` (clips), ``p_clips`` (McNemar's exact
            test) and ``p_speakers`` (sign flips over speakers, at least ``p_speakers_least``).
        """
        figures = metrics.compare(self._rows(system, protocol), self._rows(other, protocol))
        return pd.Series({"system": system, "other": other, "protocol": protocol, **figures})

    def modalities(self, reads: Mapping[str, str]) -> pd.DataFrame:
        """Return what voice and face each add: systems that read both, against those that read one.

        Parameters
        ----------
        reads : mapping of str to str
            What each system reads: "audio", "video" or "audio+video". Others are left out.

        Returns
        -------
        modalities : DataFrame
            Of every such pair in every protocol: ``adds``, the modality that only the first of them reads, and
            :meth:`compare` of the two.
        """
        lines = []
        for system, protocol in self._pairs():
            singles = [name for name, p in self._pairs() if p == protocol and reads.get(name) in _ADDS]
            if reads.get(system) == "audio+video":
                lines += [{"adds": _ADDS[reads[o]], **self.compare(system, o, protocol)} for o in singles]
        return pd.DataFrame(lines)

    def branches(self) -> pd.DataFrame:
        """Return what late fusions gain over the best of their branches.

        Returns
        -------
        branches : DataFrame
            ``system``, ``protocol``, ``seed``, ``combined`` (accuracy over the test folds), ``best_branch``, ``best``,
            ``difference``, and the accuracy of each branch as ``branch_<name>``. The best branch is chosen by the test
            folds, which is hard on the combination. Empty where no system has branches.
        """
        return self._each(lambda rows: metrics.branch_gains(rows).reset_index())

    def plot_confusion(self, system: str, protocol: str) -> "Figure":
        """Draw the confusion matrix, coloured by the share of the true class.

        Parameters
        ----------
        system, protocol : str
            As they were named to :func:`~savee_mm.evaluate`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        return plots.draw_confusion(self.confusion(system, protocol), f"Confusion: {system}, protocol {protocol}")

    def plot_roc(self, system: str, protocol: str) -> "Figure":
        """Draw the one-vs-rest ROC curves, all test folds taken together.

        Parameters
        ----------
        system, protocol : str
            As they were named to :func:`~savee_mm.evaluate`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        rows, probabilities, classes = self._probabilities(system, protocol)
        lines = metrics.roc_curves(rows["target"].astype(str), probabilities, classes)
        return plots.draw_roc(lines, self.roc(system, protocol)["auc"], f"ROC: {system}, protocol {protocol}")

    def plot_calibration(self, system: str, protocol: str) -> "Figure":
        """Draw the reliability diagram.

        Parameters
        ----------
        system, protocol : str
            As they were named to :func:`~savee_mm.evaluate`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        table = self.calibration(system, protocol)
        return plots.draw_reliability(table, table.attrs["ece"], f"Calibration: {system}, protocol {protocol}")

    def plot_curves(self, system: str, protocol: str) -> "Figure":
        """Draw accuracy and loss over the epochs, with a band of one deviation over the folds.

        Parameters
        ----------
        system, protocol : str
            As they were named to :func:`~savee_mm.evaluate`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        return plots.draw_curves(self.curves(system, protocol), f"Training: {system}, protocol {protocol}")

    def plot_subgroups(self, protocol: str, column: str = "speaker") -> "Figure":
        """Draw the accuracy of each group under each system.

        Parameters
        ----------
        protocol : str
            As they were named to :func:`~savee_mm.evaluate`.
        column : str, default="speaker"
            See :meth:`subgroups`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        part = type(self)(self.predictions[self.predictions["protocol"] == protocol])
        groups = part.subgroups(column).set_index("group").groupby("system", sort=False)
        return plots.draw_groups(dict(list(groups)), f"Accuracy by {column}, protocol {protocol}")

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        title: str = "Evaluation",
        notes: str = "",
        published: Mapping | None = None,
        single_split: Collection[str] = (),
        reads: Mapping[str, str] | None = None,
    ) -> Path:
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
        reads : mapping of str to str, default=None
            See :meth:`modalities`; without it, the page has no such section.

        Returns
        -------
        path : Path
            The file written.
        """
        text = write_sections(self, self._readable(published, single_split), title=title, notes=notes, reads=reads)
        with write_atomically(path) as file:
            file.write(text.encode())
        return Path(path)

    def _pairs(self):
        """Return every (system, protocol) in order."""
        pairs = self.predictions[["system", "protocol"]].drop_duplicates()
        return list(pairs.itertuples(index=False, name=None))

    def _rows(self, system, protocol):
        table = self.predictions
        rows = table[(table["system"] == system) & (table["protocol"] == protocol)]
        if rows.empty:
            known = [list(pair) for pair in self._pairs()]
            raise ValueError(f"No folds of system {system!r} in protocol {protocol!r}; there are {known}.")
        return rows

    def _probabilities(self, system, protocol):
        rows = self._rows(system, protocol)
        probabilities, classes = read_probabilities(rows)
        if not classes:
            raise ValueError(f"{system!r} gives no probabilities; only a system with predict_proba has this figure.")
        return rows, probabilities, classes

    def _each(self, function):
        """Return a function's tables of every system and protocol as one."""
        parts = []
        for system, protocol in self._pairs():
            part = function(self._rows(system, protocol))
            part.insert(0, "system", system)
            part.insert(1, "protocol", protocol)
            parts.append(part)
        return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)

    def _readable(self, published, single_split):
        """Return the comparison as cells, and the sentences under it."""
        comparison = self.comparison(published)
        table = cells(comparison, single_split)
        return table, legend(table, self.predictions["seed"].nunique(), sorted(set(comparison["drawn"])))
