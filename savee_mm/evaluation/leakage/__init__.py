"""Leakage between training and test: what a set-up should not share, and the report of what it does."""

from savee_mm.evaluation.leakage.check import check_jobs, check_leakage, check_split
from savee_mm.evaluation.leakage.report import Finding, LeakageError, LeakageReport, LeakageWarning, join_reports

__all__ = [
    "Finding",
    "LeakageError",
    "LeakageReport",
    "LeakageWarning",
    "check_jobs",
    "check_leakage",
    "check_split",
    "join_reports",
]
