"""Model files: one file for a fitted estimator and its card, opened without running code from it."""

from savee_mm.persistence.card import ModelCard
from savee_mm.persistence.describe import make_card
from savee_mm.persistence.model_file import load_card, load_model, save_model

__all__ = ["ModelCard", "load_card", "load_model", "make_card", "save_model"]
