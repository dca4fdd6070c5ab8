"""The service as an ASGI application."""

import asyncio
import hmac
import ipaddress
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
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException as AnyHTTPException

from savee_mm._version import __version__
from savee_mm.inference.timeline_page import render_page
from savee_mm.persistence import load_card
from savee_mm.service.workers import BusyError, JobError, WorkerError, WorkerPool, limit

_UNUSABLE = 422
# Codes that end a WebSocket: policy, internal error, try again later.
_REFUSED, _BROKEN, _TRY_AGAIN = 1008, 1011, 1013


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
        Time for a prediction, and for the wait for a worker (s).
    live_seconds : float
        Length of a live session (s).
    message_bytes : int
        Size of a message of a live session.
    live_bytes : int
        Size of the messages of a live session that wait for the model, and of the decoded frames of a window.
    """

    n_workers: int = 2
    max_waiting: int = 16
    max_bytes: int = 100_000_000
    upload_seconds: float = 60.0
    predict_seconds: float = 120.0
    live_seconds: float = 600.0
    message_bytes: int = 2_000_000
    live_bytes: int = 200_000_000


def make_app(model_file, *, limits=None, token=None, hosts=("localhost",)):
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
        Host names by which the service is called, ``"*"`` for any; others are refused, so that pages of other sites
        cannot call it. IP addresses are allowed: such a site has a name. Pages under these names may call the service
        also through a proxy that changes the header ``Host``.

    Returns
    -------
    app : fastapi.FastAPI
    """
    service = _Service(model_file, limits or Limits(), token, hosts)
    # The pages of FastAPI for its documentation load scripts from the network, and its schema needs no token.
    app = FastAPI(
        title="savee_mm",
        version=__version__,
        description="Predict the displayed emotion of recordings from voice and face.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
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
    app.add_api_route("/openapi.json", service.schema, methods=["GET"], dependencies=allowed, include_in_schema=False)
    app.add_api_websocket_route("/live", service.live)
    for kind in (AnyHTTPException, RequestValidationError, JobError, BusyError, WorkerError, Exception):
        app.add_exception_handler(kind, _as_json)
    app.add_middleware(_BodyLimit, limits=service.limits)
    app.add_middleware(_HostLimit, hosts=hosts)
    return app


class _Service:
    def __init__(self, model_file, limits, token, hosts):
        self.limits = limits
        self._card = load_card(model_file)
        self._token = token
        self._hosts = hosts
        self._pool = WorkerPool(
            model_file,
            n_workers=limits.n_workers,
            max_waiting=limits.max_waiting,
            wait_seconds=limits.predict_seconds,
        )

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
        origin = connection.headers.get("origin", "").partition("://")[2]
        if "origin" in connection.headers and origin != connection.headers.get("host"):
            # A proxy may send another host than the browser. Other programs of this machine have pages on localhost.
            name = _host_name(origin)
            if name == "localhost" or name not in self._hosts:
                raise HTTPException(
                    403,
                    f"requests from pages of other sites are refused; if {name!r} is the name of this service, start "
                    f"it with --allow-host {name}",
                )
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
        min_voice: Annotated[
            float, Form(description="Voiced time (s) below which a window is a pause", ge=0, le=60)
        ] = 0.2,
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
        values = {"schema": request.app.openapi(), "limits": self.limits, "query": request.url.query}
        return _html(render_page("docs.html.jinja", __package__, **values))

    async def schema(self, request: Request) -> JSONResponse:
        """Return the requests and their parameters in the format of OpenAPI."""
        return JSONResponse(request.app.openapi())

    async def live(self, socket: WebSocket):
        """Predict camera and microphone; see ``savee_mm.service.workers`` for the messages."""
        await socket.accept()
        try:
            self._check(socket)
            settings = _live_settings(await self._first_text(socket))
            async with self._pool.worker() as worker:
                reason = await self._session(socket, worker, settings | {"max_bytes": self.limits.live_bytes})
        except WebSocketDisconnect:
            return
        except Exception as error:
            await _refuse(socket, error)
            if _describe(error)[0] == 500:
                raise  # to the log
        else:
            await _close(socket, 1000, reason)

    async def _first_text(self, socket):
        try:
            async with asyncio.timeout(self.limits.upload_seconds):
                message = await socket.receive()
        except TimeoutError:
            raise HTTPException(408, "the first message took too long") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        return message.get("text") or ""

    async def _session(self, socket, worker, settings):
        """Pass messages and answers on until one side ends the session; return why it ended."""
        await worker.send({"kind": "stream", **settings})
        await socket.send_json({"ready": True})
        passing = asyncio.create_task(self._pass_on(socket, worker))
        answering = asyncio.create_task(_pass_back(socket, worker))
        late = None
        try:
            await asyncio.wait(
                (passing, answering), timeout=self.limits.live_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            is_over = not (passing.done() or answering.done())
            passing.cancel()
            # The last window is predicted; if it takes long, the worker is replaced. Nothing may follow the end of the
            # stream: the worker would read it as a job.
            try:
                async with limit(self.limits.predict_seconds):
                    await worker.send(None, b"")
                    await asyncio.wait((answering,))
                    await _drain(worker)
            except WorkerError as error:
                late = error
            for task in (answering, passing):
                if task.done() and not task.cancelled():
                    task.result()
            if late is not None:
                raise late
        finally:
            for task in (passing, answering):
                task.cancel()
        return f"a session is at most {self.limits.live_seconds:g} s long" if is_over else "the session has ended"

    async def _pass_on(self, socket, worker):
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect" or not message.get("bytes"):
                return
            if len(message["bytes"]) > self.limits.message_bytes:
                raise JobError(f"a message has more than {self.limits.message_bytes} bytes")
            await worker.send(None, message["bytes"])


async def _pass_back(socket, worker):
    while "ended" not in (answer := await worker.receive()):
        with suppress(RuntimeError, WebSocketDisconnect):  # a client that has left
            await socket.send_json(answer)


async def _drain(worker):
    while not worker.is_idle:
        with suppress(JobError):
            await worker.receive()


async def _refuse(socket, error):
    """Send an error as JSON, as requests get it, and close the connection with its message."""
    status, message = _describe(error)
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.send_json(_error_object(status, message))
    await _close(socket, {500: _BROKEN, 503: _TRY_AGAIN}.get(status, _REFUSED), message)


async def _close(socket, code, reason):
    with suppress(RuntimeError, WebSocketDisconnect):
        # A reason has at most 123 bytes.
        await socket.close(code, reason.encode()[:120].decode(errors="ignore"))


def _live_settings(text):
    """Return the settings of the first message of a live session."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JobError(f"the first message must be a JSON object: {error}") from error
    if not isinstance(given, dict) or given.get("informed") is not True:
        raise JobError('the first message must confirm that the people are informed: {"informed": true, ...}')
    settings = {name: given.get(name) is True for name in ("audio", "video")}
    bounds = {"window": (3.0, 0.2, 30), "hop": (1.0, 0.1, 30), "fps": (10.0, 0.1, 30), "min_confidence": (0.0, 0, 1)}
    bounds |= {"min_voice": (0.2, 0, 30), "sr": (16000.0, 4000, 192_000)}
    for name, (default, low, high) in bounds.items():
        value = given.get(name, default)
        if not isinstance(value, (int, float)):
            raise JobError(f"{name} must be a number, got {type(value).__name__}")
        settings[name] = float(value)
        if not low <= settings[name] <= high:
            raise JobError(f"{name} must be between {low} and {high}, got {settings[name]}")
    return settings


def _save(upload, path):
    with open(path, "wb") as file:
        shutil.copyfileobj(upload.file, file)


def _html(text):
    return HTMLResponse(text, headers={"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})


async def _as_json(request, error):
    """Return an error as JSON, without details of the machine."""
    status, message = _describe(error)
    return JSONResponse(_error_object(status, message), status, {"Retry-After": "1"} if status == 503 else {})


def _error_object(status, message):
    return {"error": {"status": status, "message": message}}


def _describe(error):
    """Return status and message of an error."""
    if isinstance(error, AnyHTTPException):
        return error.status_code, error.detail
    if isinstance(error, RequestValidationError):
        details = ("{}: {}".format(".".join(map(str, each["loc"][1:])), each["msg"]) for each in error.errors())
        return _UNUSABLE, "; ".join(details)
    for kind, status in ((JobError, _UNUSABLE), (BusyError, 503), (WorkerError, 502)):
        if isinstance(error, kind):
            return status, str(error)
    return 500, "an internal error"


def _host_name(host):
    """Return the name or address of a host, without port and brackets."""
    return host.lower().rpartition("]")[0].lstrip("[") if host.startswith("[") else host.lower().partition(":")[0]


def _is_address(name):
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class _HostLimit:
    """Middleware that refuses requests under other host names."""

    def __init__(self, app, hosts):
        self._app = app
        self._hosts = set(hosts)

    async def __call__(self, scope, receive, send):
        if scope["type"] in ("http", "websocket") and "*" not in self._hosts:
            name = _host_name(Headers(scope=scope).get("host", ""))
            if name not in self._hosts and not _is_address(name):
                refused = HTTPException(
                    400,
                    f"requests for the host {name!r} are refused; if the service has this name, start it with "
                    f"--allow-host {name}",
                )
                return await (await _as_json(None, refused))(scope, receive, send)
        return await self._app(scope, receive, send)


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
