"""Scikit-learn estimators that classify which emotion a speaker displays, from the voice, the face or both.

Every public name is listed in ``__init__.pyi`` and loaded on first use, so that importing the library loads neither
TensorFlow nor OpenCV nor scikit-learn.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
