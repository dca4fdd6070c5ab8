"""Model files: one file for a fitted estimator and its card, opened without running code from it.

Names are loaded on first use: reading a card does not import scikit-learn.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
