"""Compiled kernels are cached on disk if possible."""

from savee_mm._jit import compiled


def test_without_a_cache():
    # numba cannot cache a function without a file; the error is that of folders that are not writable.
    namespace = {}
    exec("def double(x):\n    return 2 * x\n", namespace)
    assert compiled(namespace["double"])(21) == 42
