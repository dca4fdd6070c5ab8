"""Worker processes that predict: one job at a time each, and replaced if they die or take too long."""

import asyncio
import io
import json
import multiprocessing
import queue
import shutil
import signal
import struct
import tempfile
import threading
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection

import numpy as np

from savee_mm._validation import ClipError

SOUND, FRAME = 1, 2
"""First byte of a message of a stream; float32 samples, or a float64 time (s) and a JPEG image follow."""

_MAX_SIDE = 2000  # pixels of a frame of a stream
_MAX_QUEUE = 600  # messages of a stream that wait for the model


class WorkerError(RuntimeError):
    """A job ended without a result: the worker died, or took too long."""


class BusyError(RuntimeError):
    """All workers are busy, and enough jobs wait already."""


class JobError(ValueError):
    """The input cannot be used; the message is for the client."""


class WorkerPool:
    """A fixed number of worker processes.

    Parameters
    ----------
    model_file : path-like
        Model file, loaded once by each worker.
    n_workers : int
        Number of processes.
    max_waiting : int
        Number of jobs that may wait for a worker.

    Attributes
    ----------
    n_replaced : int
        Number of workers that were replaced.
    """

    def __init__(self, model_file, *, n_workers, max_waiting):
        self.n_workers = n_workers
        self.n_replaced = 0
        self._model_file = str(model_file)
        self._max_waiting = max_waiting
        self._n_waiting = 0
        self._idle = asyncio.Queue()
        self._workers = set()
        self._is_open = True

    async def start(self):
        """Start the workers, and wait until each has loaded the model."""
        workers = [Worker(self._model_file) for _ in range(self.n_workers)]
        self._workers.update(workers)
        for worker in workers:
            await worker.receive()
            self._idle.put_nowait(worker)

    def close(self):
        """End the workers and delete their temporary files."""
        self._is_open = False
        for worker in self._workers:
            worker.kill()
        self._workers.clear()

    @property
    def n_busy(self):
        """Number of workers with a job, or not ready."""
        return self.n_workers - self._idle.qsize()

    async def run(self, job, timeout):
        """Return the answer to a job.

        Parameters
        ----------
        job : dict
            ``{"kind": "file", "path": path, ...}``.
        timeout : float
            Time for the job (s), after which the worker is replaced.

        Returns
        -------
        answer : dict

        Raises
        ------
        BusyError
            If too many jobs wait.
        JobError
            If the input cannot be used.
        WorkerError
            If the worker died, or the time is over.
        """
        async with self.worker() as worker, _limit(timeout):
            worker.send(job)
            return await worker.receive()

    @asynccontextmanager
    async def worker(self):
        """Reserve a worker for the block; it is replaced if the block does not leave it idle."""
        if self._n_waiting >= self._max_waiting and self._idle.empty():
            raise BusyError("all workers are busy; try again later")
        self._n_waiting += 1
        try:
            worker = await self._idle.get()
        finally:
            self._n_waiting -= 1
        try:
            yield worker
        finally:
            if worker.is_idle:
                self._idle.put_nowait(worker)
            else:
                worker.kill()
                self._workers.discard(worker)
                if self._is_open:
                    self._replace()

    def _replace(self):
        self.n_replaced += 1
        worker = Worker(self._model_file)
        self._workers.add(worker)

        async def wait():
            with suppress(WorkerError):
                await worker.receive()
            self._idle.put_nowait(worker)

        self._starting = asyncio.get_running_loop().create_task(wait())


@asynccontextmanager
async def _limit(timeout):
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError:
        raise WorkerError(f"the prediction took longer than {timeout:g} s") from None


class Worker:
    """One process with a model; answers are JSON, so that a worker cannot make the server run code."""

    def __init__(self, model_file):
        context = multiprocessing.get_context("spawn")
        self.is_idle = False
        self._folder = tempfile.mkdtemp(prefix="savee_mm_worker_")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_work, args=(other, model_file, self._folder), daemon=True)
        self._process.start()
        other.close()

    @property
    def pid(self):
        """Process id."""
        return self._process.pid

    def send(self, job, payload=None):
        """Send a job, or the next message of a stream; raise WorkerError if the process has ended."""
        self.is_idle = False
        try:
            self._connection.send_bytes(json.dumps(job).encode() if payload is None else payload)
        except OSError as error:
            raise WorkerError("the worker process has ended") from error

    async def receive(self):
        """Return the next answer."""
        try:
            answer = json.loads(await asyncio.to_thread(self._connection.recv_bytes))
        except (EOFError, OSError) as error:
            raise WorkerError("the worker process has ended; the input is not tried again") from error
        self.is_idle = answer.pop("last", True)
        if "error" in answer:
            raise JobError(answer["error"])
        return answer

    def kill(self):
        """End the process, and delete its temporary files."""
        self.is_idle = False
        self._process.kill()
        self._process.join()
        shutil.rmtree(self._folder, ignore_errors=True)


def _work(connection: Connection, model_file, folder):
    """Answer jobs until the server closes the connection or ends."""
    # Ctrl-C reaches all processes; the server ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = folder
    from savee_mm.inference.files import without_cache
    from savee_mm.persistence import load_model

    model = without_cache(load_model(model_file))
    _answer(connection)
    jobs: dict[str, Callable] = {"file": _predict, "timeline": _timeline, "stream": _stream}
    with suppress(EOFError, OSError):
        while True:
            job = json.loads(connection.recv_bytes())
            try:
                _answer(connection, **jobs[job.pop("kind")](connection, model, **job))
            except ClipError as error:
                _answer(connection, error=error.reason)
            except (ValueError, TypeError) as error:
                _answer(connection, error=str(error))


def _answer(connection, **answer):
    connection.send_bytes(json.dumps(answer).encode())


def _predict(connection, model, path, min_confidence):
    from savee_mm.inference.files import predict_file_with_note
    from savee_mm.inference.windows import decide

    probabilities, note = predict_file_with_note(model, path)
    emotion, note = decide(probabilities, min_confidence, note)
    return {
        "emotion": emotion,
        "confidence": float(probabilities.max()),
        "probabilities": {name: float(p) for name, p in probabilities.items()},
        "note": note,
    }


def _timeline(connection, model, path, **settings):
    from savee_mm.inference.timeline import EmotionTimeline

    return {"windows": [_window(prediction) for prediction in EmotionTimeline(model, **settings).windows(path)]}


def _window(prediction):
    p = prediction.probabilities
    is_predicted = bool(p.notna().all())
    return {
        "start": prediction.start,
        "end": prediction.end,
        "emotion": prediction.emotion,
        "confidence": float(p.max()) if is_predicted else None,
        "probabilities": {name: float(value) for name, value in p.items()} if is_predicted else None,
        "note": prediction.note,
        "delay": prediction.delay,
    }


def _stream(connection, model, sr, audio, video, **settings):
    """Predict the messages of a stream until an empty one."""
    from savee_mm.inference.stream import predict_stream

    sources = {name: queue.Queue() for name, is_given in (("sound", audio), ("frames", video)) if is_given}
    reader = threading.Thread(target=_read_stream, args=(connection, sources), daemon=True)
    reader.start()
    arguments = {name: _until_end(source) for name, source in sources.items()}
    try:
        for prediction in predict_stream(model, **arguments, sr=sr, **settings):
            _answer(connection, last=False, **_window(prediction))
    except (ValueError, TypeError) as error:
        _answer(connection, last=False, error=str(error))
    # The messages until the end are not jobs.
    reader.join()
    return {"ended": True}


def _read_stream(connection, sources):
    try:
        while message := connection.recv_bytes():
            try:
                name, item = _decode(message)
            except Exception as error:  # also Pillow's, about images that are too large
                name, item = next(iter(sources), None), ValueError(f"a message cannot be read: {error}")
            source = sources.get(name)
            # A frame that comes too early is left out; sound is a clock and is not.
            if source is not None and (name == "sound" or source.qsize() < _MAX_QUEUE):
                source.put(item)
    except (EOFError, OSError):
        pass
    finally:
        for source in sources.values():
            source.put(None)


def _decode(message):
    """Return the kind and the content of a message of a stream."""
    if message[0] == SOUND and len(message) % 4 == 1:
        return "sound", np.frombuffer(message, "<f4", offset=1)
    if message[0] == FRAME and len(message) > 9:
        from PIL import Image

        image = Image.open(io.BytesIO(message[9:]), formats=["JPEG"])
        if max(image.size) > _MAX_SIDE:
            raise ValueError(f"Expected frames of at most {_MAX_SIDE} pixels a side, got {image.size}.")
        return "frames", (struct.unpack_from("<d", message, 1)[0], np.asarray(image.convert("RGB")))
    raise ValueError("Expected a message that starts with 1 (float32 samples) or 2 (float64 time, JPEG image).")


def _until_end(source):
    while (item := source.get()) is not None:
        if isinstance(item, Exception):
            raise ValueError(str(item)) from item
        yield item
