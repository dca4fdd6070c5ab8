"""scikit-learn classifiers around the networks: arrays in, or the clip table in."""

import lazy_loader

# From __init__.pyi, on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
