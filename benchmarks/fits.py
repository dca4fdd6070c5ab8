"""Memory and processor time of repeated fits of a system, on a synthetic corpus.

``python -m benchmarks.fits [SYSTEM] [N]`` prints a line for each fit (60 of ``fusion`` by default), and the growth of
memory after the first five fits.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

N_EPOCHS = 2
# Fits until all graphs are traced and all pools of memory are filled.
N_FIRST = 5


def resident_mib():
    """Return the resident memory of this process (MiB)."""
    status = Path("/proc/self/status").read_text()
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kib) / 1024


def growth(memory, n_first):
    """Return the slope of a series of memory (MiB for each step) after its first values."""
    rest = memory[n_first:]
    return np.polyfit(np.arange(len(rest)), rest, 1)[0] if len(rest) > 1 else 0.0


def main(name="fusion", n_fits=60):
    """Fit a system again and again, each time with another seed, and predict the training clips.

    Return the growth of memory after the first five fits (MiB for each fit).
    """
    from savee_mm import make_talking_faces, systems

    with tempfile.TemporaryDirectory() as folder:
        corpus = make_talking_faces(folder, n_speakers=3, n_sentences=1, random_state=0)
        memory = []
        for fit in range(n_fits):
            system = systems.make(name, random_state=fit)
            epochs = [path for path in system.get_params() if path.rpartition("__")[2] == "epochs"]
            system.set_params(**dict.fromkeys(epochs, N_EPOCHS))
            start = time.process_time()
            system.fit(corpus.data, corpus.target).predict_proba(corpus.data)
            memory.append(resident_mib())
            print(f"fit {fit + 1:3}  {time.process_time() - start:6.1f} s  {memory[-1]:7.1f} MiB", flush=True)
    slope = growth(memory, N_FIRST)
    print(f"{name}: {slope:.2f} MiB for each fit after the first {N_FIRST}", flush=True)
    return slope


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(*arguments[:1], *map(int, arguments[1:2]))
