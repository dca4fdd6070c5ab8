"""Cross-validation of systems, a report of their predictions, and a check for leakage."""

from savee_mm.evaluation.evaluate import evaluate
from savee_mm.evaluation.leakage import LeakageError, LeakageReport, LeakageWarning, check_leakage, check_split
from savee_mm.evaluation.report import EvaluationReport

__all__ = [
    "EvaluationReport",
    "LeakageError",
    "LeakageReport",
    "LeakageWarning",
    "check_leakage",
    "check_split",
    "evaluate",
]
