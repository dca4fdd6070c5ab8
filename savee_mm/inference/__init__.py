"""Files -> predictions."""

from savee_mm.inference.files import predict_file

__all__ = ["predict_file"]
