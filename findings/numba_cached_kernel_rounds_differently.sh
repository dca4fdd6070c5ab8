#!/bin/sh
# numba 0.68.1 (llvmlite 0.50.0), x86-64: with cache=True and fastmath=True, the process that compiles a function and
# every later one, which loads it from the cache, can return different numbers. Seen with a function that calls another
# one: 17 of 100 float32 values of the first run differ from those of the second in the last digits, and the second and
# third run are equal. With forceinline=True on the inner function all runs are equal. So the first worker to extract
# features of a corpus is not reproduced by a second run.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env; env/bin/pip install --quiet numba==0.68.1 llvmlite==0.50.0 numpy==2.4.0
cat > kernel.py <<'PY'
import math
import os

import numpy as np
from numba import njit


@njit(fastmath=True, cache=True, forceinline=bool(os.environ.get("INLINE")))
def moments(row):
    total = np.float32(0)
    weighted = np.float32(0)
    for k in range(row.size):
        total += row[k]
        weighted += row[k] * np.float32(k)
    mean = weighted / total
    squares = np.float32(0)
    for k in range(row.size):
        squares += row[k] * (k - mean) ** 2
    return mean, math.sqrt(squares / total)


@njit(fastmath=True, cache=True)
def all_moments(rows, out):
    for t in range(len(out)):
        mean, deviation = moments(rows[t])
        out[t, 0] = mean
        out[t, 1] = deviation


rows = np.random.default_rng(0).random((50, 1025)).astype(np.float32)
out = np.empty((50, 2), np.float32)
all_moments(rows, out)
np.save(os.environ["OUT"], out)
PY
for run in 1 2 3; do OUT=called-$run.npy NUMBA_CACHE_DIR=called env/bin/python kernel.py; done
for run in 1 2 3; do INLINE=1 OUT=inlined-$run.npy NUMBA_CACHE_DIR=inlined env/bin/python kernel.py; done
env/bin/python - <<'PY'
import numpy as np

for form in "called", "inlined":
    first, second, third = (np.load(f"{form}-{run}.npy") for run in (1, 2, 3))
    differ = [int(np.sum(a != b)) for a, b in ((first, second), (second, third))]
    print(form, "- values that differ between runs 1 and 2, 2 and 3:", differ)
    assert differ[1] == 0 and (differ[0] > 0) == (form == "called"), "the behaviour has changed"
PY
