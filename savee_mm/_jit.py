"""Compilation by numba. Modules that import this one are imported on first use, to keep ``import savee_mm`` fast."""

from numba import njit


def compiled(function):
    """Compile a kernel for one thread, without the GIL, and cache it on disk.

    Sums may be reordered, so that they vectorise, and all numbers are assumed to be finite: a kernel must neither
    read nor write NaN or infinity.
    """
    try:
        return njit(function, cache=True, nogil=True, fastmath=True)
    except RuntimeError:  # neither the package's folder nor the user's cache is writable
        return njit(function, nogil=True, fastmath=True)


def inlined(function):
    """Compile a function of a kernel into each kernel that calls it.

    A process that compiles a kernel calls the function as it was compiled alone; a process that loads the kernel from
    disk calls the copy in the kernel, whose sums can have another order (numba 0.68). Inlined, there is one form.
    """
    return njit(function, nogil=True, fastmath=True, forceinline=True)
