"""Feature extractors: scikit-learn transformers from a clip table to an array, with a cache for each clip."""

import lazy_loader

# From __init__.pyi, on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
