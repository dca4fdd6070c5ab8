"""Compiled kernels: kept on disk where that is possible, compiled all the same where it is not."""

from savee_mm.signal._jit import compiled


def test_without_a_cache():
    # A function that has no file is one that numba cannot keep, as are all where no folder can be written.
    namespace = {}
    exec("def double(x):\n    return 2 * x\n", namespace)
    assert compiled(namespace["double"])(21) == 42
