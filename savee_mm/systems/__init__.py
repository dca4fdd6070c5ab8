"""Every system by its name: those of the reference, and the ones that this library recommends.

:func:`make` returns an ordinary estimator over the clip table, :func:`available` lists the names.
"""

from savee_mm.systems.registry import available, make

__all__ = ["available", "make"]
