"""Model files: one file for a fitted estimator, opened without running code from it."""

from savee_mm.persistence.model_file import load_model, save_model

__all__ = ["load_model", "save_model"]
