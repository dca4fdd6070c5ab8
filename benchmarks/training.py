"""Memory and time of training on 2,000 and 20,000 clips, written into a page of the docs.

``python -m benchmarks.training docs/scale.md`` fits each classifier once for each size, in a new interpreter, with one
thread. The clips are synthetic: 14 files, which a table names again and again, so that each row is read from the cache
and kept as an array of its own. The arrays have their usual size, but the networks are tiny and train for one epoch:
what is measured is the memory of the data.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.scale import THREADS, write_into
from benchmarks.workers import usage

SIZES = (2_000, 20_000)
CHUNK = 250
CLASSIFIERS = ("FusionClassifier", "MFCC CNN", "dual CNN", "CNN and features", "ConvLSTMClassifier")


def classifier(name, cache):
    """Return a tiny classifier."""
    from savee_mm import AudioCNNClassifier, ConvLSTMClassifier, FusionClassifier, MelImage, ProsodyFeatures

    tiny = {"n_filters": 2, "n_units": 2, "epochs": 1, "random_state": 0}
    kernels = {"kernels": ((1, 1), (1, 1)), "cache": cache}
    return {
        "FusionClassifier": FusionClassifier(**tiny, augment_frames=False, cache=cache).set_params(
            video__detector="lbp"
        ),
        "MFCC CNN": AudioCNNClassifier(**tiny, **kernels),
        "dual CNN": AudioCNNClassifier(**tiny, **kernels, second_image=MelImage(normalize="training")),
        "CNN and features": AudioCNNClassifier(**tiny, **kernels, features=ProsodyFeatures()),
        "ConvLSTMClassifier": ConvLSTMClassifier(**tiny, augment_frames=False),
    }[name]


def measure(name, n_clips):
    """Fit one classifier on a number of clips; return its peak memory (MiB) and time per clip (ms)."""
    import numpy as np

    from savee_mm import make_talking_faces

    with TemporaryDirectory() as folder:
        corpus = make_talking_faces(Path(folder, "corpus"), n_speakers=2, n_sentences=1, random_state=0)
        rows = np.arange(n_clips) % len(corpus.data)
        X, y = corpus.data.iloc[rows].assign(clip_id=np.arange(n_clips).astype(str)), corpus.target[rows]
        clf = classifier(name, Path(folder, "cache"))
        if name == "ConvLSTMClassifier":
            X = frames(n_clips, Path(folder, "faces"))
        else:
            clf.fit(corpus.data, corpus.target)  # fills the cache
        cpu = time.process_time()
        clf.fit(X, y)
        cpu = time.process_time() - cpu
    _, (peak, _) = usage()
    return {"name": name, "n_clips": n_clips, "peak_mib": peak, "cpu_ms": 1000 * cpu / n_clips}


def frames(n_clips, folder):
    """Write grey faces of one colour each as extract_features does, and open them."""
    import numpy as np
    import pandas as pd

    from savee_mm import open_features
    from savee_mm.features._parts import PartFolder, make_schema

    shape = (6, 64, 64, 1)
    table = pd.DataFrame({"clip_id": np.arange(n_clips).astype(str)})
    parts = PartFolder(folder, {"shape": shape}, make_schema(table[:1], size=int(np.prod(shape))), overwrite=False)
    chunks = [table.iloc[start : start + CHUNK] for start in range(0, n_clips, CHUNK)]
    parts.start(chunks[0])
    for number, chunk in enumerate(chunks):
        values = np.broadcast_to(np.float32(number / len(chunks)), (len(chunk), *shape))
        parts.write(number, chunk, chunk, values, [])
    parts.finish(len(chunks), n_clips, 0)
    return open_features(folder).X


def table_of(rows):
    """Return the rows as a Markdown table."""
    lines = [
        "| classifier | peak, 2,000 clips (MiB) | peak, 20,000 clips (MiB) | ratio | processor time per clip (ms) |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for few, many in zip(rows[::2], rows[1::2], strict=True):
        ratio = many["peak_mib"] / few["peak_mib"]
        lines.append(
            f"| {few['name']} | {few['peak_mib']:.0f} | {many['peak_mib']:.0f} | {ratio:.2f} | {many['cpu_ms']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main(page, *names):
    """Measure all classifiers, or some, and write a table into a page."""
    rows = []
    for name in names or CLASSIFIERS:
        for size in SIZES:
            command = [sys.executable, "-m", "benchmarks.training", "--measure", name, str(size)]
            run = subprocess.run(command, env={**os.environ, **THREADS}, check=True, stdout=subprocess.PIPE)
            rows.append(json.loads(run.stdout))
            print(rows[-1], flush=True)
    write_into(page, "training", table_of(rows))


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
    else:
        main(*sys.argv[1:])
