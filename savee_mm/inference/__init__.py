"""Files, long recordings and streams -> predictions."""

import lazy_loader

# From __init__.pyi, on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
