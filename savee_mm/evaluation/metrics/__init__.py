"""Metrics of predictions: scores, intervals, differences between systems and groups, calibration, ROC curves."""

from savee_mm.evaluation.metrics.intervals import bootstrap, bootstrap_classes
from savee_mm.evaluation.metrics.paired import branch_gains, compare
from savee_mm.evaluation.metrics.probabilities import auc_table, expected_calibration_error, reliability, roc_curves
from savee_mm.evaluation.metrics.scores import SCORES, score
from savee_mm.evaluation.metrics.sentences import sentence_accuracy
from savee_mm.evaluation.metrics.subgroups import group_scores, largest_gap

__all__ = [
    "SCORES",
    "auc_table",
    "bootstrap",
    "bootstrap_classes",
    "branch_gains",
    "compare",
    "expected_calibration_error",
    "group_scores",
    "largest_gap",
    "reliability",
    "roc_curves",
    "score",
    "sentence_accuracy",
]
