"""Worker processes that predict: one job at a time each, and replaced if they die or take too long."""

import asyncio
import io
import json
import math
import multiprocessing
import queue
import shutil
import signal
import struct
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection

import numpy as np

from savee_mm._validation import ClipError

SOUND, FRAME = 1, 2
"""First byte of a message of a stream; float32 samples, or a float64 time (s) and a JPEG image follow."""

_MAX_SIDE = 2000  # pixels of a frame of a stream
_MAX_QUEUE = 600  # frames of a stream that wait for the model
_OVERHEAD = 100  # bytes that a waiting message needs apart from its content
_SHORTEST_BLOCK = 0.005  # s of sound; shorter messages are joined
_MAX_GAP = 60.0  # s between two frames


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
    wait_seconds : float
        Time that a job may wait for a worker (s).

    Attributes
    ----------
    n_replaced : int
        Number of workers that were replaced.
    """

    def __init__(self, model_file, *, n_workers, max_waiting, wait_seconds):
        self.n_workers = n_workers
        self.n_replaced = 0
        self._model_file = str(model_file)
        self._max_waiting = max_waiting
        self._wait_seconds = wait_seconds
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
            If too many jobs wait, or no worker is free in time.
        JobError
            If the input cannot be used.
        WorkerError
            If the worker died, or the time is over.
        """
        async with self.worker() as worker, limit(timeout):
            await worker.send(job)
            return await worker.receive()

    @asynccontextmanager
    async def worker(self):
        """Reserve a worker for the block; it is replaced if the block does not leave it idle."""
        if self._n_waiting >= self._max_waiting and self._idle.empty():
            raise BusyError("all workers are busy; try again later")
        self._n_waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                worker = await self._idle.get()
        except TimeoutError:
            raise BusyError(f"no worker was free for {self._wait_seconds:g} s; try again later") from None
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
async def limit(timeout):
    """Raise WorkerError if the block takes longer than ``timeout`` (s)."""
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
        # A pipe blocks while the worker is slow. One thread each keeps the messages in order.
        self._sender, self._receiver = (ThreadPoolExecutor(1, f"worker {self.pid} {way}") for way in ("to", "from"))

    @property
    def pid(self):
        """Process id."""
        return self._process.pid

    async def send(self, job, payload=None):
        """Send a job, or the next message of a stream; raise WorkerError if the process has ended.

        Messages are sent in the order of the calls, also if a call is cancelled while its message is on the way.
        """
        self.is_idle = False
        content = json.dumps(job).encode() if payload is None else payload
        try:
            await _in_thread(self._sender, self._connection.send_bytes, content)
        except OSError as error:
            raise WorkerError("the worker process has ended") from error

    async def receive(self):
        """Return the next answer."""
        try:
            answer = json.loads(await _in_thread(self._receiver, self._connection.recv_bytes))
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
        # The threads end as well: the pipe is broken.
        for executor in (self._sender, self._receiver):
            executor.shutdown(wait=False)
        shutil.rmtree(self._folder, ignore_errors=True)


async def _in_thread(executor, function, *args):
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, function, *args)
    except RuntimeError as error:  # the executor is shut down
        raise OSError(str(error)) from error


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


def _stream(connection, model, sr, audio, video, max_bytes, **settings):
    """Predict the messages of a stream until an empty one."""
    from savee_mm.inference.stream import predict_stream

    inbox = _Inbox([name for name, is_given in (("sound", audio), ("frames", video)) if is_given], max_bytes)
    reader = threading.Thread(target=inbox.read, args=(connection,), daemon=True)
    reader.start()
    held = (settings["window"] + settings["hop"]) * settings["fps"]
    decoded = {"sound": _blocks(inbox, sr), "frames": _images(inbox, max_bytes, held)}
    try:
        sources = {name: decoded[name] for name in inbox.kinds}
        for prediction in predict_stream(model, **sources, sr=sr, **settings):
            _answer(connection, last=False, **_window(prediction))
    except (ValueError, TypeError) as error:
        _answer(connection, last=False, error=str(error))
    # The messages until the end are not jobs.
    reader.join()
    return {"ended": True}


class _Inbox:
    """Messages of a stream that wait for the model, with a limit of their size.

    Parameters
    ----------
    kinds : list of str
        ``"sound"``, ``"frames"`` or both.
    max_bytes : int
        Size of all waiting messages.
    """

    def __init__(self, kinds, max_bytes):
        self.kinds = kinds
        self._max_bytes = max_bytes
        self._queues = {kind: queue.Queue() for kind in kinds}
        self._n_bytes = 0
        self._lock = threading.Lock()
        self._problem = None

    def read(self, connection):
        """Take the messages of a connection until an empty one, or its end."""
        try:
            while message := connection.recv_bytes():
                self._put(message)
        except (EOFError, OSError):
            pass
        finally:
            self._end()

    def messages(self, kind):
        """Yield the messages of a kind; raise ValueError if a message cannot be used."""
        while True:
            message = self._queues[kind].get()
            if self._problem is not None:
                raise ValueError(self._problem)
            if message is None:
                return
            self._add(-len(message) - _OVERHEAD)
            yield message

    def _put(self, message):
        kind = _kind(message)
        if kind is None:
            self._fail("Expected a message that starts with 1 (float32 samples) or 2 (float64 time, JPEG image).")
        waiting = self._queues.get(kind)
        # A frame that comes too early is left out; sound is a clock and is not.
        if self._problem is None and waiting is not None and (kind == "sound" or waiting.qsize() < _MAX_QUEUE):
            waiting.put(message)
            if self._add(len(message) + _OVERHEAD) > self._max_bytes:
                self._fail(
                    f"More than {self._max_bytes / 1e6:g} MB of sound and frames wait for the model: send them not "
                    f"faster than they are recorded, and {' and '.join(self.kinds)} from the start."
                )

    def _add(self, n_bytes):
        with self._lock:
            self._n_bytes += n_bytes
            return self._n_bytes

    def _fail(self, problem):
        """End all kinds with an error, before the messages that wait."""
        if self._problem is None:
            self._problem = problem
            self._end()

    def _end(self):
        for waiting in self._queues.values():
            waiting.put(None)


def _kind(message):
    """Return the kind of a message of a stream, None if it is neither."""
    if message[0] == SOUND and len(message) % 4 == 1:
        return "sound"
    return "frames" if message[0] == FRAME and len(message) > 9 else None


def _blocks(inbox, sr):
    """Yield blocks of sound; of short messages, several together."""
    held, n_samples = [], 0
    for message in inbox.messages("sound"):
        block = np.frombuffer(message, "<f4", offset=1)
        n_samples += len(block)
        if len(block):
            held.append(block)
        # A block that is not finite is passed on at once: it is an error.
        if held and (n_samples >= _SHORTEST_BLOCK * sr or not np.isfinite(block).all()):
            yield np.concatenate(held)
            held, n_samples = [], 0
    if held:
        yield np.concatenate(held)


def _images(inbox, max_bytes, n_frames):
    """Yield times (s) and images; raise ValueError if ``n_frames`` of them have more than ``max_bytes``."""
    from PIL import Image

    last = 0.0
    for message in inbox.messages("frames"):
        (time,) = struct.unpack_from("<d", message, 1)
        if not (math.isfinite(time) and 0 <= time <= last + _MAX_GAP):
            raise ValueError(f"Expected the time of a frame between 0 and {last + _MAX_GAP:g} s, got {time!r}.")
        last = max(last, time)
        try:
            image = Image.open(io.BytesIO(message[9:]), formats=["JPEG"])
            if max(image.size) > _MAX_SIDE:
                raise ValueError(f"expected frames of at most {_MAX_SIDE} pixels a side, got {image.size}")
            pixels = np.asarray(image.convert("RGB"))
        except Exception as error:  # also Pillow's, about images that are too large
            raise ValueError(f"A frame cannot be read: {error}") from error
        if n_frames * pixels.nbytes > max_bytes:
            raise ValueError(
                f"The frames of a window have {n_frames * pixels.nbytes / 1e6:.0f} MB, at most {max_bytes / 1e6:g} MB "
                "are allowed: send smaller frames, or lower window or fps."
            )
        yield time, pixels
