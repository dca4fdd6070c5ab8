"""numba, imported with the first kernel that needs it: ``import savee_mm.signal`` stays light."""

from numba import njit


def compiled(function):
    """Compile a kernel for one thread, without the GIL, kept on disk for the next process.

    Sums may be reordered, so that they vectorise, and every number is taken to be finite: a kernel must neither
    read nor write NaN or infinity.
    """
    try:
        return njit(function, cache=True, nogil=True, fastmath=True)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return njit(function, nogil=True, fastmath=True)
