"""Scores that can be trusted: the same estimators under named protocols, and a report of what came out."""

from savee_mm.evaluation.evaluate import evaluate
from savee_mm.evaluation.leakage import check_leakage
from savee_mm.evaluation.leakage_report import LeakageError, LeakageReport, LeakageWarning
from savee_mm.evaluation.report import EvaluationReport

__all__ = ["EvaluationReport", "LeakageError", "LeakageReport", "LeakageWarning", "check_leakage", "evaluate"]
