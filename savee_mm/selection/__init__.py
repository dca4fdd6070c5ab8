"""2-D to 2-D: from many columns to the few that say something about the emotion.

Estimators here take arrays or DataFrames of numbers and never see the clip table.
"""

from savee_mm.selection.pca_corr import PCACorrSelector

__all__ = ["PCACorrSelector"]
