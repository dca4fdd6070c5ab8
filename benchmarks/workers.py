"""Wall time and peak memory of ``AudioFeatures`` over all SAVEE clips with one and with two processes.

``python -m benchmarks.workers OUT.json`` runs each number of processes in a new interpreter.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
N_JOBS = (1, 2)


def recordings():
    """Return the paths of the SAVEE audio files; none if the shared recordings are missing."""
    shared = Path(os.environ.get("SAVEE_MM_SHARED", ROOT.parent / "shared"))
    return sorted(str(path) for path in (shared / "data/savee_chimera/AudioData").glob("*/*.flac"))


def usage(wait=0.0):
    """Return the id of this process, its peak resident memory (MiB) and its processor time (s), since its start."""
    time.sleep(wait)
    # Not getrusage: its maximum is inherited from the parent process.
    status = Path("/proc/self/status").read_text()
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return os.getpid(), (int(kib) / 1024, time.process_time())


def measure(n_jobs):
    """Time the first call, which starts the workers, and the second; collect the usage of the workers."""
    from joblib import Parallel, delayed

    from savee_mm import AudioFeatures

    paths = recordings()
    features = AudioFeatures(cache=None, n_jobs=n_jobs)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        features.fit_transform(paths)
        seconds.append(time.perf_counter() - start)
    # joblib uses the same processes for these calls; the wait distributes them over all processes.
    workers = dict(Parallel(n_jobs=n_jobs)(delayed(usage)(wait=0.2) for _ in range(2 * n_jobs)))
    parent, (parent_peak, parent_cpu) = usage()
    # With one process, the parent is the worker.
    processes = {**{process: cpu for process, (_, cpu) in workers.items()}, parent: parent_cpu}
    return {
        "n_jobs": n_jobs,
        "n_clips": len(paths),
        "first_call": seconds[0],
        "second_call": seconds[1],
        "cpu": sum(processes.values()),
        "peak_mib": sorted(peak for peak, _ in workers.values()),
        "parent_peak_mib": parent_peak,
    }


def main(argument):
    """Write the report to a path, or print that of a given number of processes."""
    if argument.isdigit():
        print(json.dumps(measure(int(argument))))
        return
    command = [sys.executable, "-m", "benchmarks.workers"]
    # One thread per process, which joblib sets for two processes but not for one.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    runs = [
        json.loads(subprocess.run([*command, str(n)], cwd=ROOT, env=environment, check=True, stdout=-1).stdout)
        for n in N_JOBS
        if recordings()
    ]
    Path(argument).write_text(json.dumps(runs, indent=1))


if __name__ == "__main__":
    main(sys.argv[1])
