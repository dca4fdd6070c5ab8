"""LeakageReport: the leaks between training and test clips."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd


class LeakageError(ValueError):
    """Error for a leak between training and test clips.

    Parameters
    ----------
    report : LeakageReport
        The leaks.

    Attributes
    ----------
    report : LeakageReport
        As passed.
    """

    def __init__(self, report: "LeakageReport") -> None:
        self.report = report
        super().__init__(report.leaks())

    def __reduce__(self):
        return type(self), (self.report,)


class LeakageWarning(UserWarning):
    """Warning of a leak: results of this evaluation are better than they would be on new clips."""


class Finding(NamedTuple):
    """One leak."""

    kind: str
    message: str
    rows: tuple = ()
    folds: tuple = ()
    where: str = ""

    def __str__(self):
        where = f" ({self.where})" if self.where else ""
        return f"{self.kind}{where}: {self.message}"


class LeakageReport:
    """Leaks of an evaluation. Its length is their number, and it is true if there is one.

    Parameters
    ----------
    findings : sequence of Finding
        The leaks.
    notes : sequence of str, default=()
        Overlap that is allowed, and parts that could not be checked.

    Attributes
    ----------
    findings : tuple of Finding
        Records of ``kind``, ``message`` (the leak and the remedy), ``rows`` (tuple of positions in the table, from 0),
        ``folds`` (tuple of numbers of folds, from 0) and ``where`` (protocol, seed or system; may be empty).
    notes : tuple of str
        As passed, without duplicates.

    See Also
    --------
    check_leakage : Check a set-up and return a report.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.model_selection import KFold
    >>> from savee_mm import check_leakage
    >>> table = pd.DataFrame({"clip_id": ["a", "b", "a", "b"]})
    >>> report = check_leakage(DummyClassifier(), table, list("xyxy"), KFold(2))
    >>> len(report), report.findings[0].kind, report.findings[0].rows
    (1, 'clip', (0, 1, 2, 3))
    """

    def __init__(self, findings: Sequence[Finding], notes: Sequence[str] = ()) -> None:
        self.findings = tuple(findings)
        self.notes = tuple(dict.fromkeys(notes))

    def __len__(self):
        return len(self.findings)

    def __iter__(self):
        return iter(self.findings)

    def __repr__(self):
        return f"LeakageReport({len(self.findings)} findings, {len(self.notes)} notes)"

    def __str__(self):
        return "\n".join([self.leaks(), *(["Notes:"] if self.notes else []), *(f"- {n}" for n in self.notes)])

    def leaks(self) -> str:
        """Return the findings as text, without the notes.

        Returns
        -------
        text : str
            The number of findings, and one line for each.
        """
        n = len(self.findings)
        title = "No leak was found." if not n else f"{n} leak{'s'[: n - 1]} between training and test:"
        return "\n".join([title, *(f"- {finding}" for finding in self.findings)])

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a table.

        Returns
        -------
        findings : DataFrame
            ``kind``, ``where``, ``message``, ``rows`` and ``folds``, one row for each finding.
        """
        columns = ["kind", "where", "message", "rows", "folds"]
        return pd.DataFrame([[getattr(finding, name) for name in columns] for finding in self], columns=columns)

    def raise_if_any(self) -> None:
        """Raise an error if there is a leak.

        Raises
        ------
        LeakageError
            With the findings as its text, and this report in its attribute ``report``.
        """
        if self.findings:
            raise LeakageError(self)


def join_reports(reports):
    """Join several reports, without duplicate findings and notes."""
    reports = list(reports)
    findings = dict.fromkeys(finding for report in reports for finding in report)
    return LeakageReport(findings, [note for report in reports for note in report.notes])
