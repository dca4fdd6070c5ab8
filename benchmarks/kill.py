"""Runs that are killed while they write, at random moments, and run again: ``python -m benchmarks.kill [N] [SEED]``.

After a kill, every output is complete: as before the run, or as after it. After the run is repeated, all outputs are
those of a run that was not disturbed, and no drafts are left. The last line has the counts.
"""

import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression

from savee_mm import MFCCImage, evaluate, load_model, load_table, save_model
from savee_mm._files import write_atomically
from savee_mm.cli.features import run_features
from savee_mm.cli.predict import Rows
from savee_mm.inference.windows import WindowPrediction

N_KILLS, SEED = 50, 0
DRAFT = ".savee_mm.part"
# Modules that processes need not import again.
_PRELOADED = ["savee_mm.cli.features", "savee_mm.cli.predict", "sklearn.datasets", "sklearn.linear_model", "skops.io"]
_SR, _N_SOUNDS = 16000, 12
_N_TRIES = 100  # runs for one kill: a run may end before its kill


class Counts(NamedTuple):
    """Counts of a series of kills."""

    kills: int = 0
    during_writes: int = 0
    lost: int = 0
    damaged: int = 0
    different: int = 0
    drafts: int = 0

    def __str__(self):
        return (
            f"kill: {self.kills} kills, {self.during_writes} in the middle of a file, {self.lost} outputs lost, "
            f"{self.damaged} half-written, {self.different} reruns that differ, {self.drafts} drafts left by reruns"
        )

    def is_good(self):
        """Return whether nothing was lost."""
        return not (self.lost or self.damaged or self.different or self.drafts)


def _fill_cache(folder, sounds):
    MFCCImage(cache=folder / "cache").fit_transform(sounds)


def _keep_folds(folder, sounds):
    X, y = _clips()
    folds = [(np.arange(len(y)) % 5 != fold, np.arange(len(y)) % 5 == fold) for fold in range(5)]
    systems = {f"C{C}": LogisticRegression(C=C) for C in (0.1, 1.0, 10.0)}
    evaluate(systems, (X, y), {"clip": folds}, folder=folder / "folds", leakage="ignore")


def _save_models(folder, sounds):
    X, y = _clips(n_features=400)
    for C in (0.01, 0.1, 1.0):
        save_model(LogisticRegression(C=C).fit(X, y), folder / f"C{C}.savee")


def _write_predictions(folder, sounds):
    for out in ("predictions.csv", "predictions.json"):
        rows = Rows(["anger", "joy"], [], times=[], caution="", as_json=False, out=folder / out)
        for i in range(500):
            p = np.array([i, 500 - i]) / 500
            rows.add(f"{i}.wav", WindowPrediction(None, None, _labelled(p), "joy", "", 0.0))
        rows.close()


def _write_features(folder, sounds):
    names = [Path(sound).name for sound in sounds]
    table = Path(sounds[0]).parent / "clips.csv"
    lines = [f"{name},{'joy' if i % 2 else 'anger'}" for i, name in enumerate(names)]
    with write_atomically(table) as file:
        file.write("\n".join(["audio,emotion", *lines]).encode())
    corpus = load_table(table)
    run_features(corpus, "mfcc-image", folder / "images.npz", cache=str(folder / "cache"), n_jobs=1, on_error="raise")


TASKS = (_fill_cache, _keep_folds, _save_models, _write_predictions, _write_features)


def run(n_kills=N_KILLS, seed=SEED):
    """Kill runs of each task in turn.

    Parameters
    ----------
    n_kills : int, default=50
        Number of kills.
    seed : int, default=0
        Seed of the moments.

    Returns
    -------
    counts : Counts
    """
    rng, counts = np.random.default_rng(seed), Counts()
    with tempfile.TemporaryDirectory() as place:
        runs = [Runs(task, Path(place)) for task in TASKS]
        for number in range(n_kills):
            found = runs[number % len(runs)].kill(rng)
            counts = Counts(*(a + b for a, b in zip(counts, found, strict=True)))
    return counts


class Runs:
    """Runs of one task, into an empty folder or over older outputs in turn.

    Parameters
    ----------
    task : callable
        ``task(folder, sounds)`` writes files into ``folder``; ``sounds`` are paths of recordings.
    place : Path
        Folder for all runs.
    """

    def __init__(self, task, place):
        self.task = task
        self.place = place / task.__name__
        self.sounds = _write_sounds(self.place / "sounds")
        self.n_kills = 0
        self._folder().mkdir()
        # The first run compiles kernels; the second one is timed.
        self._run()
        self.seconds = self._run()
        self.expected = _state(self._folder())

    def kill(self, rng):
        """Kill a run at a random moment, repeat it, and return the counts."""
        for _ in range(_N_TRIES):
            self.n_kills += 1
            self._folder().mkdir()
            if self.n_kills % 2 == 0:
                self._run()
            before = _state(self._folder())
            if self._run(rng.uniform(0, self.seconds)) is None:
                return self._look(before)
        raise RuntimeError(f"no run of {self.task.__name__} could be killed")

    def _look(self, before):
        after, n_drafts = _state(self._folder()), len(_drafts(self._folder()))
        lost = sum(name not in after for name in before)
        damaged = sum(content not in (before.get(name), self.expected.get(name)) for name, content in after.items())
        self._run()
        different = _state(self._folder()) != self.expected
        return Counts(1, min(n_drafts, 1), lost, damaged, int(different), len(_drafts(self._folder())))

    def _folder(self):
        return self.place / f"run{self.n_kills}"

    def _run(self, seconds=None):
        """Run the task in a process. Return the time that it took (s), or None if it was killed.

        It is killed at the first draft of a file that is seen after ``seconds``.
        """
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        started, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(self.task, self._folder(), self.sounds, theirs), daemon=True)
        process.start()
        theirs.close()
        started.poll(None)
        start = time.perf_counter()
        process.join(seconds)
        while process.is_alive() and not _drafts(self._folder()):
            pass
        process.kill()
        process.join()
        if process.exitcode > 0:
            raise RuntimeError(f"{self.task.__name__} ended with {process.exitcode}")
        return time.perf_counter() - start if process.exitcode == 0 else None


def _work(task, folder, sounds, connection):
    connection.send(None)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        task(folder, sounds)


def _state(folder):
    """Return what each output holds, by its path; None if it is damaged."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith(DRAFT))
    return {str(path.relative_to(folder)): _content(path) for path in files}


def _content(path):
    """Return the content of an output without dates and times of a run, None if it is damaged."""
    try:
        if path.suffix == ".savee":
            return load_model(path).coef_.tobytes()
        if path.parent.name == "folds":
            content = json.loads(path.read_text())
            return json.dumps([content["key"], {**content["columns"], "fit_seconds": None}])
        return path.read_bytes()
    except (ValueError, LookupError):
        return None


def _drafts(folder):
    return [path for path in folder.rglob("*") if path.name.endswith(DRAFT)]


def _clips(n_features=4):
    X, y = make_blobs(60, n_features, centers=2, random_state=0)
    return X, np.array(["anger", "joy"])[y]


def _labelled(p):
    import pandas as pd

    return pd.Series(p, index=["anger", "joy"])


def _write_sounds(folder):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(_N_SOUNDS):
        soundfile.write(folder / f"{i}.wav", 0.1 * rng.standard_normal(3 * _SR), _SR)
    return [str(folder / f"{i}.wav") for i in range(_N_SOUNDS)]


def main(n_kills=N_KILLS, seed=SEED):
    """Print the counts. Return whether nothing was lost."""
    counts = run(n_kills, seed)
    print(counts)
    return counts.is_good()


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:3])) else 1)
