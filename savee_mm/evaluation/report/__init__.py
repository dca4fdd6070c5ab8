"""The report of an evaluation: tables, plots and an HTML page."""

from savee_mm.evaluation.report.report import EvaluationReport

__all__ = ["EvaluationReport"]
