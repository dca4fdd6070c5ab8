"""The pictures of an EvaluationReport: its tables, drawn."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from savee_mm.evaluation import figures, roc

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Pictures:
    """Gives an EvaluationReport its ``plot_*`` methods, each of which draws the table of the same name."""

    # What the report has, whose pictures these are.
    predictions: pd.DataFrame
    confusion: Callable[..., pd.DataFrame]
    roc: Callable[..., pd.DataFrame]
    calibration: Callable[..., pd.DataFrame]
    curves: Callable[..., pd.DataFrame]
    subgroups: Callable[..., pd.DataFrame]
    _probabilities: Callable[..., tuple]

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
        return figures.draw_confusion(self.confusion(system, protocol), f"Confusion: {system}, protocol {protocol}")

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
        lines = roc.roc_curves(rows["target"].astype(str), probabilities, classes)
        return figures.draw_roc(lines, self.roc(system, protocol)["auc"], f"ROC: {system}, protocol {protocol}")

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
        return figures.draw_reliability(table, table.attrs["ece"], f"Calibration: {system}, protocol {protocol}")

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
        return figures.draw_curves(self.curves(system, protocol), f"Training: {system}, protocol {protocol}")

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
        part = type(self)(self.predictions[self.predictions["protocol"] == protocol])  # type: ignore[call-arg]
        groups = part.subgroups(column).set_index("group").groupby("system", sort=False)
        return figures.draw_groups(dict(list(groups)), f"Accuracy by {column}, protocol {protocol}")
