"""Time, memory and files of ``extract_features`` for 1,000, 10,000 and 100,000 clips, written into a page of the docs.

``python -m benchmarks.scale docs/scale.md`` runs each size in a new interpreter, with one process and one thread. The
clips are synthetic: 0.25 s of a tone in noise at 16 kHz. There are 500 files, which a table names again and again;
without a cache, each row is read and computed. The extractor is a small MFCCImage: costs around it are visible.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.workers import usage

SIZES = (1_000, 10_000, 100_000)
N_FILES, SECONDS, SR = 500, 0.25, 16000
THREADS = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    ),
    "1",
)


def write_clips(folder):
    """Write the files and return their paths."""
    import numpy as np
    import soundfile

    rng = np.random.default_rng(0)
    times = np.arange(round(SECONDS * SR)) / SR
    paths = [str(Path(folder, f"{n:03d}.wav")) for n in range(N_FILES)]
    for path in paths:
        tone = 0.3 * np.sin(2 * np.pi * rng.uniform(100, 300) * times)
        soundfile.write(path, tone + 0.02 * rng.normal(size=len(times)), SR)
    return paths


def tables(paths, n_clips):
    """Yield tables of a file each: together ``n_clips`` rows."""
    import pandas as pd

    for start in range(0, n_clips, N_FILES):
        names = [f"clip{start + n:07d}" for n in range(min(N_FILES, n_clips - start))]
        yield pd.DataFrame({"audio": paths[: len(names)], "clip_id": names})


def measure(n_clips):
    """Return seconds of processor and wall time per clip, peak memory (MiB), and number and size of the files."""
    from savee_mm import MFCCImage, extract_features

    extractor = MFCCImage(n_mfcc=13, n_frames=8, sr=SR)

    with TemporaryDirectory() as folder:
        paths = write_clips(folder)
        # Kernels are compiled and modules imported before the time is taken.
        extract_features(tables(paths, 10), extractor, Path(folder, "first"))
        cpu, start = time.process_time(), time.perf_counter()
        result = extract_features(tables(paths, n_clips), extractor, Path(folder, "features"))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - start
        parts = list(Path(folder, "features").glob("part-*.parquet"))
        size = sum(part.stat().st_size for part in parts)
    assert result.n_clips == n_clips
    _, (peak, _) = usage()
    return {
        "n_clips": n_clips,
        "cpu_ms": 1000 * cpu / n_clips,
        "wall_ms": 1000 * wall / n_clips,
        "peak_mib": peak,
        "n_files": len(parts),
        "kb": size / n_clips / 1000,
    }


def table_of(rows):
    """Return the rows as a Markdown table. The cost of the first one predicts the processor time of the others."""
    lines = [
        "| clips | processor time (s) | predicted (s) | per clip (ms) | wall time per clip (ms) | peak memory (MiB) "
        "| files | size per clip (kB) |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        seconds, predicted = (row["n_clips"] * cost["cpu_ms"] / 1000 for cost in (row, rows[0]))
        lines.append(
            f"| {row['n_clips']:,} | {seconds:.3g} | {predicted:.3g} | {row['cpu_ms']:.2f} | {row['wall_ms']:.2f} | "
            f"{row['peak_mib']:.0f} | {row['n_files']} | {row['kb']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main(argument):
    """Print the values of one size, or run all sizes and write them into a page."""
    if argument.isdigit():
        print(json.dumps(measure(int(argument))))
        return
    rows = []
    for size in SIZES:
        command = [sys.executable, "-m", "benchmarks.scale", str(size)]
        run = subprocess.run(command, env={**os.environ, **THREADS}, check=True, stdout=subprocess.PIPE)
        rows.append(json.loads(run.stdout))
        print(rows[-1], flush=True)
    write_into(argument, "scale", table_of(rows))


def write_into(page, name, table):
    """Write a table between the marks ``<!-- name -->`` and ``<!-- end of name -->`` of a page."""
    page = Path(page)
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    text, n = marks.subn(lambda found: found[1] + table + found[2], page.read_text(encoding="utf-8"))
    assert n == 1, f"{page} has no place for the table {name!r}"
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
