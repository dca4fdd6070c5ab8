"""EvaluationReport: the predictions of an evaluation, with tables, plots and a page."""

import os
import warnings
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
from savee_mm.evaluation.report.sections import write_page
from savee_mm.evaluation.report.tables import add_levels, cells, latex, legend, markdown, sentence_warnings
from savee_mm.model_selection.corpora import ALL, ARROW, OTHERS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What a system reads -> what a system of both modalities reads in addition.
_ADDS = {"audio": "video", "video": "audio"}


class EvaluationReport:
    """Predictions on test folds, with tables, plots and a page.

    Parameters
    ----------
    predictions : DataFrame
        One row for each test clip and fold: ``system``, ``protocol``, ``seed``, ``fold``, ``clip_id``, ``speaker``,
        ``target``, ``predicted``, ``train_accuracy``, ``train_uar``, ``fit_seconds``. Where they are known also
        ``p_<class>``, ``train_log_loss``, ``branch_<name>`` (the label that a branch of a late fusion predicts),
        ``history`` and ``pretrained`` (in the first row of a fold: curves over the epochs, as a dict, and a list of the
        pretrained files that were read), columns that describe the clip, such as ``sex``, and for folds that failed
        ``error`` and ``error_score``.
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
    evaluate : Cross-validate systems and return a report.

    Notes
    -----
    All intervals are 95 % intervals from 2000 bootstrap samples with a fixed seed. With at least eight speakers, the
    speakers are drawn, otherwise the clips within each speaker; the column ``drawn`` says which. Intervals of the
    second kind hold for further clips of the same speakers, not for unseen speakers. In both, the fitted models are
    fixed.
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
            Its ``folder``.

        Returns
        -------
        report : EvaluationReport

        Raises
        ------
        ValueError
            If there are no folds, or folds of two different versions of one system.
        """
        return cls(read_folds(folder))

    def folds(self) -> pd.DataFrame:
        """Return one row for each fold.

        Returns
        -------
        folds : DataFrame
            ``accuracy``; ``precision``, ``recall`` and ``f1``, the unweighted means over the classes of the test
            clips; ``uar``, the unweighted average recall, which equals ``recall``; ``log_loss`` (nats, NaN without
            probabilities); ``train_accuracy``, ``train_uar`` and ``train_log_loss`` on the training clips; ``n_test``,
            ``fit_seconds``, ``speakers``, the speakers of the test clips, and ``sentence_accuracy``: in protocols by
            speaker, the accuracy of the most frequent emotion of each sentence among other speakers, else NaN. A system
            that is not better may recognise sentences in place of emotions.
        """
        return score_folds(self.predictions)

    def summary(self) -> pd.DataFrame:
        """Return one row for each system and protocol: mean and standard deviation over the folds.

        Returns
        -------
        summary : DataFrame
            Each metric of :meth:`folds` with its deviation (``accuracy``, ``accuracy_sd`` and so on), ``worst_fold``
            (the lowest accuracy), ``fit_seconds`` (mean over the folds) and ``n_folds``, over the folds of all seeds.
            ``speakers_sd`` is the deviation of the accuracies of the speakers; ``accuracy_low``, ``accuracy_high`` and
            ``drawn`` are the interval of the accuracy over all test clips. ``rater_accuracy`` is the accuracy of a
            single rater: the mean of ``rater_agreement``, the share of a clip's votes for its class, NaN where there
            are no votes (see :func:`~savee_mm.load_crema_d`).
        """
        table = average_folds(self.folds())
        intervals = self.intervals().query("metric == 'accuracy'").drop(columns=["metric", "value"])
        intervals = intervals.rename(columns={"low": "accuracy_low", "high": "accuracy_high"})
        by_speaker = [speakers_sd(self._rows(*pair)) for pair in self._pairs()]
        raters = [self._rows(*pair).get("rater_agreement", pd.Series(dtype=float)).mean() for pair in self._pairs()]
        return table.assign(speakers_sd=by_speaker, rater_accuracy=raters).merge(
            intervals, on=["system", "protocol"], validate="1:1"
        )

    def intervals(self) -> pd.DataFrame:
        """Return each metric over all test clips of a system and protocol, with its interval.

        Returns
        -------
        intervals : DataFrame
            ``system``, ``protocol``, ``metric``, ``value``, ``low``, ``high``, ``drawn``. The values are over all test
            folds together, and may differ slightly from means over folds.
        """
        return self._each(lambda rows: metrics.bootstrap(rows).reset_index())

    def comparison(self, published: Mapping | None = None) -> pd.DataFrame:
        """Return the summary with published accuracies.

        Parameters
        ----------
        published : mapping, default=None
            Accuracy by the name of the system, or by (name, protocol) where it belongs to one protocol.

        Returns
        -------
        comparison : DataFrame
            :meth:`summary` with ``published`` (NaN if unknown) and ``difference``, the measured accuracy minus the
            published one.
        """
        table, published = self.summary(), published or {}
        pairs = zip(table["system"], table["protocol"], strict=True)
        known = [float(published.get(pair, published.get(pair[0], np.nan))) for pair in pairs]
        table["published"] = known
        table["difference"] = table["accuracy"] - known
        return table

    def to_markdown(self, published: Mapping | None = None, *, single_split: Collection[str] = ()) -> str:
        """Return the comparison as a table in Markdown, with an explanation under it.

        The rows "chance" and "majority class" of each protocol are the levels of no skill: one divided by the number of
        classes, and the share of the most frequent class of the test clips.

        Parameters
        ----------
        published : mapping, default=None
            See :meth:`comparison`; when None, the table has no such columns.
        single_split : collection of str, default=()
            Systems whose published accuracy comes from a single test split; it is marked.

        Returns
        -------
        text : str
        """
        table, note, warnings = self._readable(published, single_split)
        table = add_levels(table, self._levels())
        return markdown(table) + "".join(f"\n{line}\n" for line in (*warnings, note))

    def to_latex(
        self,
        published: Mapping | None = None,
        *,
        single_split: Collection[str] = (),
        columns: Sequence[str] | None = ("accuracy", "95% interval", "recall (UAR)", "F1"),
    ) -> str:
        r"""Return the comparison as a table in LaTeX, for the package booktabs.

        The rows "chance" and "majority class" are those of :meth:`to_markdown`.

        Parameters
        ----------
        published : mapping, default=None
            See :meth:`comparison`; when None, the table has no such columns.
        single_split : collection of str, default=()
            Systems whose published accuracy comes from a single test split; it is marked.
        columns : sequence of str, default=("accuracy", "95% interval", "recall (UAR)", "F1")
            Columns of :meth:`to_markdown` to show after system and protocol; those that an evaluation lacks are left
            out. None shows all.

        Returns
        -------
        text : str
            A ``tabular``, after comments with the explanation.
        """
        table, note, warnings = self._readable(published, single_split)
        table = add_levels(table, self._levels())
        if columns is not None:
            wanted = [*columns, *(() if published is None else ("published", "difference"))]
            table = table[["system", "protocol", *(name for name in dict.fromkeys(wanted) if name in table)]]
        return "".join(f"% {line}\n" for line in (*warnings, note)) + latex(table)

    def _levels(self):
        """Return number of classes, and share of the most frequent one, of the test clips of each protocol."""
        rows = [
            (protocol, clips["target"].nunique(), clips["target"].value_counts(normalize=True).max())
            for protocol, clips in self.predictions.groupby("protocol", sort=False)
        ]
        return pd.DataFrame(rows, columns=["protocol", "n_classes", "majority"])

    def subgroups(self, column: str = "speaker") -> pd.DataFrame:
        """Return the metrics of groups of clips, the lowest accuracy first.

        Parameters
        ----------
        column : str, default="speaker"
            Column of the predictions whose values are the groups, such as sex, age, ethnicity, language or corpus; a
            numeric column of more than eight values is cut into quarters. Missing values are the group "unknown".

        Returns
        -------
        groups : DataFrame
            ``system``, ``protocol``, ``group``, ``n_clips``, ``n_speakers``, ``accuracy`` and ``uar`` with ``_low`` and
            ``_high``, ``drawn``. The intervals of a group of several speakers are over its speakers: t intervals for up
            to seven, else the bootstrap.

        Warns
        -----
        UserWarning
            If a group has a single speaker: its value is that of a person, not of the group.
        """
        groups = self._groups(column)
        single = groups.loc[groups["n_speakers"] == 1, "group"].unique().tolist()
        if single and column != "speaker":
            warnings.warn(
                f"Groups of {column!r} with one speaker, whose values are those of a person and not of the group: "
                f"{', '.join(single)}.",
                UserWarning,
                stacklevel=2,
            )
        return groups

    def _groups(self, column):
        """Return :meth:`subgroups` without the warning."""
        if column not in self.predictions:
            known = ", ".join(extra_columns(self.predictions))
            raise ValueError(f"The predictions have no column {column!r} to group by; choose one of {known}.")
        return self._each(lambda rows: metrics.group_scores(rows, column).reset_index())

    def gaps(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the largest difference between the groups of each column, the largest on top.

        Parameters
        ----------
        columns : sequence of str, default=None
            Columns to group by; None for ``speaker`` and every column of at most 20 groups that describes the clips.

        Returns
        -------
        gaps : DataFrame
            ``system``, ``protocol``, ``column``, ``metric`` (accuracy or uar), ``gap``, ``lowest`` and ``highest``
            group with their values ``low`` and ``high``. Groups of fewer than 20 clips are left out. If a group has no
            value, the gap is NaN, and on top. The largest of many gaps is partly chance.
        """
        columns = grouping_columns(self.predictions) if columns is None else list(columns)
        names = ["system", "protocol", "column", "metric", "gap", "lowest", "low", "highest", "high"]
        found = self._each(
            lambda rows: pd.DataFrame([gap for name in columns for gap in metrics.largest_gap(rows, name)])
        ).reindex(columns=names)
        return found.sort_values("gap", ascending=False, kind="stable", ignore_index=True, na_position="first")

    def emotions(self) -> pd.DataFrame:
        """Return precision, recall and F1 of each emotion, with intervals.

        Returns
        -------
        emotions : DataFrame
            ``system``, ``protocol``, ``emotion``, ``n_clips``, each metric with ``_low`` and ``_high``, ``drawn``.
        """
        return self._each(lambda rows: metrics.bootstrap_classes(rows).reset_index())

    def confusion(self, system: str, protocol: str) -> pd.DataFrame:
        """Return the confusion matrix over all test folds of a system in a protocol.

        Parameters
        ----------
        system, protocol : str
            Their names in :func:`~savee_mm.evaluate`.

        Returns
        -------
        matrix : DataFrame of shape (n_classes, n_classes)
            Clips by true class (rows) and predicted class (columns).
        """
        rows = self._rows(system, protocol)
        counts, names = count(rows["target"], rows["predicted"])
        return pd.DataFrame(counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted"))

    def roc(self, system: str, protocol: str) -> pd.DataFrame:
        """Return the area under the one-vs-rest ROC curve of each emotion.

        Parameters
        ----------
        system, protocol : str
            See :meth:`confusion`.

        Returns
        -------
        areas : DataFrame
            By ``emotion``: ``auc`` over all test clips, ``auc_folds``, the mean over folds.
        """
        rows, probabilities, classes = self._probabilities(system, protocol)
        folds = rows.groupby(["seed", "fold"]).ngroup()
        return metrics.auc_table(rows["target"].astype(str), probabilities, classes, folds)

    def calibration(self, system: str, protocol: str, n_bins: int = 10) -> pd.DataFrame:
        """Return the share of correct predictions by their probability.

        Parameters
        ----------
        system, protocol : str
            See :meth:`confusion`.
        n_bins : int, default=10
            Bins of equal width.

        Returns
        -------
        reliability : DataFrame
            One row for each bin: ``low``, ``high``, ``n``, ``confidence``, ``accuracy``. Its ``attrs["ece"]`` is the
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
            See :meth:`confusion`.

        Returns
        -------
        curves : DataFrame
            ``name`` (``accuracy``, ``loss``, and ``val_accuracy`` and ``val_loss`` on inner validation clips, never
            test clips), ``epoch``, ``mean``, ``sd``, ``n_folds``. Empty for systems without epochs, and for folds that
            an earlier version kept.
        """
        histories = self._rows(system, protocol).get("history", [])
        return average_curves([history for history in histories if isinstance(history, dict)])

    def compare(self, system: str, other: str, protocol: str) -> pd.Series:
        """Test whether two systems differ in accuracy on the same clips.

        Parameters
        ----------
        system, other, protocol : str
            Their names in :func:`~savee_mm.evaluate`.

        Returns
        -------
        comparison : Series
            ``difference`` with ``low`` and ``high``, ``better`` and ``worse`` (clips), ``p_clips`` (McNemar's exact
            test) and ``p_speakers`` (sign flips over speakers, at least ``p_speakers_least``).
        """
        results = metrics.compare(self._rows(system, protocol), self._rows(other, protocol))
        return pd.Series({"system": system, "other": other, "protocol": protocol, **results})

    def modalities(self, reads: Mapping[str, str]) -> pd.DataFrame:
        """Return the gain of each modality: systems of both modalities against systems of one.

        Parameters
        ----------
        reads : mapping of str to str
            What each system reads: "audio", "video" or "audio+video". Others are left out.

        Returns
        -------
        modalities : DataFrame
            For every such pair in every protocol: ``adds``, the modality that only the first of them reads, and
            :meth:`compare` of the two.
        """
        lines = []
        for system, protocol in self._pairs():
            singles = [name for name, p in self._pairs() if p == protocol and reads.get(name) in _ADDS]
            if reads.get(system) == "audio+video":
                lines += [{"adds": _ADDS[reads[o]], **self.compare(system, o, protocol)} for o in singles]
        return pd.DataFrame(lines)

    def transfer(self, system: str, metric: str = "accuracy") -> pd.DataFrame:
        """Return the table of training corpora (rows) and test corpora (columns).

        Parameters
        ----------
        system : str
            Its name in :func:`~savee_mm.evaluate`, whose protocols were those of
            :func:`~savee_mm.model_selection.corpus_pairs`.
        metric : str, default="accuracy"
            A metric of :meth:`intervals`.

        Returns
        -------
        table : DataFrame
            The metric over all test clips, NaN for pairs that were not evaluated. On the diagonal, and in the row
            "all", the test clips are of unseen speakers of a training corpus.
        """
        table = self.intervals().query("system == @system and metric == @metric")
        pairs = [name.partition(ARROW) for name in table["protocol"]]
        table = table.assign(train=[train for train, _, _ in pairs], test=[test for _, _, test in pairs])
        table = table[table["test"] != ""]
        if table.empty:
            raise ValueError(
                f"No pairs of corpora of system {system!r} with the metric {metric!r}. Pass "
                "protocols=corpus_pairs(corpus.data) to evaluate."
            )
        corpora = list(dict.fromkeys(table["test"]))
        wide = table.pivot(index="train", columns="test", values="value")
        rows = [*corpora, *(name for name in (OTHERS, ALL) if name in wide.index)]
        return wide.reindex(index=rows, columns=corpora)

    def plot_transfer(self, system: str, metric: str = "accuracy") -> "Figure":
        """Plot the table of training and test corpora.

        Parameters
        ----------
        system, metric : str
            See :meth:`transfer`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        return plots.plot_transfer(self.transfer(system, metric), f"{system}: {metric} by training and test corpus")

    def branches(self) -> pd.DataFrame:
        """Return the gain of late fusions over the best of their branches.

        Returns
        -------
        branches : DataFrame
            ``system``, ``protocol``, ``seed``, ``combined`` (accuracy over the test folds), ``best_branch``, ``best``,
            ``difference``, and the accuracy of each branch as ``branch_<name>``. The best branch is chosen by the test
            folds, so that the difference is a lower bound of the gain. Empty where no system has branches.
        """
        return self._each(lambda rows: metrics.branch_gains(rows).reset_index())

    def plot_confusion(self, system: str, protocol: str) -> "Figure":
        """Plot the confusion matrix, coloured by the share of the true class.

        Parameters
        ----------
        system, protocol : str
            See :meth:`confusion`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        return plots.plot_confusion(self.confusion(system, protocol), f"Confusion: {system}, protocol {protocol}")

    def plot_roc(self, system: str, protocol: str) -> "Figure":
        """Plot the one-vs-rest ROC curves over all test folds together.

        Parameters
        ----------
        system, protocol : str
            See :meth:`confusion`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        rows, probabilities, classes = self._probabilities(system, protocol)
        curves = metrics.roc_curves(rows["target"].astype(str), probabilities, classes)
        return plots.plot_roc(curves, self.roc(system, protocol)["auc"], f"ROC: {system}, protocol {protocol}")

    def plot_calibration(self, system: str, protocol: str) -> "Figure":
        """Plot the reliability diagram.

        Parameters
        ----------
        system, protocol : str
            See :meth:`confusion`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        table = self.calibration(system, protocol)
        return plots.plot_reliability(table, table.attrs["ece"], f"Calibration: {system}, protocol {protocol}")

    def plot_curves(self, system: str, protocol: str) -> "Figure":
        """Plot accuracy and loss over the epochs, with a band of one standard deviation over the folds.

        Parameters
        ----------
        system, protocol : str
            See :meth:`confusion`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        return plots.plot_curves(self.curves(system, protocol), f"Training: {system}, protocol {protocol}")

    def plot_subgroups(self, protocol: str, column: str = "speaker") -> "Figure":
        """Plot the accuracy of each group under each system.

        Parameters
        ----------
        protocol : str
            Its name in :func:`~savee_mm.evaluate`.
        column : str, default="speaker"
            See :meth:`subgroups`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        part = type(self)(self.predictions[self.predictions["protocol"] == protocol])
        groups = part._groups(column).set_index("group").groupby("system", sort=False)
        return plots.plot_groups(dict(list(groups)), f"Accuracy by {column}, protocol {protocol}")

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        title: str = "Evaluation",
        notes: str = "",
        published: Mapping | None = None,
        single_split: Collection[str] = (),
        reads: Mapping[str, str] | None = None,
        command: str | None = None,
    ) -> Path:
        """Write a self-contained HTML page that a browser opens offline.

        Parameters
        ----------
        path : path-like
            File to write; its folder is created where it is missing.
        title : str, default="Evaluation"
            Heading.
        notes : str, default=""
            Plain text under the heading: the corpus, and what the results may be used for.
        published : mapping, default=None
            See :meth:`comparison`.
        single_split : collection of str, default=()
            See :meth:`to_markdown`.
        reads : mapping of str to str, default=None
            See :meth:`modalities`; when None, the page has no such section.
        command : str, default=None
            The command that made the report, for the last section, with date, versions and corpus.

        Returns
        -------
        path : Path
            The file.
        """
        shown = {"title": title, "notes": notes, "reads": reads, "command": command}
        text = write_page(self, self._readable(published, single_split), **shown)
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
            raise ValueError(f"No folds of system {system!r} in protocol {protocol!r}; choose one of {known}.")
        return rows

    def _probabilities(self, system, protocol):
        rows = self._rows(system, protocol)
        probabilities, classes = read_probabilities(rows)
        if not classes:
            raise ValueError(f"{system!r} gives no probabilities; this metric needs a system with predict_proba.")
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
        """Return the comparison as cells, the explanation under it, and warnings."""
        comparison = self.comparison(published)
        table = cells(comparison, single_split)
        note = legend(table, self.predictions["seed"].nunique(), sorted(set(comparison["drawn"])))
        return table, note, sentence_warnings(comparison)
