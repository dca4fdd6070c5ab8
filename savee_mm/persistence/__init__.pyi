from .card import ModelCard, load_card
from .describe import make_card
from .export import export_onnx
from .model_file import load_model, save_model

__all__ = ["ModelCard", "export_onnx", "load_card", "load_model", "make_card", "save_model"]
