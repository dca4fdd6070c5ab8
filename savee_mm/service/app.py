"""The service as an ASGI application."""

import asyncio
import hmac
import json
import shutil
import tempfile
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Form, HTTPException, Request, UploadFile, WebSocket, WebSocketDisconnect
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from savee_mm._version import __version__
from savee_mm.inference.timeline_page import render_page
from savee_mm.persistence import load_card
from savee_mm.service.workers import BusyError, JobError, WorkerError, WorkerPool

_UNUSABLE = 422
_TRY_AGAIN = 1013  # WebSocket: try again later
_REFUSED = 1008  # WebSocket: policy


@dataclass(frozen=True)
class Limits:
    """Limits of the service.

    Attributes
    ----------
    n_workers : int
        Predictions at a time.
    max_waiting : int
        Requests that may wait for a worker; others get status 503.
    max_bytes : int
        Size of an upload.
    upload_seconds : float
        Time for an upload (s).
    predict_seconds : float
        Time for a prediction (s).
    live_seconds : float
        Length of a live session (s).
    message_bytes : int
        Size of a message of a live session.
    """

    n_workers: int = 2
    max_waiting: int = 16
    max_bytes: int = 100_000_000
    upload_seconds: float = 60.0
    predict_seconds: float = 120.0
    live_seconds: float = 600.0
    message_bytes: int = 2_000_000


def make_app(model_file, *, limits=None, token=None, hosts=("127.0.0.1", "localhost", "[::1]")):
    """Return the application.

    Parameters
    ----------
    model_file : path-like
        Trained model.
    limits : Limits, default=None
        None for the defaults.
    token : str, default=None
        If given, requests need ``Authorization: Bearer TOKEN`` or ``?token=TOKEN``; only ``/health`` does not.
    hosts : sequence of str
        Host names by which the service is called; others are refused, so that pages of other sites cannot call it.

    Returns
    -------
    app : fastapi.FastAPI
    """
    service = _Service(model_file, limits or Limits(), token)
    # The pages of FastAPI for its documentation load scripts from the network: /docs is our own.
    app = FastAPI(
        title="savee_mm",
        version=__version__,
        description="Predict the displayed emotion of recordings from voice and face.",
        docs_url=None,
        redoc_url=None,
        lifespan=service.lifespan,
    )
    allowed = [Depends(service.check_access)]
    app.add_api_route("/health", service.health, methods=["GET"], summary="State of the workers")
    app.add_api_route("/model", service.model, methods=["GET"], summary="Card of the model", dependencies=allowed)
    app.add_api_route(
        "/predict", service.predict, methods=["POST"], summary="Predict a sound file or video", dependencies=allowed
    )
    app.add_api_route("/", service.page, methods=["GET"], dependencies=allowed, include_in_schema=False)
    app.add_api_route("/docs", service.docs, methods=["GET"], dependencies=allowed, include_in_schema=False)
    app.add_api_websocket_route("/live", service.live)
    for kind in (AnyHTTPException, RequestValidationError, JobError, BusyError, WorkerError, Exception):
        app.add_exception_handler(kind, _as_json)
    app.add_middleware(_BodyLimit, limits=service.limits)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return app


class _Service:
    def __init__(self, model_file, limits, token):
        self.limits = limits
        self._card = load_card(model_file)
        self._token = token
        self._pool = WorkerPool(model_file, n_workers=limits.n_workers, max_waiting=limits.max_waiting)

    @asynccontextmanager
    async def lifespan(self, app):
        try:
            await self._pool.start()
            yield
        finally:
            self._pool.close()

    def check_access(self, request: Request):
        """Raise if the token is wrong, or the request is from a page of another site."""
        self._check(request)

    def _check(self, connection):
        origin = connection.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != connection.headers.get("host"):
            raise HTTPException(403, "requests from pages of other sites are refused")
        if self._token is None:
            return
        scheme, _, given = connection.headers.get("authorization", "").partition(" ")
        given = given if scheme.lower() == "bearer" else connection.query_params.get("token", "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise HTTPException(401, "the access token is missing or wrong: send 'Authorization: Bearer TOKEN'")

    async def health(self) -> dict:
        """Return the number of workers, how many are busy, and how many were replaced."""
        pool = self._pool
        return {"status": "ok", "workers": pool.n_workers, "busy": pool.n_busy, "replaced": pool.n_replaced}

    async def model(self) -> dict:
        """Return the card of the model: classes, intended use, corpus, evaluation."""
        return dict(self._card)

    async def predict(
        self,
        file: UploadFile,
        timeline: Annotated[bool, Form(description="Whether to predict sliding windows")] = False,
        window: Annotated[float, Form(description="Length of a window (s)", gt=0, le=60)] = 3.0,
        hop: Annotated[float, Form(description="From the start of a window to the next (s)", ge=0.1, le=60)] = 1.0,
        min_voice: Annotated[float, Form(description="Voiced time (s) of a pause", ge=0, le=60)] = 0.2,
        min_confidence: Annotated[float, Form(description="Below it no emotion is named", ge=0, le=1)] = 0.0,
    ) -> dict:
        """Return emotion, probabilities and note; with ``timeline`` those of each window."""
        with tempfile.TemporaryDirectory(prefix="savee_mm_upload_") as folder:
            # Of the name only the suffix is used.
            suffix = Path(file.filename or "").suffix.lower()
            path = Path(folder) / f"upload{suffix if suffix[1:].isalnum() and len(suffix) <= 8 else ''}"
            await asyncio.to_thread(_save, file, path)
            job = {"kind": "file", "path": str(path), "min_confidence": min_confidence}
            if timeline:
                job |= {"kind": "timeline", "window": window, "hop": hop, "min_voice": min_voice}
            answer = await self._pool.run(job, self.limits.predict_seconds)
        return {"file": file.filename, **answer, "caution": self._card.get("caution", "")}

    async def page(self, request: Request) -> HTMLResponse:
        """Return the page that uses camera and microphone."""
        text = render_page(
            "live.html.jinja",
            __package__,
            classes=[str(name) for name in self._card.get("classes", ())],
            caution=self._card.get("caution", ""),
            data={"token": request.query_params.get("token", ""), "seconds": self.limits.live_seconds},
        )
        return _html(text)

    async def docs(self, request: Request) -> HTMLResponse:
        """Return a page of the requests and their parameters."""
        return _html(render_page("docs.html.jinja", __package__, schema=request.app.openapi(), limits=self.limits))

    async def live(self, socket: WebSocket):
        """Predict camera and microphone; see ``savee_mm.service.workers`` for the messages."""
        await socket.accept()
        try:
            self._check(socket)
            settings = _live_settings(await asyncio.wait_for(socket.receive_text(), self.limits.upload_seconds))
            async with self._pool.worker() as worker:
                await self._session(socket, worker, settings)
        except WebSocketDisconnect:
            return
        except BusyError as error:
            await _close(socket, _TRY_AGAIN, str(error))
        except HTTPException as error:
            await _close(socket, _REFUSED, error.detail)
        except (ValueError, TypeError, KeyError, WorkerError, TimeoutError) as error:
            await _close(socket, _REFUSED, str(error))
        else:
            await _close(socket, 1000, f"a session is at most {self.limits.live_seconds:g} s long")

    async def _session(self, socket, worker, settings):
        worker.send({"kind": "stream", **settings})
        await socket.send_json({"ready": True})
        passing = asyncio.create_task(self._pass_on(socket, worker))
        answering = asyncio.create_task(_pass_back(socket, worker))
        try:
            await asyncio.wait(
                (passing, answering), timeout=self.limits.live_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if answering.done():
                answering.result()
            passing.cancel()
            worker.send(None, b"")
            # The last window is predicted; if it takes long, the worker is replaced.
            await asyncio.wait((answering,), timeout=self.limits.predict_seconds)
            if passing.done() and not passing.cancelled():
                passing.result()
        except JobError:
            # Nothing may follow the end of the stream: the worker would read it as a job.
            passing.cancel()
            worker.send(None, b"")
            await asyncio.wait_for(_drain(worker), self.limits.predict_seconds)
            raise
        finally:
            for task in (passing, answering):
                task.cancel()

    async def _pass_on(self, socket, worker):
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect" or not message.get("bytes"):
                return
            if len(message["bytes"]) > self.limits.message_bytes:
                raise ValueError(f"a message has more than {self.limits.message_bytes} bytes")
            worker.send(None, message["bytes"])


async def _pass_back(socket, worker):
    while "ended" not in (answer := await worker.receive()):
        with suppress(RuntimeError, WebSocketDisconnect):  # a client that has left
            await socket.send_json(answer)


async def _drain(worker):
    while not worker.is_idle:
        with suppress(JobError):
            await worker.receive()


async def _close(socket, code, reason):
    with suppress(RuntimeError, WebSocketDisconnect):
        # A reason has at most 123 bytes.
        await socket.close(code, reason.encode()[:120].decode(errors="ignore"))


def _live_settings(text):
    """Return the settings of the first message of a live session."""
    given = json.loads(text)
    if not isinstance(given, dict) or given.get("informed") is not True:
        raise ValueError('the first message must confirm that the people are informed: {"informed": true, ...}')
    settings = {name: bool(given.get(name, False)) for name in ("audio", "video")}
    settings["sr"] = float(given.get("sr", 16000))
    bounds = {"window": (3.0, 0.2, 30), "hop": (1.0, 0.1, 30), "fps": (10.0, 0.1, 30), "min_confidence": (0.0, 0, 1)}
    for name, (default, low, high) in {**bounds, "min_voice": (0.2, 0, 30)}.items():
        settings[name] = float(given.get(name, default))
        if not low <= settings[name] <= high:
            raise ValueError(f"{name} must be between {low} and {high}, got {settings[name]}")
    if not 4000 <= settings["sr"] <= 192_000:
        raise ValueError(f"sr must be between 4000 and 192000 Hz, got {settings['sr']:g}")
    return settings


def _save(upload, path):
    with open(path, "wb") as file:
        shutil.copyfileobj(upload.file, file)


def _html(text):
    return HTMLResponse(text, headers={"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})


async def _as_json(request, error):
    """Return an error as JSON, without details of the machine."""
    status, message = 500, "an internal error"
    if isinstance(error, AnyHTTPException):
        status, message = error.status_code, error.detail
    elif isinstance(error, RequestValidationError):
        details = ("{}: {}".format(".".join(map(str, each["loc"][1:])), each["msg"]) for each in error.errors())
        status, message = _UNUSABLE, "; ".join(details)
    elif isinstance(error, JobError):
        status, message = _UNUSABLE, str(error)
    elif isinstance(error, (BusyError, WorkerError)):
        status, message = 503 if isinstance(error, BusyError) else 502, str(error)
    headers = {"Retry-After": "1"} if status == 503 else {}
    return JSONResponse({"error": {"status": status, "message": message}}, status, headers)


class _BodyLimit:
    """Middleware that refuses large and slow uploads while they arrive."""

    def __init__(self, app, limits):
        self._app = app
        self._limits = limits

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if int(dict(scope["headers"]).get(b"content-length", 0)) > 2 * self._limits.max_bytes:
            return await (await _as_json(None, self._too_large()))(scope, receive, send)
        body = _Body(receive, time.monotonic() + self._limits.upload_seconds)

        async def limited():
            message = await body.receive()
            if body.n_bytes > self._limits.max_bytes:
                # Clients read the answer only after they have sent the rest, of which some is accepted.
                while not body.is_complete and body.n_bytes < 2 * self._limits.max_bytes:
                    await body.receive()
                raise self._too_large()
            return message

        return await self._app(scope, limited, send)

    def _too_large(self):
        return HTTPException(413, f"the upload has more than {self._limits.max_bytes} bytes")


class _Body:
    """The body of a request, which must be complete at a time."""

    def __init__(self, receive, end):
        self.n_bytes = 0
        self.is_complete = False
        self._receive = receive
        self._end = end

    async def receive(self):
        if self.is_complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._end - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the upload took too long") from None
        self.n_bytes += len(message.get("body", b""))
        self.is_complete = not message.get("more_body", False)
        return message
