"""Compare two reports of one machine: ``python -m benchmarks.compare A.json B.json``.

Both are reports of pytest-benchmark, which ``make bench`` writes to ``.benchmarks/report.json``; A is the earlier one.
Each row has the median times of a benchmark (ms) and their ratio B / A. A benchmark is slower if the 25th percentile
of its rounds in B is above the 75th in A. The status is 1 if one is slower.
"""

import json
import sys
from pathlib import Path

import numpy as np


def times(report):
    """Return the times of all rounds (s) by the name of the benchmark."""
    return {entry["fullname"]: np.asarray(entry["stats"]["data"]) for entry in report["benchmarks"]}


def rows(before, after):
    """Return name, medians (s), ratio and verdict of the benchmarks of both reports, the largest ratio first."""
    found = []
    for name in before.keys() & after.keys():
        a, b = before[name], after[name]
        verdict = ""
        if np.percentile(b, 25) > np.percentile(a, 75):
            verdict = "slower"
        elif np.percentile(b, 75) < np.percentile(a, 25):
            verdict = "faster"
        found.append((name, np.median(a), np.median(b), np.median(b) / np.median(a), verdict))
    return sorted(found, key=lambda row: (-row[3], row[0]))


def main(paths):
    """Print the comparison of two files; return 1 if a benchmark is slower."""
    before, after = (json.loads(Path(path).read_text()) for path in paths)
    machines = [report["machine_info"]["cpu"].get("brand_raw") for report in (before, after)]
    if machines[0] != machines[1]:
        print(f"Warning: two machines, {machines[0]} and {machines[1]}; their ratios are not those of the commits.")
    before, after = times(before), times(after)
    found = rows(before, after)
    for name, a, b, ratio, verdict in found:
        print(f"{1000 * a:10.3f} {1000 * b:10.3f} {ratio:7.3f} {verdict:7} {name}")
    for name in sorted(before.keys() ^ after.keys()):
        print(f"only in {'A' if name in before else 'B'}: {name}")
    return int(any(row[-1] == "slower" for row in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
