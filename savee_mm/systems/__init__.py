"""Systems by name: those of the reference, and those that this library recommends.

:func:`make` returns an ordinary estimator over the clip table, :func:`available` lists the names.
"""

from savee_mm.systems.registry import available, make

__all__ = ["available", "make"]
