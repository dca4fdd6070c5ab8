"""Processor time of this checkout in relation to another one: ``python -m benchmarks.against OTHER_CHECKOUT``.

Each row runs in one process for each checkout, on one thread, in turn, so that the load of the machine affects both
equally. A first round is not counted. ``--rows TEXT`` selects the rows whose name contains the text, ``--rounds N``
sets the number of rounds. The corpus is the chimera in the folder ``SAVEE_MM_SHARED``, otherwise a synthetic one. Rows
of faces need the weights of YuNet in ``SAVEE_MM_WEIGHTS``, and encoders are used if that folder has one.
Prints a Markdown table.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from multiprocessing.connection import Client, Listener
from pathlib import Path
from statistics import median

# Name, goal of the ratio, and function of a Corpus that returns the function to measure.
ROWS = {}


def row(name, goal):
    """Register a function that prepares what is measured."""

    def register(prepare):
        ROWS[name] = goal, prepare
        return prepare

    return register


class Corpus:
    """The clips of one process, and a folder of its own."""

    def __init__(self):
        from savee_mm import load_savee, make_talking_faces

        self.folder = Path(tempfile.mkdtemp(prefix="against-"))
        shared = Path(os.environ.get("SAVEE_MM_SHARED", "")) / "data/savee_chimera"
        if shared.is_dir():
            corpus = load_savee(shared)
        else:
            corpus = make_talking_faces(self.folder / "corpus", n_speakers=4, n_sentences=2, random_state=0)
        self.data, self.target = corpus.data, corpus.target

    def every(self, n):
        """Return table and labels of every n-th clip."""
        return self.data.iloc[::n], self.target[::n]

    def fit(self, name, n, cache):
        """Fit a system to every n-th clip."""
        from savee_mm import systems

        return systems.make(name, random_state=0, cache=cache).fit(*self.every(n))


def _extraction(corpus, extractor, column):
    files = corpus.data[column].iloc[::20].tolist()
    extractor.fit(files[:8])
    return lambda: extractor.transform(files)


@row("`VoiceFunctionals`, 24 clips", 0.65)
def voice_functionals(corpus):
    from savee_mm import VoiceFunctionals

    return _extraction(corpus, VoiceFunctionals(cache=None), "audio")


@row("`AudioFeatures`, 24 clips", 0.65)
def audio_features(corpus):
    from savee_mm import AudioFeatures

    return _extraction(corpus, AudioFeatures(cache=None), "audio")


@row("`FaceDescriptor`, 24 clips", 0.45)
def face_descriptor(corpus):
    from savee_mm import FaceDescriptor

    return _extraction(corpus, FaceDescriptor(cache=None), "video")


@row('`FaceFrameSampler(align="eyes")`, 24 clips', 0.55)
def aligned_faces(corpus):
    from savee_mm import FaceFrameSampler

    return _extraction(corpus, FaceFrameSampler(align="eyes", cache=None), "video")


@row("`best_audio` fit, warm", 0.25)
def best_audio_warm(corpus):
    return lambda: corpus.fit("best_audio", 2, "memory")


@row("`best_audio` fit, empty cache", 0.5)
def best_audio_cold(corpus):
    return lambda: corpus.fit("best_audio", 8, tempfile.mkdtemp(dir=corpus.folder))


@row("`best_fusion` fit, warm", 0.4)
def best_fusion_warm(corpus):
    return lambda: corpus.fit("best_fusion", 4, "memory")


@row("`FusionClassifier` fit, 120 clips, 30 epochs", 0.5)
def fusion_network(corpus):
    from savee_mm import FusionClassifier

    return lambda: FusionClassifier(random_state=0, epochs=30).fit(*corpus.every(4))


def _prediction(corpus, name):
    """Return a call of ``savee-mm predict`` on one clip by a model that this checkout has fitted."""
    from savee_mm import save_model

    model = corpus.folder / f"{name}.model"
    table, y = corpus.every(8)
    if name == "fusion":
        from savee_mm import FusionClassifier

        estimator = FusionClassifier(random_state=0, epochs=1).fit(table, y)
    else:
        estimator = corpus.fit(name, 8, "memory")
    save_model(estimator, model)
    return _command(corpus, "predict", str(table["video"].iloc[0]), "--model", str(model))


def _command(corpus, *words):
    code = "from savee_mm.cli import main; main()"
    return lambda: subprocess.run(
        [sys.executable, "-c", code, *words], cwd=corpus.folder, check=True, stdout=subprocess.DEVNULL
    )


@row("`savee-mm predict`, fusion network", 0.3)
def predict_fusion(corpus):
    return _prediction(corpus, "fusion")


@row("`savee-mm predict`, `best_fusion`", 0.5)
def predict_best_fusion(corpus):
    return _prediction(corpus, "best_fusion")


def serve(address):
    """Measure rows for the parent, which sends their names, until it closes the connection."""
    warnings.simplefilter("ignore")
    with Client(address) as connection:
        corpus = Corpus()
        prepared = {}
        connection.send("ready")
        while True:
            try:
                name = connection.recv()
            except EOFError:
                return
            if name not in prepared:
                prepared[name] = ROWS[name][1](corpus)
            start = _processor_time()
            prepared[name]()
            connection.send(_processor_time() - start)


def _processor_time():
    """Return the processor time of this process and of its finished children (s)."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def start(checkout):
    """Start a process that uses a checkout; return it and its connection."""
    # Here, because the process runs this file, where the package of benchmarks is that of the checkout.
    from benchmarks.scale import THREADS

    with Listener() as listener:
        environment = {**os.environ, **THREADS, "PYTHONPATH": str(checkout)}
        process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(listener.address)], env=environment, stdout=subprocess.DEVNULL
        )
        return process, listener.accept()


def main(arguments=None):
    """Measure the selected rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("--rows", default="")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    here = Path(__file__).resolve().parents[1]
    processes, connections = zip(*(start(checkout.resolve()) for checkout in (here, options.other)), strict=True)
    for connection in connections:
        connection.recv()
    print("| what | this (s) | other (s) | ratio (over the rounds) | goal |\n| --- | ---: | ---: | ---: | ---: |")
    for name, (goal, _) in ROWS.items():
        if options.rows in name:
            print(line(name, goal, _race(name, connections, options.rounds)), flush=True)
    for process, connection in zip(processes, connections, strict=True):
        connection.close()
        process.wait()


def _race(name, connections, rounds):
    """Return the times of both checkouts (s) of each round."""
    times = []
    for _ in range(rounds + 1):
        times.append([])
        for connection in connections:
            connection.send(name)
            times[-1].append(connection.recv())
    return times[1:]


def line(name, goal, times):
    """Return the row of the table for the times (s) of this and the other checkout in each round."""
    ours, others = zip(*times, strict=True)
    ratios = sorted(own / other for own, other in times)
    ratio = median(ours) / median(others)
    verdict = "reached" if ratio <= goal else "**missed**"
    return (
        f"| {name} | {median(ours):.3g} | {median(others):.3g} | {ratio:.3f} ({ratios[0]:.3f}–{ratios[-1]:.3f}) "
        f"| ≤ {goal:.2g}, {verdict} |"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        main()
