"""Feature selection on arrays or DataFrames of numbers, not on the clip table."""

from savee_mm.selection.pca_corr import PCACorrSelector

__all__ = ["PCACorrSelector"]
