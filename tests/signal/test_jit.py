"""Compiled kernels are cached on disk if possible, and return the same with and without that cache."""

import os
import subprocess
import sys

import pytest

from savee_mm._jit import compiled

EXTRACT = """
import sys
import numpy as np
from savee_mm import VoiceFunctionals
rng = np.random.default_rng(0)
t = np.arange(22050) / 22050
voice = np.sign(np.sin(2 * np.pi * (120 + 20 * t) * t)) * 0.1 + rng.normal(0, 0.01, t.size)
features = VoiceFunctionals(input_sr=22050).fit_transform([voice.astype(np.float32)])
sys.stdout.buffer.write(np.asarray(features).tobytes())
"""


def test_without_a_cache():
    # numba cannot cache a function without a file; the error is that of folders that are not writable.
    namespace = {}
    exec("def double(x):\n    return 2 * x\n", namespace)
    assert compiled(namespace["double"])(21) == 42


@pytest.mark.slow
def test_features_are_equal_whether_kernels_are_compiled_or_loaded(tmp_path):
    run = [sys.executable, "-c", EXTRACT]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    first = subprocess.run(run, env=environment, capture_output=True, check=True).stdout
    assert list(tmp_path.rglob("*.nbc"))
    assert first
    assert subprocess.run(run, env=environment, capture_output=True, check=True).stdout == first
