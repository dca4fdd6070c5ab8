"""Readers of the library on damaged and manipulated inputs: ``python -m benchmarks.hostile [N] [SEED]``.

Each input is read in a worker process, which is replaced if it crashes, or if an input takes too long. The last line
has the counts. A *documented error* is of the class that the documentation of the reader names, for recordings
:class:`~savee_mm.ClipError`. Any other exception, and a result that is wrong, is an *other exception*.
"""

import contextlib
import multiprocessing
import resource
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.mutations import ENTRY, mutate, write_sources

N_INPUTS, SEED = 5000, 0
LIMIT = 60  # s for an input
START_LIMIT = 600  # s for the start of a worker, with the compilation of kernels
MEMORY = 8 << 30  # bytes that a worker may have
READERS = {"audio": 8, "video": 5, "models": 5, "tables": 3, "annotations": 3, "cache": 1, "folds": 1, "cards": 1}
"""Readers, and how often each of them gets an input, relative to the others."""


class WrongResult(Exception):
    """A result that is neither right nor an error."""


class Outcome(NamedTuple):
    """What became of an input: ``kind`` is "clean", "refused", "other", "crash" or "hang"."""

    kind: str
    detail: str
    peak: float  # memory of the worker up to now (MiB)


class Result(NamedTuple):
    """Outcomes of a run by number of the input."""

    outcomes: dict
    peak: float

    def __str__(self):
        n = Counter(outcome.kind for outcome in self.outcomes.values())
        n_clip_errors = sum(outcome.detail.startswith("ClipError") for outcome in self.outcomes.values())
        return (
            f"hostile: {len(self.outcomes)} inputs, {n['clean']} clean results, {n_clip_errors} ClipErrors, "
            f"{n['refused'] - n_clip_errors} other documented errors, {n['other']} other exceptions, "
            f"{n['crash']} crashes, {n['hang']} hangs, peak memory {self.peak:.0f} MiB"
        )

    def problems(self):
        """Return a line for each input with another exception, a crash or a hang."""
        return [
            f"input {number}: {outcome.kind}: {outcome.detail}"
            for number, outcome in sorted(self.outcomes.items())
            if outcome.kind not in ("clean", "refused")
        ]


def run(n_inputs=N_INPUTS, seed=SEED):
    """Read inputs in a worker process.

    Parameters
    ----------
    n_inputs : int, default=5000
        Number of inputs.
    seed : int, default=0
        Seed of the mutations.

    Returns
    -------
    result : Result
    """
    outcomes, peak, worker = {}, 0.0, None
    with tempfile.TemporaryDirectory() as folder:
        write_sources(Path(folder) / "sources")
        for number in range(n_inputs):
            worker = worker or Worker(_work, folder, seed)
            outcomes[number] = outcome = worker.read(number)
            peak = max(peak, outcome.peak)
            if outcome.kind in ("crash", "hang"):
                worker = worker.end()
        if worker is not None:
            worker.end()
    return Result(outcomes, peak)


class Worker:
    """A process that reads inputs.

    Parameters
    ----------
    function : callable
        ``function(connection, *arguments)``: sends an Outcome when it has started, and one for each number that it
        receives.
    *arguments : object
        Its arguments.
    limit : float, default=60
        Time for one input (s).
    """

    def __init__(self, function, *arguments, limit=LIMIT):
        context = multiprocessing.get_context("spawn")
        self._limit = limit
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=function, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()
        started = self._receive(START_LIMIT)
        if started.kind != "clean":
            raise RuntimeError(f"whole inputs cannot be read: {started.detail}")

    def read(self, number):
        """Return the outcome of an input."""
        self._connection.send(number)
        return self._receive(self._limit)

    def end(self):
        """End the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _receive(self, limit):
        if not self._connection.poll(limit):
            return Outcome("hang", f"no result in {limit} s", 0.0)
        try:
            return self._connection.recv()
        except EOFError:
            self._process.join()
            return Outcome("crash", f"the worker ended with {self._process.exitcode}", 0.0)


def _work(connection, folder, seed):
    """Read inputs until the parent ends; before that, read the whole inputs once."""
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    sources = {
        path.name: [(file.name, file.read_bytes()) for file in sorted(path.iterdir())]
        for path in (Path(folder) / "sources").iterdir()
    }
    sources["cards"] = sources["models"]
    with contextlib.suppress(EOFError, BrokenPipeError):
        connection.send(_read_whole(sources, Path(folder)))
        while True:
            reader, name, content = make_input(sources, seed, connection.recv())
            connection.send(_outcome(reader, name, content, Path(folder)))


def make_input(sources, seed, number):
    """Return an input: its reader, the name of its source, and its content.

    Parameters
    ----------
    sources : dict of str to list of (str, bytes)
        Names and contents of the whole inputs of each reader.
    seed, number : int
        Seed of the run, and number of the input.
    """
    rng = np.random.default_rng([seed, number])
    shares = np.array(list(READERS.values()))
    reader = list(READERS)[rng.choice(len(READERS), p=shares / shares.sum())]
    name, content = sources[reader][rng.integers(len(sources[reader]))]
    others = [other for _, other in sources[reader]]
    # Some parts come from files of another kind.
    others += [other for kind in sources for _, other in sources[kind][:1]]
    return reader, name, mutate(content, others, rng)


def _read_whole(sources, folder):
    for reader, files in sources.items():
        for name, content in files:
            outcome = _outcome(reader, name, content, folder)
            if outcome.kind != "clean":
                return outcome
    return Outcome("clean", "", 0.0)


def _outcome(reader, name, content, folder):
    """Read one input; the names of readers and sources are in the detail."""
    from savee_mm import ClipError

    try:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            refusal = _READ[reader](Path(place), name, content)
        kind, detail = ("clean", "") if refusal is None else ("refused", refusal)
    except ClipError as error:
        # Extractors turn any exception of a kernel into a ClipError with this reason.
        kind, detail = ("other" if error.reason.startswith("the extraction failed") else "refused", error)
    except Exception as error:
        kind, detail = "other", error
    text = detail if isinstance(detail, str) else f"{type(detail).__name__} of {reader} from {name}: {detail}"
    return Outcome(kind, text, _peak())


def _peak():
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def _read_audio(folder, name, content):
    """Extract audio features: reading, and all kernels."""
    from savee_mm import AudioFeatures

    path = folder / name
    path.write_bytes(content)
    values = AudioFeatures(cache=None).fit_transform([str(path)])
    if not np.isfinite(values).all():
        raise WrongResult("features that are not finite")


def _read_video(folder, name, content):
    from savee_mm import ClipError, read_audio, read_frames

    path, refusal = folder / name, None
    path.write_bytes(content)
    try:
        y, sr = read_audio(path)
        if not (np.isfinite(y).all() and y.ndim == 1 and y.size and sr > 0):
            raise WrongResult("samples that are no sound")
    except ClipError as error:
        # An image has no sound.
        if not name.endswith((".jpg", ".png")):
            refusal = f"ClipError: {error}"
    frames, times = read_frames(path, 4)
    if frames.ndim != 4 or len(frames) != 4 or frames.dtype != np.uint8 or not np.isfinite(times).all():
        raise WrongResult("frames that are no images")
    return refusal


def _read_model(folder, name, content):
    from savee_mm import load_model

    path = folder / name
    path.write_bytes(content)
    try:
        model = load_model(path)
    except ValueError as error:
        return f"ValueError: {error}"
    # Predictions of a manipulated file may fail in any way, except by a crash or without an end.
    with contextlib.suppress(Exception):
        shape = (2, 2, 16, 16, 3) if name == "network.savee" else (2, 3)
        model.predict(np.random.default_rng(0).random(shape, dtype=np.float32))
    return None


def _read_card(folder, name, content):
    from savee_mm import load_card

    path = folder / name
    path.write_bytes(content)
    try:
        load_card(path).to_markdown()
    except ValueError as error:
        return f"ValueError: {error}"
    return None


def _read_table(folder, name, content):
    from savee_mm import load_table

    for i in range(12):
        (folder / f"{i}.wav").touch()
    (folder / name).write_bytes(content)
    try:
        corpus = load_table(folder / name)
    except (ValueError, FileNotFoundError) as error:
        return f"{type(error).__name__}: {error}"
    if not len(corpus.data) == len(corpus.target) > 0:
        raise WrongResult("a corpus without clips or classes")
    return None


def _read_annotations(folder, name, content):
    from savee_mm import read_annotations

    (folder / name).write_bytes(content)
    try:
        table = read_annotations(folder / name, format="labelstudio" if name.endswith(".json") else None)
    except ValueError as error:
        return f"ValueError: {error}"
    if not {"start", "end", "emotion"} <= set(table):
        raise WrongResult("a timeline without times or labels")
    return None


def _read_entry(folder, name, content):
    from savee_mm._cache import FolderStore

    (folder / name).write_bytes(content)
    array = FolderStore(folder).get(ENTRY)
    if array is None:
        return "computed again"
    if not np.array_equal(array, np.arange(240, dtype=np.float32).reshape(6, 40)):
        raise WrongResult("other values")
    return None


def _read_fold(folder, name, content):
    from savee_mm import EvaluationReport

    (folder / name).write_bytes(content)
    try:
        report = EvaluationReport.from_folds(folder)
    except ValueError as error:
        return f"ValueError: {error}"
    if report.predictions["predicted"].tolist() != ["anger"] * 4 or len(report.predictions["clip_id"].unique()) != 4:
        raise WrongResult("other predictions")
    return None


_READ = {
    "audio": _read_audio,
    "video": _read_video,
    "models": _read_model,
    "cards": _read_card,
    "tables": _read_table,
    "annotations": _read_annotations,
    "cache": _read_entry,
    "folds": _read_fold,
}


def main(n_inputs=N_INPUTS, seed=SEED):
    """Print the problems and the counts. Return whether there was no problem."""
    result = run(n_inputs, seed)
    problems = result.problems()
    print(*problems, result, sep="\n")
    return not problems


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:3])) else 1)
